"""Drafts of what would close a finding: a script for the owner of a store to review and run. The audit runs none.

It touches the rows that the report's SELECT lists, judged anew by the same instant when it runs, and spares what a
legal hold may mean by then. It is one transaction that ends with ROLLBACK, and whatever goes wrong ends it as well.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from privacy_audit.controls import Rule
from privacy_audit.controls.interface import Delete, Remedy, SetNull
from privacy_audit.engine.visibility import Catalog, Reference
from privacy_audit.model import Category, Tally
from privacy_audit.sql.holds import may_be_held
from privacy_audit.sql.text import pasteable
from privacy_audit.sql.truth import place_statement
from privacy_audit.store_map import JoinedClock, JoinedSubject, LatestClock, LegalHolds, StoreMap, TableMap
from privacy_audit.suites import Check

GOOD_FOR = timedelta(days=2)
"""How long after T a draft may be run: later, what was reviewed is no longer what is there."""
_WIDTH = 110


def draft(check: Check, tally: Tally, store: StoreMap, catalog: Catalog, as_of: datetime) -> str:
    """The script, or nothing where no row violates or only a person can settle what becomes of the rows."""
    remedy = check.rule.remedy()
    if remedy is None or not tally.violating or not _works(remedy, check.rule, catalog):
        return ""
    referring = catalog.references(check.rule.table) if isinstance(remedy, Delete) else ()
    register = store.registers.legal_holds
    parts = [
        _header(check, tally, store, as_of),
        "BEGIN ISOLATION LEVEL READ COMMITTED;",
        "SET LOCAL lock_timeout = '5s';",
        "SET LOCAL row_security = off; -- an error where it would else overlook a row",
        _only_in_time(as_of),
        *(_no_hold_meanwhile(register) if register else ()),
        _gather(check.rule, remedy, store, referring, as_of),
        *_what_else_depends(check.rule, remedy, store, referring),
        *_nothing_by_itself(referring),
        _apply(remedy, check.rule.table),
        _comment(
            "Write COMMIT instead of ROLLBACK once it was reviewed and its counts of rows are those of the report."
        ),
        "ROLLBACK;",
    ]
    return "\n".join(parts)


def _works(remedy: Remedy, rule: Rule, catalog: Catalog) -> bool:
    """Whether the script can do what it says: columns that may be null, other tables whose names are no trap in it."""
    referring = catalog.references(rule.table)
    if isinstance(remedy, SetNull):
        pointed_at = {column for other in referring for column in other.to}
        return not any(column in pointed_at or catalog.requires(rule.table, column) for column in remedy.columns)
    names = [name for other in referring for name in (other.table, *other.columns, *other.to)]
    plain = all(name.isprintable() and "$" not in name for name in names)
    return plain and all(other.table.count(".") == 1 for other in referring)


def _header(check: Check, tally: Tally, store: StoreMap, as_of: datetime) -> str:
    rows = "1 row" if tally.violating == 1 else f"{tally.violating:,} rows"
    lines = [
        f"DRAFT for the owner of store {store.store} ({store.owner}) to review and to run. The audit never runs it.",
        f"Check: {check.id}, judged as of {_instant(as_of)}: {rows}.",
        f"Promise: {check.rule.sentence}",
        "One transaction of 2 statements: one gathers the rows that the report's SELECT lists and locks them,"
        f" one {_does(check.rule)}.",
    ]
    if store.registers.legal_holds:
        lines.append("Rows that a legal hold may mean when it runs are spared, also where it came after the audit.")
    return "\n".join(map(_comment, lines))


def _does(rule: Rule) -> str:
    remedy = rule.remedy()
    return f"sets {', '.join(remedy.columns)} to null in them" if isinstance(remedy, SetNull) else "deletes them"


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


def _gather(rule: Rule, remedy: Remedy, store: StoreMap, referring: Iterable[Reference], as_of: datetime) -> str:
    columns = tuple(dict.fromkeys((*rule.key, *(column for other in referring for column in other.to))))
    frame = rule.frame(as_of)
    truth = rule.judge(rule.rows(frame, *columns, "tableoid", "ctid"), frame)
    categories = _categories(rule, remedy, store)
    spared = may_be_held(store.registers.legal_holds, categories, truth.subject, frame)
    rows = pasteable(place_statement(truth, columns, spared))
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


def _what_else_depends(rule: Rule, remedy: Remedy, store: StoreMap, referring: tuple[Reference, ...]) -> Iterator[str]:
    """Comments: whose rows point to those that go, and whose rows are judged by them."""
    if not isinstance(remedy, Delete):
        return
    if referring:
        yield _comment(
            "Rows of these tables refer to them. This draft touches none of those and fails while one is left. Decide"
            " what becomes of them: they may be held, or have a period of their own. Then use the line, or another."
        )
        yield from (f"-- {_delete_referring(other)}" for other in referring)
    judged = sorted(name for name, mapped in store.tables.items() if _is_judged_by(name, mapped, rule.table, store))
    if judged:
        yield _comment(
            f"Rows of {', '.join(judged)} are judged by rows of {rule.table}: their person or their date stands there."
            " Use the drafts of their checks first; what of them is left can no longer be decided afterwards."
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


def _delete_referring(other: Reference) -> str:
    return f"DELETE FROM {_table(other.table)} AS other USING pg_temp.due WHERE {_refers(other)};"  # noqa: S608 - quoted


def _refers(other: Reference) -> str:
    pairs = zip(other.columns, other.to, strict=True)
    return " AND ".join(f"other.{_name(column)} = due.{_name(to)}" for column, to in pairs)


def _nothing_by_itself(referring: Iterable[Reference]) -> Iterator[str]:
    """Where a foreign key would delete or change referring rows by itself, the script fails before it can."""
    acting = [other for other in referring if other.acts]
    if not acting:
        return
    yield _comment("A foreign key of these tables would delete or change rows by itself, which nobody reviewed.")
    yield "DO $draft$ BEGIN"
    for other in acting:
        table = other.table.replace("'", "''").replace("%", "%%")
        found = f"SELECT FROM {_table(other.table)} AS other JOIN pg_temp.due ON {_refers(other)}"
        yield f"IF EXISTS ({found}) THEN"
        yield f"RAISE EXCEPTION 'Rows of {table} refer to rows that are due. Decide what becomes of them first.';"
        yield "END IF;"
    yield "END $draft$;"


def _apply(remedy: Remedy, table: str) -> str:
    title = _comment("2. What becomes of them.")
    place = "due WHERE gone.tableoid = due.in_table AND gone.ctid = due.at_place;"
    match remedy:
        case SetNull(columns):
            changes = ", ".join(f"{_name(column)} = NULL" for column in columns)
            return f"{title}\nUPDATE {_table(table)} AS gone SET {changes} FROM pg_temp.{place}"
        case Delete():
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
