"""SCP-2, SCP-3, APP-1, APP-3 and SRC-2: who was shown which text before their data was there, and where it came from.

Applicants are left alone by the product's own jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from demo.planting import MICROSECOND, SELF, Moments, Planting, Row, Value, account, breaks, notice, unknown, user

SHOWN, SOURCE = "app/app.users/SCP-2", "app/app.users/SRC-2"
APPLICANTS, ELSEWHERE = "app/app.applicants/APP-1", "app/app.processing_events/APP-3"
VERSION = "app/app.notices/SCP-3"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _accounts(at)
    yield from _applicants(at)
    yield from _applicants_elsewhere(at)
    yield from _sources(at)


def _accounts(at: Moments) -> Iterator[Planting]:
    made = at.ago(100)
    contract = Row("app.contracts", {"user_id": SELF, "started_at": made})

    def known(*notices: Row) -> tuple[Row, ...]:
        return (account(at, created_at=made), contract, *notices)

    late = (breaks(SHOWN),)
    yield Planting("an account whose person was never shown the policy", known(), late)
    yield Planting("a policy shown a microsecond after the account was made", known(notice(made + MICROSECOND)), late)
    yield Planting("a policy shown a year before the account was made", known(notice(at.ago(465))))
    yield Planting(
        "an account whose person was shown the applicants' text", known(notice(made, "applicant_policy")), late
    )
    yield Planting("a policy shown after T", known(notice(at.as_of + MICROSECOND)), (*late, unknown(VERSION)))
    default = known(notice("1970-01-01 12:00+00"))
    yield Planting("a policy shown on 1 January 1970", default, (unknown(SHOWN), unknown(VERSION)))
    both = known(notice("1970-01-01 12:00+00"), notice(made))
    yield Planting("a policy shown on 1 January 1970, and again in time", both, (unknown(VERSION),))

    def text(version: str) -> tuple[Row, ...]:
        shown = notice(made)
        return known(Row(shown.table, {**shown.values, "version": version}))

    yield Planting("a policy shown in its first version, which is long over", text("0.1"), (breaks(VERSION),))
    yield Planting("a policy shown in a version there never was", text("9"), (breaks(VERSION),))
    yield Planting("a policy shown in nobody knows which version", text(" "), (unknown(VERSION),))


def _applicants(at: Moments) -> Iterator[Planting]:
    moment = at.ago(50)

    def applied(when: datetime | str | None, *notices: Row) -> tuple[Row, ...]:
        return (Row("app.applicants", {"collected_at": when}), *notices)

    own = "applicant_policy"
    late, unsure = (breaks(APPLICANTS),), (unknown(APPLICANTS),)
    yield Planting("an applicant who was shown nothing", applied(moment), late)
    yield Planting("an applicant who was shown the other policy", applied(moment, notice(moment)), late)
    yield Planting("an applicant informed a microsecond late", applied(moment, notice(moment + MICROSECOND, own)), late)
    yield Planting("an applicant informed in the very moment", applied(moment, notice(moment, own)))
    yield Planting("an applicant nobody knows since when", applied(None, notice(moment, own)), unsure)
    yield Planting("an applicant since infinity", applied("infinity", notice(moment, own)), unsure)
    default = applied(moment, notice("1970-01-01 12:00+00", own))
    yield Planting("an applicant informed on 1 January 1970", default, unsure)


def _applicants_elsewhere(at: Moments) -> Iterator[Planting]:
    """Applicants who were informed in time, and whose data the product used. Nobody asked them for their age."""
    moment, ageless = at.ago(50), unknown("app/app.processing_events/MIN-1")

    def used(when: datetime, collected: datetime | None = moment) -> tuple[Row, ...]:
        applied = (Row("app.applicants", {"collected_at": collected}), notice(moment, "applicant_policy"))
        return (*applied, Row("app.processing_events", {"at": when}))

    yield Planting("an applicant whose data the product used", used(at.ago(10)), (breaks(ELSEWHERE), ageless))
    yield Planting("an applicant whose data was used as it came in", used(moment), (breaks(ELSEWHERE), ageless))
    yield Planting("a use a microsecond before the application", used(moment - MICROSECOND), (ageless,))
    unsure = (unknown(APPLICANTS), unknown(ELSEWHERE), ageless)
    yield Planting("a use of an applicant nobody knows since when", used(at.ago(10), None), unsure)


def _sources(at: Moments) -> Iterator[Planting]:
    def came(source: Value) -> tuple[Row, ...]:
        return user(at, source=source)

    yield Planting("an account made from a purchased list", came("purchased_list"), (breaks(SOURCE),))
    yield Planting("an account of which nobody wrote down the source", came(None), (unknown(SOURCE),))
    yield Planting("an account whose source is a blank", came(" "), (unknown(SOURCE),))
    yield Planting("an account from a trade show, in other letter case", came("Trade_Show"))
