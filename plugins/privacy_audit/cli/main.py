"""`privacy-audit`: the command line for engineers and CI, over the same functions as the nightly DAG.

Exit codes: 0 nothing found; 1 findings; 2 the configuration was refused; 3 something was not audited.
"""

from __future__ import annotations

import sys
import traceback
import uuid
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from privacy_audit.cli import audit_db_commands
from privacy_audit.cli.findings_commands import commands
from privacy_audit.cli.key_check_command import key_check
from privacy_audit.cli.residue_command import residue
from privacy_audit.compiler import suites
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, PrivacyAuditError
from privacy_audit.domain.outcomes import TELLING, Outcome
from privacy_audit.pipeline import assembling, auditing, own_records, planning
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres.interruptible import ending_on_signals
from privacy_audit.view.audit_view import AuditView
from privacy_audit.view.make_view import make_view

app = typer.Typer(
    help="Audits production databases against the company's privacy policy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback could show what was read
)

app.add_typer(commands, name="findings")
app.add_typer(audit_db_commands.commands, name="db")

_PIPED_WIDTH = 1000
"""A pipe has no edge at which a name would have to be cut."""


class Exit(IntEnum):
    """What the exit code tells a script."""

    NOTHING_FOUND = 0
    FINDINGS = 1
    REFUSED = 2
    NOT_AUDITED = 3


_EXITS = {
    Outcome.PASS: Exit.NOTHING_FOUND,
    Outcome.REVIEW: Exit.FINDINGS,
    Outcome.FAIL: Exit.FINDINGS,
    Outcome.NOT_AUDITED: Exit.NOT_AUDITED,
    Outcome.NOT_APPLICABLE: Exit.NOTHING_FOUND,
}
_COLOURS = {
    Outcome.FAIL: "bold red",
    Outcome.NOT_AUDITED: "bold magenta",
    Outcome.REVIEW: "yellow",
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "dim",
}


@app.command("compile")
def compile_suites(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 2 when the suites are stale.")] = False,
) -> None:
    """Compile policy and store maps into the suites under expectations/suites, to be reviewed and committed."""
    configuration = read_configuration()
    expectations = configuration.settings.expectations
    if check:
        suites.check(expectations, configuration.files)
        typer.echo(f"{len(configuration.files)} suites are what policy and store maps say.")
        return
    changed = suites.write(expectations, configuration.files)
    for path in changed:
        typer.echo(f"expectations/suites/{path}")
    typer.echo(f"{len(configuration.files)} suites, {len(changed)} changed.")


@app.command()
def run(
    store: Annotated[list[str] | None, typer.Option(help="Only this store; may be repeated.")] = None,
    control: Annotated[list[str] | None, typer.Option(help="Only this control; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Judge by this instant, as 2026-11-24T02:15:00+01:00.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the canonical report here.")] = None,
) -> None:
    """Audit the stores and show what was found. Files nothing and tells nobody: that is the nightly DAG's work."""
    if json_path and not json_path.parent.is_dir():
        raise ConfigurationRefusedError([Mistake(str(json_path), "lies in no folder.", "Make the folder first.")])
    order = planning.plan(as_of, store, control, f"command line {uuid.uuid4()}", datetime.now(UTC))
    result = make_view(assembling.assemble(order, auditing.audit_everything(order)))
    if json_path:
        from privacy_audit.publish.report import canonical_json

        json_path.write_bytes(canonical_json.render(result))
    show(result, Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH))
    raise typer.Exit(exit_code(result))


@app.command()
def simulate(
    policy_file: Annotated[Path, typer.Argument(metavar="POLICY", help="Another policy, as policy.yaml is written.")],
    store: Annotated[list[str] | None, typer.Option(help="Only this store; may be repeated.")] = None,
    control: Annotated[list[str] | None, typer.Option(help="Only this control; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Judge by this instant, as 2026-11-24T02:15:00+01:00.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write what would change here.")] = None,
    show_rows: Annotated[bool, typer.Option("--show-rows", help="Show the SELECTs that list the rows.")] = False,
) -> None:
    """Say what another policy would change: exit 0 no row would come into breach, 1 some would. Files nothing."""
    from privacy_audit.cli import simulation_screen
    from privacy_audit.pipeline import simulation_run
    from privacy_audit.view.simulation_view import make_simulation_view

    if json_path and not json_path.parent.is_dir():
        raise ConfigurationRefusedError([Mistake(str(json_path), "lies in no folder.", "Make the folder first.")])
    result = simulation_run.simulate(policy_file, as_of, store, control, datetime.now(UTC))
    view = make_simulation_view(result)
    if json_path:
        json_path.write_bytes(simulation_screen.render(view))
    simulation_screen.show(view, Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH), show_rows=show_rows)
    found = Exit.FINDINGS if result.breaking else Exit.NOTHING_FOUND
    raise typer.Exit(found if result.whole else Exit.NOT_AUDITED)


@app.command()
def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; say what would be deleted.")] = False,
) -> None:
    """Delete the audit's own records that are past the periods of expectations/handling.yaml."""
    for result in own_records.maintain(datetime.now(UTC), dry_run=dry_run):
        typer.echo(own_records.in_words(result, dry_run=dry_run))


app.command()(residue)
app.command("key-check")(key_check)


def exit_code(result: AuditView) -> Exit:
    """3 as soon as anything was not audited, for silence would pass for a pass."""
    outcomes = [*(check.outcome for check in result.checks), *(store.outcome for store in result.stores)]
    if Outcome.NOT_AUDITED in outcomes:
        return Exit.NOT_AUDITED
    return _EXITS[result.outcome]


def show(result: AuditView, console: Console) -> None:
    """The audit as a table: what was not audited first, then the failures."""
    table = Table(title=f"Audit as of {result.as_of}")
    for name in ("Check", "Outcome", "Rows", "Violating", "Undecidable", "Reason"):
        table.add_column(name, overflow="fold")
    for check in sorted(result.checks, key=lambda check: TELLING.index(check.outcome)):
        tally = check.tally
        counts = [f"{tally.population:,}", f"{tally.violating:,}", f"{tally.undecidable:,}"] if tally else ["", "", ""]
        outcome = Text(check.outcome.replace("_", " "), _COLOURS[check.outcome])
        table.add_row(check.id, outcome, *counts, Text(check.reason))
    console.print(table)
    unread = (f"Store {store.name} was not audited. {store.reason}" for store in result.stores if store.cause)
    for sentence in (*unread, *result.limits):
        console.print(sentence, markup=False)


def main() -> None:
    """The console script: what the project refuses is said in its own words, without a traceback; a signal ends it."""
    try:
        with ending_on_signals():
            app()
    except ConfigurationRefusedError as error:
        typer.echo(str(error), err=True)
        sys.exit(Exit.REFUSED)
    except PrivacyAuditError as error:
        typer.echo(str(error), err=True)
        sys.exit(Exit.NOT_AUDITED)
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}.", err=True)
        sys.exit(Exit.NOT_AUDITED)
    except Exception as error:  # noqa: BLE001 - its words may quote a row, and Python's exit code 1 means findings here
        typer.echo("".join(traceback.format_tb(error.__traceback__)), err=True)
        typer.echo(f"Broke off with {type(error).__name__}, which is ours to mend. Nothing was audited.", err=True)
        sys.exit(Exit.NOT_AUDITED)


if __name__ == "__main__":
    main()
