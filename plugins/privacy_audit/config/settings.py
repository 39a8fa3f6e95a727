"""Where things are: the folder of what a run leaves behind, what must be true, and the names of connections.

In a checkout both folders have a default beside `plugins/`. An installed package has none: the environment must name
them, for nothing is ever read from site-packages or written there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake

_NOWHERE = Path(os.devnull)
"""Stands for a folder that nothing names: no file can lie below it, and none can be written there."""
_FOLDERS = {
    "PRIVACY_AUDIT_HOME": ("var", "Set it to the folder that the workers and the api-server share."),
    "PRIVACY_AUDIT_EXPECTATIONS": ("expectations", "Set it to the folder with policy.yaml and stores/."),
}
"""Variable to its default in a checkout, and what to do where there is none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; see `load`."""

    home: Path
    """Everything a run leaves behind lies below it (`PRIVACY_AUDIT_HOME`; `var` of a checkout)."""
    expectations: Path
    """Policy, store maps and suites (`PRIVACY_AUDIT_EXPECTATIONS`; `expectations` of a checkout)."""
    database: str
    """Airflow connection of the audit database (`PRIVACY_AUDIT_DATABASE`)."""
    reports_url: str
    """Address under which people open `home` (`PRIVACY_AUDIT_REPORTS_URL`); empty: alerts name the file."""
    heartbeat: str = ""
    """Airflow connection with the outside address that each filed audit calls (`PRIVACY_AUDIT_HEARTBEAT`)."""


def load(env: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment. ConfigurationRefusedError names every variable that cannot be."""
    env = os.environ if env is None else env
    settings = Settings(
        home=home(env),
        expectations=expectations(env),
        database=env.get("PRIVACY_AUDIT_DATABASE") or "privacy_audit_db",
        reports_url=env.get("PRIVACY_AUDIT_REPORTS_URL", ""),
        heartbeat=env.get("PRIVACY_AUDIT_HEARTBEAT", ""),
    )
    mistakes = _mistakes(settings, env)
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    return settings


def home(env: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of what a run leaves behind, unchecked: Airflow's own processes start whatever it is."""
    return _folder("PRIVACY_AUDIT_HOME", env)


def expectations(env: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of what must be true, unchecked: a DAG file is parsed whatever it is."""
    return _folder("PRIVACY_AUDIT_EXPECTATIONS", env)


def platform_alert(env: Mapping[str, str] | None = None) -> str:
    """Returns the Airflow connection that is told of failures where `handling.yaml` names nobody or cannot be read."""
    env = os.environ if env is None else env
    return env.get("PRIVACY_AUDIT_PLATFORM_ALERT") or "alerts_platform"


def unset_folder(variable: str, env: Mapping[str, str] | None = None) -> Mistake | None:
    """Returns what to say of the variable of a folder that is not set and has no default; None if all is well."""
    if _folder(variable, env) != _NOWHERE:
        return None
    return Mistake(variable, "is not set, and an installed package has no folder of its own.", _FOLDERS[variable][1])


def _folder(variable: str, env: Mapping[str, str] | None) -> Path:
    env = os.environ if env is None else env
    if env.get(variable):
        return Path(env[variable])
    checkout = _checkout()
    return checkout / _FOLDERS[variable][0] if checkout else _NOWHERE


def _checkout() -> Path | None:
    """Returns the folder in which `plugins/` lies; None if the package is installed."""
    above = Path(__file__).resolve().parents[2]
    return above.parent if above.name == "plugins" else None


def _mistakes(settings: Settings, env: Mapping[str, str]) -> list[Mistake]:
    mistakes = []
    for name, path in (("PRIVACY_AUDIT_HOME", settings.home), ("PRIVACY_AUDIT_EXPECTATIONS", settings.expectations)):
        unset = unset_folder(name, env)
        if unset:
            mistakes.append(unset)
        elif not path.is_absolute():
            mistakes.append(
                Mistake(name, f"{path} is relative, and tasks run in folders of their own.", "Write it in full.")
            )
    named = settings.expectations != _NOWHERE and settings.expectations.is_absolute()
    if named and not (settings.expectations / "policy.yaml").is_file():
        fact = f"{settings.expectations} holds no policy.yaml."
        mistakes.append(Mistake("PRIVACY_AUDIT_EXPECTATIONS", fact, "Name the folder with policy.yaml and stores/."))
    if settings.reports_url and not _is_page(settings.reports_url):
        fact = "is no address of a page."
        mistakes.append(
            Mistake("PRIVACY_AUDIT_REPORTS_URL", fact, "Write it as https://airflow.example.org/privacy-audit.")
        )
    return mistakes


def _is_page(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
