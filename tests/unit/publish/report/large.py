"""A night of the size that a whole policy comes to: 70 controls, about 170 checks, 60 clauses, every outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.domain.promises import Automation, Clause, Control, Law, Pack
from tests.unit.publish.report.audits import AS_OF, MINORS, SCAN, tally
from tests.unit.publish.report.packs import LATE, SOURCE, store
from tests.unit.publish.report.policy_data import POLICY, SINCE

TABLES = ("users", "contracts", "invoices")
ENDS = {
    0: (Outcome.FAIL, LATE, None, ""),
    1: (Outcome.REVIEW, tally(900, undecidable=4), Cause.UNDECIDABLE_ROWS, "4 rows lack a date."),
    2: (Outcome.NOT_AUDITED, None, Cause.DRIFT, "The table is not what the map says."),
    3: (Outcome.NOT_APPLICABLE, None, None, "There is none: signed by the owner of the store."),
}
"""How every ninth check ends; the others pass."""


def large() -> Audit:
    """Two stores and the company as a whole."""
    clauses = tuple(map(_clause, range(60)))
    promised = [clause.id for clause in clauses if clause.automation is Automation.CONTROL]
    controls = tuple(_control(n, promised[n % len(promised)]) for n in range(1, 56))
    law = tuple(
        replace(_control(n, promised[n]), id=f"LAW-CTL-{n}", kind="stated", pack=Pack.LAW, source=SOURCE)
        for n in range(1, 16)
    )
    policy = replace(
        POLICY,
        clauses=clauses,
        controls=(*controls, *law),
        conflicts=(),
        law=Law("1", "What the law asks", SINCE, "c" * 64),
    )
    seen = [one for one in policy.controls if one.kind != "attestation"]
    stores = (_store("app", "Product database", seen, 0), _store("web", "Website database", seen, 1))
    return Audit("2026-11-24T013000Z-1a29e", AS_OF, policy, (*stores, _company(controls)), (), "scheduled__2026-11-24")


def _clause(n: int) -> Clause:
    name, heading = f"part{n // 8}.c{n}", f"Heading {n // 8 + 1} of the policy"
    if n % 12 == 0:
        return Clause(name, heading, f"We care about thing {n}.", Automation.NOT_CHECKABLE, "Care is an attitude.")
    return Clause(name, heading, f"We promise thing {n} {'and more ' * (n % 9)}to everybody.", Automation.CONTROL)


def _control(n: int, clause: str) -> Control:
    kind = "attestation" if n > 47 else "stated"
    title = f"Promise {n} is kept in each and every place where it was made"
    return Control(f"CTL-{n}", kind, title, tuple(Severity)[n % 4], (clause,), ("GDPR art. 5",), SINCE)


def _store(name: str, title: str, controls: list[Control], shift: int) -> StoreResult:
    places = ((n, control, table) for n, control in enumerate(controls) for table in TABLES[: 3 if n % 7 == 0 else 1])
    return store(name, title, *(_check(name, n * 5 + shift, control, table) for n, control, table in places))


def _check(name: str, n: int, control: Control, table: str) -> CheckResult:
    outcome, counted, cause, reason = ENDS.get(n % 9, (Outcome.PASS, tally(12_000 + n), None, ""))
    if outcome is Outcome.FAIL and n % 2:
        counted = MINORS
    return CheckResult(
        f"{name}/{name}.{table}/{control.id}",
        control.id,
        name,
        f"{name}.{table}",
        "",
        outcome,
        f"{control.title}.",
        counted,
        cause=cause,
        reason=reason,
        fix="Mend it.",
        show_rows="SELECT 1;",
        **(SCAN if counted else {}),
    )


def _company(controls: tuple[Control, ...]) -> StoreResult:
    return store("company", "The company as a whole", *(_word(one) for one in controls if one.kind == "attestation"))


def _word(control: Control) -> CheckResult:
    place = (f"company/_store/{control.id}", control.id, "company", "", "")
    if control.id.endswith("0"):
        nobody = {"cause": Cause.MISSING, "reason": "Nobody has attested it."}
        return CheckResult(*place, Outcome.NOT_AUDITED, f"{control.title}.", **nobody)
    until = {"reason": "Attested until 10 January 2027.", "attested_until": date(2027, 1, 10)}
    return CheckResult(*place, Outcome.PASS, f"{control.title}.", **until)
