"""What the YAML parser stumbled over, in words for a person who never read the YAML specification."""

from __future__ import annotations

from ruamel.yaml.error import MarkedYAMLError

from privacy_audit.domain.errors import Mistake

_WORDS = (
    (
        "mapping values are not allowed",
        "a colon stands where no key can end.",
        "Indent the keys of one mapping alike, and put text that contains a colon in quotes.",
    ),
    ("mapping keys are not allowed", 'a "?" stands where no key can begin.', "Put text that begins with ? in quotes."),
    ("sequence entries are not allowed", "a list item begins where none can.", 'Put each "- " on its own line.'),
    ("character '\\t'", "a tab stands here.", "Indent with spaces."),
    (
        "that cannot start any token",
        "no value can begin with this character.",
        "Put text that begins with it in quotes.",
    ),
    (
        "could not find expected ':'",
        "the line before has no colon.",
        "Write `key: value`, or indent it to belong to the text above.",
    ),
    ("found '}'", "a bracket is closed that was not opened.", "Delete it, or open it."),
    ("found ']'", "a bracket is closed that was not opened.", "Delete it, or open it."),
    ("<block end>", "the indentation fits no line above.", "Indent the keys of one mapping alike."),
    (
        "<document start>",
        "the file should have ended before this.",
        "Indent as the lines above, and look for a bracket that is closed too often.",
    ),
    ("the node content", "a value is missing here.", "Look for a comma or bracket too many."),
    ("end of stream", "a quote that opens here is never closed.", "Close it."),
    ("unknown escape", "this backslash escapes nothing.", "Use single quotes, or write \\\\."),
    ("expected ',' or", "a bracket that opens here is not closed.", "Close it, or put a comma between two items."),
    ("alphabetic or numeric", "this would be an anchor, an alias or a tag.", "Put the text in quotes."),
    ("chomping", "this would be a text of several lines.", "Put text that begins with | or > in quotes."),
)
_OPENED = ("end of stream", "expected ',' or")
"""Where the parser gave up says little; where it began says what to mend."""


def syntax_mistake(error: MarkedYAMLError, name: str) -> Mistake:
    """The mistake with its place. The parser's own words stay out of it unless we have none."""
    problem = str(error.problem or error.context or "")
    began = any(part in problem for part in _OPENED) and error.context_mark
    mark = error.context_mark if began else error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    for part, fact, way_out in _WORDS:
        if part in problem:
            return Mistake(place, fact, way_out)
    return Mistake(place, f"cannot be read as YAML: {problem}.")
