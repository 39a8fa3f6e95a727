"""Runs compiled suites against an open store through a native Great Expectations checkpoint.

An ephemeral context is built in code; results go to files behind a whitelist. A suite whose expectation types are not
registered "succeeds" with zero rules, so the ids that were expected are compared with those that were evaluated, and
what a rule of the suite says is compared with what policy and map say.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.file_modes import for_the_group
from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres.session_settings import connect_args
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from privacy_audit.postgres.store_session import StoreSession

RESULTS = "validations"
"""Folder below the home in which an audit's validation results lie, one folder per audit."""


def run_suites(
    door: StoreSession,
    url: sa.URL,
    suites: Sequence[Mapping[str, Any]],
    *,
    audit_id: str,
    as_of: datetime,
    budget: int,
    results: Path,
) -> dict[str, Mapping[str, Any]]:
    """Returns the details of the result (`check_details.read_details`) by check id, for every check of the suites.

    Raises StoreError if Great Expectations evaluated other checks than these.
    """
    expected = [expectation["kwargs"]["check"] for suite in suites for expectation in suite["expectations"]]
    if not expected:
        return {}
    # Its loggers print server errors in full; what happened is in the results, in our words.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    with StoreErrors.watch(), for_the_group():
        outcome = _run(door, url, suites, audit_id, {"as_of": as_of.isoformat(), "budget": budget}, results)
    details = {
        result.expectation_config.kwargs["check"]: (result.result or {}).get("details") or _nothing()
        for run in outcome.run_results.values()
        for result in run.results
    }
    count = sum(len(run.results) for run in outcome.run_results.values())
    if set(details) != set(expected) or count != len(expected):
        raise StoreError(
            Cause.INTERNAL, f"{len(expected)} checks were asked for, {count} were evaluated: the suites prove nothing"
        )
    return details


def _nothing() -> dict[str, str]:
    return {"cause": Cause.INTERNAL.value, "reason": "the check could not be run"}


def _run(
    door: StoreSession,
    url: sa.URL,
    suites: Sequence[Mapping[str, Any]],
    audit_id: str,
    parameters: dict[str, Any],
    results: Path,
) -> Any:
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.datasource.fluent import PostgresDatasource
    from great_expectations.datasource.fluent.sql_datasource import TableAsset

    from privacy_audit.engine.expectations import expectations

    expectations()
    context = ephemeral_context(results)
    # Made as one: `add_postgres` and `add_table_asset` would try the server and each table on connections outside
    # contract and snapshot, wait behind any lock for ever, and raise in the server's words. The catalog proves more.
    source = context.add_datasource(
        datasource=PostgresDatasource(
            name="store",
            connection_string=url.render_as_string(hide_password=False),
            kwargs={"connect_args": connect_args()},
            assets=[
                TableAsset(name=suite["name"], schema_name=schema, table_name=table)
                for suite in suites
                for _, schema, table in [suite["name"].split(".")]
            ],
        )
    )
    door.attach(source.get_execution_engine().engine)
    definitions = []
    for suite in suites:
        definition = gx.ValidationDefinition(
            name=suite["name"],
            data=source.get_asset(suite["name"]).add_batch_definition_whole_table("whole table"),
            suite=context.suites.add(gx.ExpectationSuite(**_handed_over(suite))),
        )
        definitions.append(context.validation_definitions.add(definition))
    checkpoint = gx.Checkpoint(
        name=audit_id,
        validation_definitions=definitions,
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
    )
    run = RunIdentifier(run_name=audit_id)
    try:
        return context.checkpoints.add(checkpoint).run(expectation_parameters=parameters, run_id=run)
    finally:
        source.get_execution_engine().engine.dispose()


def _handed_over(suite: Mapping[str, Any]) -> dict[str, Any]:
    """The suite with its store, and each rule as text: Great Expectations copies what it is given in depth, many times
    over, and a rule is a large thing. What is filed has it as it was."""
    store = suite["name"].split(".")[0]
    expectations = [
        {**entry, "kwargs": {**entry["kwargs"], "rule": json.dumps(entry["kwargs"]["rule"])}}
        for entry in suite["expectations"]
    ]
    return {**suite, "expectations": expectations, "meta": {**suite["meta"], "store": store}}


def ephemeral_context(results: Path) -> Any:
    """A Great Expectations context that lives in memory and files its results below a folder."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # Under the usual name it would be replaced in silence: Great Expectations restores every store class it misses.
    defaults = InMemoryStoreBackendDefaults()
    defaults.stores["counts_only"] = {
        "module_name": "privacy_audit.engine.results_store",
        "class_name": "CountsOnlyResultsStore",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(results.resolve())},
    }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        validation_results_store_name="counts_only",
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)
