"""`privacy-audit findings`: how findings stand, what closes one, and what people say of it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from privacy_audit.domain import phrases
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.finding_state import (
    FindingChange,
    FindingKind,
    FindingStatus,
    Triage,
)
from privacy_audit.pipeline import known_database, order_lookups
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.view.clean_text import clean
from privacy_audit.view.finding_view import ClosingView, FindingNight, FindingView
from privacy_audit.view.make_view import (
    make_closing_view,
    make_decision_views,
    make_finding_nights,
    make_finding_views,
)

if TYPE_CHECKING:  # the package of the audit database is slow to import, and not every command needs it
    from privacy_audit import audit_db

commands = typer.Typer(help="How findings stand, what closes one, and what people say of it.", no_args_is_help=True)

ID_LENGTH = 12
"""So many characters of a fingerprint name a finding to people."""
_SHORTEST = 6
_PIPED_WIDTH = 1000
_COLOURS = {
    FindingStatus.NEW: "bold red",
    FindingStatus.REOPENED: "bold red",
    FindingStatus.OPEN: "red",
    FindingStatus.RESOLVED: "green",
}
_WAYS = "Name a finding by its id or its check, as `privacy-audit findings list` shows them."


@commands.command("list")
def list_findings(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were resolved.")] = False,
    store: Annotated[str | None, typer.Option(help="Only of this store.")] = None,
) -> None:
    """List the findings, the most urgent first. Exit 0: none is open; 1: some are."""
    from privacy_audit import audit_db

    url, zone = _register()
    states = [one for one in audit_db.findings(url) if (everything or one.is_open) and store in (None, one.store)]
    listed = make_finding_views(states, audit_db.standing_decisions(url, [one.fingerprint for one in states]))
    console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    console.print(_table(listed, zone))
    raise typer.Exit(1 if any(one.is_open for one in listed) else 0)


@commands.command()
def show(
    finding: Annotated[str, typer.Argument(help="Its id, or the id of its check.")],
    select: Annotated[bool, typer.Option("--select", help="Only the SELECT that lists the rows in breach.")] = False,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only the one for undecided rows.")] = False,
    script: Annotated[
        bool, typer.Option("--script", help="Only the remediation script; the audit never runs it.")
    ] = False,
) -> None:
    """Show one finding: its life, how to close it, and the statements for an engineer who may read the rows.

    Exit 2 where a statement was asked for that the finding does not have.
    """
    from privacy_audit import audit_db

    url, zone = _register()
    one = _find(make_finding_views(audit_db.findings(url)), finding)
    told = _closing(audit_db.instructions(url, one.fingerprint))
    if select or undecided or script:
        if script and one.braked:
            raise ConfigurationRefusedError([Mistake(one.check, *_BRAKED)])
        wanted = {"show_rows": select, "show_undecidable": undecided, "draft": script}
        texts = {name: getattr(told, name) if told else "" for name, asked in wanted.items() if asked}
        if missing := [name for name, text in texts.items() if not text]:
            way = f"`privacy-audit findings show {one.fingerprint[:ID_LENGTH]}` says what to do."
            raise ConfigurationRefusedError([Mistake(one.check, _none(one, name), way) for name in missing])
        typer.echo("\n".join(texts.values()))
        return
    for line in _life(one, make_finding_nights(audit_db.nights(url, one.fingerprint)), zone):
        typer.echo(line)
    for said in make_decision_views(audit_db.decisions_of(url, one.fingerprint)):
        typer.echo(f"{_day(said.at, zone)}: {said.by} said {_words(said.triage)}: {said.comment}")
    if told:
        typer.echo(f"\n{told.sentence}\n{told.reason}".rstrip())
        typer.echo(f"\nHow to close it: {told.fix}")
        typer.echo(_statements(one, told.show_rows, told.show_undecidable, told.draft))


@commands.command()
def triage(
    finding: Annotated[str, typer.Argument(help="Its id, or the id of its check.")],
    word: Annotated[Triage, typer.Argument(metavar="|".join(Triage), help="What you say of it.")],
    comment: Annotated[str, typer.Option(help="Why; one line that others can act on.")],
    by: Annotated[str, typer.Option(help="Who says so.", default_factory=getpass.getuser)],
) -> None:
    """Say what is being done about a finding. It changes neither outcome nor status, and silences no alert."""
    from privacy_audit import audit_db

    if not comment.strip() or not by.strip():
        raise ConfigurationRefusedError([Mistake("--comment", "is empty.", "Say why, for whoever reads it later.")])
    url, _ = _register()
    one = _find(make_finding_views(audit_db.findings(url)), finding)
    if not one.is_open:
        fact = "is resolved: there is nothing left to say of it."
        raise ConfigurationRefusedError([Mistake(one.check, fact, "If it comes back, it will be reopened.")])
    audit_db.decide(url, one.fingerprint, word, clean(comment.strip()), clean(by.strip()))
    typer.echo(f"{one.check}: {_words(word)}, said {by}.")
    if word in (Triage.RISK_ACCEPTED, Triage.FALSE_POSITIVE):
        typer.echo("It stays open and its alerts go on. Only a waiver in expectations/waivers.yaml quiets them.")


_BRAKED = (
    "its rows jumped to many times the usual number: the rule may be wrong.",
    "Look before anything is deleted; the remediation script is in the report's audit.json.",
)


def _none(one: FindingView, statement: str) -> str:
    """Why a finding has no statement of a sort, as a fact."""
    if one.kind is not FindingKind.NONCONFORMITY:
        return "nobody could look, so that there is no statement for it."
    if statement != "draft":
        return "no SELECT can list its rows."
    if not one.violating:
        return "there is no remediation script, because no row of it is in breach."
    return "there is no remediation script, because a person has to settle what becomes of its rows."


def _register() -> tuple[Any, ZoneInfo]:
    """Where the audit database is, and the zone. Of one that is not the reports' own, no finding says anything."""
    configuration = read_configuration()
    known_database.prove(configuration.settings)
    return order_lookups.audit_db_url(configuration.settings), ZoneInfo(configuration.policy.zone)


def _closing(told: audit_db.ClosingInstructions | None) -> ClosingView | None:
    if told is None:
        return None
    return make_closing_view(
        sentence=told.sentence,
        reason=told.reason,
        fix=told.fix,
        show_rows=told.show_rows,
        show_undecidable=told.show_undecidable,
        draft=told.draft,
    )


def _find(findings: Sequence[FindingView], name: str) -> FindingView:
    """The finding that is meant: by check (what its rows do comes before that nobody could look), or by fingerprint."""
    by_check = [one for one in findings if one.check == name]
    if by_check:
        return min(by_check, key=lambda one: (not one.is_open, one.kind is not FindingKind.NONCONFORMITY))
    matches = [one for one in findings if len(name) >= _SHORTEST and one.fingerprint.startswith(name.lower())]
    if len(matches) == 1:
        return matches[0]
    fact = f'"{name[:80]}" names {"several findings" if matches else "no finding"}.'
    known = did_you_mean(name, [one.check for one in findings], _WAYS)
    raise ConfigurationRefusedError([Mistake("finding", fact, "Write more of the id." if matches else known)])


def _table(listed: Sequence[FindingView], zone: ZoneInfo) -> Table:
    table = Table(title=f"{phrases.count(len(listed), 'finding')}")
    for name in (
        "Id",
        "Status",
        "Severity",
        "Check",
        "Outcome",
        "Rows",
        "First seen",
        "Due by",
        "Said",
        "Waived until",
    ):
        table.add_column(name, overflow="fold")
    for one in listed:
        table.add_row(
            one.fingerprint[:ID_LENGTH],
            Text(one.status.value, _COLOURS[one.status]),
            one.severity.value,
            one.check,
            phrases.OUTCOMES[one.outcome],
            f"{one.rows:,}" if one.kind is FindingKind.NONCONFORMITY else "",
            _day(one.first_seen, zone),
            phrases.day(one.due_by) if one.is_open else "",
            _words(one.decision.triage) if one.decision else "",
            _day(one.waived_until, zone) if one.waived_until else "",
        )
    return table


def _life(one: FindingView, nights: Sequence[FindingNight], zone: ZoneInfo) -> list[str]:
    since = f", in breach since {one.overdue_since.words}" if one.overdue_since else ""
    lines = [
        f"{one.fingerprint[:ID_LENGTH]}  {one.check}",
        f"{one.status.value}, {one.severity.value}, {phrases.OUTCOMES[one.outcome]}; owner: {one.owner}",
        f"{phrases.count(one.violating, 'row')} in breach, {phrases.count(one.undecidable, 'row')} undecided{since}.",
        f"First seen on {_day(one.first_seen, zone)}, last on {_day(one.last_seen, zone)};"
        f" to be closed by {phrases.day(one.due_by)}.",
    ]
    if one.unseen_since:
        lines.append(f"Nobody could look since {_day(one.unseen_since, zone)}: whether it is gone is not known.")
    if one.waived_until:
        lines.append(f"Waived by {one.waiver} up to {one.waived_rows:,} rows, until {_day(one.waived_until, zone)}.")
    if one.braked:
        lines.append(f"{_BRAKED[0].capitalize()} {_BRAKED[1]}")
    lines += [f"{_day(night.as_of, zone)}: {_changes(night.finding)}" for night in nights if night.finding.changes]
    return lines


def _changes(night: FindingView) -> str:
    return ", ".join(_words(change) for change in night.changes)


def _statements(one: FindingView, rows: str, undecidable: str, draft: str) -> str:
    parts = []
    if rows and one.violating:
        parts.append(f"-- The rows in breach:\n{rows}")
    if undecidable and one.undecidable:
        parts.append(f"-- The rows that cannot be decided:\n{undecidable}")
    if draft and not one.braked:
        parts.append(draft)
    return "\n\n".join(["", *parts])


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return phrases.day(local_date(moment, zone))


def _words(word: Triage | FindingChange) -> str:
    return word.value.replace("_", " ")
