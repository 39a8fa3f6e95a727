"""What `make` calls, in words for a terminal: `python -m demo.commands audit|ask|up|down|clean|fill`."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from demo import company
from demo.screen import Bar
from privacy_audit.config import settings
from privacy_audit.domain.errors import PrivacyAuditError

commands = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

Rows = Annotated[int, typer.Option("--scale", min=1, max=100_000_000, help="About how many rows the demo company has.")]


@commands.command()
def audit(scale: Rows = company.DEFAULT_ROWS) -> None:
    """Fill the demo company, audit it once through Airflow, compare with what was planted."""
    from demo import one_audit

    raise typer.Exit(one_audit.audit(settings.load().home, scale))


@commands.command(context_settings={"ignore_unknown_options": True})
def ask(words: Annotated[list[str], typer.Argument(help="What follows privacy-audit, as: findings list")]) -> None:
    """Run the command `privacy-audit` over the demo company."""
    from demo import cli_proxy

    raise typer.Exit(cli_proxy.ask(settings.load().home, words))


@commands.command()
def up(scale: Rows = company.DEFAULT_ROWS, port: Annotated[int, typer.Option(min=1024, max=65535)] = 8080) -> None:
    """Start Airflow with its schedule and its pages over the demo company, and leave it running."""
    from demo import up_and_down

    raise typer.Exit(up_and_down.up(settings.load().home, scale, port))


@commands.command()
def down() -> None:
    """End what `up` started."""
    from demo import up_and_down

    raise typer.Exit(up_and_down.down(settings.load().home))


@commands.command()
def clean() -> None:
    """End what `up` started, and remove the data of the embedded PostgreSQL, wherever it lies."""
    from demo import up_and_down

    raise typer.Exit(up_and_down.clean(settings.load().home))


@commands.command()
def fill(scale: Rows = company.DEFAULT_ROWS) -> None:
    """Fill the demo company on a PostgreSQL server of your own: see `demo-fill` in docker-compose.yaml."""
    names = ("DEMO_SUPERUSER_URL", "DEMO_AUDITOR_APP_PASSWORD", "DEMO_AUDITOR_WEB_PASSWORD", "DEMO_REGISTER_PASSWORD")
    missing = [name for name in (*names, "DEMO_ERASURE_KEY") if not os.environ.get(name)]
    if missing:
        raise PrivacyAuditError(f"Not set in the environment: {', '.join(missing)}. Nothing was filled.")
    superuser, *passwords = (os.environ[name] for name in names)
    keys = json.dumps({"keys": {"1": os.environ["DEMO_ERASURE_KEY"]}})
    stores = replace(company.create_databases(superuser, company.DemoPasswords(*passwords)), erasure_keys=keys)
    with Bar(Console(), "Filling the demo company") as bar:
        manifest = company.fill(stores, datetime.now(UTC), scale, bar.tell)
    typer.echo(f"Filled the demo company with {manifest.rows:,} rows as they are at {manifest.as_of.isoformat()}.")


def main() -> int:
    """Runs a command. What we refuse is said without a traceback; SIGTERM and SIGHUP unwind as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _unwind)
    try:
        commands()
    except PrivacyAuditError as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return 0


def _unwind(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
