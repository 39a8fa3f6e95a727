"""Renderers that Great Expectations makes by name: from a validation result, or from its list of pages, to a document.

They say which suite's page is asked for; what it says comes from the view of the audit (`page_content`).
"""

from __future__ import annotations

from typing import Any

from great_expectations.render import RenderedDocumentContent
from great_expectations.render.renderer import SiteIndexPageRenderer, ValidationResultsPageRenderer

from privacy_audit.publish.data_docs.page_content import NightPages
from privacy_audit.view.audit_view import AuditView


class NightDocument(RenderedDocumentContent):
    """A page of a night, as Great Expectations hands it from renderer to view."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(sections=[])
        self._content = content

    def to_json_dict(self) -> dict[str, Any]:
        """What the template receives."""
        return self._content


class SuiteRenderer(ValidationResultsPageRenderer):
    """The page of one suite."""

    def __init__(self, audit: AuditView, data_context: Any = None) -> None:
        super().__init__(data_context=data_context)
        self._night = NightPages(audit)

    def render(self, validation_results: Any, suite_parameters: Any = None) -> NightDocument:
        """EvidenceMismatchError when the audit has no check of the suite."""
        return NightDocument(self._night.suite(validation_results.suite_name))


class IndexRenderer(SiteIndexPageRenderer):
    """The index: every check of every store, whether it has a page or not."""

    def __init__(self, audit: AuditView) -> None:
        super().__init__()
        self._night = NightPages(audit)

    def render(self, index_links_dict: Any) -> NightDocument:
        """The document of the index."""
        links = index_links_dict.get("validations_links", [])
        return NightDocument(self._night.index({link["expectation_suite_name"]: link["filepath"] for link in links}))
