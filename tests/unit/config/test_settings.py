"""The settings: what each variable means, what is meant without it, and how every wrong one is told at once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.config import settings
from privacy_audit.config.settings import Settings
from privacy_audit.domain.errors import ConfigurationRefusedError
from tests.places import ROOT

DEFAULTS = Settings(
    home=ROOT / "var",
    expectations=ROOT / "expectations",
    database="privacy_audit_db",
    reports_url="",
)
VARIABLES = {
    "PRIVACY_AUDIT_HOME": "home",
    "PRIVACY_AUDIT_EXPECTATIONS": "expectations",
    "PRIVACY_AUDIT_DATABASE": "database",
    "PRIVACY_AUDIT_REPORTS_URL": "reports_url",
}


@pytest.fixture
def expectations(tmp_path: Path) -> Path:
    """A folder that looks like one of expectations; what its policy says is no matter of the settings."""
    (tmp_path / "policy.yaml").touch()
    return tmp_path


def refusal(env: dict[str, str]) -> str:
    with pytest.raises(ConfigurationRefusedError) as refused:
        settings.load(env)
    return str(refused.value)


def test_without_any_variable_everything_lies_in_the_project() -> None:
    assert settings.load({}) == DEFAULTS


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_is_as_good_as_none(variable: str) -> None:
    assert settings.load({variable: ""}) == DEFAULTS


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRIVACY_AUDIT_HOME", "/srv/audit"),
        ("PRIVACY_AUDIT_DATABASE", "audit_db_of_the_north"),
        ("PRIVACY_AUDIT_REPORTS_URL", "https://airflow.example.org/privacy-audit"),
        ("PRIVACY_AUDIT_REPORTS_URL", "http://127.0.0.1:8080/privacy-audit/"),
    ],
)
def test_each_variable_changes_its_setting_and_no_other(variable: str, value: str) -> None:
    told = settings.load({variable: value})
    name = VARIABLES[variable]
    changed: dict[str, Any] = {name: Path(value) if name == "home" else value}
    assert told == replace(DEFAULTS, **changed) != DEFAULTS


def test_expectations_may_lie_elsewhere(expectations: Path) -> None:
    told = settings.load({"PRIVACY_AUDIT_EXPECTATIONS": str(expectations)})
    assert told == replace(DEFAULTS, expectations=expectations)


def test_the_home_need_not_be_there_yet(tmp_path: Path) -> None:
    home = tmp_path / "not" / "yet"
    assert settings.load({"PRIVACY_AUDIT_HOME": str(home)}).home == home
    assert not home.exists()


def test_the_environment_is_that_of_the_process(
    expectations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(expectations))
    assert settings.load() == replace(DEFAULTS, home=tmp_path / "home", expectations=expectations)


RELATIVE = "is relative, and tasks run in folders of their own. Write it in full."
NO_PAGE = "is no address of a page. Write it as https://airflow.example.org/privacy-audit."


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("PRIVACY_AUDIT_HOME", "var", f"var {RELATIVE}"),
        ("PRIVACY_AUDIT_HOME", "~/audit", f"~/audit {RELATIVE}"),  # only a shell knows what ~ is
        ("PRIVACY_AUDIT_EXPECTATIONS", "expectations", f"expectations {RELATIVE}"),
        ("PRIVACY_AUDIT_REPORTS_URL", "airflow.example.org", NO_PAGE),
        ("PRIVACY_AUDIT_REPORTS_URL", "https://", NO_PAGE),
        ("PRIVACY_AUDIT_REPORTS_URL", "https:///privacy-audit", NO_PAGE),
        ("PRIVACY_AUDIT_REPORTS_URL", "ftp://airflow.example.org", NO_PAGE),
        ("PRIVACY_AUDIT_REPORTS_URL", "javascript:alert(1)", NO_PAGE),
        ("PRIVACY_AUDIT_REPORTS_URL", "https://[::1/privacy-audit", NO_PAGE),
    ],
)
def test_a_variable_that_cannot_be_is_refused_in_these_words(variable: str, value: str, says: str) -> None:
    assert refusal({variable: value}) == f"{variable}: {says}"


def test_a_folder_without_a_policy_holds_no_expectations(tmp_path: Path) -> None:
    says = f"{tmp_path} holds no policy.yaml. Name the folder with policy.yaml and stores/."
    assert refusal({"PRIVACY_AUDIT_EXPECTATIONS": str(tmp_path)}) == f"PRIVACY_AUDIT_EXPECTATIONS: {says}"


def test_every_mistake_is_told_at_once() -> None:
    wrong = {name: "nowhere" for name in VARIABLES if name != "PRIVACY_AUDIT_DATABASE"}
    said = refusal(wrong).splitlines()
    assert [line.partition(": ")[0] for line in said] == list(wrong)


def test_the_address_of_a_page_is_not_repeated_for_it_may_hold_a_password() -> None:
    assert "geheim" not in refusal({"PRIVACY_AUDIT_REPORTS_URL": "ftp://me:geheim@airflow.example.org"})


def test_settings_are_frozen() -> None:
    told = settings.load({})
    with pytest.raises(FrozenInstanceError):
        told.home = Path("/")  # type: ignore[misc]
