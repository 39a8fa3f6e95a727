"""`privacy-audit residue`: the rows that lead to erased persons, listed to an entitled engineer at a terminal.

No SELECT can list them, for the keys of the erasure ledger never reach a server. So they are sought here as the audit
seeks them, under the same contract, and named by their keys: to a terminal and nowhere else. Nothing is filed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from privacy_audit.compiler.suites import StoreCoverage
from privacy_audit.config.map_tables import Relation
from privacy_audit.controls.erased import Erased
from privacy_audit.domain import phrases
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, PrivacyAuditError
from privacy_audit.erasure.search import ErasureLead, LeadKind, leads
from privacy_audit.pipeline import auditing, planning
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.sql.every_row import every_row
from privacy_audit.view.clean_text import clean

_MEANINGS = {
    LeadKind.HIT: "leads to an erased person, and nothing shows that it is newer than the erasure",
    LeadKind.RETURNED: "leads to an erased person, and is newer than the erasure: did the person sign up again?",
    LeadKind.WEAK: "leads to an erased person by a name, a mailbox or a shared line only",
    LeadKind.UNREAD: "holds an identifier that cannot be read, so nobody knows whose it is",
}
"""What is listed. Where the data may stay (`exempt`) there is nothing to do."""
_FOUND, _NOT_LOOKED_AT = 1, 3
"""Exit codes, as everywhere."""


@dataclass
class _Listed:
    """What was found in one table."""

    rule: Erased
    limit: int
    shown: list[ErasureLead] = field(default_factory=list)
    counts: Counter[LeadKind] = field(default_factory=Counter)

    def add(self, found: Sequence[ErasureLead]) -> None:
        for lead in found:
            if lead.kind in _MEANINGS:
                self.counts[lead.kind] += 1
                if len(self.shown) < self.limit:
                    self.shown.append(lead)


def residue(
    store: Annotated[str, typer.Option(help="The store to search.")],
    table: Annotated[list[str] | None, typer.Option(help="Only this table, as app.users; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows that are listed of each table.")] = 100,
) -> None:
    """List the rows that lead to erased persons, by their keys, at a terminal. Exit 0: none; 1: some; 3: not all seen.

    Needs the store's connection and the keys of the erasure ledger. Tables are searched whole, as each night.
    """
    from privacy_audit.postgres import store_errors
    from privacy_audit.postgres.store_session import open_store

    if not sys.stdout.isatty():
        fact = "shows keys of rows, and so to a terminal only."
        raise ConfigurationRefusedError([Mistake("residue", fact, "Run it there, without a pipe or a file behind it.")])
    configuration = read_configuration()
    (name,) = planning.chosen_from("store", [store], [it.store.store for it in configuration.coverages])
    coverage = configuration.coverage(name)
    rules, unsought = _rules(coverage, table)
    console = Console()
    found = False
    try:
        with open_store(auditing.address_of(coverage.store)(), "residue") as door:
            for rule in rules:
                listed = _Listed(rule, limit)
                try:
                    _search(door.engine, listed, datetime.now(UTC))
                except PrivacyAuditError as error:
                    unsought.append(f"{rule.table}: {_reason(error)}")
                    continue
                found = found or bool(listed.counts)
                _show(listed, console)
    except store_errors.StoreError as trouble:
        unsought.append(f"store {name}: {trouble.reason}")
    for reason in unsought:
        console.print(Text(f"Not looked at: {reason}", "bold magenta"))
    raise typer.Exit(_NOT_LOOKED_AT if unsought else _FOUND if found else 0)


def _rules(coverage: StoreCoverage, tables: Sequence[str] | None) -> tuple[list[Erased], list[str]]:
    """The tables to search, and why some cannot be."""
    rules = {check.rule.table: check.rule for check in coverage.checks if isinstance(check.rule, Erased)}
    reasons = [entry.reason for entry in coverage.unchecked if entry.control.kind == Erased.kind]
    if not rules and not reasons:
        fact = f"no control of the policy asks store {coverage.store.store} for erased persons."
        raise ConfigurationRefusedError([Mistake("residue", fact, f"Add one of kind {Erased.kind} to the policy.")])
    chosen = planning.chosen_from("table", tables, list(rules))
    return [rules[name] for name in chosen], [] if tables else reasons


def _search(readers: sa.Engine, listed: _Listed, now: datetime) -> None:
    """StoreError and other errors of ours when the table cannot be searched."""
    from privacy_audit.engine.visibility import read_catalog
    from privacy_audit.postgres.store_errors import StoreErrors

    rule, context = listed.rule, listed.rule.context(now)
    with StoreErrors.watch(), readers.connect() as connection:
        read_catalog(connection, [rule]).prove(rule)
        with every_row(connection):
            for batch in leads(connection, rule.place, rule.index(connection, context), context, _named_by(rule)):
                listed.add(batch.found)


def _named_by(rule: Erased) -> tuple[str, ...]:
    """The columns that name a row. Where an identifier would be among them, the row's place stands in for it."""
    shown = rule.place.shown_key
    if shown == rule.key:
        return shown
    return (*shown, *(["tableoid"] if rule.relation is Relation.PARTITIONED else []), "ctid")


def _show(listed: _Listed, console: Console) -> None:
    rule = listed.rule
    rows = phrases.count(listed.counts.total(), "row")
    if not listed.counts:
        console.print(Text(f"{rule.table}: nothing was found.", "green"))
        return
    table = Table(title=Text(f"{rule.table}: {rows}"))
    for name in (*_named_by(rule), "Is", "Request"):
        table.add_column(Text(name), overflow="fold")
    for lead in listed.shown:
        requests = ", ".join(sorted(lead.requests)) or "unknown"
        cells = (*("null" if text is None else text for text in lead.key), lead.kind, requests)
        table.add_row(*(Text(clean(cell)) for cell in cells))
    console.print(table)
    for line in _below(listed):
        console.print(Text(line))


def _below(listed: _Listed) -> Iterator[str]:
    for kind, number in listed.counts.items():
        yield f"{kind}: {phrases.count(number, 'row')}. It {_MEANINGS[kind]}."
    if (left := listed.counts.total() - len(listed.shown)) > 0:
        yield f"{left:,} more are not listed; --limit lists more."
    if hidden := [name for name in listed.rule.key if name not in _named_by(listed.rule)]:
        yield f"{', '.join(hidden)} identifies a person and is not shown: ctid is the row's place until it is changed."


def _reason(error: PrivacyAuditError) -> str:
    return str(getattr(error, "reason", error))
