"""Publishes the Data Docs of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privacy_audit.config.settings import load
from privacy_audit.pipeline.assembling import assemble
from privacy_audit.pipeline.audit_order import Order
from privacy_audit.pipeline.configuration import read_configuration as read_configuration
from privacy_audit.pipeline.order_lookups import validations


def publish_docs(order: Order, results: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Builds tonight's Data Docs and puts them in place at once. An audit of some stores or controls publishes none:
    its pages would hide what is known of the others. `index` is then empty."""
    from privacy_audit.publish.data_docs import docs_site

    settings = load()
    if not order["whole"]:
        return {"index": ""}
    index = docs_site.publish(validations(settings, order), assemble(order, results), settings.home)
    return {"index": str(index)}
