"""The control kinds as Great Expectations expectations, made from their rules: one metric serves them all.

Importing this module imports Great Expectations (seconds); only the engine does, inside a task. The metric returns
counts and dates, or a cause and a sentence; it never raises, for a raised error would be retried and written down
with the server's text in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar

from great_expectations.compatibility import pydantic
from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, render_suite_parameter_string
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.components import LegacyDiagnosticRendererType
from great_expectations.render.renderer.renderer import renderer
from great_expectations.validator.metric_configuration import MetricConfiguration

from privacy_audit.controls import Rule, kinds
from privacy_audit.engine.check_details import details_of, trouble_details
from privacy_audit.engine.measurement import measure
from privacy_audit.postgres.store_errors import StoreError, StoreErrors

METRIC = "privacy_audit.tally"


class TallyMetric(TableMetricProvider):
    """What a rule counts on its table at T: one statement, aggregates only."""

    metric_name = METRIC
    domain_keys = ("batch_id",)
    value_keys = ("kind", "rule", "as_of", "budget")

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(  # type: ignore[no-untyped-def]  # the names are those GX calls with
        cls,  # noqa: N805 - GX makes it a class method
        execution_engine,
        metric_domain_kwargs,
        metric_value_kwargs,
        metrics,
        runtime_configuration,
    ) -> dict[str, Any]:
        rule = _read(metric_value_kwargs["kind"], metric_value_kwargs["rule"])
        as_of = datetime.fromisoformat(metric_value_kwargs["as_of"])
        try:
            with StoreErrors.watch(), execution_engine.get_connection() as connection:
                return details_of(measure(connection, rule, as_of, metric_value_kwargs["budget"]))
        except StoreError as trouble:
            return trouble_details(trouble)


class TallyExpectation(BatchExpectation):
    """The common base: a rule, the instant it is judged by, and the tally it is judged on."""

    rule_kind: ClassVar[str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ()  # given by get_validation_dependencies
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("check", "rule", "as_of", "budget")

    check: str
    """Id of the check: the same every night."""
    rule: dict[str, Any] | str
    """The control bound to its table, in the words of the store map; during a run as text."""
    as_of: str | SuiteParameterDict
    """T as ISO 8601, given to each run."""
    budget: int | SuiteParameterDict
    """Rows up to which a table is scanned in full."""

    @pydantic.validator("rule")
    def _rule_is_valid(cls, value: dict[str, Any] | str) -> dict[str, Any] | str:  # noqa: N805 - pydantic makes it a class method
        _read(cls.rule_kind, _text(value))
        return value

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        """The one metric, with the rule as text so that Great Expectations can tell it from others."""
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = get_metric_kwargs(METRIC, self.configuration, runtime_configuration)["metric_domain_kwargs"]
        values = {"kind": self.rule_kind, "rule": _text(self.rule), "as_of": self.as_of, "budget": self.budget}
        dependencies.set_metric_configuration(METRIC, MetricConfiguration(METRIC, domain, values))
        return dependencies

    def _validate(self, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
        details = metrics[METRIC]
        violating = details.get("violating")
        return {
            "success": violating == 0 and details.get("undecidable") == 0,
            "result": {"observed_value": violating, "details": details},
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(cls, configuration: Any = None, result: Any = None, **_: Any) -> Any:
        rule = _rule_of(cls.rule_kind, configuration if configuration is not None else result.expectation_config)
        template = {"template": rule.sentence.replace("$", "$$"), "params": {}, "styling": {}}
        return [RenderedStringTemplateContent(content_block_type="string_template", string_template=template)]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(cls, configuration: Any = None, result: Any = None, **_: Any) -> str:
        details = (result.result or {}).get("details", {}) if result else {}
        if "violating" not in details:
            return "not audited"
        oldest = f"; oldest {details['oldest'][:10]}" if details.get("oldest") else ""
        return f"{details['violating']:,} of {details['population']:,} rows{oldest}"


def _rule_of(kind: str, configuration: Any) -> Rule:
    return _read(kind, _text(configuration.kwargs["rule"]))


def _text(rule: Mapping[str, Any] | str) -> str:
    return rule if isinstance(rule, str) else json.dumps(rule)


@lru_cache(maxsize=1024)
def _read(kind: str, rule: str) -> Rule:
    """The rule of a text. Great Expectations asks for each of them several times."""
    return kinds()[kind].model_validate(json.loads(rule))


@cache
def expectations() -> dict[str, type[TallyExpectation]]:
    """Every control kind as an expectation class, registered with Great Expectations, by its type name."""
    classes = {}
    for kind, rule in kinds().items():
        name = "".join(word.capitalize() for word in rule.expectation.split("_"))
        attributes = {"__doc__": rule.__doc__, "rule_kind": kind, "__module__": __name__}
        classes[rule.expectation] = type(name, (TallyExpectation,), attributes)
    return classes
