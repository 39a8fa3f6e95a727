"""Publishes the Data Docs of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from privacy_audit.config.settings import load
from privacy_audit.domain.audit import StoreResult
from privacy_audit.pipeline.assembling import assemble
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.order_lookups import validations


def publish_docs(order: AuditOrder, results: Sequence[StoreResult | None]) -> Path | None:
    """Builds tonight's Data Docs and puts them in place at once; returns the page to start at.

    Returns None for an audit of some stores or controls: its pages would hide what is known of the others.
    """
    from privacy_audit.publish.data_docs import docs_site

    settings = load()
    if not order.whole:
        return None
    return docs_site.publish(validations(settings, order), assemble(order, results), settings.home)
