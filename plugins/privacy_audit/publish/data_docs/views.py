"""Views that Great Expectations makes by name: from a document to HTML, by our own templates and nothing else.

The templates of Great Expectations load scripts, styles and a logo from elsewhere, with an id of the installation, and
do not escape what they show (Jinja escapes by the file's ending, and theirs end in `.j2`). So their environment is
replaced by ours.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import Environment
from markupsafe import Markup

from privacy_audit.view import coverage_matrix
from privacy_audit.view.templates import environment

TEMPLATES = Path(__file__).parent / "templates"


class SuiteView(DefaultJinjaPageView):
    """The page of one suite."""

    _template = "suite.html.j2"
    env: Environment

    def __init__(self, custom_styles_directory: Any = None, custom_views_directory: Any = None) -> None:
        """Great Expectations passes only the parameters that are named here."""
        super().__init__(custom_styles_directory, custom_views_directory)
        self.env = _ours()


class IndexView(SuiteView):
    """The index."""

    _template = "index.html.j2"


class CoverageView(SuiteView):
    """The page of clauses and stores."""

    _template = "coverage.html.j2"


def _ours() -> Environment:
    made = environment(TEMPLATES, coverage_matrix.TEMPLATES)
    made.globals |= {**coverage_matrix.NAMES, **_style()}
    return made


def _style() -> dict[str, Markup]:
    """Our style sheet, and the policy that admits it by its digest and nothing else. Both come from our own files."""
    files = (TEMPLATES / "docs.css", coverage_matrix.TEMPLATES / coverage_matrix.STYLE)
    css = "\n".join(path.read_text(encoding="utf-8") for path in files)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {"css": Markup(css), "csp": Markup(policy)}  # noqa: S704 - a file of this package
