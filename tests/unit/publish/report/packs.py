"""A night with both packs: the law beside the policy, the company as a whole, clauses of every state.

One clause has neither a verdict nor a reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, Severity, roll_up
from privacy_audit.domain.promises import Automation, Clause, Conflict, Control, Law, Pack, Policy, Source
from privacy_audit.domain.tally import Tally
from tests.unit.publish.report.audits import AS_OF, MINORS, SCAN, tally, web
from tests.unit.publish.report.policy_data import CLAUSES, CONFLICTS, CONTROLS, POLICY, RIGHTS, SINCE

SECURITY = "How do we protect your personal data?"
SOURCE = Source(
    "Regulation (EU) 2016/679, art. 12(3)",
    "Information on action taken is provided in any event within one month of receipt of the request.",
    date(2026, 11, 2),
    "Data protection",
)
LATE = Tally(
    population=240,
    compliant=221,
    violating=18,
    held=0,
    undecidable=1,
    out_of_scope=0,
    subjects=17,
    overdue_since=date(2026, 6, 2),
    ages=(1, 2, 5, 10, 0),
)

_TEXTS = {
    "rights.response_time": (
        RIGHTS,
        "and, for complex or numerous requests, within three months of receiving it.",
        Automation.CONTROL,
        "",
    ),
    "rights.objection": (
        RIGHTS,
        "A person may object to direct marketing at any time, and no message is sent after it.",
        Automation.CONTROL,
        "",
    ),
    "security.staff": (
        SECURITY,
        "Our staff is trained regularly in the protection of personal data.",
        Automation.CONTROL,
        "",
    ),
    "security.backups": (SECURITY, "Backups are encrypted, and are kept apart.", Automation.CONTROL, ""),
    "security.partners": (SECURITY, "Our partners are chosen with care.", Automation.CONTROL, ""),
    "security.register": (
        SECURITY,
        "We keep a register of who has access to your personal data.",
        Automation.CONTROL,
        "",
    ),
    "security.everything": (SECURITY, "We protect your data by all available means.", Automation.CONTROL, ""),
}
"""By id: heading, words, automation, reason. Nothing computes the last, and nobody says why."""


def _control(name: str, kind: str, title: str, clause: str, **more: object) -> Control:
    usual = Control(name, kind, title, Severity.HIGH, (clause,), ("GDPR art. 12(3)",), SINCE)
    return replace(usual, **more)  # type: ignore[arg-type]


_CONTROLS = (
    _control("DSR-3", "deadline", "Each request is answered within three months", "rights.response_time"),
    _control("DSR-8", "deadline", "No message is sent after an objection", "rights.objection"),
    _control("SEC-4", "attestation", "Staff is trained in the protection of data", "security.staff"),
    _control("SEC-5", "attestation", "Backups are encrypted, and are kept apart", "security.backups"),
    _control("SEC-6", "attestation", "Each partner was chosen by the written rules", "security.partners"),
    _control("SEC-7", "stated", "The register of access names each role", "security.register"),
)
_LAW = (
    _control(
        "LAW-DSR-3",
        "deadline",
        "Each request is answered within one month, or three where more time was announced with a reason",
        "rights.response_time",
        pack=Pack.LAW,
        source=SOURCE,
        severity=Severity.CRITICAL,
    ),
    _control(
        "LAW-DSR-8",
        "deadline",
        "No message is sent after an objection to marketing",
        "rights.objection",
        pack=Pack.LAW,
        source=replace(SOURCE, where="Regulation (EU) 2016/679, art. 21(3)", quote="The data are no longer used."),
    ),
)
_G1 = Conflict(
    "G1",
    "Complex or numerous requests are answered within three months; nothing is said of simple ones.",
    "Every request is answered within one month of receipt (GDPR art. 12(3)).",
    "DSR-3 judges by the promise, LAW-DSR-3 by the law.",
    ("DSR-3", "LAW-DSR-3"),
)


def policy() -> Policy:
    """The policy of the reports with seven clauses more, and a law beside it."""
    clauses = (*CLAUSES, *(Clause(name, *text) for name, text in _TEXTS.items()))
    law = Law("1", "What the law asks", SINCE, "c" * 64)
    return replace(
        POLICY, clauses=clauses, controls=(*CONTROLS, *_CONTROLS, *_LAW), conflicts=(_G1, *CONFLICTS), law=law
    )


def _check(place: str, control: str, outcome: Outcome, counted: Tally | None = None, **more: object) -> CheckResult:
    where, _, table = place.partition("/")
    title = next(one.title for one in (*CONTROLS, *_CONTROLS, *_LAW) if one.id == control)
    name = f"{where}/{table or '_store'}/{control}"
    usual = CheckResult(name, control, where, table, "", outcome, f"{title}.", counted, **(SCAN if counted else {}))
    return replace(usual, **more)  # type: ignore[arg-type]


def store(name: str, title: str, *checks: CheckResult) -> StoreResult:
    """A store whose outcome is that of its checks together."""
    outcome = roll_up([check.outcome for check in checks])
    return StoreResult(name, title, f"team-{name}", f"alerts_{name}", outcome, checks)


def company() -> StoreResult:
    """The company as a whole: one attestation that counts, one that ended, one nobody gave, a register nobody keeps."""
    said = "“All 31 names are on the list of the course.” Attested by Ida Roth on 12 October 2026; evidence: HR/2026/7."
    ended = (
        "The attestation ended on 31 October 2026, and nobody has looked since. “Restored once.” Attested by Ola Berg."
    )
    nobody = "No database shows this, and nobody has attested it. Add an entry to `attestations.yaml`."
    unkept = "It needs the register `access`, and no store map binds one."
    missing = {"cause": Cause.MISSING}
    until, past = date(2027, 1, 10), date(2026, 10, 31)
    return store(
        "company",
        "The company as a whole",
        _check(
            "company", "SEC-4", Outcome.PASS, reason=f"Attested until 10 January 2027. {said}", attested_until=until
        ),
        _check("company", "SEC-5", Outcome.REVIEW, cause=Cause.EXPIRED, reason=ended, attested_until=past),
        _check("company", "SEC-6", Outcome.NOT_AUDITED, reason=nobody, **missing),
        _check("company", "SEC-7", Outcome.NOT_AUDITED, reason=unkept, **missing),
    )


def app() -> StoreResult:
    """A product that answers within three months, and not within one."""
    no_cookies = "The product sets no cookies: signed by Camille Laurent, head of product, on 3 March 2026."
    return store(
        "app",
        "Product database",
        _check("app/app.rights_requests", "DSR-3", Outcome.PASS, tally(240)),
        _check("app/app.rights_requests", "LAW-DSR-3", Outcome.FAIL, LATE, fix="Answer these requests now."),
        _check("app/app.messages", "DSR-8", Outcome.PASS, tally(1_900)),
        _check("app/app.messages", "LAW-DSR-8", Outcome.PASS, tally(1_900)),
        _check("app/app.users", "MIN-1", Outcome.FAIL, MINORS, fix="Close the accounts."),
        _check("app/app.positions", "GEO-1", Outcome.PASS, tally(184_203)),
        _check("app/app.positions", "RET-3", Outcome.PASS, tally(184_203, held=3)),
        _check("app/app.users", "RET-1", Outcome.PASS, tally(20_410)),
        _check("app/app.sessions", "RET-4", Outcome.PASS, tally(48_222)),
        _check("app", "RET-5", Outcome.NOT_APPLICABLE, reason=no_cookies),
    )


def packs() -> Audit:
    """Kept by the policy and broken by the law; clauses of every state."""
    return Audit("2026-11-24T013000Z-2pac", AS_OF, policy(), (app(), web(), company()), (), "scheduled__2026-11-24")
