"""Where e-mail addresses and phone numbers may stand in free text: candidates, to be normalised by the caller.

A candidate too many costs a digest; one too few is a person who was not found. So where a text can be cut in two
ways, both are given. The work is linear in the text, whatever stands in it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

_LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
_LONGEST_DOMAIN = 255
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
_LABEL = r"[^\W_]+(?:-+[^\W_]+)*"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_BEFORE_LOCAL = "'`.*-=/|?&{}#%!~^$"
_LAST_SEPARATOR = re.compile(r".*[=/|?&{}#%](?=.)")

_BLANKS = r"[\s.\-/\u2010-\u2015]{0,2}"
# Both begin with a few characters, which are searched for fast; what must not stand before them is asked then.
_FRENCH = re.compile(
    # The rest is looked ahead for, so that one may begin within another: where a number before it ends nobody knows.
    rf"([+03])(?<!\d[+03])(?=((?:(?:(?<=\+)|(?<=0)0){_BLANKS}33{_BLANKS}(?:\(?0\)?{_BLANKS})?|(?<=3)3|(?<=0))"
    rf"[1-9](?:{_BLANKS}\d){{8}})(?!\d))"
)
_ABROAD = re.compile(r"[+0](?<!\d[+0])(?:(?<=\+)|(?<=0)0)[1-9](?:[\s.\-/()]{0,2}\d){6,14}")
_GROUP_ENDS = re.compile(r"\d(?!\d)")

_ESCAPED = re.compile(r"(?<!\\)\\++u([0-9a-fA-F]{4})")
_BACKSLASHED = re.compile(r"(?<!\\)\\++[nrtbf/\"]")


def variants(text: str) -> Iterator[str]:
    """The text, and the text with what JSON, URLs and HTML escape laid open, if that differs."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    yield plain
    opened = _opened(plain)
    if opened != plain:
        yield opened


def _opened(text: str) -> str:
    if "\\" in text:
        text = _BACKSLASHED.sub(" ", _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text))
    if "%" in text:
        text = unquote(text)
    return html.unescape(text) if "&" in text else text


def addresses(text: str) -> Iterator[str]:
    """What may be an e-mail address, around each @."""
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1, at + 1 + _LONGEST_DOMAIN)
        local = _LOCAL.search(text[max(0, at - _LONGEST_LOCAL) : at])
        if domain and local:
            for name in dict.fromkeys((local[0].lstrip(_BEFORE_LOCAL), _LAST_SEPARATOR.sub("", local[0]))):
                yield f"{name}@{domain[0]}"
        at = text.find("@", at + 1)


def numbers(text: str) -> Iterator[str]:
    """What may be a phone number: French, or with + or 00. A bare number is not one: it is an amount, or a key."""
    yield from (match[1] + match[2] for match in _FRENCH.finditer(text))
    for match in _ABROAD.finditer(text):
        # Where the number ends nobody knows: another may follow after a blank.
        yield from (match[0][: end.end()] for end in _GROUP_ENDS.finditer(match[0]))
