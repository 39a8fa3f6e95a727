"""`make ask` runs the real command with the connections of the demo, and hands on its words and its exit code."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import cli_proxy
from demo.installation import installation
from tests.places import ROOT


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="privacy-audit-ask-"))
    yield folder
    installation(folder).remove()
    shutil.rmtree(folder)


def test_the_command_is_run_over_the_demo(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'plugins'}:{ROOT}")  # as the Makefile does
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", "postgresql://nobody@127.0.0.1:1/none")
    assert cli_proxy.ask(home, ["findings", "list", "--all"]) == 0
    assert "0 findings" in capfd.readouterr().out
