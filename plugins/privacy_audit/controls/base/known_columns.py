"""Which columns a store map knows: mapped, named by a register, or decided upon as holding nothing about a person.

A table whose rows are as a whole data of a category is known by the columns that the map mentions, and covered for the
rest: what is added to it falls due with the row, unless it is data of another category. Of a table kept for statistics
only what is declared is known: what is added to it is looked at by nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from privacy_audit.config.map_clocks import Clock, JoinedClock, JoinedSubject, LatestClock
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.map_tables import TableMap
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.categories import Category

Known = dict[str, set[str] | None]
"""Table to its columns that are known; None: all of them, with those that are added later."""


def known_columns(store: StoreMap) -> Known:
    """The tables of which the map speaks, and what it says."""
    columns: dict[str, set[str]] = defaultdict(set)
    whole: set[str] = set()
    for table, column in _mentioned(store):
        columns[table].add(column)
    for name, mapped in store.tables.items():
        columns[name] |= {*mapped.key, *mapped.identifiers, *mapped.secrets}
        columns[name] |= {*mapped.anonymous.declared} if mapped.anonymous else set()
    for decision in store.not_personal:
        columns[decision.table] |= {*decision.columns}
        whole |= set() if decision.columns else {decision.table}
    return {name: None if name in whole else named for name, named in columns.items()}


def covered_tables(store: StoreMap) -> Mapping[str, tuple[Category, ...]]:
    """The tables whose rows are as a whole data of a category, and of which."""
    wholes = {
        name: {group.category for group in mapped.data if not group.columns} for name, mapped in store.tables.items()
    }
    return {name: tuple(sorted(categories)) for name, categories in wholes.items() if categories}


def personal_tables(store: StoreMap) -> tuple[str, ...]:
    """Every table that the map calls personal: those it maps or joins, that of the persons, and registers that name a
    person."""
    named = {store.persons.table} if store.persons else set()
    named |= {table for mapped in store.tables.values() for table in _joined(mapped)}
    for name, register in vars(store.registers).items():
        if isinstance(register, RegisterBinding):
            known = COMPANY_REGISTERS[name].fields
            names_person = any(known[field] is FieldType.PERSON for field in register.fields)
            named |= {register.table} if register.table is not None and names_person else set()
        elif getattr(register, "subject", None) is not None:
            named.add(register.table)
    return tuple(sorted({*store.tables, *named}))


def _joined(mapped: TableMap) -> Iterator[str]:
    """The tables in which is looked up whose a row is, or when its period began: they are about the same person."""
    if isinstance(mapped.subject, JoinedSubject):
        yield mapped.subject.table
    for group in mapped.data:
        yield from (clock.table for clock in _single(group.clock) if isinstance(clock, JoinedClock))


def _single(clock: Clock) -> tuple[Clock, ...]:
    return clock.latest if isinstance(clock, LatestClock) else (clock,)


def _mentioned(store: StoreMap) -> Iterator[tuple[str, str]]:
    """Every column that some part of the map names, with its table."""
    for name, mapped in store.tables.items():
        yield from _of_part(mapped, name)
    if store.persons:
        yield store.persons.table, store.persons.key
        yield store.persons.table, store.persons.born.column
    for register in vars(store.registers).values():
        if isinstance(register, RegisterBinding):
            if register.table is not None:
                yield from ((register.table, column) for column in (*register.key, *_columns(register)))
        elif register is not None and not getattr(register, "connection", None):  # else it is in another store
            yield from _of_part(register, register.table)


def _columns(records: RegisterBinding) -> Iterator[str]:
    yield from (clock.column for clock in records.fields.values())


_NAMES = frozenset({
    "subject", "purpose", "matter", "category", "target", "deleted", "channel", "mailbox", "message", "proof",
    "guardian", "flag", "column",
})  # fmt: skip
"""Fields of a map's parts that hold the name of one column."""


def _of_part(part: BaseModel | TableMap, table: str) -> Iterator[tuple[str, str]]:
    """The columns that a part of the map names, of its own table and of those it joins."""
    own = getattr(part, "table", None)
    home = own if isinstance(own, str) else table
    on: Any = getattr(part, "on", None)
    if isinstance(on, dict):
        for ours, theirs in on.items():
            yield table, ours
            yield home, theirs
    for name, value in part:
        if name in _NAMES and isinstance(value, str) and not isinstance(value, Category):
            yield home, value
        elif name in ("columns", "key") and isinstance(value, tuple):
            yield from ((home, column) for column in value)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from _of_part(inner, home)
