"""Views that Great Expectations makes by name: from a document to HTML, by our own templates and nothing else.

The templates of Great Expectations load scripts, styles and a logo from elsewhere, with an id of the installation, and
do not escape what they show (Jinja escapes by the file's ending, and theirs end in `.j2`). So only our folder is
searched, everything is escaped, and invisible characters are dropped.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from privacy_audit.domain import phrases
from privacy_audit.findings import disclosure
from privacy_audit.view import coverage_matrix

TEMPLATES = Path(__file__).parent / "templates"


class SuiteView(DefaultJinjaPageView):
    """The page of one suite."""

    _template = "suite.html.j2"
    env: Environment

    def __init__(self, custom_styles_directory: Any = None, custom_views_directory: Any = None) -> None:
        """Great Expectations passes only the parameters that are named here."""
        super().__init__(custom_styles_directory, custom_views_directory)
        self.env = _ours(self.env)


class IndexView(SuiteView):
    """The index."""

    _template = "index.html.j2"


class CoverageView(SuiteView):
    """The page of clauses and stores."""

    _template = "coverage.html.j2"


def _ours(environment: Environment) -> Environment:
    ours = environment.overlay(
        loader=FileSystemLoader([TEMPLATES, coverage_matrix.TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ours.filters |= {"number": phrases.number, "count": phrases.count, "day": phrases.day}
    ours.globals |= {
        "outcome_word": phrases.OUTCOMES,
        "outcome_sign": phrases.SIGNS,
        "outcome_meaning": phrases.MEANINGS,
        "severity_word": phrases.SEVERITIES,
        "reading_words": phrases.READINGS,
        "is_small": disclosure.is_small,
        "small_count": disclosure.SMALL_COUNT,
        **coverage_matrix.NAMES,
        **_style(),
    }
    return ours


def _cleaned(value: Any) -> Any:
    return phrases.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _style() -> dict[str, Markup]:
    """Our style sheet, and the policy that admits it by its digest and nothing else. Both come from our own files."""
    files = (TEMPLATES / "docs.css", coverage_matrix.TEMPLATES / coverage_matrix.STYLE)
    css = "\n".join(path.read_text(encoding="utf-8") for path in files)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {"css": Markup(css), "csp": Markup(policy)}  # noqa: S704 - a file of this package
