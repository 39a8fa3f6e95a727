"""What identifies a person, in one canonical spelling per kind, so that copies meet however they were written.

Two readings of one text must be equal wherever a person would call them the same address, number or key. Where that
is a guess (a mailbox without its +tag, a name) the kind is *weak*: what it finds is for a person to look at. A text
that is not one identifier of its column's kind is searched for those that stand in it: `Jean <jean@example.fr>`,
`jean@example.fr_deleted`, two numbers in one field.

Nothing here raises, whatever the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from privacy_audit.domain.categories import IdentifierKind as IdentifierKind
from privacy_audit.erasure import free_text
from privacy_audit.erasure.phone import phone

WEAK = frozenset({IdentifierKind.MAILBOX, IdentifierKind.NAME})
"""Kinds that several persons may share: found alone they are for review, never a failure."""

Reading = tuple[IdentifierKind, str]
"""A kind that is digested, and the canonical spelling."""


def readings(kind: IdentifierKind, text: str, of: str = "") -> tuple[Reading, ...]:
    """All that a text of a column of this kind identifies a person by; each e-mail address as its mailbox, too.

    `of` says what a key is a key of. Empty when nothing can be read.
    """
    if kind is IdentifierKind.KEY:
        return _keys(text, of)
    text = _laid_bare(text)
    own = normalise(kind, text)
    if own is None:
        return _of_each(harvest(text))
    if kind is IdentifierKind.NAME or (kind is IdentifierKind.EMAIL and not _PLAIN_EMAIL.fullmatch(own)):
        # An address with rare characters may be one in quotes, or with something in front of it.
        return _of_each([(kind, own), *harvest(text)])
    return _with_mailbox(kind, own)


def normalise(kind: IdentifierKind, text: str, of: str = "") -> str | None:
    """The canonical spelling, or None when the text is not one identifier of this kind. Never raises.

    - e-mail: NFKC, casefold, trimmed; the domain in letters, not in punycode; the +tag stays.
    - mailbox: the same without the +tag.
    - phone: E.164 where the country can be told, France by default; see `phone`.
    - IBAN: capitals without blanks. Its check digits are not asked: a mistyped copy is a copy.
    - key: `of:` and a whole number without leading zeros, a UUID in small letters, or the text as it is.
    - name: its words in alphabetical order, without accents, case and titles.
    """
    match kind:
        case IdentifierKind.EMAIL:
            return _email(text)
        case IdentifierKind.MAILBOX:
            address = _email(text)
            return None if address is None else _mailbox(address)
        case IdentifierKind.PHONE:
            return phone(text)
        case IdentifierKind.IBAN:
            return _iban(text)
        case IdentifierKind.KEY:
            return _key(text, of)
        case IdentifierKind.NAME:
            return _name(text)
        case IdentifierKind.TEXT:
            return None


def harvest(text: str) -> Iterator[Reading]:
    """The e-mail addresses and phone numbers inside free text or JSON text, each once, in canonical spelling."""
    seen: set[Reading] = set()
    for variant in free_text.variants(text):
        candidates = [(IdentifierKind.EMAIL, address) for address in free_text.addresses(variant)]
        candidates += [(IdentifierKind.PHONE, number) for number in free_text.numbers(variant)]
        for kind, candidate in candidates:
            value = normalise(kind, candidate)
            if value is not None and (kind, value) not in seen:
                seen.add((kind, value))
                yield kind, value


def _of_each(found: Iterable[Reading]) -> tuple[Reading, ...]:
    return tuple(dict.fromkeys(reading for one in found for reading in _with_mailbox(*one)))


def _with_mailbox(kind: IdentifierKind, value: str) -> tuple[Reading, ...]:
    if kind is not IdentifierKind.EMAIL:
        return ((kind, value),)
    return (kind, value), (IdentifierKind.MAILBOX, _mailbox(value))


def _keys(text: str, of: str) -> tuple[Reading, ...]:
    if _PLAIN_KEY.fullmatch(text):
        return ((IdentifierKind.KEY, f"{of}:{text}"),)  # almost every key, at a quarter of the price
    values = (_key(member, of) for member in _members(text))
    return tuple((IdentifierKind.KEY, value) for value in values if value is not None)


_BYTES = re.compile(r"\\x(?:[0-9a-f]{2})+")


def _laid_bare(text: str) -> str:
    """What PostgreSQL shows of a `bytea` as the text that its bytes most likely are; any other text as it is."""
    if text.startswith("\\x") and _BYTES.fullmatch(text):
        return bytes.fromhex(text[2:]).decode("utf-8", "replace")
    return text


def _members(text: str) -> list[str]:
    """The members of an array as PostgreSQL or JSON writes it; any other text, out of its quotes, is its only one."""
    inner = text.strip()
    if inner[:1] + inner[-1:] not in ("{}", "[]"):
        return [inner.strip('"')]
    return [member.strip(' "') for member in inner[1:-1].split(",")]


_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9._+-]+@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}")
_LONGEST = 400
"""Characters in which one identifier can be; in a longer text it is searched for. It bounds the work, too."""
_LOCAL = re.compile(r'[^\s@<>()\[\],;:\\"\ud800-\udfff]+')
_LETTERS = "[A-Za-z0-9\u0080-\ud7ff\ue000-\U0010ffff]+"
_LABEL = re.compile(f"{_LETTERS}(?:-+{_LETTERS})*")
_QUOTED = re.compile(r'"([^\s"\\@]+)"')
_AROUND_AT = re.compile(r"\s*@\s*")
_TAG = re.compile(r"(?<=.)\+.*")
_DOTS_DO_NOT_COUNT = {"gmail.com", "googlemail.com"}


def _email(text: str) -> str | None:
    if _PLAIN_EMAIL.fullmatch(text) and "xn--" not in (lower := text.lower()):
        return lower  # almost every address, at a fifth of the price
    if len(text) > _LONGEST:
        return None
    local, at, domain = _AROUND_AT.sub("@", _folded(text).strip().strip("<>")).rpartition("@")
    local = _QUOTED.sub(r"\1", local)
    labels = [_label(label) for label in domain.replace("\u3002", ".").removesuffix(".").split(".")]
    if not at or not _LOCAL.fullmatch(local) or not all(map(_LABEL.fullmatch, labels)):
        return None
    return f"{local}@{'.'.join(labels)}"


def _label(label: str) -> str:
    """A label of a domain in letters. One whose punycode cannot be read stays: it is still equal to itself."""
    if not label.startswith("xn--"):
        return label
    try:
        return _folded(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _mailbox(address: str) -> str:
    local, _, domain = address.rpartition("@")
    if "+" in local:
        local = _TAG.sub("", local)
    if domain in _DOTS_DO_NOT_COUNT:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def _folded(text: str) -> str:
    """NFKC and casefold, without characters nobody sees (soft hyphens, zero-width blanks, marks of direction)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded if folded.isascii() else "".join(char for char in folded if unicodedata.category(char) != "Cf")


_IBAN = re.compile(r"(?:IBAN:?)?([A-Z]{2}[0-9]{2}[A-Z0-9]{11,30})")
_NOT_IN_IBAN = re.compile(r"[\s.\-]+")


def _iban(text: str) -> str | None:
    match = _IBAN.fullmatch(_NOT_IN_IBAN.sub("", _folded(text)).upper())
    return match and match[1]


_PLAIN_KEY = re.compile(r"[1-9][0-9]*")
_WHOLE = re.compile(r"([+-]?)0*([0-9]+)(?:\.0*)?")
_UUID = re.compile(
    r"(?i)(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?"
)


def _key(text: str, of: str) -> str | None:
    """`42`, `0042` and `42.00` are one key: an export pads, a spreadsheet makes a float of it. Case counts."""
    text = unicodedata.normalize("NFC", text.strip())
    if not text or not of:
        return None
    if len(text) > _LONGEST:
        return f"{of}:{text}"
    if whole := _WHOLE.fullmatch(text):
        sign = "-" if whole[1] == "-" and whole[2] != "0" else ""
        return f"{of}:{sign}{whole[2]}"
    if uuid := _UUID.fullmatch(text):
        return f"{of}:{'-'.join(uuid.groups()).lower()}"
    return f"{of}:{text}"


_WORD = re.compile(r"[^\W\d_]+")
_TITLES = {"m", "mr", "mrs", "ms", "mme", "mlle", "monsieur", "madame", "mademoiselle", "dr", "me", "pr"}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def _name(text: str) -> str | None:
    """None for a single word: a first name or a family name alone names nobody."""
    letters = unicodedata.normalize("NFKD", _folded(text).translate(_LIGATURES))
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    words = [word for word in _WORD.findall(plain) if word not in _TITLES]
    return " ".join(sorted(words)) if len(words) > 1 else None
