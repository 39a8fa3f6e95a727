"""Phone numbers in E.164, read as somebody in France writes them.

The country is told by `+`, by `00`, or by the French national form; a number of more than ten digits that begins
with neither is taken for one whose `+` was lost (a spreadsheet does that), nine digits for a French one whose zero
was lost. What is left keeps its digits: the same national number of another country still meets itself, though not
its international form.
"""

from __future__ import annotations

import re
import unicodedata

_FRANCE = "33"
_OVERSEAS = {
    "262": "262", "263": "262", "269": "262", "639": "262", "692": "262", "693": "262",
    "590": "590", "690": "590", "691": "590",
    "594": "594", "694": "594",
    "596": "596", "696": "596", "697": "596",
}  # fmt: skip
"""First three digits of a national number (without its zero) to the country code it has in E.164."""
_CODES = "|".join((_FRANCE, *sorted(set(_OVERSEAS.values()))))

_PLAIN = re.compile(r"(?:\+33|0)([1-9][0-9]{8})")
_PREFIX = re.compile(r"tel:\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:;ext=|ext\.?|extension|poste|x|#)\s*\d{1,6}\Z", re.IGNORECASE)
_TRUNK = re.compile(r"\(0\)")
_NUMBER = re.compile(r"\+?[\d\s.\-/()\u2010-\u2015]+")
_NOT_A_DIGIT = re.compile(r"\D+")
_NATIONAL = re.compile(r"0?([1-9]\d{8})")
_FRENCH = re.compile(rf"({_CODES})0?([1-9]\d{{8}})")
_LONGEST_NATIONAL = 10
_LONGEST = 80
"""Characters of a field with one number, blanks and extension included."""
_SAME = 8
"""A number that ends in so many equal digits was made up to fill a form."""


def phone(text: str) -> str | None:
    """`+33612345678`; of a number whose country nobody knows its digits; None of what is no phone number."""
    if (plain := _PLAIN.fullmatch(text)) and len(set(plain[1])) > 2:
        return _with_code(_FRANCE, plain[1])  # almost every number, at a quarter of the price
    if len(text) > _LONGEST:
        return None
    text = _PREFIX.sub("", _plain(text).strip(), count=1)
    text = _EXTENSION.sub("", text.lstrip("("))
    plus = text.startswith("+")
    if plus or text.startswith("00"):
        text = _TRUNK.sub("", text)
    if not _NUMBER.fullmatch(text):
        return None
    digits = _NOT_A_DIGIT.sub("", text)
    if len(digits) < _SAME or len(set(digits[-_SAME:])) == 1:
        return None
    if digits.startswith("00"):
        return _international(digits.lstrip("0"))
    if plus and not digits.startswith("0"):
        return _international(digits)
    return _without_country(digits)


def _plain(text: str) -> str:
    """NFKC with the digits of every script as 0 to 9, without characters nobody sees."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(char, char))
        for char in unicodedata.normalize("NFKC", text)
        if unicodedata.category(char) != "Cf"
    )


def _international(digits: str) -> str | None:
    if french := _FRENCH.fullmatch(digits):
        return _with_code(french[1], french[2])
    return f"+{digits}" if 8 <= len(digits) <= 15 else None


def _without_country(digits: str) -> str | None:
    if national := _NATIONAL.fullmatch(digits):
        return _with_code(_FRANCE, national[1])
    if 11 <= len(digits) <= 15 and not digits.startswith("0"):
        return _international(digits)
    return digits if len(digits) <= _LONGEST_NATIONAL else None


def _with_code(code: str, national: str) -> str:
    """Nine digits as E.164. Réunion and the Antilles are dialled as France is, and have codes of their own."""
    return f"+{_OVERSEAS.get(national[:3], code)}{national}"
