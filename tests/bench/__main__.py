"""Fills the demo, times the audit's statements beside hand-written ones in the same session, and the audit's stages.

`make bench` (SCALE=10000000 rows, ROUNDS=5). Ratios are of medians of alternating rounds in one run; seconds depend on
the machine and are given for scale only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from demo import company, premises
from demo.installation import installation
from privacy_audit.controls import Rule
from privacy_audit.domain.outcomes import Plan
from privacy_audit.engine.measurement import FULL_SCAN_ROWS, Measurement, _count, _size, measure
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres.store_session import open_store
from tests.bench.questions import COPIES, Question, questions

console = Console(width=110)
SHARE, SLACK = 1.3, 0.010
"""The most that an audit's statement may take of the hand-written one's time; seconds of planning that do not count."""
MEGABYTES = 300


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--scale", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    as_of = datetime.now(UTC).replace(microsecond=0)
    with tempfile.TemporaryDirectory(prefix="privacy-audit-bench-") as folder, premises.opened(Path(folder)) as place:
        _fill(place, as_of, given.scale)
        kept = _questions(place, as_of, given.rounds)
        kept &= _stages(Path(folder), place, as_of)
    installation(Path(folder)).remove()  # as root it lies elsewhere
    return 0 if kept else 1


def _fill(place: premises.Premises, as_of: datetime, rows: int) -> None:
    with Progress(console=console) as bar:
        task = bar.add_task(f"filling the demo with {rows:,} rows", total=rows)
        company.fill(place.stores, as_of, rows, lambda done, total: bar.update(task, completed=done, total=total))
    with psycopg2.connect(place.stores.app.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(COPIES)
    with sa.create_engine(place.stores.app, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")


def _questions(place: premises.Premises, as_of: datetime, rounds: int) -> bool:
    table = Table(
        "question", "audit s", "by hand s", "ratio", "and foretold s", "violating", "how the audit looked",
        title="Statements",
    )  # fmt: skip
    kept, together = True, [0.0, 0.0]
    checks = {check.id: check for coverage in read_configuration().coverages for check in coverage.checks}
    for question in questions(as_of):
        url = sa.make_url(place.connections[f"store_{question.store}"].replace("postgresql:", "postgresql+psycopg2:"))
        rule = checks[question.check].rule.model_copy(update={"table": question.table})
        with open_store(url, "bench") as door, door.engine.connect() as connection:
            measured = measure(connection, rule, as_of)
            count = connection.exec_driver_sql(question.by_hand.replace("%", "%%")).one()[0]
            ours, hand = _alternate(
                rounds,
                connection,
                lambda connection=connection, rule=rule: _tally(connection, rule, as_of),
                lambda connection=connection, question=question: _run(connection, question),
            )
            began = time.perf_counter()
            measure(connection, rule, as_of)
            whole = time.perf_counter() - began
        right = count == measured.tally.violating
        # Within the budget every row is counted on purpose: that is dearer than to seek, and proves more.
        kept &= right and (measured.plan is Plan.FULL or ours <= SHARE * hand + SLACK)
        together = [together[0] + ours, together[1] + hand]
        same = f"{measured.tally.violating:,}" if right else f"{measured.tally.violating:,}, by hand {count:,}"
        ratio = f"{ours / hand:.2f}"
        table.add_row(question.name, f"{ours:.3f}", f"{hand:.3f}", ratio, f"{whole:.3f}", same, measured.plan_reason)
    ours, hand = together
    table.add_row("all of them", f"{ours:.3f}", f"{hand:.3f}", f"{ours / hand:.2f}", "", "", "", style="bold")
    console.print(table)
    console.print(
        f"A ratio may be {SHARE} at most where rows are sought (up to {1000 * SLACK:.0f} ms are planning and do not"
        f" count), and both must count the same: {'kept' if kept else 'NOT KEPT'}."
    )
    return kept


def _tally(connection: sa.Connection, rule: Rule, as_of: datetime) -> Measurement:
    """What the statement by hand counts, without what the audit foretells beside it."""
    return _count(connection, rule, as_of, FULL_SCAN_ROWS, _size(connection, rule.table))


def _run(connection: sa.Connection, question: Question) -> None:
    connection.exec_driver_sql(question.by_hand.replace("%", "%%")).one()


def _alternate(rounds: int, connection: sa.Connection, *sides: Callable[[], object]) -> list[float]:
    """The median seconds that each side's statements take, run in turns so that a busy moment meets both."""
    spent = [0.0]
    sa.event.listen(
        connection, "before_cursor_execute", lambda *_: spent.__setitem__(0, spent[0] - time.perf_counter())
    )
    sa.event.listen(connection, "after_cursor_execute", lambda *_: spent.__setitem__(0, spent[0] + time.perf_counter()))
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, times in zip(sides, taken, strict=True):
            spent[0] = 0.0
            side()
            times.append(spent[0])
    return [statistics.median(times) for times in taken]


def _stages(home: Path, place: premises.Premises, as_of: datetime) -> bool:
    """The whole audit in a process of its own, as a task has it: once as planted, once with nearly all rows overdue."""
    from privacy_audit import audit_db

    audit_db.upgrade(place.connections["privacy_audit_db"].replace("postgresql:", "postgresql+psycopg2:"))
    table = Table("stage", "as planted", "nearly all rows violating", title="Stages, seconds")
    runs = [_in_a_process(home, place, moment) for moment in (as_of, as_of + timedelta(days=500))]
    for stage in runs[0]["seconds"]:
        table.add_row(stage, *(f"{run['seconds'][stage]:.2f}" for run in runs))
    table.add_row("violating rows", *(f"{run['violating']:,}" for run in runs))
    table.add_row("peak memory of the process, MB", *(f"{run['megabytes']:.0f}" for run in runs))
    console.print(table)
    kept = all(run["megabytes"] < MEGABYTES for run in runs)
    console.print(f"The process may take {MEGABYTES} MB at most: {'kept' if kept else 'NOT KEPT'}.")
    return kept


def _in_a_process(home: Path, place: premises.Premises, as_of: datetime) -> dict:
    environment = {
        **os.environ,
        "PRIVACY_AUDIT_HOME": str(home),
        **{f"AIRFLOW_CONN_{name.upper()}": url for name, url in place.connections.items()},
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.one_audit", as_of.isoformat()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the audit failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
