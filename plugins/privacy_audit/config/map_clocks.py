"""Clocks and subjects in a store map: which column says when a period begins, and whose a row is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from privacy_audit.config.map_fields import Identifier, Line, MapPart, TableName, Zone


class Encoding(StrEnum):
    """How a column writes a moment."""

    TIMESTAMPTZ = "timestamptz"
    TIMESTAMP = "timestamp"
    """Without a zone: the map must say which zone the writer meant."""
    DATE = "date"
    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    YEAR = "year"
    """A year only: judged at both of its ends, undecidable in between."""


class MomentMeaning(StrEnum):
    """What a missing or future moment stands for."""

    UNKNOWN = "unknown"
    """Nobody knows: the row cannot be decided."""
    RUNNING = "running"
    """The clock has not started (a contract without end date is running): nothing is due yet."""


class ColumnClock(MapPart):
    """A moment that stands in a column of the row itself."""

    column: Identifier
    """The column that tells the moment."""
    encoding: Encoding = Encoding.TIMESTAMPTZ
    """How the column writes it."""
    zone: Zone | None = None
    """Zone the writer of a `timestamp` without zone meant."""
    null_means: MomentMeaning = MomentMeaning.UNKNOWN
    """What a null stands for."""
    future_means: MomentMeaning = MomentMeaning.UNKNOWN
    """What a moment after T stands for, `infinity` too.

    A moment after the year 9999, and a number or a year more than a century after T, is a wrong unit or a default value
    and no future: it is undecidable, whatever is said here. 9999-12-31 is a future.
    """
    event: Line | None = None
    """What happened then, as the end of a sentence: `they were recorded`."""

    @model_validator(mode="after")
    def _zone_is_declared(self) -> ColumnClock:
        if (self.encoding is Encoding.TIMESTAMP) != (self.zone is not None):
            raise ValueError(
                "A clock with encoding timestamp needs `zone`: which zone did its writer mean?"
                if self.zone is None
                else f"`zone` is for encoding timestamp; encoding {self.encoding} already says when. Leave it out."
            )
        return self

    @property
    def is_instant(self) -> bool:
        """Whether it tells the moment within a day, as judging a consent at that moment needs."""
        return self.encoding not in (Encoding.DATE, Encoding.YEAR)


def _instant(clock: ColumnClock) -> ColumnClock:
    if not clock.is_instant:
        raise ValueError(
            f"Column {clock.column} tells no time of day, so no consent can be judged at a moment."
            " Name a column with a time of day."
        )
    return clock


def day(clock: ColumnClock) -> ColumnClock:
    if clock.encoding is Encoding.YEAR:
        raise ValueError(
            f"Column {clock.column} tells only a year, and a day is needed here. Name a column with a day."
        )
    return clock


InstantClock = Annotated[ColumnClock, AfterValidator(_instant)]
"""A clock that tells the moment within a day."""
DayClock = Annotated[ColumnClock, AfterValidator(day)]
"""A clock that tells the day, or more."""


class JoinedClock(ColumnClock):
    """The latest moment among the joined rows of another table: the last payment of an invoice, the last contract."""

    table: TableName
    """The other table; `column` is one of its columns."""
    on: dict[Identifier, Identifier] = Field(min_length=1)
    """Column of this row to column of the joined table."""
    absent_means: MomentMeaning = MomentMeaning.UNKNOWN
    """What it stands for when no row joins."""


class LatestClock(MapPart):
    """The latest of several clocks; those that are null do not count unless all are."""

    latest: tuple[Annotated[_SingleClock, Field()], ...] = Field(min_length=2)
    """The clocks; each is written as one alone."""

    @model_validator(mode="after")
    def _names_each_once(self) -> LatestClock:
        if len({clock.model_dump_json(include={"table", "on", "column"}) for clock in self.latest}) < len(self.latest):
            raise ValueError("The latest of several clocks names one of them twice: keep it once.")
        return self


def _single_shape(value: Any) -> str:
    joined = isinstance(value, JoinedClock) or (isinstance(value, dict) and ("table" in value or "on" in value))
    return "joined" if joined else "column"


def _clock_shape(value: Any) -> str:
    latest = isinstance(value, LatestClock) or (isinstance(value, dict) and "latest" in value)
    return "latest" if latest else _single_shape(value)


_SingleClock = Annotated[
    Annotated[ColumnClock, Tag("column")] | Annotated[JoinedClock, Tag("joined")], Discriminator(_single_shape)
]
Clock = Annotated[
    Annotated[ColumnClock, Tag("column")]
    | Annotated[JoinedClock, Tag("joined")]
    | Annotated[LatestClock, Tag("latest")],
    Discriminator(_clock_shape),
]
LatestClock.model_rebuild()


class OwnSubject(MapPart):
    """Whose row it is: a key that stands in the row."""

    column: Identifier
    """The column with the key."""


class JoinedSubject(OwnSubject):
    """Whose row it is: a key that stands in the one row of another table that this row points to."""

    table: TableName
    """The other table; `column` is one of its columns."""
    on: dict[Identifier, Identifier] = Field(min_length=1)
    """Column of this row to column of the other table, which must be unique there."""


def _subject_shape(value: Any) -> str:
    joined = isinstance(value, JoinedSubject) or (isinstance(value, dict) and ("table" in value or "on" in value))
    return "joined" if joined else "own"


Subject = Annotated[
    Annotated[OwnSubject, Tag("own")] | Annotated[JoinedSubject, Tag("joined")], Discriminator(_subject_shape)
]
