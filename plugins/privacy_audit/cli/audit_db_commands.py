"""`privacy-audit db`: makes the audit's own database, looks at it, and accepts one that is not the old one."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import Annotated

import typer

from privacy_audit.config import settings
from privacy_audit.domain import phrases
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.known_database import DatabaseDoubt
from privacy_audit.publish.report import report_folder
from privacy_audit.view.clean_text import clean

commands = typer.Typer(help="The audit's own database: make it, look at it, accept another one.", no_args_is_help=True)

_LISTED = 20
"""So many audits are named."""
_ACCEPT = 'Run `privacy-audit db accept --because "..."` next: until then it is refused.'


@commands.command()
def init(
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Leave one that is there as it is, for scripts that run again.")
    ] = False,
) -> None:
    """Make tables and identity in an empty database: for a first installation, or in place of one that is lost."""
    from privacy_audit import audit_db

    given = settings.load()
    url = known_database.url_of(given)
    if if_empty and not audit_db.is_empty(url):
        audit_db.versions(url)  # which refuses another program's
        typer.echo("The audit database is there already; it was left as it is.")
        return
    audit_db.init(url)
    identity, doubt = known_database.look(given)
    typer.echo(f"The audit database was made. Its identity is {identity}.")
    if doubt:
        typer.echo(f"But it {doubt}. {_ACCEPT}")


@commands.command()
def accept(
    because: Annotated[str, typer.Option(help="Why; one line for whoever reads it later.")],
) -> None:
    """Go on with a database that does not know all that was reported, and say what is lost."""
    from privacy_audit import audit_db

    if not because.strip():
        raise ConfigurationRefusedError([Mistake("--because", "is empty.", "Say why, for whoever reads it later.")])
    given = settings.load()
    url = known_database.url_of(given)
    audit_db.upgrade(url)
    identity, doubt = known_database.look(given)
    if doubt is None:
        typer.echo("Nothing to accept: the audit database knows all that was reported.")
        return
    by, reason = clean(getpass.getuser()), clean(because.strip())
    audit_db.accept(url, doubt.newest.audit_id, doubt.newest.as_of, doubt.database, by=by, because=reason)
    typer.echo(f"{by} accepted the audit database {identity}: {reason}")
    for line in _lost(doubt):
        typer.echo(line)


@commands.command()
def status() -> None:
    """Say which database it is and whether it knows all that was reported. Exit 0: it does; 2: it is refused."""
    from privacy_audit import audit_db

    given = settings.load()
    url = known_database.url_of(given)
    here, newest_version = audit_db.versions(url)
    identity, _ = known_database.look(given)
    typer.echo(f"Connection: {given.database}")
    typer.echo(f"Identity: {identity or 'none yet; the next audit that is filed gives it one'}")
    versions = "this version" if here == newest_version else f"this program makes {newest_version}"
    typer.echo(f"Tables: {here} ({versions})")
    filed = audit_db.last_audits(url, 1) if here == newest_version else ()
    typer.echo(f"Newest audit: {f'{filed[0].id}, as of {phrases.iso(filed[0].as_of)}' if filed else 'none is known'}")
    reports = report_folder.filed_reports(given.home)
    newest = max(reports, key=lambda report: (report.as_of, report.audit_id)).audit_id if reports else "none"
    typer.echo(f"Newest report: {newest}")
    known_database.prove(given)
    typer.echo("It knows all that was reported.")


def _lost(doubt: DatabaseDoubt) -> Iterator[str]:
    """What goes with a database, as lines for people."""
    names = ", ".join(report.audit_id for report in doubt.unknown[:_LISTED])
    more = f" and {len(doubt.unknown) - _LISTED:,} more" if len(doubt.unknown) > _LISTED else ""
    yield f"Audits that only their reports know: {names + more or 'none'}."
    yield "What else was on file in the other database, and not in this one, is lost:"
    yield "- how findings stood: each is new at the next audit, first seen then, and due later;"
    yield "- the manifests of legal holds: rows that vanished before the next audit are not missed (HLD-2);"
    yield "- what people said of findings (triage), and messages that were not sent yet;"
    yield "- which nights had an audit (META-4)."
