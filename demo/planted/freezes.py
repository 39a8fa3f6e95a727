"""OBJ-*, LAW-TEL-1, PMI-*, LAW-PMI-1, RST-1, RST-2 and LAW-RST-1: who said no, who died, whose data is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demo.planting import (
    MICROSECOND,
    PARIS,
    Moments,
    Planting,
    Row,
    Value,
    beside,
    breaks,
    former,
    held,
    hold,
    unknown,
    user,
)
from privacy_audit.domain.periods import start_of_day

CALLED, AGREED = "app/app.marketing_messages/LAW-TEL-1", "app/app.phone_consents/RET-1"
_ASKED_FIRST = date(2026, 8, 11)
"""First day on which nobody may be called who has not agreed before."""
OBJECTED, DEAD = "app/app.marketing_messages/OBJ-1", "app/app.marketing_messages/PMI-2"
ASKED, STILLED = "app/app.marketing_messages/OBJ-2", "app/app.marketing_messages/RST-2"
FROZEN, LIFTED = "app/app.processing_events/RST-1", "app/app.restrictions/LAW-RST-1"
ELSEWHERE = "app/app.processing_events/APP-3"
DONE, ANSWERED = "app/app.deaths/PMI-1", "app/app.deaths/LAW-PMI-1"
OBJECTIONS, RESTRICTIONS, DEATHS = (f"app/app.{table}/RET-1" for table in ("objections", "restrictions", "deaths"))
USERS = "app/app.users/RET-1"
_DEFAULT = "1970-01-01 12:00+00"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (
        _objections,
        _objections_by_request,
        _old_objections,
        _calls,
        _deaths,
        _instructions,
        _heirs,
        _frozen,
        _messages_to_frozen,
        _lifted,
        _old_restrictions,
    ):
        yield from part(at)


def _message(at: Moments, moment: datetime, *rows: Row) -> tuple[Row, ...]:
    return (*user(at), *rows, Row("app.marketing_messages", {"sent_at": moment}))


def _objection(received: Value, withdrawn: Value = None, **values: Value) -> Row:
    return Row("app.objections", {"received_at": received, "withdrawn_at": withdrawn, **values})


def _objections(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)
    late = (breaks(OBJECTED),)
    after = _message(at, moment, _objection(at.ago(11)))
    yield Planting("a message a day after an objection", after, late)
    stopped = _message(at, moment, _objection(at.ago(400), channel="stop_sms"))
    yield Planting("an e-mail to somebody who answered STOP to a text message", stopped, late)
    yield Planting("a message in the very moment of an objection", _message(at, moment, _objection(moment)), late)
    before = _message(at, moment, _objection(moment + MICROSECOND))
    yield Planting("a message a microsecond before an objection", before)
    withdrawn = _message(at, moment, _objection(at.ago(40), moment))
    yield Planting("a message in the very moment in which an objection was withdrawn", withdrawn)
    still = _message(at, moment, _objection(at.ago(40), moment + MICROSECOND))
    yield Planting("a message a microsecond before an objection was withdrawn", still, late)
    again = _message(at, moment, _objection(at.ago(40), at.ago(30)), _objection(at.ago(20)))
    yield Planting("a message to somebody who objected, withdrew it, and objected again", again, late)
    unsure = (unknown(OBJECTED),)
    nobodys = (*unsure, unknown(OBJECTIONS))
    undated = _message(at, moment, _objection(None))
    yield Planting("a message to somebody who objected nobody knows when", undated, unsure)
    # Hours in which nobody else is sent anything: an objection of nobody may be anyone's.
    nobody = _objection(at.ago(0.5), at.ago(0.4), user_id=None)
    yield Planting(
        "a message while an objection of nobody knows whom stands", _message(at, at.ago(0.45), nobody), nobodys
    )
    controls = ("OBJ-1", "OBJ-2", "PMI-2", "RST-2", "RET-1")
    soon = tuple(unknown(f"app/app.marketing_messages/{control}") for control in controls)
    yield Planting("a message sent a microsecond after T", _message(at, at.as_of + MICROSECOND), soon)


def _objections_by_request(at: Moments) -> Iterator[Planting]:
    """OBJ-2: those that came to the officer, and that nobody entered in the ledger of objections."""
    moment = at.ago(10)

    def asked(received: datetime, **values: Value) -> tuple[Row, ...]:
        filed: dict[str, Value] = {"kind": "objection", "channel": "email", "outcome": "open"}
        request = {**filed, "received_at": received, **values}
        return _message(at, moment, Row("app.rights_requests", request))

    late = (breaks(ASKED),)
    yield Planting("a message a day after the officer got an objection", asked(at.ago(11)), late)
    yield Planting("a message in the very moment in which the officer got one", asked(moment), late)
    yield Planting("a message a microsecond before the officer got one", asked(moment + MICROSECOND))
    back = asked(at.ago(25), withdrawn_at=moment)
    yield Planting("a message in the very moment in which a request to stop was taken back", back)
    still = asked(at.ago(25), withdrawn_at=moment + MICROSECOND)
    yield Planting("a message a microsecond before it was taken back", still, late)
    yield Planting("a message to somebody who asked for a copy", asked(at.ago(11), kind="access"))
    unfiled = asked(at.ago(11), kind=None)
    unsure = (unknown(ASKED), unknown("app/app.rights_requests/DSR-1"))
    yield Planting("a message to somebody who asked for nobody knows what", unfiled, unsure)


def _calls(at: Moments) -> Iterator[Planting]:
    def called(moment: datetime, *consents: tuple[datetime, datetime | None]) -> tuple[Row, ...]:
        agreed = (Row("app.phone_consents", {"granted_at": since, "withdrawn_at": until}) for since, until in consents)
        return (*user(at), *agreed, Row("app.marketing_messages", {"sent_at": moment, "channel": "phone"}))

    moment, law = at.ago(4), start_of_day(_ASKED_FIRST, PARIS)
    too_soon = moment < law
    broken = (beside(CALLED),) if too_soon else (breaks(CALLED),)
    kept = (beside(CALLED),) if too_soon else ()
    yield Planting("a call to somebody who never agreed", called(moment), broken)
    yield Planting("a call to somebody who agreed before", called(moment, (at.ago(40), None)), kept)
    yield Planting("a call at the very moment somebody agreed", called(moment, (moment, None)), broken)
    withdrawn = called(moment, (at.ago(40), at.ago(5)))
    yield Planting("a call a day after somebody withdrew the consent", withdrawn, broken)
    old = Row("app.phone_consents", {"granted_at": at.ago(2500)})
    gone = (*former(at, at.overdue("P5Y")), old)
    yield Planting("a consent to be called of a client of 5 years and a day ago", gone, (breaks(AGREED), breaks(USERS)))
    yield Planting("a consent to be called of 7 years ago, of a client", (*user(at), old))
    if law <= at.as_of:
        yield Planting("a call just before the law asked for consent", called(law - MICROSECOND), (beside(CALLED),))
        yield Planting("a call as the law began to ask for consent", called(law), (breaks(CALLED),))


def _old_objections(at: Moments) -> Iterator[Planting]:
    stands = _objection(at.ago(2500))
    over = (*former(at, at.overdue("P5Y")), stands)
    broken = (breaks(OBJECTIONS), breaks(USERS))
    yield Planting("an objection that stands, of a client of 5 years and a day ago", over, broken)
    withdrawn = (*former(at, at.overdue("P5Y")), _objection(at.ago(2500), at.ago(30)))
    yield Planting("an objection withdrawn last month, of a client of 5 years and a day ago", withdrawn, broken)
    due = (*former(at, at.due("P5Y")), stands)
    yield Planting("an objection of a client whose 5 years end on the day of the audit", due)
    yield Planting("an objection of 7 years ago that still stands, of a client", (*user(at), stands))
    kept = (*over, hold(at, "professional_identity"))
    both = (held(OBJECTIONS), held(USERS))
    yield Planting("an old objection in a litigation about who the person is", kept, both)


def _death(notified: Value, instructions: str | None = "erase everything", **values: Value) -> Row:
    return Row("app.deaths", {"notified_at": notified, "instructions": instructions, **values})


def _deaths(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)
    after = _message(at, moment, _death(at.ago(12), executed_at=at.ago(11)))
    yield Planting("a message two days after a death was reported", after, (breaks(DEAD),))
    exact = _message(at, moment, _death(moment))
    yield Planting("a message in the very moment in which a death was reported", exact, (breaks(DEAD),))
    yield Planting(
        "a message a microsecond before a death was reported", _message(at, moment, _death(moment + MICROSECOND))
    )
    undated = tuple(unknown(check) for check in (DEAD, DONE, DEATHS))
    unknown_day = _message(at, moment, _death(None))
    yield Planting("a message to somebody who died, reported nobody knows when", unknown_day, undated)
    over, due = ((*user(at), _death(when, executed_at=when)) for when in (at.overdue("P5Y"), at.due("P5Y")))
    yield Planting("a death reported 5 years and a day ago", over, (breaks(DEATHS),))
    yield Planting("a death whose 5 years end on the day of the audit", due)


def _instructions(at: Moments) -> Iterator[Planting]:
    def told(notified: datetime, executed: datetime | None) -> tuple[Row, ...]:
        return (*user(at), _death(notified, executed_at=executed))

    over, due = at.overdue("P3M"), at.due("P3M")
    yield Planting("instructions not carried out for 3 months and a day", told(over, None), (breaks(DONE),))
    yield Planting("instructions whose 3 months end on the day of the audit", told(due, None))
    yield Planting("instructions carried out today, a day late", told(over, at.as_of), (breaks(DONE),))
    yield Planting(
        "instructions carried out before the death was reported", told(at.ago(9), at.ago(30)), (unknown(DONE),)
    )


def _heirs(at: Moments) -> Iterator[Planting]:
    def told(notified: datetime, answered: datetime | None, instructions: str | None = None) -> tuple[Row, ...]:
        return (*user(at), _death(notified, instructions, heirs_answered_at=answered))

    over, due = at.overdue("P3M"), at.due("P3M")
    yield Planting("heirs not answered for 3 months and a day", told(over, None, " "), (breaks(ANSWERED),))
    yield Planting("heirs whose 3 months end on the day of the audit", told(due, None))
    yield Planting("heirs answered on the last day", told(due, at.as_of))
    yield Planting("heirs answered before the death was reported", told(at.ago(9), at.ago(30)), (unknown(ANSWERED),))


def _freeze(began: Value, ended: Value = None, told: Value = None) -> Row:
    return Row("app.restrictions", {"from_at": began, "to_at": ended, "told_lifted_at": told})


def _frozen(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)

    def used(*freezes: Row, **values: Value) -> tuple[Row, ...]:
        return (*user(at), *freezes, Row("app.processing_events", {"at": moment, **values}))

    def freeze(began: Value, ended: datetime | None = None) -> Row:
        return _freeze(began, ended, ended and ended - timedelta(days=2))

    late = (breaks(FROZEN),)
    yield Planting("a use of data that has been frozen for a month", used(freeze(at.ago(40))), late)
    yield Planting("a use in the very moment in which a freeze began", used(freeze(moment)), late)
    yield Planting("a use a microsecond before a freeze began", used(freeze(moment + MICROSECOND)))
    yield Planting("a use in the very moment in which a freeze was lifted", used(freeze(at.ago(40), moment)))
    yield Planting("a use a microsecond before it was lifted", used(freeze(at.ago(40), moment + MICROSECOND)), late)
    claims = used(freeze(at.ago(40)), exception="GDPR art. 18(2): legal claims")
    yield Planting("a use of frozen data for a legal claim", claims)
    yield Planting("a use whose exception is a blank", used(freeze(at.ago(40)), exception="  "), late)
    yield Planting("a use of data frozen nobody knows since when", used(freeze(None)), (unknown(FROZEN),))
    nobodys = tuple(unknown(check) for check in (FROZEN, ELSEWHERE, "app/app.processing_events/MIN-1"))
    yield Planting("a use of nobody's data", used(user_id=None), nobodys)


def _messages_to_frozen(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)
    late = (breaks(STILLED),)
    yield Planting("a message to somebody whose data is frozen", _message(at, moment, _freeze(at.ago(40))), late)
    lifted = _message(at, moment, _freeze(at.ago(40), moment, at.ago(12)))
    yield Planting("a message in the very moment in which a freeze was lifted", lifted)
    still = _message(at, moment, _freeze(at.ago(40), moment + MICROSECOND, at.ago(12)))
    yield Planting("a message a microsecond before a freeze was lifted", still, late)
    undated = _message(at, moment, _freeze(None))
    yield Planting("a message to somebody frozen nobody knows since when", undated, (unknown(STILLED),))


def _lifted(at: Moments) -> Iterator[Planting]:
    end = at.ago(20)

    def lifted(told: Value) -> tuple[Row, ...]:
        return (*user(at), _freeze(at.ago(40), end, told))

    yield Planting("a freeze lifted without a word", lifted(None), (breaks(LIFTED),))
    yield Planting(
        "a freeze of which the person was told a microsecond late", lifted(end + MICROSECOND), (breaks(LIFTED),)
    )
    yield Planting("a freeze of which the person was told in the very moment", lifted(end))
    yield Planting("a freeze of which the person was told in 1970", lifted(_DEFAULT), (unknown(LIFTED),))


def _old_restrictions(at: Moments) -> Iterator[Planting]:
    freeze = _freeze(at.ago(2500), at.ago(2400), at.ago(2402))
    over = (*former(at, at.overdue("P5Y")), freeze)
    broken = (breaks(RESTRICTIONS), breaks(USERS))
    yield Planting("a freeze that was lifted, of a client of 5 years and a day ago", over, broken)
    still = (*former(at, at.overdue("P5Y")), _freeze(at.ago(2500)))
    yield Planting("a freeze that was never lifted, of a client of 5 years and a day ago", still, broken)
    due = (*former(at, at.due("P5Y")), freeze)
    yield Planting("a freeze of a client whose 5 years end on the day of the audit", due)
    yield Planting("a freeze lifted 6 years ago, of a client", (*user(at), freeze))
    kept = (*over, hold(at, "professional_identity"))
    both = (held(RESTRICTIONS), held(USERS))
    yield Planting("an old freeze in a litigation about who the person is", kept, both)
