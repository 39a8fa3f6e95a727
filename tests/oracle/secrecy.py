"""Whether a stored secret can be read, in plain Python: formats are taken apart at their signs, not matched."""

from __future__ import annotations

import base64
from collections.abc import Callable
from string import ascii_letters, digits, hexdigits
from typing import Any

from tests.oracle.moments import Calendar, Row, Tables
from tests.oracle.verdict import COMPLIANT, UNDECIDABLE, State, Verdict, subject_of

Maybe = bool | None
"""Whether it can be read, or None: nobody can tell."""

BASE64, CRYPT64 = frozenset(ascii_letters + digits + "+/"), frozenset(ascii_letters + digits + "./")
VISIBLE = frozenset(map(chr, range(0x21, 0x7F)))


def secrets(rule: Any, row: Row, tables: Tables, _: Calendar) -> Verdict:
    """One secret that can be read breaks the promise; one that nobody can tell keeps it open."""
    found = [_KINDS[secret.value](_text(row.get(column))) for column, secret in rule.secrets.items()]
    if True in found:
        return Verdict(State.VIOLATING, subject_of(rule, row, tables))
    return UNDECIDABLE if None in found else COMPLIANT


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def card_code(stored: str | None) -> Maybe:
    """Anything at all."""
    return bool(stored) and bool((stored or "").removeprefix("\\x").strip(" \t\n\r\v\f"))


def encrypted(stored: str | None) -> Maybe:
    """What is readable as it stands, or as what it spells."""
    if not card_code(stored) or stored is None:
        return False
    data = _bytes(stored)
    spelled = None if data is None else _printable(data)
    readings = [stored] if spelled is None else [stored, spelled]
    if any(_betrays(text) for text in readings):
        return True
    short = len(stored) < 16 or (data is not None and len(data) < 16)
    return None if short or any(not set(text) - set("0123456789 .,+()/-") for text in readings) else False


def _betrays(text: str) -> bool:
    compact = "".join(char for char in text if char.isascii() and char.isalnum()).upper()
    numbers = text.replace(" ", "").replace("-", "")
    words = [word.strip(".,:;'()!?-") for word in text.split()]
    if len(words) > 1 and all(
        char.isalpha() or not char.isascii() or char in " .,:;'()!?-" for char in text.replace("\n", "0").strip()
    ):
        return all(words)
    return (
        (len(text) <= 80 and (_is_iban(compact) or _is_nir(numbers)))
        or _is_card(numbers)
        or any(_is_mail(word) for word in words)
    )


def _is_iban(text: str) -> bool:
    if not (14 < len(text) < 35 and text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    if not (text.isascii() and text.isdigit() and 13 <= len(text) <= 19 and text[0] in "3456"):  # who issues cards
        return False
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(text))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _is_nir(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 15 and int(text[:13]) % 97 + int(text[13:]) == 97


def _is_mail(word: str) -> bool:
    local, at, host = word.partition("@")
    return bool(local and at and "." in host.strip("."))


def password(stored: str | None) -> Maybe:
    """Anything but a slow, salted hash, a locked account, or what nobody knows here."""
    if stored is None:
        return False
    data = bytes.fromhex(stored[2:]) if _is_of_bytes(stored) else None
    text = stored if data is None else _printable(data) or stored
    if _is_locked(text.rstrip()) or _is_slow(text.rstrip()):
        return False
    if _is_fast(text):
        return True
    return None if _is_untold(text, data) else True


def _is_locked(text: str) -> bool:
    if text and not set(text) - {"!", "*"}:
        return True
    after = text[1:]
    if text[:1] in ("!", "*") and after in ("LK", "NP", "LK*", "NP*", "LK!", "NP!"):
        return True
    return text[:1] == "!" and len(after) == 40 and after.isascii() and after.isalnum()


def _is_slow(text: str) -> bool:
    """A hash of a known slow scheme, of a locked account or not."""
    for mark in range(3):
        if set(text[:mark]) <= {"!", "*"} and len(text) > mark:
            bare = text[mark:]
            named = [f"{{{name}}}" for name in ("CRYPT", "BCRYPT", "ARGON2", "crypt", "bcrypt", "argon2")]
            rest = next((bare.removeprefix(name) for name in named if bare.startswith(name)), bare)
            if any(is_one(rest) for is_one in _SLOW):
                return True
    return False


def _of(text: str, letters: frozenset[str], least: int, most: int | None = None) -> bool:
    return least <= len(text) <= (most or len(text)) and not set(text) - letters


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _settings(text: str, names: str, loose: bool = False) -> bool:
    """As `m=65536,t=3,p=4`; where it is loose more may follow."""
    parts = text.split(",", 2)
    if len(parts) != len(names.split()):
        return False
    for part, name in zip(parts, names.split(), strict=True):
        key, equals, value = part.partition("=")
        last = loose and part is parts[-1]
        if key != name or not equals or not (_number(value[:1]) if last else _number(value)):
            return False
    return True


def _argon2(text: str) -> bool:
    parts = text.split("$")
    if parts[0] not in ("", "argon2") or len(parts) < 5 or parts[1] not in ("argon2id", "argon2i", "argon2d"):
        return False
    rest = parts[2:]
    if rest[0].startswith("v=") and _number(rest[0][2:]):
        rest = rest[1:]
    return (
        len(rest) == 3
        and _settings(rest[0], "m t p", loose=True)
        and _of(rest[1], BASE64, 11)
        and _of(rest[2], BASE64, 16)
    )


def _bcrypt(text: str) -> bool:
    parts = text.split("$")
    if parts[0] in ("bcrypt", "bcrypt_sha256") and len(parts) == 5:
        parts = parts[1:]
    if len(parts) != 4 or parts[0]:
        return False
    cost = parts[2]
    return (
        parts[1] in ("2a", "2b", "2y")
        and len(cost) == 2
        and _number(cost)
        and cost < "40"
        and _of(parts[3], CRYPT64, 53, 53)
    )


def _scrypt(text: str) -> bool:
    head, *parts = text.split("$")
    digest = _padded(parts[-1], 40) if parts else False
    if head == "" and len(parts) == 4 and parts[0] == "scrypt":
        return _settings(parts[1], "ln r p") and _of(parts[2], BASE64, 11) and _of(parts[3], BASE64, 16)
    if head == "" and len(parts) == 3 and parts[0] == "7":
        return _of(parts[1], CRYPT64, 12) and _of(parts[2], CRYPT64, 43, 43)
    if head == "scrypt" and len(parts) == 5:
        return bool(parts[0]) and all(map(_number, parts[1:4])) and digest
    words = head.split(":")
    return (
        words[0] == "scrypt"
        and len(words) == 4
        and all(map(_number, words[1:]))
        and len(parts) == 2
        and bool(parts[0])
        and digest
    )


def _yescrypt(text: str) -> bool:
    parts = text.split("$")
    if len(parts) != 5 or parts[0] or parts[1] not in ("y", "gy"):
        return False
    return _of(parts[2], CRYPT64, 1) and _of(parts[3], CRYPT64, 1) and _of(parts[4], CRYPT64, 43, 43)


def _pbkdf2(text: str) -> bool:
    for start in ("$pbkdf2$", "$pbkdf2-sha1$", "$pbkdf2-sha256$", "$pbkdf2-sha512$",
                  "{PBKDF2}", "{PBKDF2-SHA1}", "{PBKDF2-SHA256}", "{PBKDF2-SHA512}"):  # fmt: skip
        if text.startswith(start):
            parts = text.removeprefix(start).split("$")
            return len(parts) == 3 and _number(parts[0]) and _of(parts[1], CRYPT64, 1) and _of(parts[2], CRYPT64, 27)
    for mark, before in (("_", "$"), (":", ":")):
        for sha in ("sha1", "sha256", "sha512"):
            start = f"pbkdf2{mark}{sha}{before}"
            if text.startswith(start):
                parts = text.removeprefix(start).split("$")
                return len(parts) == 3 and _number(parts[0]) and bool(parts[1]) and _padded(parts[2], 27)
    return False


def _of_frameworks(text: str) -> bool:
    if text.startswith("AQAAAA"):
        return _padded(text.removeprefix("AQAAAA"), 70)
    parts = text.split("$")
    if parts[0] != "SCRAM-SHA-256" or len(parts) != 3:
        return False
    rounds, _, salt = parts[1].partition(":")
    keys = parts[2].split(":")
    exact = len(keys) == 2 and all(len(key) == 44 and key[43] == "=" and _of(key[:43], BASE64, 43) for key in keys)
    return _number(rounds) and _of(salt.rstrip("="), BASE64, 1) and exact


_SLOW: tuple[Callable[[str], bool], ...] = (_argon2, _bcrypt, _scrypt, _yescrypt, _pbkdf2, _of_frameworks)


def _padded(text: str, least: int) -> bool:
    bare = text.rstrip("=")
    return len(text) - len(bare) <= 2 and _of(bare, BASE64, least)


def _is_fast(text: str) -> bool:
    if len(text) in (32, 40, 56, 64, 96, 128) and not set(text) - set(hexdigits):
        return True
    bare = text.rstrip("=")
    if (len(bare), len(text) - len(bare)) in ((22, 2), (27, 1), (43, 1), (64, 0), (86, 2)) and not set(bare) - BASE64:
        return True
    if text.startswith(("md5$", "sha1$", "unsalted_md5$", "unsalted_sha1$", "$1$", "$apr1$")):
        return True
    scheme, brace, rest = text.removeprefix("{").partition("}")
    if not text.startswith("{") or not brace:
        return False
    if scheme in ("CRYPT", "BCRYPT", "ARGON2", "crypt", "bcrypt", "argon2"):
        return rest.startswith(("$1$", "$apr1$"))
    if scheme in ("CLEARTEXT", "cleartext", "noop"):
        return True
    upper = scheme[:1] not in ("s",) or not scheme.islower()
    bare = scheme.upper().removeprefix("S") if not scheme.upper().startswith("SHA") else scheme.upper()
    consistent = scheme in (scheme.upper(), scheme.lower()) and (upper or scheme.islower())
    return consistent and (
        bare in ("MD4", "MD5") or (bare.startswith("SHA") and not set(bare[3:]) - set("0123456789-"))
    )


def _is_untold(text: str, data: bytes | None) -> bool:
    if data is not None and text.startswith("\\x"):
        return len(data) not in (0, 16, 20, 28, 32, 48, 64)
    if len(text) >= 60 and not set(text) - VISIBLE:
        return True
    return any(set(text[:mark]) <= {"!", "*"} and _is_scheme(text[mark:]) for mark in range(3))


def _is_scheme(text: str) -> bool:
    """As `$name$` or `{name}`, and at least 16 visible characters."""
    for start, end, first in (("{", "}", "-_"), ("$", "$", "")):
        name, found, rest = text[1:].partition(end)
        letters = frozenset(ascii_letters + digits + "-" + first)
        plain = bool(name) and not set(name) - letters and (bool(first) or name[0] != "-")
        if text.startswith(start) and found and plain and _of(rest, VISIBLE, 16):
            return True
    return False


def _is_of_bytes(text: str) -> bool:
    return text.startswith("\\x") and len(text) % 2 == 0 and not set(text[2:]) - set("0123456789abcdef")


def _bytes(text: str) -> bytes | None:
    """What hex or base64 stands for."""
    bare = text.removeprefix("\\x")
    if bare and len(bare) % 2 == 0 and not set(bare) - set(hexdigits):
        return bytes.fromhex(bare)
    if text and len(text) % 4 == 0 and _padded(text, len(text) - 2):
        return base64.b64decode(text)
    return None


def _printable(data: bytes) -> str | None:
    text = data.decode("latin-1")
    if not data or any(char not in "\t\n\r" and not " " <= char <= "~" for char in text):
        return None
    return text.replace("\\", "\\\\")


_KINDS: dict[str, Callable[[str | None], Maybe]] = {
    "password": password,
    "encrypted": encrypted,
    "card_code": card_code,
}
