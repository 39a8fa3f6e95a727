"""Self-test cases: rows made up to show that a rule can fail, and that it tells apart what it must.

Every rule names a few: some that break its promise, some that keep it, some on the edge, some under a legal hold, some
that nobody can decide. They are judged with every audit by the very SQL that judges the store, as rows sent along with
the statement. A rule that does not say of them what it must is no evidence for a pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement
from privacy_audit.sql.inline_relation import InlineRelation, PartitionedInlineRelation, Row
from privacy_audit.sql.row_predicates import RowState

CASE_ID = "number of specimen"
"""The column that tells self-test cases apart. A name with blanks is no column of a store map."""

Cells = Mapping[str, Any]
"""Column to value. What is not named is null."""
Leaning = Mapping[str, Sequence[Cells]]
"""Rows of other tables, by the table's full name."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """Stands for the self-test case's own number, so that no self-test case leans on the rows of another."""

    before: str = ""
    after: str = ""

    def of(self, number: int) -> str:
        """The number, as a text that every type of key can be read from."""
        return f"{self.before}{number}{self.after}"


OWN = OwnKey()
"""The self-test case's own row, and its person."""
OTHER = OwnKey("-")
"""A person whose the self-test case is not."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """Cells of one row, and rows of other tables that it leans on."""

    row: Cells = field(default_factory=dict)
    others: Leaning = field(default_factory=dict)
    beside: Sequence[Cells] = ()
    """Further rows of its own table, of which nothing is asked. A register judged as a whole has no others."""

    def __or__(self, other: Fixture) -> Fixture:
        """Both; of a cell that both name, the other's. Rows of another table that have one key become one."""
        names = dict.fromkeys((*self.others, *other.others))
        return Fixture(
            {**self.row, **other.row},
            {name: _united(self.others.get(name, ()), other.others.get(name, ())) for name in names},
            (*self.beside, *other.beside),
        )


@dataclass(frozen=True, slots=True)
class SelfTestCase:
    """One made-up row, with the rows of other tables that it leans on, and what must be said of it.

    Inside the cells `OWN` stands for the number of the self-test case: its key, and its person.
    """

    name: str
    """What it shows, in words: `a day past its period`."""
    state: RowState
    fixture: Fixture = field(default_factory=Fixture)
    alone: bool | str = False
    """Whether it cannot share tables with others: what it leans on is not its own person's or key's. Those that lean
    on the same may share tables with each other: then the name of what they share."""

    def over(self, fixture: Fixture) -> SelfTestCase:
        """The same with the cells of a scene where it names none itself."""
        return replace(self, fixture=fixture | self.fixture)


def _united(ours: Sequence[Cells], theirs: Sequence[Cells]) -> tuple[Cells, ...]:
    """All rows. One of theirs that has a key in common with one of ours, and contradicts it nowhere, is the same."""
    rows, free = [dict(row) for row in ours], list(range(len(ours)))
    for row in theirs:
        same = next((place for place in free if _is_one_row(rows[place], row)), None)
        if same is None:
            rows.append(dict(row))
        else:
            free.remove(same)
            rows[same] |= row
    return tuple(rows)


def _is_one_row(one: Cells, other: Cells) -> bool:
    shared = one.keys() & other.keys()
    return any(one[column] == OWN for column in shared) and all(one[column] == other[column] for column in shared)


def case_set(
    self_test_cases: Mapping[int, SelfTestCase],
    table: str,
    key: Sequence[str],
    needs: Iterable[AnyNeed],
    files: Mapping[str, InlineRelation],
    *,
    whole: bool = False,
) -> dict[str, InlineRelation]:
    """All tables that a rule reads, holding the rows of these self-test cases and nothing else.

    The column `CASE_ID` of the table numbers them. `whole`: the rule judges the table as a whole, so that a self-test
    case is what stands beside its row, and not the row, and has all tables for itself.
    """
    rows: dict[str, list[Cells]] = defaultdict(list)
    for number, self_test_case in self_test_cases.items():
        own = {**dict.fromkeys(key, OWN), **self_test_case.fixture.row, CASE_ID: OWN}
        mark = {CASE_ID: OWN} if whole else {}
        for name, others in self_test_case.fixture.others.items():
            if name == table:  # the row leans on itself
                own = {**{column: value for cells in others for column, value in cells.items()}, **own}
            else:
                rows[name] += (_numbered({**cells, **mark}, number) for cells in others)
        if not whole:
            rows[table].append(_numbered(own, number))
        beside = ({**dict.fromkeys(key, OWN), **cells, **mark} for cells in self_test_case.fixture.beside)
        rows[table] += (_numbered(cells, number) for cells in beside)
    types = {name: dict(planted.columns) for name, planted in files.items()}
    for name, columns in _types(needs).items():
        types[name] = {**columns, **types.get(name, {})}
    types[table] = {**dict.fromkeys(key, sa.Text()), **types.get(table, {}), CASE_ID: sa.BigInteger()}
    for name, planted in rows.items():
        types[name] = {**_guessed(planted), **types.get(name, {})}
    if whole:
        numbered = {name: {**columns, CASE_ID: sa.BigInteger()} for name, columns in types.items()}
        return {
            name: PartitionedInlineRelation(columns, _rows(columns, rows[name]), CASE_ID)
            for name, columns in numbered.items()
        }
    return {name: InlineRelation(columns, _rows(columns, rows[name])) for name, columns in types.items()}


def fits(self_test_case: SelfTestCase, table: str) -> bool:
    """Whether it can be: not where it leans on rows of its own table that are others than itself."""
    cells = [{**self_test_case.fixture.row}, *self_test_case.fixture.others.get(table, ())]
    values: dict[str, Any] = {}
    return all(values.setdefault(column, value) == value for row in cells for column, value in row.items())


def _numbered(cells: Cells, number: int) -> dict[str, Any]:
    return {column: value.of(number) if isinstance(value, OwnKey) else value for column, value in cells.items()}


def _rows(columns: Iterable[str], rows: Sequence[Cells]) -> tuple[Row, ...]:
    return tuple(tuple(row.get(column) for column in columns) for row in rows)


def _guessed(rows: Sequence[Cells]) -> dict[str, TypeEngine[Any]]:
    """The types of columns that no need names: of the catalog's, and of keys. They are flags or text."""
    values: dict[str, Any] = {}
    for row in rows:
        values |= {column: value for column, value in row.items() if value is not None or column not in values}
    return {column: sa.Boolean() if isinstance(value, bool) else sa.Text() for column, value in values.items()}


def _types(needs: Iterable[AnyNeed]) -> dict[str, dict[str, TypeEngine[Any]]]:
    """Table to its columns with the type that a rule reads each as; text where any will do."""
    found: dict[str, dict[str, TypeEngine[Any]]] = defaultdict(dict)
    for need in needs:
        if isinstance(need, ColumnRequirement):
            known = found[need.table].get(need.column)
            if known is None or isinstance(known, sa.Text):
                found[need.table][need.column] = _type(need)
    return found


_TYPES: Mapping[str, TypeEngine[Any]] = {
    "timestamptz": sa.DateTime(timezone=True),
    "timestamp": sa.DateTime(),
    "date": sa.Date(),
    "numeric": sa.Numeric(),
    "int8": sa.BigInteger(),
    "bool": sa.Boolean(),
}


def _type(need: ColumnRequirement) -> TypeEngine[Any]:
    return next((kind for name, kind in _TYPES.items() if name in need.types), sa.Text())


def disagreements(self_test_cases: Sequence[SelfTestCase], said: Iterable[tuple[int | None, int]]) -> Iterator[str]:
    """What was said otherwise than it must, in words. `said` are numbers of self-test cases with their State.

    A row of which something is said twice was multiplied: then all counts are wrong.
    """
    states: dict[int | None, list[int]] = defaultdict(list)
    for number, state in said:
        states[number].append(state)
    for number, self_test_case in enumerate(self_test_cases, start=1):
        if states[number] != [self_test_case.state]:
            told = " and ".join(RowState(state).name.lower() for state in states[number]) or "nothing"
            yield f"of a row {self_test_case.name} it says {told}, and not {self_test_case.state.name.lower()}"
