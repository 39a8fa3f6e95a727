r"""Whether a stored secret can be read, judged in SQL: true, false, or null where nobody can tell. Values never leave.

All columns are read as their text, of any type. Bytes (`bytea`) are written there as `\x` and two digits each; where
all of them are printable characters they are judged as the text they spell, and so is text that is but encoded (hex,
base64): an encoding hides nothing. Text is compared under the collation "C", as `detectors.py` says.

No expression raises, whatever is stored: what decodes stands behind the pattern of what can be decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array

from privacy_audit.domain.categories import Secret
from privacy_audit.sql.detectors import Detector, detects
from privacy_audit.sql.evaluation_context import Predicate

Text = sa.ColumnElement[str]

SHORTEST_CIPHERTEXT = 16
"""Bytes: the tag of an authenticated cipher alone has as many (NIST SP 800-38D), and so has one block of AES."""
BETRAYING = (Detector.IBAN, Detector.CARD, Detector.NIR, Detector.EMAIL)
"""What shows that a value is not encrypted. Numbers of telephones and addresses carry no check digits: a number that
no cipher gives cannot be told from them, and is undecidable."""


def readable(secret: Secret, column: sa.ColumnElement[Any]) -> Predicate:
    """Whether somebody who sees the column can read the secret; null where that cannot be told. A null is no secret."""
    return _READABLE[secret](sa.collate(sa.cast(column, sa.Text()), "C"))


# --- Passwords: the formats of slow, salted hashes. Each has a salt, and a digest that was not cut off.

_B64, _CRYPT64 = "[0-9A-Za-z+/]", "[0-9A-Za-z./]"
_SHA = "sha(?:1|256|512)"
_SLOW = (
    # PHC strings. Django writes the name of the hasher before them.
    r"(?:argon2)?[$]argon2(?:id|i|d)[$](?:v=[0-9]+[$])?m=[0-9]+,t=[0-9]+,p=[0-9]+[^$]*"
    rf"[$]{_B64}{{11,}}[$]{_B64}{{16,}}",
    rf"(?:bcrypt(?:_sha256)?[$])?[$]2[aby][$][0-3][0-9][$]{_CRYPT64}{{53}}",
    rf"[$]scrypt[$]ln=[0-9]+,r=[0-9]+,p=[0-9]+[$]{_B64}{{11,}}[$]{_B64}{{16,}}",
    # Werkzeug and Django.
    rf"scrypt(?::[0-9]+:[0-9]+:[0-9]+[$][^$]+|[$][^$]+(?:[$][0-9]+){{3}})[$]{_B64}{{40,}}={{0,2}}",
    rf"pbkdf2(?:_{_SHA}[$]|:{_SHA}:)[0-9]+[$][^$]+[$]{_B64}{{27,}}={{0,2}}",
    # Modular crypt: scrypt, yescrypt, PBKDF2; directories write its scheme in braces.
    rf"[$]7[$]{_CRYPT64}{{12,}}[$]{_CRYPT64}{{43}}",
    rf"[$]g?y[$]{_CRYPT64}+[$]{_CRYPT64}+[$]{_CRYPT64}{{43}}",
    rf"(?:[$]pbkdf2(?:-{_SHA})?[$]|[{{]PBKDF2(?:-SHA(?:1|256|512))?[}}])[0-9]+[$]{_CRYPT64}+[$]{_CRYPT64}{{27,}}",
    # ASP.NET Core Identity (PBKDF2), and PostgreSQL itself.
    rf"AQAAAA{_B64}{{70,}}={{0,2}}",
    rf"SCRAM-SHA-256[$][0-9]+:{_B64}+=*[$]{_B64}{{43}}=:{_B64}{{43}}=",
)
_LOCKED = "[!*]+|[!*](?:LK|NP)[!*]?|![0-9A-Za-z]{40}"
"""Nobody can log in, and nothing can be read: `!` and `*` of shadow files, `!` and 40 random characters of Django."""
_SCHEME = "(?:[{](?:CRYPT|BCRYPT|ARGON2|crypt|bcrypt|argon2)[}])?"
"""How directories (RFC 2307) and Spring name what follows."""
_KEPT = tuple(rf"^(?:{one})[[:space:]]*$" for one in (*(rf"[!*]{{0,2}}{_SCHEME}(?:{slow})" for slow in _SLOW), _LOCKED))
"""One by one, for the server makes the automaton of a pattern anew for each row: a large one costs more than many."""
_DIGEST = "|".join(f"[0-9A-Fa-f]{{{length}}}" for length in (32, 40, 56, 64, 96, 128))
_FAST = "|".join(
    (
        _DIGEST,
        rf"{_B64}{{22}}==|{_B64}{{27}}=|{_B64}{{43}}=|{_B64}{{64}}|{_B64}{{86}}==",
        r"(?:unsalted_)?(?:md5|sha1)[$].*",  # Django, long ago
        rf"{_SCHEME}[$](?:1|apr1)[$].*",  # MD5
        "[{](?:S?(?:MD[45]|SHA[-0-9]*)|s?(?:md[45]|sha[-0-9]*)|CLEARTEXT|cleartext|noop)[}].*",  # directories, Spring
    )
)
"""What is guessed at the rate of a plain digest: MD5, SHA-1 and SHA-2, by length in hex and base64, or by name."""
_UNTOLD = "|".join(
    (
        "[!*]{0,2}(?:[{][0-9A-Za-z_-]+[}]|[$][0-9A-Za-z][0-9A-Za-z-]*[$])[!-~]{16,}",  # another scheme
        rf"\\x(?!(?:{_DIGEST})$)(?:[0-9a-f]{{2}})+",  # bytes: salt and digest, or nothing of the kind
        r"(?!\\x)[!-~]{60,}",  # longer than people's passwords are
    )
)
"""What may be a slow hash as well as none."""


def _password(stored: Text) -> Predicate:
    """True of what is no slow, salted hash; the empty password is one that everybody knows."""
    of_bytes: Text = sa.case((stored.regexp_match(_BYTES), sa.func.substr(stored, 3)))
    text: Text = sa.func.coalesce(_spelled(of_bytes), stored)
    return sa.case(
        (text.is_(None), sa.false()),
        *((text.regexp_match(kept), sa.false()) for kept in _KEPT),
        (text.regexp_match(f"^(?:{_FAST})$"), sa.true()),
        (text.regexp_match(f"^(?:{_UNTOLD})$"), sa.null()),
        else_=sa.true(),
    )


# --- Encrypted values: nothing shows that a value is encrypted, but much that it is not.

_WORD = r"(?:[A-Za-z]|[^\x01-\x7f])+"
_WORDS = rf"^[[:space:]]*{_WORD}(?:[ ,.;:'()-]+{_WORD})*[ ,.;:'()!?-]*$"
"""Letters, blanks and points alone; with a blank between two words it is no ciphertext in any encoding."""
_BLANK = r"^(?:\\x)?[[:space:]]*$"
_OF_DIGITS = "^[0-9 .,+()/-]+$"
"""An amount, a date, a telephone number."""


def _encrypted(stored: Text) -> Predicate:
    """True of what betrays what it hides."""
    readings = sa.func.unnest(array([stored, _spelled(_hex(stored))]))
    reading = readings.table_valued(sa.column("text", sa.Text())).render_derived("reading").c.text
    text: Text = sa.collate(reading, "C")
    words = sa.and_(text.regexp_match(_WORDS), text.regexp_match("[^ ] +[^ ]"))
    shown = sa.or_(words, *(detects(detector, text) for detector in BETRAYING))
    size = sa.func.least(sa.func.length(stored), sa.func.length(_hex(stored)) // 2)
    return sa.case(
        (stored.regexp_match(_BLANK), sa.false()),
        (_any(shown), sa.true()),
        (sa.or_(size < SHORTEST_CIPHERTEXT, _any(text.regexp_match(_OF_DIGITS))), sa.null()),
        else_=sa.false(),
    )


def _any(condition: Predicate) -> Predicate:
    """Whether a condition on a reading holds for one of them."""
    return sa.exists(sa.select(sa.literal_column("1")).where(condition))


# --- Card codes.


def _card_code(stored: Text) -> Predicate:
    """True of everything that says something."""
    return sa.and_(stored.is_not(None), sa.not_(stored.regexp_match(_BLANK)))


_READABLE: Mapping[Secret, Callable[[Text], Predicate]] = {
    Secret.PASSWORD: _password,
    Secret.ENCRYPTED: _encrypted,
    Secret.CARD_CODE: _card_code,
}

# --- Bytes, and text that stands for bytes.

_BYTES = r"^\\x(?:[0-9a-f]{2})*$"
_HEX = r"^(?:\\x)?(?:[0-9A-Fa-f]{2})+$"
_BASE64 = rf"^(?:{_B64}{{4}})*(?:{_B64}{{4}}|{_B64}{{3}}=|{_B64}{{2}}==)$"
_PRINTABLE = "^(?:09|0[ADad]|[2-6][0-9A-Fa-f]|7[0-9A-Ea-e])+$"


def _hex(stored: Text) -> Text:
    """The bytes that a text stands for, as digits; null where it stands for none."""
    return sa.case(
        (stored.regexp_match(_HEX), sa.func.regexp_replace(stored, r"^\\x", "")),
        (stored.regexp_match(_BASE64), sa.func.encode(sa.func.decode(stored, "base64"), "hex")),
    )


def _spelled(digits: Text) -> Text:
    """What bytes spell; null where one of them is no printable character of ASCII."""
    plain = sa.collate(digits, "C")
    return sa.case((plain.regexp_match(_PRINTABLE), sa.func.encode(sa.func.decode(plain, "hex"), "escape")))
