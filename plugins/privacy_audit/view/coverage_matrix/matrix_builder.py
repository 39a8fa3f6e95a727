"""Fills the table from an audit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from privacy_audit.config.attestation_file import KIND as ATTESTATION
from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import ROLL_UP, Outcome, roll_up
from privacy_audit.domain.promises import NO_DATABASES, Automation, Clause, Control, Pack
from privacy_audit.view.audit_view import AuditView, CheckView, StoreView
from privacy_audit.view.coverage_matrix.matrix import (
    CellState,
    CellText,
    ControlOutcome,
    LawDifference,
    LawPair,
    LawRow,
    Matrix,
    MatrixCell,
    MatrixRow,
    PackVerdict,
)

_TWIN = "LAW-"
"""A rule called LAW-DSR-3 is the twin of control DSR-3."""


def matrix(audit: AuditView) -> Matrix:
    """The table of an audit."""
    told = control_outcomes(audit)
    clauses = {clause.id: clause for clause in audit.policy.clauses}
    return Matrix(
        stores=audit.stores,
        rows=tuple(_row(clause, told.values(), audit) for clause in audit.policy.clauses),
        law=tuple(
            LawRow(
                one,
                tuple(clauses[name] for name in one.control.clauses if name in clauses),
                _cells((one,), audit.stores),
            )
            for one in told.values()
            if one.control.pack is Pack.LAW
        ),
        verdicts=tuple(_verdict(pack, told.values()) for pack in Pack),
        pairs=tuple(sorted(_pairs(told), key=lambda pair: list(LawDifference).index(pair.difference))),
    )


def control_outcomes(audit: AuditView) -> dict[str, ControlOutcome]:
    """By control id: the outcome of its checks in all stores. A control in force without any check was not audited."""
    checks: dict[str, list[CheckView]] = {}
    for check in audit.checks:
        checks.setdefault(check.control, []).append(check)
    blind = any(_is_blind(store) for store in audit.stores)
    return {
        control.id: _told(control, sorted(checks.get(control.id, ()), key=_worst_first), audit.today, blind)
        for control in audit.policy.controls
    }


def _told(control: Control, checks: Sequence[CheckView], today: date, blind: bool) -> ControlOutcome:
    outcomes = [check.outcome for check in checks]
    if blind and _concerns_databases(checks):
        outcomes.append(Outcome.NOT_AUDITED)
    in_force = control.effective_from <= today and (control.effective_to is None or today <= control.effective_to)
    return ControlOutcome(control, roll_up(outcomes) if in_force or checks else None, tuple(checks))


def _is_blind(store: StoreView) -> bool:
    """A store that was lost before anybody knew what to check in it: any promise may be broken there."""
    return store.outcome is Outcome.NOT_AUDITED and not store.checks


def _concerns_databases(checks: Sequence[CheckView]) -> bool:
    return not checks or any(check.store not in NO_DATABASES for check in checks)


def _worst_first(check: CheckView) -> tuple[int, int, int, str]:
    violating, undecidable = (check.tally.violating, check.tally.undecidable) if check.tally else (0, 0)
    return (ROLL_UP.index(check.outcome), -violating, -undecidable, check.id)


def _row(clause: Clause, told: Iterable[ControlOutcome], audit: AuditView) -> MatrixRow:
    """A rule of the law is no promise: it decides no clause of the policy."""
    controls = tuple(one for one in told if one.control.pack is Pack.POLICY and clause.id in one.control.clauses)
    outcomes = [one.outcome for one in controls if one.outcome is not None]
    if outcomes:
        outcome = roll_up(outcomes)
        return MatrixRow(clause, _state(outcome, controls), outcome, controls, _cells(controls, audit.stores))
    if controls:
        return MatrixRow(clause, CellState.LATER, None, controls, (), _not_in_force(controls))
    return MatrixRow(clause, _without_control(clause), None, (), (), clause.reason)


def _state(outcome: Outcome, controls: Sequence[ControlOutcome]) -> CellState:
    if outcome in (Outcome.NOT_AUDITED, Outcome.NOT_APPLICABLE):
        return CellState(outcome.value)
    answering = [one for one in controls if one.outcome not in (None, Outcome.NOT_APPLICABLE)]
    if all(one.control.kind == ATTESTATION for one in answering):
        return CellState.ATTESTED if outcome is Outcome.PASS else CellState.LAPSED
    return CellState.CHECKED


def _not_in_force(controls: Sequence[ControlOutcome]) -> str:
    days = (f"{it.control.id} from {phrases.day(it.control.effective_from)}{_last_day(it.control)}" for it in controls)
    return f"None of its controls is in force on this day: {', '.join(days)}."


def _last_day(control: Control) -> str:
    return f" to {phrases.day(control.effective_to)}" if control.effective_to else ""


def _without_control(clause: Clause) -> CellState:
    """What nothing computes has to say why; what promises nothing need not."""
    match clause.automation:
        case Automation.INFORMATION:
            return CellState.INFORMATION
        case Automation.NOT_CHECKABLE if clause.reason:
            return CellState.NOT_CHECKABLE
        case _:
            return CellState.GAP


def _cells(controls: Sequence[ControlOutcome], stores: Sequence[StoreView]) -> tuple[MatrixCell, ...]:
    checks = [check for one in controls for check in one.checks]
    concerned = _concerns_databases(checks)
    return tuple(_cell(store, [check for check in checks if check.store == store.name], checks, concerned)
                 for store in stores)  # fmt: skip


def _cell(store: StoreView, here: Sequence[CheckView], checks: Sequence[CheckView], concerned: bool) -> MatrixCell:
    if not here:
        return _cell_without_a_check(store, checks, concerned)
    outcome = roll_up([check.outcome for check in here])
    if outcome is Outcome.NOT_APPLICABLE:
        return MatrixCell(store.name, CellText.NOT_APPLICABLE, outcome, tuple(here))
    applying = tuple(sorted((it for it in here if it.outcome is not Outcome.NOT_APPLICABLE), key=_worst_first))
    attested = outcome is Outcome.PASS and all(check.attested_until for check in applying)
    return MatrixCell(store.name, CellText.ATTESTED if attested else CellText.CHECKED, outcome, applying)


def _cell_without_a_check(store: StoreView, checks: Sequence[CheckView], concerned: bool) -> MatrixCell:
    if _is_blind(store) and concerned:
        return MatrixCell(store.name, CellText.UNREAD, Outcome.NOT_AUDITED)
    answering = tuple(dict.fromkeys(check.store for check in checks if check.store not in NO_DATABASES))
    if answering and store.name not in NO_DATABASES:
        return MatrixCell(store.name, CellText.ELSEWHERE, elsewhere=answering)
    return MatrixCell(store.name, CellText.NOTHING)


def _verdict(pack: Pack, told: Iterable[ControlOutcome]) -> PackVerdict:
    outcomes = [one.outcome for one in told if one.control.pack is pack and one.outcome is not None]
    return PackVerdict(
        pack,
        roll_up(outcomes) if outcomes else None,
        len(outcomes),
        outcomes.count(Outcome.FAIL),
        outcomes.count(Outcome.NOT_AUDITED),
    )


def _pairs(told: Mapping[str, ControlOutcome]) -> Iterator[LawPair]:
    for name, law in told.items():
        policy = told.get(name.removeprefix(_TWIN))
        if law.control.pack is not Pack.LAW or policy is None or policy.control.pack is not Pack.POLICY:
            continue
        difference = _difference(policy, law)
        if difference:
            yield LawPair(policy, law, difference)


def _difference(policy: ControlOutcome, law: ControlOutcome) -> LawDifference | None:
    match policy.outcome, law.outcome:
        case Outcome.PASS, Outcome.FAIL:
            return LawDifference.LAW_BROKEN
        case Outcome.FAIL, Outcome.PASS:
            return LawDifference.POLICY_BROKEN
        case Outcome.FAIL, Outcome.FAIL if policy.violating != law.violating:
            return LawDifference.BOTH_BROKEN
        case said, asked if said is not asked:
            return LawDifference.UNEVEN
    return None
