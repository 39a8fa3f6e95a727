"""RET-6, DRIFT-1, DEL-2, ACC-1, XFR-3 and LAW-GEO-4: what the store maps leave open and app_catalog.sql puts there.

No row of a table shows it, so nothing is sown: the catalog of the database is what it is in a demo of any size.
"""

from __future__ import annotations

from collections.abc import Iterator

from demo.planting import Effect, Moments, Planting, breaks, unknown


def plantings(_: Moments) -> Iterator[Planting]:
    """All of them."""
    yield _open("comments, notices and applicants have no period in the policy", _broken("app", "RET-6", 3))
    yield _open("nor have consents, those of guardians, and legal holds", _broken("app", "RET-6", 3))
    yield _open("contracts have none in the map, nor has what people write in tickets", _broken("app", "RET-6", 2))
    yield _open("visitors, consents and legal holds have no period in the policy", _broken("web", "RET-6", 3))
    yield _open("a column for e-mail addresses that no map speaks of", _broken("app", "DRIFT-1", 1))
    yield _open("a place and an address that accounts keep for years", _broken("app", "DRIFT-1", 2))
    yield _open("years of birth that came along with subscriptions", _broken("app", "DRIFT-1", 1))
    yield _open("a column for e-mail addresses in the statistics", _broken("app", "DRIFT-1", 1))
    copied = (_broken("app", "DRIFT-1", 3), unknown("app/_store.catalog/DRIFT-1", 6))
    yield _open("a copy of last year's prospects", _broken("app", "DEL-2", 1), *copied)
    yield _open("the partition that takes positions without a date", _broken("app", "DEL-2", 1))
    yield _open("texts of comments and devices, which may say anything", unknown("app/_store.catalog/DRIFT-1", 2))
    yield _open("addresses of pages, which may say anything", unknown("web/_store.catalog/DRIFT-1"))
    yield _open("a tool for campaigns that reads prospects", _broken("app", "ACC-1", 1))
    yield _open("an agency that reads users, years after its contract", _broken("app", "ACC-1", 1))
    yield _open("a feed of invoices to nobody knows whom", _broken("app", "XFR-3", 1))
    yield _open("a tool of the support that may change consents", _broken("app", "LAW-GEO-4", 1))


def _open(why: str, *effects: Effect) -> Planting:
    return Planting(why, (), effects, once=True)


def _broken(store: str, control: str, rows: int) -> Effect:
    return breaks(f"{store}/_store.catalog/{control}", rows, subjects=0)
