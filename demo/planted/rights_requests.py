"""DSR-*, MIN-4, MIN-5, RST-3, GEO-5, DEL-5, DEL-6 and what the law adds: requests by which persons exercise rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.planting import (
    GONE,
    MICROSECOND,
    Effect,
    Moments,
    Numbered,
    Planting,
    Row,
    Value,
    breaks,
    consent,
    erased,
    held,
    hold,
    unknown,
    user,
)

_DIGEST = "0badcafe" + 56 * "0"
_DPO = "dpo@spimed-ai.com"
_EXPORTED: dict[str, Value] = {"export_sha256": _DIGEST, "export_format": "json"}


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_intake, _in_time, _extended, _other_channels, _fees, _identity, _refusals, _without_outcome, _answers,
                 _erasures, _freezes, _withdrawals, _children, _kept):  # fmt: skip
        yield from part(at)


def _of(control: str) -> str:
    return f"app/app.rights_requests/{control}"


def _late(*controls: str) -> tuple[Effect, ...]:
    return tuple(breaks(_of(control)) for control in controls)


def _unsure(*controls: str) -> tuple[Effect, ...]:
    return tuple(unknown(_of(control)) for control in controls)


def _sent(at: Moments, kind: Value, **values: Value) -> tuple[Row, ...]:
    """A request sent to the officer 5 days ago, not yet answered."""
    ordinary: dict[str, Value] = {
        "kind": kind,
        "channel": "email",
        "mailbox": _DPO,
        "received_at": at.ago(5),
        "outcome": "open",
    }
    return (*user(at), Row("app.rights_requests", {**ordinary, **values}))


def _answered(at: Moments, kind: Value, outcome: Value = "granted", **values: Value) -> tuple[Row, ...]:
    """A request that came 60 days ago and was answered 10 days later."""
    answered = at.ago(50)
    done = answered if outcome == "granted" else None
    times: dict[str, Value] = {"received_at": at.ago(60), "responded_at": answered, "completed_at": done}
    return _sent(at, kind, **{**times, "outcome": outcome, **values})


def _intake(at: Moments) -> Iterator[Planting]:
    yield Planting("a request filed under a right there is not", _sent(at, "complaint"), _late("DSR-1"))
    yield Planting("a request filed under nothing", _sent(at, None), _unsure("DSR-1"))
    yield Planting("a request of which nobody wrote how it came", _sent(at, "access", channel=None), _late("DSR-2"))
    other = _sent(at, "access", mailbox="contact@spimed-ai.com")
    yield Planting("a request sent to another address", other, _late("DSR-2"))
    yield Planting("a request by e-mail to nobody knows whom", _sent(at, "access", mailbox=None), _unsure("DSR-2"))
    yield Planting("a request to the mailbox in other letter case", _sent(at, "access", mailbox="DPO@Spimed-AI.com"))
    undated = (*_late("DSR-2"), *_unsure("DSR-3", "LAW-DSR-3", "RET-1"))
    yield Planting("a request nobody knows the day of", _sent(at, "access", received_at=None), undated)


def _in_time(at: Moments) -> Iterator[Planting]:
    def open_since(received: datetime, **values: Value) -> tuple[Row, ...]:
        return _sent(at, "access", received_at=received, **values)

    both, law = _late("DSR-3", "LAW-DSR-3"), _late("LAW-DSR-3")
    yield Planting("a request open for 3 months and a day", open_since(at.overdue("P3M")), both)
    yield Planting("a request whose 3 months end on the day of the audit", open_since(at.due("P3M")), law)
    yield Planting("a request open for a month and a day", open_since(at.overdue("P1M")), law)
    yield Planting("a request whose month ends on the day of the audit", open_since(at.due("P1M")))
    today: dict[str, Value] = {"responded_at": at.as_of, "completed_at": at.as_of, "outcome": "granted", **_EXPORTED}
    yield Planting("a request answered today, a day late by the law", open_since(at.overdue("P1M"), **today), law)
    yield Planting("a request answered today, on the last day", open_since(at.due("P1M"), **today))
    before = _answered(at, "objection", responded_at=at.ago(61))
    yield Planting("a request answered before it came", before, _unsure("DSR-3", "LAW-DSR-3"))
    soon = open_since(at.as_of + MICROSECOND)
    yield Planting("a request that came after T", soon, _unsure("DSR-2", "DSR-3", "LAW-DSR-3", "RET-1"))


def _extended(at: Moments) -> Iterator[Planting]:
    came = at.due("P3M")
    in_time = came + timedelta(days=20)

    def told(when: datetime, reason: str | None) -> tuple[Row, ...]:
        return _sent(at, "access", received_at=came, extension_told_at=when, extension_reason=reason)

    yield Planting("an extension announced in time, whose 3 months end today", told(in_time, "Many systems"))
    yield Planting("an extension without a reason", told(in_time, " "), _late("LAW-DSR-3"))
    late = told(came + timedelta(days=40), "Many systems")
    yield Planting("an extension announced after the first month", late, _late("LAW-DSR-3"))


def _other_channels(at: Moments) -> Iterator[Planting]:
    def by(channel: Value, received: datetime) -> tuple[Row, ...]:
        return _sent(at, "erasure", channel=channel, mailbox=None, received_at=received)

    over = at.overdue("P1M")
    late = by("support", over)
    yield Planting("a request by a support ticket, open for a month and a day", late, _late("LAW-DSR-2", "LAW-DSR-3"))
    yield Planting("a request by letter whose month ends on the day of the audit", by("letter", at.due("P1M")))
    nowhere = (*_late("DSR-2", "LAW-DSR-3"), *_unsure("LAW-DSR-2"))
    yield Planting("an open request of which nobody wrote how it came", by(None, over), nowhere)


def _fees(at: Moments) -> Iterator[Planting]:
    yield Planting("a fee for an ordinary request", _answered(at, "objection", fee_cents=500), _late("DSR-4"))
    yield Planting("a fee of nothing", _answered(at, "objection", fee_cents=0))
    refused: dict[str, Value] = {"refusal_reason": "excessive", "complaint_told": True}
    yield Planting("a fee for an excessive request", _answered(at, "access", "refused", fee_cents=5000, **refused))


def _identity(at: Moments) -> Iterator[Planting]:
    def doubted(**values: Value) -> tuple[Row, ...]:
        doubt: dict[str, Value] = {"doubted_at": at.ago(59), "doubt_reason": "another address"}
        return _answered(at, "objection", **{**doubt, **values})

    yield Planting("a proof of identity asked for without a doubt", doubted(doubt_reason=None), _late("DSR-5"))
    vague = doubted(doubt_reason=" ", identified_at=at.ago(55), identity_copy_deleted_at=at.ago(50))
    yield Planting("an identity proved after a doubt without a reason", vague, _late("DSR-5", "DSR-13"))
    yield Planting("a doubt whose reason is a blank", doubted(doubt_reason="  "), _late("DSR-5"))
    yield Planting("a doubt that is on file", doubted())
    proved = _answered(at, "objection", identified_at=at.ago(55), identity_copy_deleted_at=at.ago(50))
    yield Planting("an identity proved that nobody doubted", proved, _late("DSR-13"))
    over, due = at.overdue("P30D"), at.due("P30D")
    yield Planting("an identity document kept 31 days", doubted(identified_at=over), _late("DSR-11"))
    yield Planting("an identity document kept 30 days", doubted(identified_at=due))
    late = doubted(identified_at=over, identity_copy_deleted_at=at.as_of)
    yield Planting("an identity document deleted today, a day late", late, _late("DSR-11"))
    early = doubted(identified_at=at.ago(55), identity_copy_deleted_at=at.ago(58))
    yield Planting("an identity document deleted before it was looked at", early, _unsure("DSR-11"))


def _refusals(at: Moments) -> Iterator[Planting]:
    def refused(reason: str | None, **values: Value) -> tuple[Row, ...]:
        return _answered(at, "access", "refused", refusal_reason=reason, **{"complaint_told": True, **values})

    yield Planting("a refusal for no reason the policy knows", refused("too much work"), _late("DSR-6"))
    both = (*_late("LAW-DSR-6"), *_unsure("DSR-6"))
    yield Planting("a refusal of which nobody wrote the reason", refused(None), both)
    yield Planting("a repetitive request that repeats none", refused("repetitive"), _late("DSR-6"))
    yield Planting("a repetitive request that names the earlier one", refused("repetitive", repeats="1"))
    silent = refused("unfounded", complaint_told=False)
    yield Planting("a refusal that says nothing of the authority", silent, _late("LAW-DSR-6"))
    unsaid = refused("unfounded", complaint_told=None)
    yield Planting("a refusal of which nobody knows whether it did", unsaid, _unsure("LAW-DSR-6"))


def _without_outcome(at: Moments) -> Iterator[Planting]:
    """Answered, and nobody wrote down how: it may be any of the answers that this kind of request can get."""
    refusal = ("DSR-6", "LAW-DSR-6", "DSR-12")
    yield Planting("an objection answered nobody knows how", _answered(at, "objection", None), _unsure(*refusal))
    access = _answered(at, "access", None)
    yield Planting("a copy given or refused, nobody knows", access, _unsure(*refusal, "DSR-7"))
    shown = _answered(at, "access", None, completed_at=at.ago(50), **_EXPORTED)
    yield Planting("a copy handed out, nobody wrote that it was granted", shown, _unsure(*refusal))
    still = _sent(at, "access", responded_at=at.ago(2))
    yield Planting("a request answered, and open as before", still, _late("DSR-12"))
    done = _answered(at, "objection", "done")
    yield Planting("an answer in a word of somebody's own", done, _late("DSR-12"))


def _answers(at: Moments) -> Iterator[Planting]:
    yield Planting("a copy whose digest is on file", _answered(at, "access", **_EXPORTED))
    yield Planting("a copy of which no digest is on file", _answered(at, "access"), _late("DSR-7"))
    undone = _answered(at, "access", completed_at=None, **_EXPORTED)
    yield Planting("a copy granted and not handed out", undone, _late("DSR-7"))
    yield Planting("a correction made everywhere", _answered(at, "rectification", corrected_everywhere=True))
    partly = _answered(at, "rectification", corrected_everywhere=False)
    yield Planting("a correction that some copies did not see", partly, _late("DSR-8"))
    unsaid = _answered(at, "rectification")
    yield Planting("a correction of which nobody knows whether all did", unsaid, _unsure("DSR-8"))
    yield Planting(
        "data ported as CSV, in other letter case", _answered(at, "portability", **_EXPORTED | {"export_format": "CSV"})
    )
    paper = _answered(at, "portability", **_EXPORTED | {"export_format": "pdf"})
    yield Planting("data ported as PDF", paper, _late("DSR-9"))
    unsaid = _answered(at, "portability", export_sha256=_DIGEST)
    yield Planting("data ported in nobody knows which format", unsaid, _unsure("DSR-9"))
    undigested = _answered(at, "portability", export_format="json")
    yield Planting("data ported without a digest", undigested, _late("DSR-9"))


def _erasures(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue("P1M"), at.due("P1M")

    def granted(answered: datetime | None, done: datetime | None = None) -> tuple[Row, ...]:
        came = at.ago(5) if answered is None else answered - timedelta(days=10)
        entered = erased(done, GONE) if done else ()
        return (*_answered(at, "erasure", received_at=came, responded_at=answered, completed_at=done), *entered)

    yield Planting("an erasure granted a month and a day ago and not done", granted(over), _late("DSR-10"))
    yield Planting("an erasure whose month ends on the day of the audit", granted(due))
    yield Planting("an erasure done today, a day late", granted(over, at.as_of), _late("DSR-10"))
    yield Planting("an erasure done on the last day", granted(due, at.as_of))
    yield Planting("an erasure done before it was granted", granted(at.ago(20), at.ago(25)), _unsure("DSR-10"))
    yield Planting("an erasure granted nobody knows when", granted(None), _unsure("DSR-10"))
    forgotten = _answered(at, "erasure")
    yield Planting("an erasure carried out that nobody entered in the ledger", forgotten, _late("DEL-5"))
    other = Row("app.erasures", {**erased(at.ago(50), GONE)[0].values, "request": Numbered("E-{n}")})
    yield Planting("an erasure entered under another number", (*forgotten, other), _late("DEL-5"))


def _freezes(at: Moments) -> Iterator[Planting]:
    """RST-3: those that were granted, in the register by which uses are judged."""
    granted = _answered(at, "restriction")
    entered = Row("app.restrictions", {"from_at": at.ago(55)})
    yield Planting("a freeze that was granted and entered", (*granted, entered))
    yield Planting("a freeze that was granted and that nobody entered", granted, _late("RST-3"))
    refused = _answered(at, "restriction", "refused", refusal_reason="unfounded", complaint_told=True)
    yield Planting("a freeze that was refused", refused)
    unsaid = _answered(at, "restriction", None)
    yield Planting(
        "a freeze granted or refused, nobody knows", unsaid, _unsure("RST-3", "DSR-6", "LAW-DSR-6", "DSR-12")
    )


def _withdrawals(at: Moments) -> Iterator[Planting]:
    """GEO-5: those of the consent to be located, in the ledger by which positions are judged."""

    def withdrawn(about: str | None, *entered: Row) -> tuple[Row, ...]:
        return (*_answered(at, "withdrawal", about=about), *entered)

    entered = consent(at, at.ago(60), "withdraw")
    yield Planting("a withdrawal by request that was entered", withdrawn("geolocation", entered))
    yield Planting("a withdrawal by request that nobody entered", withdrawn("geolocation"), _late("GEO-5"))
    other = consent(at, at.ago(60), "withdraw", "statistics")
    yield Planting("a withdrawal that was entered for another purpose", withdrawn("geolocation", other), _late("GEO-5"))
    granted = consent(at, at.ago(60))
    yield Planting("a withdrawal that was entered as a grant", withdrawn("geolocation", granted), _late("GEO-5"))
    yield Planting("a withdrawal of the consent to be called", withdrawn("phone_marketing"))
    yield Planting("a withdrawal of nobody knows which consent", withdrawn(None), _unsure("GEO-5"))


def _children(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue("P3M"), at.due("P3M")

    def report(received: datetime, **values: Value) -> tuple[Row, ...]:
        answered = received + timedelta(days=10)
        return _sent(
            at, "child_report", **{"received_at": received, "responded_at": answered, "outcome": "erased", **values}
        )

    yield Planting("a guardian's report not settled for 3 months and a day", report(over), _late("MIN-4"))
    yield Planting("a guardian's report whose 3 months end today", report(due))

    def settled(outcome: str | None, proof: str | None = "requests/child") -> tuple[Row, ...]:
        return report(at.ago(60), outcome=outcome, proof=proof, completed_at=at.ago(45))

    yield Planting("a report that ended with an erasure", (*settled("erased"), *erased(at.ago(45), GONE)))
    yield Planting("a report that ended with an erasure nobody entered", settled("erased"), _late("DEL-6"))
    yield Planting("a report that ended with nothing", settled("granted"), _late("MIN-5"))
    yield Planting("a report that ended with a consent nobody can show", settled("consent_shown", None), _late("MIN-5"))
    unsaid = _unsure("MIN-5", "DSR-6", "LAW-DSR-6", "DEL-6", "DSR-12")
    yield Planting("a report that ended nobody knows how", settled(None), unsaid)
    early = report(at.ago(60), outcome="erased", proof="requests/child", completed_at=at.ago(70))
    yield Planting("a report settled before it came", (*early, *erased(at.ago(70), GONE)), _unsure("MIN-4"))


def _kept(at: Moments) -> Iterator[Planting]:
    """RET-1: the requests themselves, 5 years after they came."""

    def old(received: datetime) -> tuple[Row, ...]:
        answered = received + timedelta(days=10)
        return _answered(at, "objection", received_at=received, responded_at=answered, completed_at=answered)

    over = old(at.overdue("P5Y"))
    yield Planting("a request that came 5 years and a day ago", over, _late("RET-1"))
    yield Planting("a request whose 5 years end on the day of the audit", old(at.due("P5Y")))
    kept = (*over, hold(at, "professional_identity"))
    yield Planting("an old request in a litigation about who the person is", kept, (held(_of("RET-1")),))
