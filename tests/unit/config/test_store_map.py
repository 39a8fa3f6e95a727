"""A store map is read whole or refused with every mistake in it; what it cannot say becomes a gap, never a silence."""

from __future__ import annotations

import json
import re
import shutil
import string
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy_audit.compiler import suites
from privacy_audit.config.map_clocks import (
    ColumnClock,
    Encoding,
    JoinedClock,
    JoinedSubject,
    LatestClock,
    MomentMeaning,
    OwnSubject,
)
from privacy_audit.config.map_registers import (
    ConsentAction,
    ConsentForm,
    EventLedger,
    GuardianConsents,
    LegalHolds,
    Registers,
)
from privacy_audit.config.map_tables import (
    Birth,
    BirthEncoding,
    Condition,
    DataGroup,
    LegalReason,
    PeriodUnit,
    Persons,
    Relation,
    RowPeriod,
    SoftDelete,
    TableMap,
    UseOfService,
)
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.policy.consistency import OF_THE_AUDIT
from privacy_audit.config.settings import Settings
from privacy_audit.config.store_map import NotApplicable, StoreMap
from privacy_audit.config.yaml import documents
from privacy_audit.config.yaml.tree import compose
from privacy_audit.controls import kinds
from privacy_audit.domain.categories import Category
from privacy_audit.domain.consent_reading import ConsentReading
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.promises import Policy
from privacy_audit.pipeline.configuration import Configuration, read_configuration
from tests.places import FEW_PROMISES

REAL = FEW_PROMISES
DATA = Path(__file__).parent / "files" / "store_map_slips.yaml"
CASES: Any = compose(DATA.read_text(encoding="utf-8"), DATA.name).value
GOOD: str = CASES["map"]
CHECKS = {
    "library/lib.readers/RET-1",
    "library/lib.fines/RET-2/claims",
    "library/lib.fines/RET-2/deposits",
    "library/lib.positions/RET-3",
    "library/lib.positions/RET-4/address",
    "library/lib.positions/RET-4/device",
    "library/lib.positions/MIN-1",
    "library/lib.letters/MIN-2",
    "library/lib.positions/GEO-1",
    "library/lib.readers/DEL-1",
    "library/lib.holds/HLD-1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of expectations with the real policy and no store map yet."""
    expectations = tmp_path / "expectations"
    (expectations / "stores").mkdir(parents=True)
    for name in ("policy.yaml", "policy.txt"):
        shutil.copy(REAL / name, expectations)
    return expectations


@pytest.fixture(scope="module")
def promises() -> Policy:
    return policy_reader.load(REAL, kinds())


def configuration(expectations: Path, **maps: str) -> Configuration:
    """What is read when the folder holds these maps, by the names of their stores."""
    for store, text in maps.items():
        (expectations / "stores" / f"{store}.yaml").write_text(text, encoding="utf-8")
    return read_configuration(Settings(expectations.parent, expectations, database="", reports_url=""))


def refusal(expectations: Path, **maps: str) -> str:
    with pytest.raises(ConfigurationRefusedError) as refused:
        configuration(expectations, **maps)
    return str(refused.value) + "\n"


def edited(case: dict[str, Any]) -> str:
    text = GOOD
    for edit in case["edits"]:
        assert edit["replace"] in text
        text = text.replace(edit["replace"], edit["by"], 1)
    return text


def named(title: str) -> Any:
    return next(slip for slip in CASES["slips"] if slip["case"] == title)


def of_stores(promises: Policy) -> list[str]:
    """The controls that are about stores; one is about the audit itself."""
    return [control.id for control in promises.controls if control.kind not in OF_THE_AUDIT]


def ways(coverage: suites.StoreCoverage, control: str) -> set[str]:
    """What becomes of a control in a store: it is `checked`, `excused` or `unchecked`."""
    entries = (
        *(("checked", check.control) for check in coverage.checks),
        *(("excused", excused.control) for excused in coverage.excused),
        *(("unchecked", unchecked.control) for unchecked in coverage.unchecked),
    )
    return {way for way, found in entries if found.id == control}


@pytest.mark.parametrize("slip", CASES["slips"], ids=lambda slip: slip["case"])
def test_slip_of_the_pen_is_refused_in_these_words(slip: dict[str, Any], folder: Path) -> None:
    assert refusal(folder, library=edited(slip)) == slip["says"]


@pytest.mark.parametrize("gap", CASES["gaps"], ids=lambda gap: gap["case"])
def test_control_that_cannot_bind_is_a_gap_and_takes_no_other_with_it(gap: dict[str, Any], folder: Path) -> None:
    (coverage,) = configuration(folder, library=edited(gap)).coverages
    assert {entry.control.id: entry.reason for entry in coverage.unchecked} == gap["unchecked"]
    assert {check.id for check in coverage.checks} == CHECKS - set(gap["loses"]) | set(gap.get("gains", ()))


def test_good_map_is_read_as_it_is_written_and_binds_every_control(folder: Path) -> None:
    seen = ColumnClock(column="seen_ms", encoding=Encoding.EPOCH_MILLISECONDS)
    (coverage,) = configuration(folder, library=GOOD).coverages
    assert coverage.store == StoreMap(
        store="library",
        title="Lending library",
        connection="store_library",
        owner="Library systems",
        alert="alerts_library",
        no_data_before=date(1998, 5, 4),
        persons=Persons(
            table="lib.readers",
            key="id",
            born=Birth(column="birth_year", encoding=BirthEncoding.YEAR, default_years=(1900, 1901)),
        ),
        registers=Registers(
            consents=EventLedger(
                table="lib.consents",
                reading=ConsentReading.EVENTS,
                subject="reader_id",
                purpose="purpose",
                purposes={"geolocation": "positions"},
                action=ConsentAction(column="action", grant="yes", withdraw="no"),
                at=ColumnClock(column="said_s", encoding=Encoding.EPOCH_SECONDS),
            ),
            guardian_consents=GuardianConsents(
                title="Letters of parents",
                table="lib.letters",
                key=("id",),
                subject="child_id",
                received=ColumnClock(column="received_at"),
                revoked=ColumnClock(column="revoked_at"),
                form=ConsentForm(
                    channel="channel", mailbox="mailbox", message="message_id", proof="digest", guardian="parent_id"
                ),
                may_be_empty=True,
            ),
            legal_holds=LegalHolds(
                table="lib.holds",
                key=("id",),
                subject="reader_id",
                category="category",
                categories={Category.GEOLOCATION: "whereabouts"},
                every_category="*",
                matter="matter",
                started=ColumnClock(column="started_on", encoding=Encoding.DATE),
                released=ColumnClock(column="released_on", encoding=Encoding.DATE),
                may_be_empty=False,
            ),
        ),
        tables={
            "lib.readers": TableMap(
                title="Readers",
                key=("id",),
                subject=OwnSubject(column="id"),
                soft_delete=SoftDelete(
                    clock=ColumnClock(column="deleted_at", encoding=Encoding.TIMESTAMP, zone="Europe/Paris"),
                    flag="is_deleted",
                ),
                data=(
                    DataGroup(
                        category=Category.PROFESSIONAL_IDENTITY,
                        clock=LatestClock(
                            latest=(
                                ColumnClock(column="joined_at", encoding=Encoding.TIMESTAMPTZ, event="they joined"),
                                JoinedClock(
                                    table="lib.loans",
                                    on={"id": "reader_id"},
                                    column="back_on",
                                    encoding=Encoding.DATE,
                                    absent_means=MomentMeaning.RUNNING,
                                ),
                            )
                        ),
                    ),
                ),
            ),
            "lib.positions": TableMap(
                title="Positions",
                relation=Relation.PARTITIONED,
                key=("id", "seen_ms"),
                subject=OwnSubject(column="reader_id"),
                may_be_empty=True,
                use_of_service=UseOfService(
                    clock=seen,
                    out_of_scope=(
                        Condition(column="device", equals="gate", because="The gate of the house is no reader."),
                    ),
                ),
                data=(
                    DataGroup(
                        category=Category.GEOLOCATION,
                        columns=("lat", "lon"),
                        clock=seen.model_copy(update={"event": "they were seen"}),
                    ),
                    DataGroup(category=Category.CONNECTION, name="address", columns=("ip",), clock=seen),
                    DataGroup(
                        category=Category.CONNECTION,
                        name="device",
                        columns=("device",),
                        clock=seen,
                        period=RowPeriod(column="keep_days", unit=PeriodUnit.DAYS),
                    ),
                ),
            ),
            "lib.fines": TableMap(
                title="Fines",
                key=("id",),
                subject=JoinedSubject(table="lib.loans", on={"loan_id": "id"}, column="reader_id"),
                data=(
                    DataGroup(
                        category=Category.FINANCIAL,
                        name="claims",
                        clock=JoinedClock(
                            table="lib.payments",
                            on={"id": "fine_id"},
                            column="paid_at",
                            null_means=MomentMeaning.RUNNING,
                            event="their last payment",
                        ),
                        legal_reason=LegalReason(column="claim_ref"),
                        out_of_scope=(
                            Condition(column="payer", in_=("school", 7), because="Schools are no persons."),
                            Condition(column="waived", equals=True, because="A waived fine is none."),
                            Condition(column="loan_id", is_null=True, because="Nobody borrowed."),
                        ),
                    ),
                    DataGroup(
                        category=Category.FINANCIAL,
                        name="deposits",
                        columns=("deposit",),
                        clock=ColumnClock(
                            column="paid_back_in", encoding=Encoding.YEAR, future_means=MomentMeaning.RUNNING
                        ),
                        legal_reason=LegalReason(always="Deposits are held for the tax office."),
                    ),
                ),
            ),
        },
        not_applicable=(
            NotApplicable(
                controls=("RET-5",),
                reason="The library sets no cookie.",
                signed_by="Head of the library",
                on=date(2026, 10, 1),
            ),
        ),
    )
    assert {check.id for check in coverage.checks} == CHECKS
    assert [(entry.control.id, entry.reason) for entry in coverage.excused] == [
        ("RET-5", "The library sets no cookie. Signed by Head of the library on 1 October 2026.")
    ]
    assert not coverage.unchecked


LOG = """\
  purge_runs:
    table: lib.purges
    target: job
    targets: {lib.positions: gps}
    finished: {column: ended_on, encoding: date}
    deleted: gone
tables:
"""


def test_checks_of_deletion_carry_the_log_of_purges_with_the_word_for_their_own_table(folder: Path) -> None:
    (coverage,) = configuration(folder, library=GOOD.replace("tables:\n", LOG, 1)).coverages
    log = {
        "table": "lib.purges",
        "target": "job",
        "finished": {"column": "ended_on", "encoding": "date"},
        "deleted": "gone",
    }
    carried = {check.id: check.rule.as_json().get("purge_runs") for check in coverage.checks}
    assert carried == {
        check: None
        if check.rpartition("/")[2] in ("MIN-1", "MIN-2", "GEO-1", "HLD-1")
        else {**log, "targets": {"lib.positions": "gps"}}
        if "lib.positions" in check
        else log
        for check in CHECKS
    }


def test_mistakes_of_two_maps_are_said_at_once_and_a_good_map_beside_them_does_not_run(folder: Path) -> None:
    typo, twice = named("keys near a known one"), named("table written twice")
    said = refusal(
        folder,
        archive=edited(typo).replace("store: library", "store: archive"),
        library=GOOD,
        museum=edited(twice).replace("store: library", "store: museum"),
    )
    in_archive = typo["says"].replace("library.yaml", "archive.yaml")
    in_museum = twice["says"].replace("library.yaml", "museum.yaml")
    assert said == in_archive + in_museum


def test_mistake_of_the_policy_does_not_hide_those_of_a_map(folder: Path) -> None:
    promised = (folder / "policy.yaml").read_text(encoding="utf-8")
    (folder / "policy.yaml").write_text(promised.replace("period: P13M", "period: P13"), encoding="utf-8")
    typo = named("keys near a known one")
    in_policy, in_map = refusal(folder, library=edited(typo)).split("\n", 1)
    assert re.match(r"expectations/policy\.yaml:\d+:\d+: controls\.RET-5\.parameters\.period: ", in_policy)
    assert in_map == typo["says"]


def test_folder_without_a_map_is_refused(folder: Path) -> None:
    empty = "expectations/stores: holds no store map. Add one file per store.\n"
    assert refusal(folder) == empty
    (folder / "stores").rmdir()
    assert refusal(folder) == empty


@pytest.mark.parametrize("name", ["museum.yml", "museum.YAML"])
def test_map_that_would_be_passed_over_for_its_file_name_is_refused(name: str, folder: Path) -> None:
    (folder / "stores" / name).write_text(GOOD.replace("store: library", "store: museum"), encoding="utf-8")
    assert refusal(folder, library=GOOD) == (
        f"expectations/stores/{name}: is not read: its name does not end in .yaml. Call it museum.yaml.\n"
    )


def test_map_that_is_larger_than_people_write_is_refused(folder: Path) -> None:
    fill = documents.LARGEST_FILE - len(GOOD)
    assert configuration(folder, library=GOOD + "#" * fill).coverages
    assert refusal(folder, library=GOOD + "#" * (fill + 1)) == (
        "expectations/stores/library.yaml: is larger than 256 KiB. Split it, or take out what is not needed.\n"
    )


@pytest.mark.parametrize("hidden", ["\x00", "\x07", "\x7f", "\x85", "\u200b", "\u202e", "\u2028", "\ufeff"])
def test_character_that_nobody_sees_is_refused(hidden: str, folder: Path) -> None:
    """Not a case of the data, which could not be read with it either."""
    assert refusal(folder, library=GOOD.replace("title: Readers", f"title: Read{hidden}ers")) == (
        f"expectations/stores/library.yaml:42:16: the invisible character U+{ord(hidden):04X} stands here;"
        " a reviewer would not see what a computer reads. Delete it.\n"
    )


@pytest.mark.parametrize("zone", ["localtime", "Factory"])
def test_zone_of_whichever_machine_audits_is_not_the_zone_of_a_writer(zone: str, folder: Path) -> None:
    place = "expectations/stores/library.yaml:46:62: tables.lib.readers.soft_delete.clock.zone"
    assert refusal(folder, library=GOOD.replace("Europe/Paris", zone)).startswith(
        f"{place}: '{zone}' is not a time zone. "
    )


@pytest.mark.parametrize("zone", ["CET", "EET", "MET", "WET", "EST", "MST", "HST"])
def test_zone_that_the_server_takes_for_an_abbreviation_is_refused(zone: str, folder: Path) -> None:
    assert refusal(folder, library=GOOD.replace("Europe/Paris", zone)) == (
        "expectations/stores/library.yaml:46:62: tables.lib.readers.soft_delete.clock.zone: "
        f"'{zone}' is an abbreviation to PostgreSQL, one offset all year, and a zone of its own elsewhere."
        " Write the place whose clocks are meant, as Europe/Paris.\n"
    )


@pytest.mark.parametrize("zone", ["UTC", "GMT", "America/New_York"])
def test_zone_that_means_the_same_everywhere_is_taken(zone: str, folder: Path) -> None:
    assert configuration(folder, library=GOOD.replace("Europe/Paris", zone))


def is_identifier(name: str) -> bool:
    """The rule in words of its own: what PostgreSQL reads as one name and keeps whole, without quotes' help."""
    first, rest = name[:1], name[1:]
    return (
        bool(first)
        and first in string.ascii_letters + "_"
        and all(char in string.ascii_letters + string.digits + "_" for char in rest)
        and len(name.encode()) < 64
    )


def is_table(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 2 and all(is_identifier(part) for part in parts)


# Patterns of the places in the good map where a column or a table is named.
COLUMNS = ["birth_year", "said_s", "parent_id", "is_deleted", "joined_at", "back_on", r"lat\b", "keep_days", "loan_id"]
TABLES = ["lib.consents", "lib.holds", "lib.readers(?=:)", "lib.loans", "lib.fines(?=:)", "lib.payments"]
plain = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,70}", fullmatch=True)
odd = st.sampled_from([" ", ";", "'", '"', ".", "-", "$", "\\", "\n", "\0", "\u0430", "\u00e9", "\uff41", "--", "/*"])
names = st.text() | plain | st.tuples(plain, odd, plain).map("".join)
"""Text of any kind, names that may be good, and names with something in them that may not be."""


@given(place=st.sampled_from(COLUMNS), name=names)
@example(r"lat\b", "a" * 63)
@example(r"lat\b", "a" * 64)
@example(r"lat\b", "lat\n")
@example("loan_id", "")
@example("said_s", 'said_s" OR "1')
def test_whatever_is_written_for_a_column_is_refused_or_a_plain_identifier(place: str, name: str) -> None:
    assert accepted(place, name) is is_identifier(name)


@given(place=st.sampled_from(TABLES), name=names | st.lists(plain, min_size=2, max_size=3).map(".".join))
@example("lib.fines(?=:)", "lib." + "a" * 63)
@example("lib.fines(?=:)", "lib." + "a" * 64)
@example("lib.fines(?=:)", "lib.fines\n")
@example("lib.holds", "holds")
@example("lib.holds", "library.lib.holds")
@example("lib.holds", "lib.")
@example("lib.holds", '"lib"."holds"')
def test_whatever_is_written_for_a_table_is_refused_or_schema_and_plain_identifier(place: str, name: str) -> None:
    assert accepted(place, name) is is_table(name)


def accepted(place: str, name: str) -> bool:
    """Whether the map is read with the name, in quotes, in that place."""
    quoted = json.dumps(name, ensure_ascii=False)
    text, replaced = re.subn(rf"\b{place}", lambda _: quoted, GOOD, count=1)
    assert replaced
    try:
        store = documents.parse(text.encode(), StoreMap, "library.yaml").value
    except ConfigurationRefusedError as refused:
        assert_places(refused)
        return False
    assert quoted in store.model_dump_json()
    return True


def assert_places(refused: ConfigurationRefusedError) -> None:
    assert refused.mistakes
    assert all(re.fullmatch(r"library\.yaml:\d+:\d+", mistake.place) for mistake in refused.mistakes)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The good map after a few accidents of editing."""
    text = GOOD.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text) - 1))
        line, column = text[at], draw(st.integers(0, len(text[at]) - 1))
        typo = line[:column] + draw(st.sampled_from("x0 :-'\"{[#&*!|\n\t")) + line[column + 1 :]
        accidents = [[], [line, line], [f"  {line}"], [line.removeprefix("  ")], [typo], [line[:column] + "\n"]]
        text[at : at + 1] = draw(st.sampled_from(accidents))
    return "".join(text)


@given(text=spoilt())
def test_spoilt_map_is_refused_with_places_or_still_accounts_for_every_control(text: str, promises: Policy) -> None:
    try:
        store = documents.parse(text.encode(), StoreMap, "library.yaml").value
    except ConfigurationRefusedError as refused:
        assert_places(refused)
        return
    with suppress(ConfigurationRefusedError):  # the policy is contradicted, as by a group that lost its name
        coverage = suites.bind(promises, store)
        assert all(ways(coverage, control) for control in of_stores(promises))


def test_the_real_maps_account_for_every_control_in_exactly_one_way() -> None:
    read = read_configuration(Settings(REAL.parent, REAL, database="", reports_url=""))
    stores = [coverage.store.store for coverage in read.coverages]
    assert stores == sorted(path.stem for path in (REAL / "stores").iterdir()) != []
    accounts = {
        (coverage.store.store, control): ways(coverage, control)
        for coverage in read.coverages
        for control in of_stores(read.policy)
    }
    assert len(accounts) == len(stores) * (len(read.policy.controls) - 1) > 0
    assert {account: found for account, found in accounts.items() if len(found) != 1} == {}
