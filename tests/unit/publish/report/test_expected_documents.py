"""Each format's whole document, byte for byte, for each night of `histories.py`.

After a wanted change:
`REGENERATE_REPORTS=1 pytest tests/unit/publish/report/test_expected_documents.py`, which writes the files
and fails so that it cannot stay switched on. Then read the diff as the compliance officer would: does each changed line
say what the audit found, is anything said that was not known, did a number, a date or a quote move without a reason?
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from privacy_audit.publish.report import interface
from privacy_audit.publish.report.interface import ReportFormat
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report.histories import NIGHTS

EXPECTED = Path(__file__).parent / "expected"
FORMATS = interface.formats()


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.FILE_NAME)
@pytest.mark.parametrize("name", NIGHTS)
def test_document(name: str, form: ReportFormat) -> None:
    told = form.render(make_view(*NIGHTS[name]()))
    path = EXPECTED / f"{name}.{form.FILE_NAME}"
    if os.environ.get("REGENERATE_REPORTS"):
        path.write_bytes(told)
        pytest.fail(f"wrote {path.name}; review its diff")
    assert told == path.read_bytes()


def test_every_expected_file_is_compared() -> None:
    compared = {f"{name}.{form.FILE_NAME}" for name in NIGHTS for form in FORMATS}
    assert {path.name for path in EXPECTED.iterdir()} == compared


def test_formats_are_found_by_themselves() -> None:
    folder = Path(interface.__file__).parent
    written = {path.stem for path in folder.glob("*.py") if "\nFILE_NAME = " in path.read_text("utf-8")}
    assert {form.__name__.rpartition(".")[2] for form in FORMATS} == written
    assert {"audit.json", "findings.csv", "findings.json", "report.html"} <= {form.FILE_NAME for form in FORMATS}
