"""Secrets: SQL and oracle agree on well-known formats, on the same with a character altered, and on odd bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws, tables
from tests.oracle.compare import agree
from tests.oracle.draws import Case, Draw

pytestmark = pytest.mark.slow

COLUMNS: dict[str, dict[str, str]] = {
    "kept.secrets": {
        "id": "integer", "person": "bigint", "parent": "integer",
        "a": "text", "b": "text", "c": "text", "d": "bytea",
    },
    "s.parents": tables.COLUMNS["s.parents"],
}  # fmt: skip
KEY = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
PASSWORDS = (
    f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0${KEY}",
    f"argon2$argon2i$m=4096,t=3,p=1,data=x$c2FsdHNhbHQ${KEY}",
    "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "bcrypt_sha256$$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "{bcrypt}$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    f"$scrypt$ln=16,r=8,p=1$c2FsdHNhbHRzYWx0${KEY}",
    f"scrypt:32768:8:1$saltsalt${KEY}=",
    f"scrypt$saltsalt$16384$8$1${KEY}=",
    f"$7$C6..../....Sodium${KEY.replace('+', '.')}",
    f"$y$j9T$F5Jx5fExrKuPp53xLKQ..1${KEY}",
    f"pbkdf2_sha256$600000$saltsalt${KEY}=",
    f"pbkdf2:sha512:600000$saltsalt${KEY}=",
    f"$pbkdf2-sha256$29000$saltsalt${KEY}",
    f"{{PBKDF2-SHA256}}10000$saltsalt${KEY}",
    f"AQAAAA{2 * KEY}==",
    f"SCRAM-SHA-256$4096:c2FsdHNhbHQ=${KEY}=:{KEY}=",
    "!", "*LK*", "!aB3dE6gH1jK2mN4pQ7rS8tU9vW0xY5zA6bC7dE8f", "",
    "hunter2", "correct horse battery staple", "é" * 70,
    "5f4dcc3b5aa765d61d8327deb882cf99", "md53175bce1d3201d16594cebf9d7eb3f9d", "W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    f"{KEY}=", 3 * KEY, "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9hzYWx0c2FsdA==", "{noop}hunter2",
    "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/",
    "{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J",
    r"\x68756e74657232", r"\x00ffa0a1a2a3a4a5a6a7", r"\x", r"\x5f4dcc3b5aa765d61d8327deb882cf99", r"\x4",
)  # fmt: skip
NUMBERS = ("FR7630006000011234567890189", "4111111111111111", "184127645108946", "BE68539007547034", "378282246310005")
SEALED = (
    *NUMBERS, *NUMBERS, "FR76 3000 6000 0112 3456 7890 189", "4111 1111 1111 1111", "1 84 12 76 451 089 46",
    "4242424242424242", "somebody@example.org", "c29tZWJvZHlAZXhhbXBsZS5vcmc=", "RlI3NjMwMDA2MDAwMDExMjM0NTY3ODkwMTg5",
    "465237363330303036303030303131323334353637383930313839", "Jeanne Exemple", "Zoé Un", "Exemple", "0639980000",
    "1 234,56", "", "  ", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", "q83vEjRWeJCrze8S", f"{KEY}{KEY}",
    "aZ3-bY5_cX7-dW9", "aZ3-bY5_cX7-dW9.", "abcdef1234567890abcdef1234567890",
    r"\x00ffa0a1a2a3a4a5a6a7a8a9aaab", r"\x4",
)  # fmt: skip
ALTERED = "0aZ/+$=!*{}: ,.é\\\n"


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection to a database with the tables of these tests in it."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        with connection.begin():
            tables.create(connection, COLUMNS)
        yield connection
    engine.dispose()


@st.composite
def passwords(draw: Draw) -> str | None:
    """One that is stored well, badly or oddly; as often with a character altered, left out or put in."""
    text = draw(st.sampled_from(PASSWORDS))
    place = draw(st.integers(0, len(text)))
    put = draw(st.sampled_from(("", "", *ALTERED)))
    return draw(
        st.sampled_from((None, text, text, text[:place] + put + text[place + 1 :], text[:place] + put + text[place:]))
    )


@st.composite
def sealed(draw: Draw) -> str | None:
    """A value that is hidden or not; numbers as often with another digit behind the first four."""
    text = draw(st.sampled_from(SEALED))
    if text in NUMBERS and draw(st.booleans()):
        place = draw(st.integers(4, len(text) - 1))
        text = f"{text[:place]}{draw(st.sampled_from('0123456789'))}{text[place + 1 :]}"
    return draw(st.sampled_from((None, text, text, text)))


@st.composite
def raw(draw: Draw) -> str | None:
    """Bytes of all sorts, and bytes that spell a text."""
    data = draw(st.one_of(st.binary(max_size=40), st.sampled_from(SEALED + PASSWORDS).map(str.encode)))
    return draw(st.sampled_from((None, rf"\x{data.hex()}", rf"\x{data.hex()}")))


@st.composite
def secrets_cases(draw: Draw) -> Case:
    """Rows with up to four secrets, of one's own or of who is found elsewhere."""
    scene = draw(draws.scenes())
    subject, owners = draw(draws.subjects())
    kinds = {"a": "password", "b": "encrypted", "c": "card_code"}
    kinds["d"] = draw(st.sampled_from(list(kinds.values())))
    chosen = draw(st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=4, unique=True))
    rule = {
        **draws.base(scene, "kept.secrets"),
        "subject": subject,
        "secrets": {column: kinds[column] for column in chosen},
    }
    codes = st.sampled_from((None, None, "", " ", "\t", "123", "***", r"\x"))
    rows = [
        {
            "id": number,
            **{name: draw(st.sampled_from(values)) for name, values in owners.items()},
            "a": draw(passwords()),
            "b": draw(sealed()),
            "c": draw(codes),
            "d": draw(raw()),
        }
        for number in range(draw(st.sampled_from((0, 1, 16, 16, 16))))
    ]
    return Case(
        "readable_secrets", rule, scene.calendar.as_of, {"kept.secrets": rows, "s.parents": draw(draws.parents())}
    )


def test_secrets(database: str) -> None:
    with connected(database) as connection:

        @given(secrets_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
