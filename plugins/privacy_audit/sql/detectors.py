r"""Detectors in SQL: whether a value is, or holds, what only a person has. Booleans leave the store, values never.

Shapes are regular expressions; where a number carries check digits the server computes them, so that a random number
of the same shape is not taken for one. What carries none (telephone numbers, IP addresses) is told by its shape alone:
a bare version of four numbers, as 1.2.3.4, reads as an address.

All text is compared under the collation "C": there letters and digits mean ASCII, upper case means the same in every
database, and regular expressions work where the column's own collation would refuse them. The patterns are PostgreSQL's
advanced regular expressions, whose alternatives are not ordered: the longest match wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from itertools import groupby
from string import ascii_uppercase
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.sql.evaluation_context import Predicate

Text = sa.ColumnElement[str]


class Detector(StrEnum):
    """What a value may hold, in the plural and in words for people."""

    IBAN = "bank account numbers (IBAN)"
    NIR = "French social security numbers (NIR)"
    CARD = "payment card numbers"
    EMAIL = "e-mail addresses"
    IP = "IP addresses"
    PHONE = "telephone numbers"


def detects(detector: Detector, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a value is or holds what the detector looks for; false for a null, never null, and it never raises.

    The column may be of any type: it is read as its text.
    """
    text = sa.collate(sa.cast(column, sa.Text()), "C")
    return sa.case((text.is_not(None), _LOOKED_FOR[detector].found_in(text)), else_=sa.false())


def holds_pseudonym(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a value is or holds a digest in hexadecimal or a UUID: who has the other copy knows whose it is.

    False for a null, never null. It is no `Detector`: in a table that is not meant to be anonymous most of them are
    keys of things.
    """
    text = sa.collate(sa.cast(column, sa.Text()), "C")
    return sa.case((text.is_not(None), _PSEUDONYM.found_in(text)), else_=sa.false())


@dataclass(frozen=True)
class _Shape:
    """What is told by its shape alone."""

    sign: str
    """What stands in every text that holds one. It looks at nothing around it, which is many times faster."""
    printed: str
    """How it is written within a text."""

    def found_in(self, text: Text) -> Predicate:
        """Whether it stands in the text."""
        return sa.case((text.regexp_match(self.sign), text.regexp_match(self.printed)), else_=sa.false())


@dataclass(frozen=True)
class _Number(_Shape):
    """A number with check digits: the whole of a value however it is spaced, or a part of a text as it is printed.

    It is printed compact or in its usual groups, else prose would read as a number.
    """

    spacing: str
    """One character that may stand between its characters."""
    shape: str
    """Without spacing, in upper case: what the check digits can be computed of."""
    adds_up: Callable[[Text], Predicate]

    def found_in(self, text: Text) -> Predicate:
        """Whether the text is such a number, or one of its printed parts is."""
        matches = sa.func.regexp_matches(text, self.printed, "g")
        part = matches.table_valued(sa.column("found", ARRAY(sa.Text()))).render_derived("part")
        parts = sa.func.array(sa.select(part.c.found[1]).scalar_subquery())
        whole = sa.case((sa.func.length(text) <= _LONGEST, text))
        texts = sa.func.unnest(sa.func.array_prepend(whole, sa.case((text.regexp_match(self.sign), parts))))
        written = texts.table_valued(sa.column("text", sa.Text())).render_derived("written").c.text
        bare = sa.func.upper(sa.func.regexp_replace(written, self.spacing, "", "g"))
        number = sa.select(bare.label("bare")).subquery("number").c.bare
        # Within CASE no other text reaches the arithmetic: its casts would raise.
        is_one = sa.case((number.regexp_match(f"^(?:{self.shape})$"), self.adds_up(number)), else_=sa.false())
        return sa.exists(sa.select(sa.literal_column("1")).where(is_one))


_LONGEST = 80
"""No number is longer, however it is spaced: 34 characters with one between any two of them, and some around."""

_BEFORE = "(?<![0-9A-Za-z]|[0-9][.]|0,)"
"""Not in the middle of a word, of a hash, or of the decimals of a number."""
_AFTER = "(?![0-9A-Za-z]|[.][0-9])"


def _within(pattern: str) -> str:
    return f"{_BEFORE}(?:{pattern}){_AFTER}"


# --- IBAN: ISO 13616. Countries of the registry, then those that use the format before they are in it.

_IBAN_LENGTHS: dict[str, int] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
    "AO": 25, "BF": 28, "BJ": 28, "CF": 27, "CG": 27, "CI": 28, "CM": 27, "CV": 25, "DZ": 26, "GA": 27, "GQ": 27,
    "GW": 25, "IR": 26, "KM": 27, "MA": 28, "MG": 27, "ML": 28, "MZ": 25, "NE": 28, "SN": 28, "TD": 27, "TG": 28,
}  # fmt: skip
"""Country to the length of its numbers. Any other letters, or another length, and one reference in 97 would pass."""


def _iban_shapes(body: Callable[[int], str], letter: Callable[[str], str]) -> str:
    """One alternative per length: its countries, the check digits, and so many more characters."""

    def length(country: str) -> int:
        return _IBAN_LENGTHS[country]

    by_length = groupby(sorted(_IBAN_LENGTHS, key=length), key=length)
    return "|".join(f"(?:{_any(map(letter, countries))})[0-9]{{2}}{body(size - 4)}" for size, countries in by_length)


def _any(patterns: Iterable[str]) -> str:
    return "|".join(patterns)


def _in_fours(size: int) -> str:
    """So many letters and digits, compact or all in groups of four. Half and half, a UUID would read as a number."""
    one, gap, fours, rest = "[0-9A-Za-z]", "[^0-9A-Za-z]", size // 4, size % 4
    last = f"{gap}{one}{{{rest}}}" if rest else ""
    return f"(?:{one}{{{size}}}|(?:{gap}{one}{{4}}){{{fours}}}{last})"


def _either_case(country: str) -> str:
    return "".join(f"[{letter}{letter.lower()}]" for letter in country)


def _mod_97_is_1(bare: Text) -> Predicate:
    """ISO 7064 MOD 97-10: the first four characters last, letters as two digits (A is 10)."""
    turned: Text = sa.func.substr(bare, 5).concat(sa.func.left(bare, 4))
    digits = reduce(lambda text, letter: sa.func.replace(text, letter, str(ord(letter) - 55)), ascii_uppercase, turned)
    return sa.func.mod(sa.cast(digits, sa.Numeric()), 97) == 1


# --- NIR: sex, year, month, department, commune, order, key.

_NIR_GAP = "[^0-9A-Za-z.,]?"
_NIR_PARTS = ("[1-478]", "[0-9]{2}", "(?:0[1-9]|1[0-2]|[2-9][0-9])", "(?:[0-9]{2}|2[AaBb])", *["[0-9]{3}"] * 2)
"""Months above 12 stand for unknown ones; Corsica is 2A and 2B."""


def _nir_key_fits(bare: Text) -> Predicate:
    """The key is 97 - n mod 97, with 19 for 2A and 18 for 2B."""
    number = sa.func.replace(sa.func.replace(sa.func.left(bare, 13), "2A", "19"), "2B", "18")
    key = sa.cast(sa.func.right(bare, 2), sa.BigInteger())
    return key == 97 - sa.func.mod(sa.cast(number, sa.BigInteger()), 97)


# --- Payment cards: ISO/IEC 7812.

_CARD_ISSUERS = _any(
    (
        "4[0-9]{12}(?:[0-9]{3}){0,2}",  # Visa
        "(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}",  # Mastercard
        "3[47][0-9]{13}",  # American Express
        "3(?:0[0-59]|[689][0-9])[0-9]{11,16}",  # Diners Club
        "35(?:2[89]|[3-8][0-9])[0-9]{12,15}",  # JCB
        "(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}",  # Discover
        "62[0-9]{14,17}",  # UnionPay
        "(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}",  # Maestro
    )
)


def _luhn_is_0(bare: Text) -> Predicate:
    """From the right every second digit is doubled, and the digits of all that are summed up: a multiple of ten."""
    place = sa.func.generate_series(1, sa.func.length(bare)).table_valued(sa.column("n", sa.Integer()))
    n = place.render_derived("place").c.n
    digit = sa.cast(sa.func.substr(bare, sa.func.length(bare) + 1 - n, 1), sa.Integer())
    twice = 2 * digit
    part = sa.case((sa.func.mod(n, 2) == 1, digit), (twice > 9, twice - 9), else_=twice)
    return sa.select(sa.func.mod(sa.func.sum(part), 10) == 0).scalar_subquery()


# --- What carries no check digits.

_OTHER = r"[^\x01-\x7f]"
"""A character beyond ASCII: names of people and domains have them."""
_LABEL = f"(?:[0-9A-Za-z_-]|{_OTHER})+"
_EMAIL = (
    rf"(?:[0-9A-Za-z.!#$%&'*+=?^_`{{|}}~-]|{_OTHER})(?:@|%40)"
    r"(?![1-9]x[.])"  # logo@2x.png
    rf"(?:{_LABEL}[.])+(?:[A-Za-z]{{2,63}}|[Xx][Nn]--[0-9A-Za-z-]+|{_OTHER}{{2,}})(?![0-9A-Za-z])"
)

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_FIRST_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]?)"
_IPV4 = f"(?<![0-9A-Za-z]|[0-9A-Za-z][.]|[A-Za-z]/){_FIRST_BYTE}(?:[.]{_BYTE}){{3}}{_AFTER}"
"""After a letter and a slash it is a version, as in Chrome/120.0.0.0. No host has an address that begins with 0."""
_FIRST_GROUP = "(?:[23][0-9A-Fa-f]{3}|[Ff](?:[CDcd][0-9A-Fa-f]|[Ee][89ABab])[0-9A-Fa-f])"
"""Global, unique local and link-local addresses; the others are nobody's."""
_GROUP = "[0-9A-Fa-f]{1,4}"


def _ipv6() -> str:
    """Eight groups; or some, a double colon, and as many as may follow."""
    whole = f"{_FIRST_GROUP}(?::{_GROUP}){{7}}"
    short = (
        f"{_FIRST_GROUP}(?::{_GROUP}){{{more}}}::" + (f"(?:{_GROUP}(?::{_GROUP}){{0,{5 - more}}})?" if more < 6 else "")
        for more in range(7)
    )
    return f"(?<![0-9A-Za-z]|[0-9A-Fa-f]:|::)(?:{_any((whole, *short))})(?![0-9A-Za-z]|:[0-9A-Fa-f:])"


_COUNTRY = "[+][1-9][0-9]{0,2}"
_PAIRS = "(?:[0-9]{8}|(?: [0-9]{2}){4}|(?:[.][0-9]{2}){4}|(?:-[0-9]{2}){4})"
"""One separator throughout, else a date with its hour would read as a number."""
_PHONE = _any(
    (
        rf"(?<![0-9A-Za-z]|[0-9][.-])0[1-9]{_PAIRS}{_AFTER}",
        rf"(?<![0-9A-Za-z])(?:[+]|00)33[ .-]?(?:[(]0[)][ .-]?)?[1-9](?:[ .-]?[0-9]{{2}}){{4}}{_AFTER}",
        rf"(?<![0-9A-Za-z+])[+][1-9][0-9]{{7,14}}{_AFTER}",
        # In groups: at least eight digits. A signed decimal has one point, a number with points has more.
        rf"(?<![0-9A-Za-z+])(?=[+](?:[ .()-]*[0-9]){{8}}){_COUNTRY}(?:"
        rf"(?:[ -][0-9]{{1,12}}){{1,6}}|[ .-]?[0-9]{{1,4}}(?:[.][0-9]{{1,4}}){{2,5}}"
        rf"|[ ]?[(]0[)][ .-]?[0-9]{{1,12}}(?:[ .-][0-9]{{1,12}}){{0,5}}){_AFTER}",
    )
)

_HEX = "[0-9A-Fa-f]"
_DIGEST = _any(f"{_HEX}{{{size}}}" for size in (32, 40, 56, 64, 96, 128))
"""As MD5, SHA-1 and the SHA-2 family write them; the first is a UUID without its hyphens as well."""
_UUID = f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_PSEUDONYM = _Shape(
    sign=f"{_HEX}{{32}}|{_HEX}{{4}}-{_HEX}{{12}}",
    printed=rf"(?<![0-9A-Za-z])(?:[\\]x)?(?:{_DIGEST}|{_UUID})(?![0-9A-Za-z])",
)

_LOOKED_FOR: dict[Detector, _Shape] = {
    Detector.IBAN: _Number(
        sign="[A-Za-z]{2}[0-9]{2}[^0-9A-Za-z]?[0-9A-Za-z]{4}[^0-9A-Za-z]?[0-9A-Za-z]{4}",
        printed=_within(_iban_shapes(_in_fours, _either_case)),
        spacing="[^0-9A-Za-z]",
        shape=_iban_shapes(lambda size: f"[0-9A-Z]{{{size}}}", str),
        adds_up=_mod_97_is_1,
    ),
    Detector.NIR: _Number(
        sign=_NIR_GAP.join(_NIR_PARTS),
        printed=_within(_NIR_GAP.join((*_NIR_PARTS, "[0-9]{2}"))),
        spacing="[^0-9A-Za-z.,]",  # a decimal number keeps its point, and is none
        shape="".join((*_NIR_PARTS, "[0-9]{2}")),
        adds_up=_nir_key_fits,
    ),
    Detector.CARD: _Number(
        sign="[0-9]{13}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4}",
        # No fifth group: it would swallow the verification code or the month that often follows.
        printed=_within("[0-9]{13,19}|[0-9]{4}(?:[ -][0-9]{4}){3}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}"),
        spacing="[ -]",
        shape=_CARD_ISSUERS,
        adds_up=_luhn_is_0,
    ),
    Detector.EMAIL: _Shape(sign="@|%40", printed=_EMAIL),
    Detector.IP: _Shape(sign="[.][0-9]{1,3}[.][0-9]|:[0-9A-Fa-f]{0,4}:", printed=f"{_IPV4}|{_ipv6()}"),
    Detector.PHONE: _Shape(sign="0[0-9]([ .-]?[0-9]{2}){4}|[+][1-9]|0033", printed=_PHONE),
}
