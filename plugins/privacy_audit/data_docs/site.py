"""Builds the site from the validation results of one night and puts it in place at once.

Great Expectations walks its results store and asks our renderers and views for each page. What it cannot render it
only logs, so the pages that were made are compared with the pages there must be.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from privacy_audit.errors import PrivacyAuditError
from privacy_audit.model import Audit

_MODULE = "privacy_audit.data_docs.pages"


class DataDocsError(PrivacyAuditError):
    """A page of the Data Docs could not be made; the site of the night before stays in place."""


def publish(results: Path, audit: Audit, home: Path) -> Path:
    """The index of tonight's site, in place below `home/data_docs`. `results` holds the audit's validation results."""
    sites = home / "data_docs.nights"
    draft = sites / f".{audit.id}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _build(results, audit, draft)
        return _put_in_place(draft, sites / audit.id, home / "data_docs")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _build(results: Path, audit: Audit, site: Path) -> None:
    night = site / "night.json"
    night.write_bytes(TypeAdapter(Audit).dump_json(audit))
    results.mkdir(parents=True, exist_ok=True)
    context = _context(results, site, night)
    context.build_data_docs()
    made = {
        key.expectation_suite_identifier.name
        for key in context.stores[context.validation_results_store_name].list_keys()
        if _page(site, key).is_file() and _page(site, key).stat().st_size
    }
    missing = sorted(_expected(audit) - made)
    index = site / "index.html"
    if missing or not index.is_file() or not index.stat().st_size:
        raise DataDocsError(
            f"{site.parent.name}: these pages of the Data Docs could not be made: {', '.join(missing) or 'the index'}."
            " The site of the night before stays in place; the report is not affected."
        )
    night.unlink()
    # The site builder copies its own style, scripts and fonts beside our pages, which use none of them.
    shutil.rmtree(site / "static", ignore_errors=True)


def _expected(audit: Audit) -> set[str]:
    """Names of the suites in which at least one check was evaluated."""
    return {f"{check.store}.{check.table}" for check in audit.checks if check.tally is not None}


def _page(site: Path, key: Any) -> Path:
    *folders, name = key.to_tuple()
    return site.joinpath("validations", *folders, f"{name}.html")


def _context(results: Path, site: Path, night: Path) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    def told(kind: str) -> dict[str, Any]:
        return {
            "renderer": {"module_name": _MODULE, "class_name": f"{kind}Renderer", "night": str(night)},
            "view": {"module_name": _MODULE, "class_name": f"{kind}View"},
        }

    # All of it must be in place when the configuration is made: what is set on it afterwards is silently ignored.
    defaults = InMemoryStoreBackendDefaults()
    defaults.stores[defaults.validation_results_store_name] = {
        "class_name": "ValidationResultsStore",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(results.resolve())},
    }
    sites = {
        "night": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site.resolve())},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", **told("Index")},
            "site_section_builders": {
                "expectations": "None",
                "profiling": "None",
                "validations": {
                    "class_name": "DefaultSiteSectionBuilder",
                    "source_store_name": defaults.validation_results_store_name,
                    **told("Suite"),
                },
            },
        }
    }
    config = DataContextConfig(store_backend_defaults=defaults, data_docs_sites=sites, analytics_enabled=False)
    return gx.get_context(mode="ephemeral", project_config=config)


def _put_in_place(draft: Path, site: Path, entry: Path) -> Path:
    """Moves the site to its name and points the entry at it: a reader sees the old site or the new one, never a mix."""
    if site.exists():
        shutil.rmtree(site)
    draft.rename(site)
    link = entry.with_name(f".{entry.name}.{os.getpid()}")
    link.unlink(missing_ok=True)
    link.symlink_to(Path(site.parent.name) / site.name, target_is_directory=True)
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    link.replace(entry)
    for older in site.parent.iterdir():
        if older != site and not older.name.startswith("."):
            shutil.rmtree(older, ignore_errors=True)
    return entry / "index.html"
