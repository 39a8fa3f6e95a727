"""Great Expectations builds the pages of a night from the validation results that the engine filed.

What it cannot render it only logs, so the pages that were made and linked are compared with those that there must be.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from privacy_audit.domain.audit import Audit
from privacy_audit.domain.errors import MayHealError
from privacy_audit.publish.data_docs.page_content import COVERAGE, EvidenceMismatchError, NightPages
from privacy_audit.view.audit_view import AuditView, key_of
from privacy_audit.view.make_view import make_view

_STORE = "filed"
# What a page could not be made of, and why, is only ever told by this logger. Another stage may have muted its parents.
_REASONS = "great_expectations.render.renderer.site_builder"


class DataDocsError(MayHealError):
    """The Data Docs of the night could not be published; those of an earlier night stay in place."""


def build(results: Path, audit: Audit, site: Path) -> None:
    """Makes tonight's pages in an empty folder; the newest result counts where a suite was looked at twice.

    DataDocsError names the pages that could not be made, and validation results that contradict the audit.
    """
    logging.getLogger(_REASONS).setLevel(logging.ERROR)
    view = make_view(audit)
    night = NightPages(view)
    context = _context(results)
    store = context.stores[_STORE]
    keys = _newest(store.list_keys(), audit.id)
    try:
        for suite, key in keys.items():
            night.prove(suite, _evidence(store.get(key)))
    except EvidenceMismatchError as error:
        raise DataDocsError(f"{results}: {error} The report is not affected; look into the log of the audit.") from None
    builder = _builder(context, view, site)
    _, links = builder.build(resource_identifiers=list(keys.values()))
    _add_coverage(site, night, links)
    # The builder copies its own style, scripts and fonts beside our pages, which use none of them.
    shutil.rmtree(site / "static")
    _prove_whole(site, night.counted_suites, keys, links)


def _add_coverage(site: Path, night: NightPages, links: Mapping[str, Any]) -> None:
    """The page of clauses and stores. Great Expectations knows no such page, so it is put beside the index by us."""
    from privacy_audit.publish.data_docs.renderers import NightDocument
    from privacy_audit.publish.data_docs.views import CoverageView

    pages = {link["expectation_suite_name"]: link["filepath"] for link in links.get("validations_links", [])}
    page = CoverageView().render(NightDocument(night.coverage(pages)))
    (site / COVERAGE).write_text(page, encoding="utf-8")


def _newest(keys: Iterable[Any], run: str) -> dict[str, Any]:
    """By suite, the key of its newest validation result of a run."""
    tonight = sorted((key for key in keys if key.run_id.run_name == run), key=lambda key: key.run_id.run_time)
    return {key.expectation_suite_identifier.name: key for key in tonight}


def _evidence(result: Any) -> dict[str, Mapping[str, Any]]:
    """Check id to what was filed of it."""
    return {
        entry.expectation_config.kwargs["check"]: (entry.result or {}).get("details", {}) for entry in result.results
    }


def _prove_whole(site: Path, counted: Mapping[str, str], keys: Mapping[str, Any], links: Mapping[str, Any]) -> None:
    """`counted`: suites that must have a page, key to shown name; `keys`: suites that have a result, by their names."""
    linked = {link["expectation_suite_name"] for link in links.get("validations_links", [])}
    made = {key_of(suite) for suite, key in keys.items() if suite in linked and _is_filled(_page(site, key))}
    wanted = {**counted, **{key_of(suite): suite for suite in keys}}
    missing = sorted(name for key, name in wanted.items() if key not in made)
    if not _is_filled(site / "index.html"):
        missing.insert(0, "the index")
    if not _is_filled(site / COVERAGE):
        missing.insert(0, "the page of clauses and stores")
    if missing:
        raise DataDocsError(
            f"These pages of the Data Docs could not be made: {', '.join(missing)}. The log of this task says why."
            " The Data Docs of an earlier night stay in place, and the report is not affected."
        )


def _page(site: Path, key: Any) -> Path:
    *folders, name = key.to_tuple()
    return site.joinpath("validations", *folders, f"{name}.html")


def _is_filled(page: Path) -> bool:
    return page.is_file() and page.stat().st_size > 0


def _context(results: Path) -> Any:
    """A context in memory that reads the filed results, and writes nothing beside them."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    defaults = InMemoryStoreBackendDefaults()
    backend = {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(results.resolve()),
        "suppress_store_backend_id": True,
    }
    defaults.stores[_STORE] = {"class_name": "ValidationResultsStore", "store_backend": backend}
    config = DataContextConfig(
        store_backend_defaults=defaults, validation_results_store_name=_STORE, analytics_enabled=False
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _builder(context: Any, audit: AuditView, site: Path) -> Any:
    from great_expectations.render.renderer.site_builder import SiteBuilder

    def ours(page: str) -> dict[str, Any]:
        return {
            "renderer": {
                "module_name": "privacy_audit.publish.data_docs.renderers",
                "class_name": f"{page}Renderer",
                "audit": audit,
            },
            "view": {"module_name": "privacy_audit.publish.data_docs.views", "class_name": f"{page}View"},
        }

    return SiteBuilder(
        data_context=context,
        store_backend={"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site.resolve())},
        site_name=audit.id,
        show_how_to_buttons=False,
        site_index_builder={"class_name": "DefaultSiteIndexBuilder", **ours("Index")},
        site_section_builders={
            "expectations": "None",
            "profiling": "None",
            "validations": {"class_name": "DefaultSiteSectionBuilder", "source_store_name": _STORE, **ours("Suite")},
        },
    )
