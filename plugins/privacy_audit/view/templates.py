"""The one factory of Jinja environments: all text is escaped, unknown names are errors, numbers and days look alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from privacy_audit.domain import phrases
from privacy_audit.view.clean_text import clean


def environment(*folders: Path, autoescape: bool | Callable[[str | None], bool] = True) -> Environment:
    """An environment whose templates lie in these folders; the first that has a template wins.

    Texts of a view are clean already. What is not of a view (the address of a page, a setting) is cleaned here.
    """
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=autoescape,  # noqa: S701 - only templates of plain text are given another rule
        undefined=StrictUndefined,
        finalize=_clean_unless_markup,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": phrases.number, "count": phrases.count, "day": phrases.day}
    made.globals |= {
        "severity_word": phrases.SEVERITIES,
        "outcome_word": phrases.OUTCOMES,
        "outcome_sign": phrases.SIGNS,
        "outcome_meaning": phrases.MEANINGS,
        "ways_out": phrases.WAYS_OUT,
        "reading_words": phrases.READINGS,
    }
    return made


def _clean_unless_markup(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
