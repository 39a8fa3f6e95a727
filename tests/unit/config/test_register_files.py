"""Registers on file: read whole or refused with every mistake and its place; no cell is repeated in a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy_audit.config import register_files
from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_registers import RegisterBinding, Registers
from privacy_audit.config.registers import COMPANY_REGISTERS
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.errors import ConfigurationRefusedError

MAP = {
    "store": "grc", "title": "Registers", "connection": "store_grc", "owner": "Compliance", "alert": "alerts",
    "no_data_before": "2001-01-01",
    "tables": {"grc.notes": {"title": "Notes", "key": ["id"]}},
}  # fmt: skip


def read(folder: Path, register: str, file: str, text: str) -> RegisterBinding:
    expectations = folder / "expectations"
    (expectations / "registers").mkdir(parents=True, exist_ok=True)
    (expectations / "registers" / file).write_text(text, encoding="utf-8")
    store = StoreMap.model_validate({**MAP, "registers": {register: {"file": file}}})
    records = register_files.with_files(store, expectations).registers.records(register)
    assert records is not None
    return records


def refusal(folder: Path, register: str, file: str, text: str) -> str:
    with pytest.raises(ConfigurationRefusedError) as refused:
        read(folder, register, file, text)
    return str(refused.value)


def test_every_register_can_be_bound() -> None:
    assert set(COMPANY_REGISTERS) <= set(Registers.model_fields)


def test_a_sheet_is_read(tmp_path: Path) -> None:
    text = 'role,holder,from,to\nreader,"Data, protection",2024-01-01,\n\n, , 2025-02-28 ,2026-01-01\n'
    records = read(tmp_path, "roles", "roles.csv", text)
    assert records.name == "registers.roles"
    assert records.line_fields == ("role", "holder", "from", "to")
    assert records.lines == (
        ("reader", "Data, protection", "2024-01-01", None),
        (None, None, "2025-02-28", "2026-01-01"),
    )
    assert {field: clock.encoding for field, clock in records.fields.items() if field in ("from", "to")} == {
        "from": Encoding.DATE,
        "to": Encoding.DATE,
    }


def test_yaml_says_the_same(tmp_path: Path) -> None:
    text = """rows:
  - name: sid
    class: necessary
    max_age_days: 1
  - name: stats
    reviewed: 2026-11-24
"""
    records = read(tmp_path, "cookies", "cookies.yaml", text)
    assert records.line_fields == ("name", "class", "max_age_days", "reviewed")
    assert records.lines == (("sid", "necessary", "1", None), ("stats", None, None, "2026-11-24"))


def test_moments_keep_their_zone(tmp_path: Path) -> None:
    records = read(tmp_path, "incidents", "incidents.csv", "aware,notified\n2026-11-24T10:00:00+01:00,\n")
    assert records.fields["aware"].encoding is Encoding.TIMESTAMPTZ
    assert records.lines == (("2026-11-24T10:00:00+01:00", None),)


def test_a_sheet_without_rows_holds_none(tmp_path: Path) -> None:
    records = read(tmp_path, "incidents", "incidents.csv", "aware,notified\n")
    assert (records.line_fields, records.lines) == (("aware", "notified"), ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expectations/registers/roles.csv: is empty. Its first line names the fields."),
        ("rôle,from\n", 'expectations/registers/roles.csv:1: the register roles has no field "rôle".'),
        ("role,role\n", 'expectations/registers/roles.csv:1: the field "role" stands there twice.'),
        ("role,from\nx\n", "expectations/registers/roles.csv:2: has 1 cells, and the first line names 2 fields."),
        ("role,from\nx,24/11/2026\n", "expectations/registers/roles.csv:2: from is no day or moment."),
        ("role,from\nx,2026-11-24T10:00:00\n", "expectations/registers/roles.csv:2: from is no day or moment."),
        (
            "role,from\nx,2026-11-24\ny,2026-11-24T10:00:00Z\n",
            "expectations/registers/roles.csv:1: from holds days in some rows and moments in others.",
        ),
        ('role,from\n"x,2026-11-24\n', "expectations/registers/roles.csv: is no sheet:"),
    ],
)
def test_a_slip_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert refusal(tmp_path, "roles", "roles.csv", text).startswith(says)


def test_numbers_and_flags_are_held_to_what_they_are(tmp_path: Path) -> None:
    told = refusal(tmp_path, "backups", "backups.csv", "store,encrypted\napp,perhaps\nweb,yes\n")
    assert told == "expectations/registers/backups.csv:2: encrypted is no flag. Write yes or no."
    told = refusal(tmp_path, "cookies", "cookies.csv", "name,max_age_days\nsid,a day\nstats,NaN\n")
    assert told.count("max_age_days is no number. Write it as 12 or 12.5.") == 2


def test_no_cell_is_repeated(tmp_path: Path) -> None:
    told = refusal(tmp_path, "roles", "roles.csv", "role,from\nx,jean.canari@example.org\n")
    assert "canari" not in told


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "expectations").mkdir()
    store = StoreMap.model_validate({**MAP, "registers": {"roles": {"file": "roles.csv"}}})
    with pytest.raises(ConfigurationRefusedError) as refused:
        register_files.with_files(store, tmp_path / "expectations")
    assert str(refused.value) == "expectations/registers/roles.csv: there is no such file."


@pytest.mark.parametrize(
    ("register", "says"),
    [
        ({}, "exactly one of the two"),
        ({"table": "grc.roles", "file": "roles.csv"}, "exactly one of the two"),
        ({"table": "grc.roles"}, "needs its `key`"),
        ({"file": "../roles.csv"}, "no file of expectations/registers"),
        ({"file": "roles.xlsx"}, "no file of expectations/registers"),
        ({"file": "roles.csv", "fields": {"rol": "r"}}, 'no field "rol"'),
        ({"table": "grc.roles", "key": ["id"], "fields": {"role": "r"}, "lines": [["x"]]}, "`lines`"),
    ],
)
def test_a_binding_says_one_thing(register: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        StoreMap.model_validate({**MAP, "registers": {"roles": register}})
