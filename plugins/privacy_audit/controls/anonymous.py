"""Rows that are kept for statistics show no way back to a person.

*Why*: only anonymous data may be kept beyond its period, and data is anonymous only when nobody can be singled out,
linked or inferred by any means reasonably likely to be used (GDPR recital 26; Article 29 Working Party, opinion
05/2014, WP216). *Fix*: delete the rows, or make their values coarser, until each is one among enough that are alike.

A row is in breach when fewer than k rows share its quasi-identifiers (singling out), when fewer than l values of a
sensitive column occur in such a group (inference), or when what names a person stands in it: an e-mail address, an
IBAN, a card, social security or telephone number, an IP address; or a digest or UUID, which anyone who has the other
copy can link (the digest of an e-mail address is a pseudonym, not anonymous). A row is undecidable when a text stands
in a `direct` column that fewer than k rows have there, unless that is a quasi-identifier as well: no rule tells a name
from any other words, and what so few rows say may be about one person. A null is a value like any other among the
quasi-identifiers, and no value in a sensitive column: a group that holds none is not judged by it.

That nothing is found proves no anonymity: knowledge from elsewhere may lead back to a person. So the control never
says that data is anonymous. It asks every store, as retention does: one that holds nothing for statistics has its owner
sign so, for a table that nobody mapped would otherwise never be missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_tables import AnonymousTable
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import BindingError, DeleteRows, Remedy, Rule, common
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, Fixture, SelfTestCase
from privacy_audit.sql.detectors import Detector, detects, holds_pseudonym
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, Predicate, never, no_day
from privacy_audit.sql.row_predicates import RowPredicates, RowState

_GROUP = "rows in group"
"""A name with blanks is no column of a store map, so that it cannot be one of the table's."""
_MOST = 1000
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
"""What a measure may be: in a text anything could stand."""


class AnonymousStatistics(Rule):
    """Expect no counter-evidence to the anonymity of rows that are kept for statistics."""

    kind: ClassVar[str] = "anonymous"
    expectation: ClassVar[str] = "expect_no_way_back_to_a_person"
    parameters: ClassVar[frozenset[str]] = frozenset({"k"})
    optional_parameters: ClassVar[frozenset[str]] = frozenset({"l"})

    declared: AnonymousTable
    k: int = Field(ge=2, le=_MOST)
    """Fewest rows that must be alike in their quasi-identifiers."""
    l: int | None = Field(default=None, ge=2, le=_MOST)  # noqa: E741 - so the field calls it
    """Fewest values of each sensitive column among rows that are alike."""

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for name in ("k", "l"):
            text = str(parameters.get(name, "2"))
            if not (text.isascii() and text.isdecimal() and 2 <= int(text[:9]) <= _MOST):
                yield (name,), f'"{text[:80]}" is no size of a group. Write a whole number from 2 to {_MOST}, as "5".'

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        for name, mapped in store.tables.items():
            if mapped.anonymous:
                yield cls(
                    **common(name, mapped, store, zone),
                    declared=mapped.anonymous,
                    k=int(control.parameters["k"]),
                    l=int(control.parameters["l"]) if "l" in control.parameters else None,
                )

    @property
    def sentence(self) -> str:
        alike = ", ".join(self.declared.quasi_identifiers)
        parts = [f"each row is alike in {alike} with at least {self.k - 1} others"]
        if self.l and self.declared.sensitive:
            parts.append(f"rows that are alike hold at least {self.l} values of {', '.join(self.declared.sensitive)}")
        if self.declared.direct:
            parts.append(
                f"{', '.join(self.declared.direct)} hold no e-mail address, IBAN, card, social security or telephone"
                f" number, IP address, digest or UUID, and no text that fewer than {self.k} rows share"
            )
        return f"{self.title} that are kept for statistics, no counter-evidence found: {'; '.join(parts)}."

    @property
    def fix(self) -> str:
        return (
            f"Delete these rows of {self.table}, or make {', '.join(self.declared.quasi_identifiers)} coarser until"
            " each row is alike with enough others. Empty what names a person, and mend the job that fills the table."
        )

    @property
    def decide(self) -> str:
        where = f" in {', '.join(self.declared.direct)}" if self.declared.direct else ""
        return (
            f"Read the texts{where} that few rows of {self.table} share. Where one names a person, the row is in"
            f" breach. Where none does, write what it says in a form that at least {self.k} rows share. Delete nothing"
            " before that."
        )

    def remedy(self) -> Remedy:
        return DeleteRows()

    @property
    def undecided_because(self) -> str:
        return "a text stands in it that few rows share, and no rule tells whether it names somebody"

    def columns(self) -> Sequence[str]:
        return (*self.declared.quasi_identifiers, *self.declared.direct, *(self.declared.sensitive if self.l else ()))

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from (ColumnRequirement(self.table, column, _NUMBERS) for column in self.declared.measures)

    def rows(self, context: EvaluationContext, *extra: str) -> sa.FromClause:
        """The table with the size of each row's group, and how many values of each sensitive column are in it."""
        table = context.table(self.table, *self.columns(), *extra, alias="counted")
        if not {"tableoid", "ctid"} <= set(extra):
            return self._counted(table).subquery("t")
        # Rows that are to be locked may not come out of a window: so they stand beside their counts.
        counted = self._counted(table).cte("counted_rows")
        rows = context.table(self.table, *self.columns(), *extra, alias="row")
        same = sa.and_(rows.c.ctid == counted.c.ctid, rows.c.tableoid == counted.c.tableoid)
        counts = (counted.c[name] for name in (_GROUP, *self._inferred.values(), *self._shared.values()))
        return sa.select(*rows.c, *counts).select_from(rows.join(counted, same)).subquery("t")

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        declared, fewest = self.declared, self.l or 1
        alike = dict.fromkeys(declared.quasi_identifiers, OWN)

        def group(
            name: str,
            state: RowState,
            size: int,
            cells: Mapping[str, Any] | None = None,
            values: int = fewest,
            some_rows: Mapping[int, Mapping[str, Any]] | None = None,
        ) -> SelfTestCase:
            """A row among `size` that are alike; they hold so many values of each sensitive column."""
            rows = [
                {
                    **alike,
                    **(cells or {}),
                    **(some_rows or {}).get(number, {}),
                    **dict.fromkeys(self._inferred, f"value {number % values}" if values else None),
                }
                for number in range(size)
            ]
            return SelfTestCase(name, state, Fixture(rows[0], {}, rows[1:]))

        enough = max(self.k, fewest)
        yield group("among enough that are alike", RowState.COMPLIANT, enough)
        yield group("among too few that are alike", RowState.VIOLATING, self.k - 1)
        yield group("that is alike with nobody", RowState.VIOLATING, 1)
        for column in declared.quasi_identifiers[1:]:
            yield group(f"among enough without {column}", RowState.COMPLIANT, enough, {column: None})
            yield group(f"among too few without {column}", RowState.VIOLATING, self.k - 1, {column: None})
        if self._inferred:
            yield group("among too few values", RowState.VIOLATING, enough, values=fewest - 1)
            yield group("among rows without a value", RowState.COMPLIANT, enough, values=0)
        for column in declared.direct:
            for text in _NAMING:
                yield group(f"that names somebody in {column}", RowState.VIOLATING, enough, {column: text})
            yield group(f"that names nobody in {column}", RowState.COMPLIANT, enough, {column: OWN})
        for column in self._shared:
            own, blank = {column: OWN}, {column: "  "}
            few = dict.fromkeys(range(self.k - 1), own)
            yield group(f"with a text that few share in {column}", RowState.UNDECIDABLE, enough, some_rows=few)
            some = dict.fromkeys(range(self.k), own)
            yield group(f"with a text that enough share in {column}", RowState.COMPLIANT, enough + 1, some_rows=some)
            yield group(f"with a blank in {column}", RowState.COMPLIANT, enough, some_rows={0: blank})
            named = {0: {column: _NAMING[0]}}
            yield group(f"that alone names somebody in {column}", RowState.VIOLATING, enough, some_rows=named)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        few = [row.c[values].between(1, (self.l or 1) - 1) for values in self._inferred.values()]
        names = [_direct(row.c[column]) for column in self.declared.direct]
        broken = sa.or_(row.c[_GROUP] < self.k, *few, *names)
        texts = [sa.and_(_says(row.c[column]), row.c[rows] < self.k) for column, rows in self._shared.items()]
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=never(),
            violating=sa.case((broken, sa.true()), (sa.or_(*texts), sa.null()), else_=sa.false()) if texts else broken,
            moment=sa.cast(sa.null(), sa.DateTime(timezone=True)),
            breach_began=no_day(),
        )

    @property
    def _inferred(self) -> dict[str, str]:
        """Each sensitive column, and the name under which its values in a group are counted."""
        columns = dict.fromkeys(self.declared.sensitive) if self.l else {}
        return {column: f"values in group {number}" for number, column in enumerate(columns)}

    @property
    def _shared(self) -> dict[str, str]:
        """Each column for texts, and the name under which the rows are counted that say the same in it."""
        columns = [column for column in self.declared.direct if column not in self.declared.quasi_identifiers]
        return {column: f"rows with text {number}" for number, column in enumerate(dict.fromkeys(columns))}

    def _counted(self, table: sa.FromClause) -> sa.Select[Any]:
        alike = [table.c[column] for column in self.declared.quasi_identifiers]
        # PostgreSQL counts no distinct values over a window: the highest rank among the values is their number.
        ranks = (
            sa.case(
                (table.c[column].is_not(None), sa.func.dense_rank().over(partition_by=alike, order_by=table.c[column]))
            ).label(values)
            for column, values in self._inferred.items()
        )
        ranked = sa.select(*table.c, *ranks).subquery("ranked")
        groups = [ranked.c[column] for column in self.declared.quasi_identifiers]
        return sa.select(
            *(ranked.c[column.name] for column in table.c),
            sa.func.count().over(partition_by=groups).label(_GROUP),
            *(
                sa.func.coalesce(sa.func.max(ranked.c[values]).over(partition_by=groups), 0).label(values)
                for values in self._inferred.values()
            ),
            *(
                sa.func.count().over(partition_by=sa.cast(ranked.c[column], sa.Text())).label(rows)
                for column, rows in self._shared.items()
            ),
        )


_NAMING = (
    "write to somebody@example.org",
    "FR76 3000 6000 0112 3456 7890 189",
    f"1841276451089{97 - 1841276451089 % 97:02}",
    "+33 1 99 00 12 34",
    "192.0.2.1",
    "4111 1111 1111 1111",
    "d41d8cd98f00b204e9800998ecf8427e",
    "123e4567-e89b-42d3-a456-426614174000",
)
"""What names a person, once for each detector."""
_DIRECT = (Detector.EMAIL, Detector.IBAN, Detector.NIR, Detector.PHONE, Detector.IP, Detector.CARD)
"""What names a person by itself."""


def _says(column: sa.ColumnElement[Any]) -> Predicate:
    """Whether a text says anything; never null."""
    return sa.func.btrim(sa.func.coalesce(sa.cast(column, sa.Text()), "")) != ""


def _direct(column: sa.ColumnElement[Any]) -> Predicate:
    """Whether a text holds a direct identifier, or a pseudonym; false where it says nothing."""
    return sa.or_(*(detects(detector, column) for detector in _DIRECT), holds_pseudonym(column))
