"""The terminal, kept for what a reader wants to know: stages with their seconds, one table, where things lie.

Airflow, Great Expectations, warnings and child processes write to file descriptors 1 and 2 as they please. While a
`screen` is open these lead to a log file, and only the screen still reaches the terminal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypedDict

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.table import Table

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome


class _Drawing(TypedDict):
    """How rich draws what moves."""

    transient: bool
    redirect_stdout: bool
    redirect_stderr: bool


_PIPED_WIDTH = 140
"""Columns when nobody's terminal says how wide it is (a pipe, a log of the continuous integration)."""

_STYLES = {
    Outcome.NOT_AUDITED: "bold yellow",
    Outcome.FAIL: "bold red",
    Outcome.REVIEW: "yellow",
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "dim",
}
"""Also the order of the rows: what nobody looked at comes first."""

_ALONE: _Drawing = {"transient": True, "redirect_stdout": False, "redirect_stderr": False}
"""Else rich would put on the terminal what others write meanwhile, and that is for the log."""
_QUIET_SECONDS = 15
"""Seconds between two lines of a bar where nothing can be drawn."""


class Bar:
    """How far a long work is that counts rows. Drawn while it is entered."""

    def __init__(self, console: Console, doing: str) -> None:
        columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._drawn = Progress(*columns, console=console, **_ALONE)
        self._task = self._drawn.add_task(doing, total=None)
        self._console = console
        self._said = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        """So many rows of so many are done."""
        self._drawn.update(self._task, completed=done, total=total)
        if not self._console.is_terminal and time.monotonic() - self._said > _QUIET_SECONDS:
            self._said = time.monotonic()
            self._console.print(f"          {done:,} of {total:,} rows", markup=False, highlight=False)

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._drawn.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_interactive:  # elsewhere rich would write an empty line
            self._drawn.stop()


class Screen:
    """What may be said. Everything else that is written meanwhile is in `log`."""

    def __init__(self, console: Console, log: Path) -> None:
        self._console = console
        self._started = time.monotonic()
        self.log = log

    def say(self, text: str) -> None:
        """A sentence, as it stands."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def bar(self, doing: str) -> Bar:
        """A bar to hand to a stage, and to anyone who does its work."""
        return Bar(self._console, doing)

    @contextmanager
    def stage(self, doing: str, bar: Bar | None = None) -> Iterator[None]:
        """Shows what is being done, then how long it took and how long it all took so far."""
        began = time.monotonic()
        with bar or Live(Spinner("dots", doing), console=self._console, **_ALONE):  # draws on a terminal only
            yield
        self.done(doing, time.monotonic() - began)

    def done(self, what: str, seconds: float) -> None:
        """A stage that ended elsewhere, with the seconds it took."""
        total = time.monotonic() - self._started
        self._console.print(f"{total:6.1f} s  {what} ({seconds:.1f} s)", markup=False, highlight=False)

    def table(self, checks: Sequence[CheckResult]) -> None:
        """One line per check, the worst first."""
        table = Table("Store", "Control", "Table", "Outcome")
        table.add_column("Violating rows", justify="right")
        table.add_column("Oldest")
        for check in sorted(checks, key=_urgency):
            tally = check.tally
            table.add_row(
                check.store,
                check.control,
                check.table + (f" ({check.qualifier})" if check.qualifier else ""),
                check.outcome.replace("_", " "),
                f"{tally.violating:,}" if tally else "",
                f"{tally.oldest:%Y-%m-%d}" if tally and tally.oldest else "",
                style=_STYLES[check.outcome],
            )
        self._console.print(table)


@contextmanager
def screen(log: Path) -> Iterator[Screen]:
    """Opens the log (anew) and keeps the terminal to the screen until the end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("w") as file, os.fdopen(os.dup(kept[0]), "w") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        console = Console(file=terminal, width=None if terminal.isatty() else _PIPED_WIDTH)
        try:
            yield Screen(console, log)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in enumerate(kept, start=1):
                os.dup2(original, number)
                os.close(original)


def _urgency(check: CheckResult) -> tuple[int, str]:
    return list(_STYLES).index(check.outcome), check.id
