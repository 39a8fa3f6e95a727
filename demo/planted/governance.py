"""DEL-3, SEC-3, SEC-4, SEC-7, LAW-SEC-* and DPO-2: backups, incidents, and whether the officer's mail is answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.planting import MICROSECOND, Moments, Planting, Row, Value, breaks, unknown

OLDEST, NEWEST, RESTORED = (f"app/app.backups/{control}" for control in ("DEL-3", "SEC-3", "SEC-4"))
ENCRYPTED = "app/app.backups/SEC-7"
NOTIFIED, RISK = "app/app.incidents/LAW-SEC-4", "app/app.incidents/LAW-SEC-5"
MAILBOX = "app/app.mailbox_probes/DPO-2"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_backups, _incidents, _mailbox):
        yield from part(at)


def _backups(at: Moments) -> Iterator[Planting]:
    def backup(**values: Value) -> tuple[Row]:
        """Of a store of its own: what counts is the newest of a store."""
        ordinary: dict[str, Value] = {
            "oldest_at": at.ago(20),
            "newest_at": at.ago(0.5),
            "restore_tested_at": at.ago(90),
        }
        return (Row("app.backups", {**ordinary, **values}),)

    old, new, tried = (breaks(check, subjects=0) for check in (OLDEST, NEWEST, RESTORED))
    yield Planting(
        "a backup from which 35 days and one more can be restored", backup(oldest_at=at.overdue("P35D")), (old,)
    )
    yield Planting("a backup whose 35 days end on the day of the audit", backup(oldest_at=at.due("P35D")))
    yield Planting("a backup of nobody knows what age", backup(oldest_at=None), (unknown(OLDEST),))
    yield Planting("a store without a backup for 3 days", backup(newest_at=at.overdue("P2D")), (new,))
    yield Planting("a store whose newest backup may be 2 days old", backup(newest_at=at.due("P2D")))
    yield Planting("a store that has no backup at all", backup(newest_at=None), (new,))
    soon = backup(newest_at=at.as_of + MICROSECOND)
    yield Planting("a store whose newest backup is from after T", soon, (unknown(NEWEST),))
    yield Planting("a restore tried 12 months and a day ago", backup(restore_tested_at=at.overdue("P12M")), (tried,))
    yield Planting("a restore whose 12 months end on the day of the audit", backup(restore_tested_at=at.due("P12M")))
    yield Planting("a restore that was never tried", backup(restore_tested_at=None), (tried,))
    yield Planting("a restore tried at infinity", backup(restore_tested_at="infinity"), (unknown(RESTORED),))
    yield Planting("a backup that is not encrypted", backup(encrypted=False), (breaks(ENCRYPTED, subjects=0),))
    yield Planting("a backup nobody knows whether it is", backup(encrypted=None), (unknown(ENCRYPTED),))


def _incidents(at: Moments) -> Iterator[Planting]:
    def incident(
        risk: Value, aware: datetime | None, notified: datetime | None, reason: str | None = None
    ) -> tuple[Row]:
        values: dict[str, Value] = {"risk": risk, "aware_at": aware, "notified_at": notified, "late_reason": reason}
        return (Row("app.incidents", values),)

    late, unsure = (breaks(NOTIFIED, subjects=0),), (unknown(NOTIFIED),)
    aware, hours = at.ago(30), timedelta(hours=72)
    yield Planting("an incident notified after 5 days", incident("likely", aware, at.ago(25)), late)
    yield Planting("an incident that was never notified", incident("high", aware, None), late)
    yield Planting("an incident notified in the last microsecond", incident("high", aware, aware + hours))
    over = incident("high", aware, aware + hours + MICROSECOND)
    yield Planting("an incident notified a microsecond later", over, late)
    yield Planting("an incident that has 72 hours at T", incident("high", at.as_of - hours, None))
    open_ = incident("high", at.as_of - hours - MICROSECOND, None)
    yield Planting("an incident that had 72 hours a microsecond before T", open_, late)
    excused = incident("likely", aware, at.ago(25), "The extent was not known")
    yield Planting("an incident notified late, with the reasons", excused)
    yield Planting("an incident that puts nobody at risk", incident("unlikely", aware, None))
    yield Planting("an incident of nobody knows which risk", incident(None, aware, None), (*unsure, unknown(RISK)))
    medium = incident("medium", aware, None)
    yield Planting("an incident of a risk that the law does not know", medium, (breaks(RISK, subjects=0),))
    yield Planting("an incident nobody knows the day of", incident("high", None, aware), unsure)
    early = incident("high", aware, aware - timedelta(days=2))
    yield Planting("an incident notified before anybody knew of it", early, unsure)


def _mailbox(at: Moments) -> Iterator[Planting]:
    """All probes there are: the register is judged as a whole."""

    def probe(when: datetime, answered: str, **values: Value) -> Row:
        return Row("app.mailbox_probes", {"at": when, "answered": answered, **values})

    last = at.overdue("P7D")
    answered = tuple(probe(last - timedelta(days=7 * week), "yes") for week in range(4))
    silent = tuple(probe(at.ago(days), "no") for days in (5.5, 3.5, 0.5))
    other = probe(at.ago(1.5), "yes", mailbox="contact@spimed-ai.com")
    why = "no message to the officer was answered for 7 days and one more"
    yield Planting(why, (*answered, *silent, other), (breaks(MAILBOX, subjects=0),), once=True)
