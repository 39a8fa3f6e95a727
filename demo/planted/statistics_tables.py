"""ANON-1: what is kept for statistics, and who could be told apart in it.

A group is a month, a region and an age band; each planting has a region of its own. A remark has the planting's number
in it: the audit counts the rows that share a text, and the copies of a planting in a large demo must not share any.
"""

from __future__ import annotations

from collections.abc import Iterator

from demo.planting import Effect, Moments, Numbered, Planting, Row, Value, breaks, unknown

ALIKE = "app/app.monthly_statistics/ANON-1"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    month = at.today.replace(day=1)

    def counted(rows: int, **values: Value) -> tuple[Row, ...]:
        return (Row("app.monthly_statistics", {"month": month, **values}),) * rows

    def alone(rows: int) -> tuple[Effect]:
        return (breaks(ALIKE, rows, subjects=0),)

    yield Planting("a region with 5 persons", counted(5))
    yield Planting("a region with 4 persons", counted(4), alone(4))
    yield Planting("a single person of a very great age", counted(1, age_band="95 and more"), alone(1))
    named = (*counted(5), *counted(1, remark="asked by camille@example.org"))
    yield Planting("an e-mail address beside the numbers", named, alone(1))
    told = (*counted(4), *counted(1, remark=Numbered("wave {n} of the survey")))
    yield Planting("a remark that names nobody, as far as a rule can tell", told, (unknown(ALIKE),))
    often = counted(5, remark=Numbered("{n}th wave"))
    yield Planting("a remark that 5 persons share", often)
    yield Planting("a remark that 4 persons share", (*counted(1), *often[:4]), (unknown(ALIKE, 4),))
    yield Planting("a blank remark", (*counted(4), *counted(1, remark="  ")))
