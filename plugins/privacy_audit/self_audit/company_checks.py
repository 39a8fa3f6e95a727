"""The checks of the company as a whole, as results. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from privacy_audit.config.attestation_file import MOST_DAYS, Attestation
from privacy_audit.domain import phrases
from privacy_audit.domain.advice import Advice
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.check_id import of_store
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, roll_up
from privacy_audit.domain.phrases import WAYS_OUT
from privacy_audit.domain.promises import COMPANY, Control
from privacy_audit.domain.tally import AGE_BUCKETS, Tally

STORE = COMPANY
TITLE = "The company as a whole"


@dataclass(frozen=True, slots=True)
class CompanyOrder:
    """The checks of the company as a whole."""

    today: date
    """Civil day of the audit, in the policy's zone."""
    attested: Sequence[Control]
    """The controls of kind `attestation` that were asked for and are in force."""
    residence: Sequence[Control]
    """Those of kind `no_residence_filter`."""
    unanswered: Sequence[Control]
    """Those that need a register which no store map binds."""
    attestations: Sequence[Attestation]
    conditions: Sequence[tuple[str, str]]
    """Id of each check with the column of each condition by which it leaves rows out."""
    checks: int
    """How many checks there are in all stores."""
    owner: str
    alert: str


def result(order: CompanyOrder) -> StoreResult | None:
    """Returns the result of the company as a store beside the others; None if no control is about it."""
    checks = (
        *(_attested(order, control) for control in order.attested),
        *(_residence(order, control) for control in order.residence),
        *(_unanswered(control) for control in order.unanswered),
    )
    if not checks:
        return None
    outcome = roll_up([check.outcome for check in checks])
    return StoreResult(STORE, TITLE, order.owner, order.alert, outcome, checks)


def _attested(order: CompanyOrder, control: Control) -> CheckResult:
    """The latest attestation that has begun counts; one that begins tomorrow does not."""
    begun = [one for one in order.attestations if one.control == control.id and one.on <= order.today]
    advice = _attestation(control)
    if not begun:
        reason = (
            "No database shows this, and nobody has attested it. Add an entry to `attestations.yaml`:"
            f" who saw what, when, and by which evidence, for {MOST_DAYS} days at most."
        )
        return _check(control, Outcome.NOT_AUDITED, Cause.MISSING, reason, advice)
    latest = max(begun, key=lambda one: (one.until, one.on))
    who = f"Attested by {latest.attested_by} on {phrases.day(latest.on)}"
    said = f"“{latest.statement}” {who}; evidence: {latest.evidence}."
    if latest.until < order.today:
        reason = f"The attestation ended on {phrases.day(latest.until)}, and nobody has looked since. {said}"
        ended = _check(control, Outcome.REVIEW, Cause.EXPIRED, reason, advice, _counted(1, undecidable=1))
        return replace(ended, attested_until=latest.until)
    reason = f"Attested until {phrases.day(latest.until)}. {said}"
    return replace(_check(control, Outcome.PASS, None, reason, advice, _counted(1)), attested_until=latest.until)


_RESIDENCE = frozenset({
    "country", "countries", "countrycode", "residence", "residency", "region", "nationality", "nationalities",
    "citizenship", "pays", "domicile", "nationalite",
})  # fmt: skip
"""Words of a column's name that say where a person lives or belongs. Small letters, no accents."""
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Za-z][a-z]*")
"""In `client_country`, `clientCountry` and `IPCountry` the last one is the same."""


def _residence(order: CompanyOrder, control: Control) -> CheckResult:
    """Checks that no condition in a map excludes persons by residence. It reads the expectations only."""
    found = [f"{check} leaves rows out by column {column}" for check, column in order.conditions if _tells(column)]
    if found:
        tally = _counted(max(order.checks, len(found)), violating=len(found))
        return _check(control, Outcome.FAIL, None, f"{'; '.join(sorted(found))}.", _no_filter(control), tally)
    if not order.checks:
        return _check(
            control,
            Outcome.NOT_AUDITED,
            Cause.MISSING,
            "There is no check that could be looked at.",
            _no_filter(control),
        )
    looked = f"{phrases.count(order.checks, 'check')} looked at: none leaves rows out by where a person lives."
    return _check(control, Outcome.PASS, None, looked, _no_filter(control), _counted(order.checks))


def _tells(column: str) -> bool:
    """Whether a word of a column name, or its singular, means a place of residence."""
    plain = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    words = {word.lower() for word in _WORD.findall(plain)}
    return not _RESIDENCE.isdisjoint(words | {word.removesuffix("s") for word in words})


def _unanswered(control: Control) -> CheckResult:
    register = control.parameters.get("register")
    needed = f"the register `{register}`" if register else "a register or table that it speaks of"
    reason = (
        f"It needs {needed}, and no store map binds one. Bind a table under `registers`, or a file of"
        " `expectations/registers/`, or add an entry under `not_applicable`."
    )
    return _check(control, Outcome.NOT_AUDITED, Cause.MISSING, reason, Advice(control.fix, WAYS_OUT[Cause.MISSING]))


def _attestation(control: Control) -> Advice:
    """An attestation never finds a breach: what ended, and what nobody attested yet, is looked at and written down."""
    look = WAYS_OUT[Cause.EXPIRED]
    return Advice(control.fix or "Do what was promised, look at it, and attest it.", look, looking=look)


def _no_filter(control: Control) -> Advice:
    compile_ = "Compile the suites and run the audit again, so that each check says which rows it leaves out."
    return Advice(control.fix or "Take the condition out of the store map.", compile_, looking=compile_)


ADVICE: Mapping[str, Callable[[Control], Advice]] = {
    "attestation": _attestation,
    "no_residence_filter": _no_filter,
}
"""What the kinds that are answered for the company as a whole advise."""


def _counted(population: int, violating: int = 0, undecidable: int = 0) -> Tally:
    """What was looked at: attestations, or checks. They name no person and have no clock."""
    compliant = population - violating - undecidable
    ages = (violating, *(0 for _ in AGE_BUCKETS[1:]))
    return Tally(population, compliant, violating, 0, undecidable, 0, 0, ages=ages)


def _check(
    control: Control, outcome: Outcome, cause: Cause | None, reason: str, advice: Advice, tally: Tally | None = None
) -> CheckResult:
    return CheckResult(
        id=of_store(STORE, control.id),
        control=control.id,
        store=STORE,
        table="",
        qualifier="",
        outcome=outcome,
        sentence=f"{control.title}.",
        tally=tally,
        plan=Plan.FULL if tally else None,
        cause=cause,
        reason=reason,
        fix=advice.given(outcome, cause, tally),
    )
