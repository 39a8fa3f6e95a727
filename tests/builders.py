"""A small audit for tests: two stores, `app` of Product and `web` of Web, and all five outcomes. Always the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, Severity, roll_up
from privacy_audit.domain.promises import Automation, Clause, Control, Policy
from privacy_audit.domain.tally import Tally

T = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
"""01:15 in Paris."""
SINCE = date(2024, 1, 1)

PROMISES = {
    "RET-1": ("Contacts are deleted 3 years after the last contract", "retention", Severity.MEDIUM),
    "RET-3": ("Positions are deleted 2 months after they were recorded", "retention", Severity.HIGH),
    "RET-4": ("Connection logs are deleted 1 year after the connection", "retention", Severity.LOW),
    "RET-5": ("Cookies are deleted 13 months after they were set", "retention", Severity.HIGH),
    "GEO-1": ("Positions are recorded only under a consent to geolocation", "consent_at_event", Severity.CRITICAL),
}


def policy() -> Policy:
    """Five controls of four severities, one clause each."""
    clauses = tuple(
        Clause(f"clause.{name}", "What we promise", f"{title}.", Automation.CONTROL)
        for name, (title, _, _) in PROMISES.items()
    )
    controls = tuple(
        Control(name, kind, title, severity, (f"clause.{name}",), ("GDPR art. 5(1)(e)",), SINCE, None, (), {})
        for name, (title, kind, severity) in PROMISES.items()
    )
    geo = tuple(
        replace(control, categories=(Category.GEOLOCATION,)) if control.id in ("RET-3", "GEO-1") else control
        for control in controls
    )
    return Policy("2024-01", "Privacy policy", SINCE, None, "Europe/Paris", "a" * 64, "b" * 64, clauses, geo, ())


def tally(population: int = 1_000, violating: int = 0, undecidable: int = 0, held: int = 0) -> Tally:
    """A tally of a table of that size; violating rows have been in breach for a week at most."""
    compliant = population - violating - undecidable - held
    parts = (population, compliant, violating, held, undecidable, 0, min(violating, 7))
    if not violating:
        return Tally(*parts)
    clocks = (datetime(2026, 9, 17, 6, 30, tzinfo=UTC), datetime(2026, 9, 22, 21, 0, tzinfo=UTC))
    return Tally(*parts, *clocks, date(2026, 11, 18), (violating, 0, 0, 0, 0))


def check(place: str, control: str, outcome: Outcome, counted: Tally | None = None, qualifier: str = "") -> CheckResult:
    """A check of `store/schema.table` (or of `store` as a whole) with the outcome, and a tally that fits it."""
    store, _, table = place.partition("/")
    fits = {
        Outcome.FAIL: tally(violating=12),
        Outcome.REVIEW: tally(undecidable=4),
        Outcome.PASS: tally(held=1),
        Outcome.NOT_AUDITED: None,
        Outcome.NOT_APPLICABLE: None,
    }
    why = {
        Outcome.REVIEW: (Cause.UNDECIDABLE_ROWS, "4 rows cannot be decided: a date is missing."),
        Outcome.NOT_AUDITED: (Cause.DRIFT, f"{table or store} is not what the map says."),
        Outcome.NOT_APPLICABLE: (None, "Signed by the owner: there is none."),
    }
    cause, reason = why.get(outcome, (None, ""))
    counted = counted or fits[outcome]
    return CheckResult(
        id="/".join(filter(None, (store, table or "_store", control, qualifier))),
        control=control,
        store=store,
        table=table,
        qualifier=qualifier,
        outcome=outcome,
        sentence=f"{PROMISES[control][0]}.",
        tally=counted,
        plan=counted and Plan.FULL,
        cause=cause,
        reason=reason,
        show_rows=f"SELECT id FROM {table};" if table else "",
        fix="Run the purge again, and find out why it stopped." if table else "",
    )


def app(*checks: CheckResult) -> StoreResult:
    """The product's store; by default with every outcome."""
    usual = (
        check("app/app.positions", "RET-3", Outcome.FAIL),
        check("app/app.positions", "GEO-1", Outcome.FAIL, tally(violating=2, undecidable=1)),
        check("app/app.contracts", "RET-1", Outcome.REVIEW),
        check("app/app.prospects", "RET-1", Outcome.NOT_AUDITED),
        check("app/app.sessions", "RET-4", Outcome.PASS),
        check("app", "RET-5", Outcome.NOT_APPLICABLE),
    )
    return _store("app", "Product database", "Product", checks or usual)


def web(*checks: CheckResult) -> StoreResult:
    """The store of visits; by default one table fails, and the groups of columns of another differ."""
    usual = (
        check("web/web.connection_logs", "RET-4", Outcome.FAIL, tally(violating=40)),
        check("web/web.visits", "RET-5", Outcome.PASS, qualifier="first_party"),
        check("web/web.visits", "RET-5", Outcome.REVIEW, qualifier="third_party"),
    )
    return _store("web", "Website database", "Web", checks or usual)


def down(store: StoreResult) -> StoreResult:
    """The same store on a night on which it does not answer: each planned check is listed as not audited."""
    cause, reason = Cause.UNREACHABLE, "The server does not answer."
    unread = tuple(
        replace(one, outcome=Outcome.NOT_AUDITED, tally=None, plan=None, cause=cause, reason=reason)
        for one in store.checks
    )
    return replace(store, outcome=Outcome.NOT_AUDITED, checks=unread, cause=cause, reason=reason)


def audit(*stores: StoreResult, audit_id: str = "20261124T001500Z-00000001", as_of: datetime = T) -> Audit:
    """An audit of these stores, by default of `app` and `web` as they usually are."""
    return Audit(audit_id, as_of, policy(), stores or (app(), web()), (), "scheduled__2026-11-24")


def _store(name: str, title: str, owner: str, checks: tuple[CheckResult, ...]) -> StoreResult:
    outcome = roll_up([one.outcome for one in checks])
    snapshot = "2026-11-24T00:15:04+00:00 on PostgreSQL 18.1"
    return StoreResult(name, title, owner, f"alerts_{name}", outcome, checks, snapshot=snapshot)
