"""Drafts of what would close a finding: a script for the owner of a store to review and run. The audit runs none.

It touches the rows that the report's SELECT lists, judged anew by the same instant when it runs, and spares what a
legal hold may mean by then. It is one transaction that ends with ROLLBACK, and whatever goes wrong ends it as well.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from privacy_audit.compiler.suites import Check
from privacy_audit.config.map_clocks import JoinedClock, JoinedSubject, LatestClock, OwnSubject
from privacy_audit.config.map_registers import LegalHolds, RegisterBinding
from privacy_audit.config.map_tables import TableMap
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import Rule
from privacy_audit.controls.base.interface import DeleteRows, Remedy, SetNull
from privacy_audit.domain.categories import Category
from privacy_audit.domain.tally import Tally
from privacy_audit.engine.visibility import Catalog, ForeignKey
from privacy_audit.sql.holds import may_be_held
from privacy_audit.sql.row_predicates import place_statement
from privacy_audit.sql.statement_text import pasteable

GOOD_FOR = timedelta(days=2)
"""How long after T a draft may be run: later, what was reviewed is no longer what is there."""
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class RemediationScript:
    """What a check has to close its finding."""

    script: str = ""
    """Empty where no row violates, and where only a person can settle what becomes of the rows."""
    reason: str = ""
    """Why there is no script although the kind would have one, and what to do then, in sentences."""


NONE = RemediationScript()


def draft(check: Check, tally: Tally, store: StoreMap, catalog: Catalog, as_of: datetime) -> RemediationScript:
    """The script, or why there is none.

    A draft never widens the set of persons. It deletes the rows in breach and offers to delete rows that refer to them
    only where the store map says that these are of the same person. Any other reference is set to null where its table
    allows that; where not, the draft says that a person has to decide, and offers nothing.
    """
    rule, remedy = check.rule, check.rule.remedy()
    if remedy is None or not tally.violating:
        return NONE
    referring = catalog.references(rule.table)
    if reason := _obstacle(remedy, rule, catalog, referring):
        return RemediationScript(reason=f"There is no draft: {reason}")
    fates = [_fate(other, rule.table, store) for other in referring] if isinstance(remedy, DeleteRows) else []
    own = [fate for fate in fates if fate.reference.table == rule.table and fate.cleared]
    register = store.registers.legal_holds
    parts = [
        _header(check, tally, store, own, as_of),
        "BEGIN ISOLATION LEVEL READ COMMITTED;",
        "SET LOCAL lock_timeout = '5s';",
        "SET LOCAL row_security = off; -- an error where it would else overlook a row",
        _only_in_time(as_of),
        *(_no_hold_meanwhile(register) if register else ()),
        _gather(rule, remedy, store, [fate.reference for fate in fates], as_of),
        *_let_go(rule, store, own, as_of),
        *_what_else_depends(rule, remedy, store, [fate for fate in fates if fate not in own]),
        *_nothing_by_itself(rule.table, [fate.reference for fate in fates]),
        _apply(remedy, rule.table, 3 if own else 2),
        _comment(
            "Write COMMIT instead of ROLLBACK once it was reviewed and its counts of rows are those of the report."
        ),
        "ROLLBACK;",
    ]
    return RemediationScript("\n".join(parts))


def _obstacle(remedy: Remedy, rule: Rule, catalog: Catalog, referring: Sequence[ForeignKey]) -> str:
    """Why the script could not do what it says, and the way out; empty where it could."""
    if isinstance(remedy, SetNull):
        pointed_at = {column for other in referring for column in other.to}
        if pointed := [column for column in remedy.columns if column in pointed_at]:
            return (
                f"rows of other tables refer to {', '.join(pointed)} of {rule.table}. A person has to decide first what"
                " becomes of these."
            )
        return _not_null([column for column in remedy.columns if catalog.requires(rule.table, column)], rule, catalog)
    names = [name for other in referring for name in (other.table, *other.columns, *other.to)]
    if all(name.isprintable() and "$" not in name for name in names) and all(
        other.table.count(".") == 1 for other in referring
    ):
        return ""
    return f"a table or column that refers to {rule.table} has a name that no script can hold safely. Write it by hand."


def _not_null(columns: Sequence[str], rule: Rule, catalog: Catalog) -> str:
    """What to do about columns that can hold no null; empty where there are none."""
    if not columns:
        return ""
    if all(catalog.relaxable(rule.table, column) for column in columns):
        changes = ", ".join(f"ALTER COLUMN {_name(column)} DROP NOT NULL" for column in columns)
        return (
            f"{rule.table} allows no null in {', '.join(columns)}. Let it allow that"
            f" (`ALTER TABLE {_table(rule.table)} {changes};`), and the next audit has one. Else a person has to decide"
            " whether these rows go as a whole, with all that stands in them."
        )
    return (
        f"{rule.table} can hold no null in {', '.join(columns)}, which a key, a domain, a partition or the way it is"
        " generated forbids. A person has to decide what stands there instead, or whether these rows go as a whole,"
        " with all that stands in them."
    )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What a draft offers for rows that refer to those that go."""

    reference: ForeignKey
    deleted: bool = False
    """They are of the same person, and nothing else goes with them."""
    cleared: tuple[str, ...] = ()
    """The columns that are set to null in them, so that they refer to nothing."""


def _fate(other: ForeignKey, table: str, store: StoreMap) -> _Fate:
    """Rows of the same table are other persons', or are due themselves: they are never deleted for referring."""
    persons = _columns_of_person(other.table, store)
    if other.table != table and _same_person(other, table, store):
        return _Fate(other, deleted=not other.drags)
    free = tuple(column for column in other.columns if column in other.nullable and column not in persons)
    if other.full and (len(free) < len(other.columns) or (len(free) > 1 and other.shared)):
        return _Fate(other)  # all of them or none, and another foreign key needs one of them
    if len(other.columns) > 1 and not other.full:
        free = tuple(column for column in free if column not in other.shared)
    return _Fate(other, cleared=free)


def _same_person(other: ForeignKey, table: str, store: StoreMap) -> bool:
    """Whether the store map says that referring rows are of the person to whom the row belongs that they refer to."""
    holds = store.registers.legal_holds
    if holds and holds.table == other.table:
        return False  # a hold ends when it is released, and never because somebody's data goes
    pairs = set(zip(other.columns, other.to, strict=True))
    mapped, referring = store.tables.get(table), store.tables.get(other.table)
    subject = mapped.subject if mapped else None
    whose = {subject.column} if isinstance(subject, OwnSubject) and not isinstance(subject, JoinedSubject) else set()
    if store.persons and store.persons.table == table:
        whose.add(store.persons.key)
    if any((column, key) in pairs for column in _columns_of_person(other.table, store) for key in whose):
        return True
    joined = referring.subject if referring else None
    if isinstance(joined, JoinedSubject) and joined.table == table:
        return set(joined.on.items()) <= pairs
    clocks = [part for group in mapped.data for part in _parts(group.clock)] if mapped else []
    dates = [part for part in clocks if isinstance(part, JoinedClock) and part.table == other.table]
    return any({(theirs, own) for own, theirs in part.on.items()} == pairs for part in dates)


def _columns_of_person(table: str, store: StoreMap) -> frozenset[str]:
    """The columns of a table that say whose a row is: as one that is mapped, and as a register."""
    mapped, found = store.tables.get(table), set()
    if mapped and isinstance(mapped.subject, OwnSubject) and not isinstance(mapped.subject, JoinedSubject):
        found.add(mapped.subject.column)
    for name in type(store.registers).model_fields:
        register = getattr(store.registers, name)
        if getattr(register, "table", None) != table:
            continue
        if isinstance(register, RegisterBinding):
            known = COMPANY_REGISTERS[name].fields
            found |= {part.column for field, part in register.fields.items() if known.get(field) is FieldType.PERSON}
        elif isinstance(subject := getattr(register, "subject", None), str):
            found.add(subject)
    return frozenset(found)


def _header(check: Check, tally: Tally, store: StoreMap, own: Sequence[_Fate], as_of: datetime) -> str:
    rows = "1 row" if tally.violating == 1 else f"{tally.violating:,} rows"
    lines = [
        f"DRAFT for the owner of store {store.store} ({store.owner}) to review and to run. The audit never runs it.",
        f"Check: {check.id}, judged as of {_instant(as_of)}: {rows}.",
        f"Promise: {check.rule.sentence}",
        f"One transaction of {2 + len(own)} statements: one gathers the rows that the report's SELECT lists and locks"
        f" them, {_takes_away(own)}one {_does(check.rule)}.",
    ]
    if store.registers.legal_holds:
        lines.append("Rows that a legal hold may mean when it runs are spared, also where it came after the audit.")
    return "\n".join(map(_comment, lines))


def _does(rule: Rule) -> str:
    remedy = rule.remedy()
    return f"sets {', '.join(remedy.columns)} to null in them" if isinstance(remedy, SetNull) else "deletes them"


def _takes_away(own: Sequence[_Fate]) -> str:
    """What becomes of rows of the same table that stay and refer to those that go."""
    return "".join(f"one sets {', '.join(fate.cleared)} to null in rows that stay and refer to them, " for fate in own)


def _only_in_time(as_of: datetime) -> str:
    until = as_of + GOOD_FOR
    refusal = (
        f"This draft is good from {_instant(as_of)} to {_instant(until)} only, for its rows were judged then."
        " Nothing was changed. Take the draft of a newer audit."
    )
    return "\n".join(
        (
            "DO $draft$ BEGIN",
            f"IF clock_timestamp() NOT BETWEEN '{_instant(as_of)}' AND '{_instant(until)}' THEN",
            f"RAISE EXCEPTION '{refusal}';",
            "END IF;",
            "END $draft$;",
        )
    )


def _no_hold_meanwhile(register: LegalHolds) -> Iterator[str]:
    yield _comment("Nobody places or releases a legal hold while this runs.")
    yield f"LOCK TABLE {_table(register.table)} IN SHARE MODE;"


def _gather(rule: Rule, remedy: Remedy, store: StoreMap, referring: Iterable[ForeignKey], as_of: datetime) -> str:
    columns = tuple(dict.fromkeys((*rule.key, *(column for other in referring for column in other.to))))
    context = rule.context(as_of)
    predicates = rule.evaluate(rule.rows(context, *columns, "tableoid", "ctid"), context)
    categories = _categories(rule, remedy, store)
    spared = may_be_held(store.registers.legal_holds, categories, predicates.subject, context)
    rows = pasteable(place_statement(predicates, columns, spared))
    title = _comment("1. The rows, gathered and locked. Look at them: SELECT * FROM pg_temp.due")
    return f"{title}\nCREATE TEMPORARY TABLE pg_temp.due ON COMMIT DROP AS\n{rows};"


def _categories(rule: Rule, remedy: Remedy, store: StoreMap) -> frozenset[Category]:
    """What the rows lose: a hold on any of it keeps them."""
    own = getattr(rule, "category", None)
    if isinstance(remedy, SetNull) and own:
        return frozenset({own})
    mapped = store.tables.get(rule.table)
    # Without its person's row every hold on that person would name nobody.
    if mapped is None or not mapped.data or (store.persons and store.persons.table == rule.table):
        return frozenset(Category)
    return frozenset({group.category for group in mapped.data} | ({own} if own else set()))


def _let_go(rule: Rule, store: StoreMap, own: Sequence[_Fate], as_of: datetime) -> Iterator[str]:
    """Rows of the same table that refer to those that are due, and are not due: they stay, and lose the reference."""
    if not own:
        return
    yield _comment(
        "2. Rows of the same table that refer to them are other persons' or other rows: they stay, and lose the"
        " reference. What a legal hold may mean keeps it: then this draft fails, and a person has to decide."
    )
    for fate in own:
        yield f"{_clear(fate)}\nAND {_not_due('other')}{_spared(rule, store, as_of)};"


def _spared(rule: Rule, store: StoreMap, as_of: datetime) -> str:
    """That no legal hold may mean a row of the same table; any may where the row itself does not say whose it is."""
    register = store.registers.legal_holds
    if register is None:
        return ""
    own = sorted(_columns_of_person(rule.table, store))
    whose = sa.literal_column(f"other.{_name(own[0])}") if len(own) == 1 else sa.null()
    held = may_be_held(register, frozenset(Category), whose, rule.context(as_of))
    _, where, condition = pasteable(sa.select(sa.literal_column("1")).where(sa.not_(held))).partition("WHERE ")
    if not where:
        raise AssertionError("the condition of a hold is no condition")
    return f"\nAND {condition}"


def _what_else_depends(rule: Rule, remedy: Remedy, store: StoreMap, fates: Sequence[_Fate]) -> Iterator[str]:
    """Comments: whose rows point to those that go, and whose rows are judged by them."""
    if not isinstance(remedy, DeleteRows):
        return
    if deleted := [fate for fate in fates if fate.deleted]:
        yield _comment(
            "Rows of these tables refer to them. This draft touches none of those and fails while one is left. Decide"
            " what becomes of them: they may be held, or have a period of their own. Then use the line, or another."
        )
        yield from (f"-- {_delete_referring(fate.reference)}" for fate in deleted)
    if cleared := [fate for fate in fates if fate.cleared]:
        yield _comment(
            "Rows of these tables refer to them and may be other persons': they stay. This draft touches none of those"
            " and fails while one refers to them. Use the line, which takes away the reference only, or another."
        )
        yield from (f"-- {_clear(fate)};" for fate in cleared)
    for fate in fates:
        if not fate.deleted and not fate.cleared:
            yield _comment(_left_to_a_person(fate.reference))
    judged = sorted(name for name, mapped in store.tables.items() if _is_judged_by(name, mapped, rule.table, store))
    if judged:
        yield _comment(
            f"Rows of {', '.join(judged)} are judged by rows of {rule.table}: their person or their date stands there."
            " Use the drafts of their checks first; what of them is left can no longer be decided afterwards."
        )


def _left_to_a_person(other: ForeignKey) -> str:
    return (
        f"Rows of {other.table} refer to them by {', '.join(other.columns)}. They may be other persons', or rows of"
        " other persons may go or change with them, and the reference alone cannot be taken away: a person has to"
        " decide what becomes of them. This draft fails while one refers to them."
    )


def _is_judged_by(name: str, mapped: TableMap, other: str, store: StoreMap) -> bool:
    """Whether rows of a table read rows of the other, as the store map says."""
    if name == other:
        return False
    clocks = [part for group in mapped.data for part in _parts(group.clock)]
    joined = [part for part in (*clocks, mapped.subject) if isinstance(part, JoinedClock | JoinedSubject)]
    of_person = bool(mapped.use_of_service and store.persons and store.persons.table == other)
    return of_person or any(part.table == other for part in joined)


def _parts(clock: object) -> tuple[object, ...]:
    return clock.latest if isinstance(clock, LatestClock) else (clock,)


def _delete_referring(other: ForeignKey) -> str:
    return f"DELETE FROM {_table(other.table)} AS other USING pg_temp.due WHERE {_refers(other)};"  # noqa: S608 - quoted


def _refers(other: ForeignKey) -> str:
    pairs = zip(other.columns, other.to, strict=True)
    return " AND ".join(f"other.{_name(column)} = due.{_name(to)}" for column, to in pairs)


def _clear(fate: _Fate) -> str:
    """The statement, without its end, that takes a reference away and leaves the rows."""
    changes = ", ".join(f"{_name(column)} = NULL" for column in fate.cleared)
    table = _table(fate.reference.table)
    return f"UPDATE {table} AS other SET {changes} FROM pg_temp.due WHERE {_refers(fate.reference)}"  # noqa: S608 - quoted


def _not_due(row: str) -> str:
    """That a row is none of those that go: it lies at another place than each of them."""
    place = f"gone.in_table = {row}.tableoid AND gone.at_place = {row}.ctid"
    return f"NOT EXISTS (SELECT FROM pg_temp.due AS gone WHERE {place})"


def _nothing_by_itself(table: str, referring: Iterable[ForeignKey]) -> Iterator[str]:
    """Where a foreign key would delete or change referring rows by itself, the script fails before it can."""
    acting = [other for other in referring if other.acts]
    if not acting:
        return
    yield _comment("A foreign key of these tables would delete or change rows by itself, which nobody reviewed.")
    yield "DO $draft$ BEGIN"
    for other in acting:
        name = other.table.replace("'", "''").replace("%", "%%")
        found = f"SELECT FROM {_table(other.table)} AS other JOIN pg_temp.due ON {_refers(other)}"
        if other.table == table:
            found += f" WHERE {_not_due('other')}"
        yield f"IF EXISTS ({found}) THEN"
        yield f"RAISE EXCEPTION 'Rows of {name} refer to rows that are due. Decide what becomes of them first.';"
        yield "END IF;"
    yield "END $draft$;"


def _apply(remedy: Remedy, table: str, number: int) -> str:
    title = _comment(f"{number}. What becomes of them.")
    place = "due WHERE gone.tableoid = due.in_table AND gone.ctid = due.at_place;"
    match remedy:
        case SetNull(columns):
            changes = ", ".join(f"{_name(column)} = NULL" for column in columns)
            return f"{title}\nUPDATE {_table(table)} AS gone SET {changes} FROM pg_temp.{place}"
        case DeleteRows():
            return f"{title}\nDELETE FROM {_table(table)} AS gone USING pg_temp.{place}"


def _table(name: str) -> str:
    schema, _, relation = name.partition(".")
    return f"{_name(schema)}.{_name(relation)}"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ")


def _comment(text: str) -> str:
    """Comment lines; no line break of the text itself survives, so that nothing of it is ever run."""
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH, break_on_hyphens=False, break_long_words=False)
    return "\n".join(f"-- {line}" for line in lines)
