"""The pages: one per suite, and the index. Great Expectations makes these classes by name and calls `render`.

What a page says of a check is our outcome, never the `success` of Great Expectations, which calls an empty table one.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter

from privacy_audit.model import Audit, CheckResult, Control, Outcome, StoreResult

SMALL = 5
"""Below so many violating rows a date is told by its month: a date and a store may single a person out."""
URGENCY = (Outcome.NOT_AUDITED, Outcome.FAIL, Outcome.REVIEW, Outcome.PASS, Outcome.NOT_APPLICABLE)
WORDS = {
    Outcome.NOT_AUDITED: "Not audited",
    Outcome.FAIL: "Fail",
    Outcome.REVIEW: "Review",
    Outcome.PASS: "Pass",
    Outcome.NOT_APPLICABLE: "Not applicable",
}
MEANINGS = {
    Outcome.NOT_AUDITED: "The audit could not look, so nothing is known.",
    Outcome.FAIL: "Looked, and the promise is broken.",
    Outcome.REVIEW: "Looked, and some rows cannot be decided.",
    Outcome.PASS: "Looked at every row in scope and found no nonconformity.",
    Outcome.NOT_APPLICABLE: "The store holds nothing of the kind, and its owner signed for that.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A check as a page tells it."""

    result: CheckResult
    control: Control
    clauses: tuple[str, ...]
    oldest: str
    since: str
    page: str = ""
    """Where its suite's page is; empty when it has none."""

    @property
    def urgency(self) -> tuple[int, str]:
        """Sorts the worst first."""
        return URGENCY.index(self.result.outcome), self.result.id


class _Night:
    """The audit whose pages are rendered."""

    def __init__(self, data_context: Any, night: str) -> None:  # the names Great Expectations calls with
        self._audit = TypeAdapter(Audit).validate_json(Path(night).read_bytes())

    def _tell(self, check: CheckResult, page: str = "") -> Told:
        policy = self._audit.policy
        control = policy.control(check.control)
        tally = check.tally
        by_month = tally is not None and tally.violating < SMALL
        zone = ZoneInfo(policy.zone)
        return Told(
            result=check,
            control=control,
            clauses=tuple(policy.clause(clause).quote for clause in control.clauses),
            oldest=_words(tally.oldest.astimezone(zone).date(), by_month) if tally and tally.oldest else "",
            since=_words(tally.overdue_since, by_month) if tally and tally.overdue_since else "",
            page=page,
        )


class SuiteRenderer(_Night):
    """From one validation result to what its page shows."""

    def render(self, validation_result: Any) -> dict[str, Any]:
        """`{title, checks, up, audit}`; KeyError when a check is not of this night."""
        asked = {result.expectation_config.kwargs["check"] for result in validation_result.results}
        suite = validation_result.suite_name
        known = {check.id: check for check in self._audit.checks}
        store, _, table = suite.partition(".")
        told = [self._tell(known[name]) for name in asked]
        told += [self._tell(check) for check in known.values() if _of(check, store, table) and check.id not in asked]
        return {
            "audit": self._audit,
            "title": f"{table} in store {store}",
            "checks": sorted(told, key=lambda check: check.urgency),
            "up": "../" * (len(suite.split(".")) + 3),
        }


class IndexRenderer(_Night):
    """From the list of pages to the index: every check of every store, whether it has a page or not."""

    def render(self, index_links_dict: Any) -> dict[str, Any]:
        """`{audit, stores, counts}`."""
        links = index_links_dict.get("validations_links", [])
        pages = {link["expectation_suite_name"]: link["filepath"] for link in links}
        stores = sorted(self._audit.stores, key=lambda store: URGENCY.index(store.outcome))
        outcomes = [check.outcome for check in self._audit.checks]
        return {
            "audit": self._audit,
            "stores": [(store, self._checks(store, pages)) for store in stores],
            "counts": [(outcome, outcomes.count(outcome)) for outcome in URGENCY],
        }

    def _checks(self, store: StoreResult, pages: dict[str, str]) -> list[Told]:
        told = [self._tell(check, pages.get(f"{store.name}.{check.table}", "")) for check in store.checks]
        return sorted(told, key=lambda check: check.urgency)


class _View:
    template = ""

    def __init__(self, custom_styles_directory: Any = None, custom_views_directory: Any = None) -> None:
        """Great Expectations passes only what the signature names; we need neither."""

    def render(self, document: dict[str, Any], **_: Any) -> str:
        """The page as HTML."""
        page: str = _environment().get_template(self.template).render(**document, **_style())
        return page


class SuiteView(_View):
    """One suite."""

    template = "suite.html.j2"


class IndexView(_View):
    """The index."""

    template = "index.html.j2"


def _of(check: CheckResult, store: str, table: str) -> bool:
    return check.store == store and check.table == table


def _words(day: date, by_month: bool) -> str:
    return f"{day:%B %Y}" if by_month else f"{day.day} {day:%B %Y}"


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("privacy_audit.data_docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda count: f"{count:,}", "instant": _instant}
    environment.globals |= {"word": WORDS, "meaning": MEANINGS}
    return environment


@cache
def _style() -> dict[str, Markup]:
    """Our style sheet, and the policy that admits it by its digest and nothing else."""
    source, _, _ = PackageLoader("privacy_audit.data_docs").get_source(_environment(), "docs.css")
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return {"css": Markup(source), "csp": Markup(policy)}  # noqa: S704 - a file of this package
