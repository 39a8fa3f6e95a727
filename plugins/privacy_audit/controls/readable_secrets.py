"""What must be secret is stored so that nobody can read it.

*Why*: a password, a card code or a value that was to be encrypted is safe only when a copy of the table is of no use to
its thief (GDPR art. 5(1)(f), 32(1)(a); CNIL recommendations 2022-100 on passwords and 2018-303 on payment cards; PCI
DSS 3.3.1). *Fix*: hash passwords anew at the next login, encrypt values, delete codes; then look who could read them.

A row is in breach when one of its secrets can be read, and undecidable when none can and one cannot be told:

- a `password` that is neither a slow, salted hash (Argon2, bcrypt, scrypt, yescrypt, PBKDF2, SCRAM) nor the marker of
  a locked account. The empty text is a password that everybody knows. A scheme that nobody knows here is undecidable,
  and so are bytes and long texts that no plain digest gives.
- an `encrypted` value that is, holds or spells (in bytes, hex, base64) an IBAN, a card number, a French social security
  number, an e-mail address, or words. One that is too short for a ciphertext or all digits is undecidable. That nothing
  else is recognised proves no encryption, and the sentence says so.
- a `card_code` that is there at all: no hash and no cipher excuses it once the payment is authorised.

A null is no secret, so a row without any keeps the promise. A legal hold keeps data and asks nobody to keep it
readable. Like retention it asks every store: one that holds no secret has its owner sign so.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import Subject
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import (
    Remedy,
    Rule,
    SetNull,
    common,
    read_subject,
    subject_columns,
    subject_needs,
)
from privacy_audit.domain.categories import Secret
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.selftest.made_up_rows import with_subject
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, never, no_day
from privacy_audit.sql.row_predicates import RowPredicates, RowState
from privacy_audit.sql.secret_detection import readable


class Secrets(Rule):
    """Expect no password, card code or encrypted value that can be read."""

    kind: ClassVar[str] = "readable_secrets"
    expectation: ClassVar[str] = "expect_secrets_unreadable"

    secrets: dict[Identifier, Secret] = Field(min_length=1)
    """Column to what it must hide."""
    subject: Subject | None = None

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Secrets]:
        for name, mapped in store.tables.items():
            if mapped.secrets:
                yield cls(**common(name, mapped, store, zone), secrets=mapped.secrets, subject=mapped.subject)

    @property
    def sentence(self) -> str:
        promises = (f"{', '.join(columns)} {_PROMISED[secret]}" for secret, columns in self._by_kind().items())
        return f"{self.title} hold no secret that can be read: {'; '.join(promises)}."

    @property
    def fix(self) -> str:
        steps = " ".join(_STEPS[secret].format(", ".join(columns)) for secret, columns in self._by_kind().items())
        return f"{steps} Whoever could read {self.table} or a copy of it may know them: see whether that is a breach."

    @property
    def decide(self) -> str:
        return (
            f"Ask the team whose application writes {', '.join(self.secrets)} how it hashes or encrypts them. What it"
            " stores in plain form is in breach. Tell the team that runs the audit of a scheme that it does not know."
            " Change nothing before that."
        )

    def remedy(self) -> Remedy | None:
        """Codes can be emptied. What was to be hashed or encrypted only the application can hash or encrypt."""
        return SetNull(tuple(self.secrets)) if set(self.secrets.values()) == {Secret.CARD_CODE} else None

    def columns(self) -> Sequence[str]:
        return (*self.secrets, *subject_columns(self.subject))

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.secrets))
        yield from subject_needs(self.subject, self.table)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        subject = read_subject(self.subject, row, context)
        known = sa.or_(*(readable(secret, row.c[column]) for column, secret in self.secrets.items()))
        # A fence: it is found out once per row, however often it is asked what the row is.
        told = sa.select(known.label("readable")).correlate(row).offset(sa.literal_column("0")).lateral("told")
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=never(),  # where no secret can be read and one cannot be told, `violating` is null
            violating=told.c.readable,
            moment=sa.cast(sa.null(), sa.DateTime(timezone=True)),
            breach_began=no_day(),
            subject=subject.key,
            joins=(*subject.joins, (told, sa.true())),
        )

    @property
    def undecided_because(self) -> str:
        return "what is stored is neither known to be protected nor known to be readable"

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        base = with_subject(self.subject)
        nothing = dict.fromkeys(self.secrets)
        yield SelfTestCase("without any secret", RowState.COMPLIANT, Fixture(nothing)).over(base)
        for column, secret in self.secrets.items():
            for state, values in _SHOWN[secret].items():
                for name, value in values.items():
                    fixture = Fixture({**nothing, column: value})
                    yield SelfTestCase(f"whose {column} is {name}", state, fixture).over(base)

    def _by_kind(self) -> Mapping[Secret, tuple[str, ...]]:
        """The columns of each kind of secret, in the order of the enumeration."""
        found = ((kind, tuple(name for name, secret in self.secrets.items() if secret is kind)) for kind in Secret)
        return {kind: columns for kind, columns in found if columns}


_PROMISED: Mapping[Secret, str] = {
    Secret.PASSWORD: "only as slow, salted hashes",
    Secret.ENCRYPTED: "encrypted (no counter-evidence found: no IBAN, card number, social security number, e-mail"
    " address or words, nor anything too short for a ciphertext)",
    Secret.CARD_CODE: "not at all once a payment is authorised",
}
_STEPS: Mapping[Secret, str] = {
    Secret.PASSWORD: "Hash {} with Argon2id at each next login, and force a reset of what nobody logs in with.",
    Secret.ENCRYPTED: "Have the application encrypt {}, and mend the way by which plain values came in.",
    Secret.CARD_CODE: "Delete {}, also from copies, and hand codes on without storing them.",
}

_SALT = "c2FsdHNhbHRzYWx0"
_DIGEST = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
"""43 characters: 32 bytes."""
_BCRYPT = "$2b$12$" + "abcdefghijklmnopqrstuu" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
_IBAN = "DE89370400440532013000"
_NIR = f"1841276451089{97 - 1841276451089 % 97:02}"

_SHOWN: Mapping[Secret, Mapping[RowState, Mapping[str, str]]] = {
    Secret.PASSWORD: {
        RowState.COMPLIANT: {
            "hashed with Argon2": f"$argon2id$v=19$m=65536,t=3,p=4${_SALT}${_DIGEST}",
            "hashed with bcrypt": _BCRYPT,
            "hashed with bcrypt, as bytes": rf"\x{_BCRYPT.encode().hex()}",
            "hashed with scrypt": f"$scrypt$ln=16,r=8,p=1${_SALT}${_DIGEST}",
            "hashed with yescrypt": f"$y$j9T${_SALT}${_DIGEST}",
            "hashed with PBKDF2": f"pbkdf2_sha256$600000${_SALT}${_DIGEST}=",
            "hashed with scrypt by Werkzeug": f"scrypt:32768:8:1${_SALT}${_DIGEST}=",
            "hashed with scrypt by crypt": f"$7$C6..../....{_SALT}${_DIGEST}",
            "hashed with PBKDF2 by Passlib": f"$pbkdf2-sha256$29000${_SALT}${_DIGEST}",
            "hashed with PBKDF2 by ASP.NET": f"AQAAAA{2 * _DIGEST}",
            "hashed as SCRAM": f"SCRAM-SHA-256$4096:{_SALT}${_DIGEST}=:{_DIGEST}=",
            "locked": "!",
            "locked for good": "!" + 5 * "aB3dE6gH",
        },
        RowState.VIOLATING: {
            "plain": "correct horse battery staple",
            "plain, as bytes": r"\x68756e74657232",
            "empty": "",
            "an MD5": "5f4dcc3b5aa765d61d8327deb882cf99",
            "an MD5 as bytes": r"\x5f4dcc3b5aa765d61d8327deb882cf99",
            "an MD5 of PostgreSQL": "md53175bce1d3201d16594cebf9d7eb3f9d",
            "a SHA-1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
            "a SHA-256": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "a SHA-256 as bytes": r"\x5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "a SHA-512": 2 * "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "a SHA-256 in base64": f"{_DIGEST}=",
            "a salted MD5": "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
            "a SHA-1 of a directory": "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9hzYWx0c2FsdA==",
        },
        RowState.UNDECIDABLE: {
            "of a scheme unknown here": "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/",
            "of bytes that no digest has": rf"\x{bytes(range(160, 206)).hex()}",
            "long and without a name": 2 * "q7Lw0-Zt9_Xc5.Vb1~Nm3^Kj8*Hg6&Fd4",
        },
    },
    Secret.ENCRYPTED: {
        RowState.COMPLIANT: {
            "of bytes": rf"\x{bytes(range(160, 208)).hex()}",
            "in base64": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
            "of as many bytes as a tag has": rf"\x{bytes(range(240, 256)).hex()}",
            "of a text that says nothing": "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf",
            "of 16 characters": "aZ3-bY5_cX7-dW9.",
            "blank": " ",
            "of no bytes": r"\x",
        },
        RowState.VIOLATING: {
            "an IBAN": _IBAN,
            "a card number": "4111 1111 1111 1111",
            "a social security number": _NIR,
            "an e-mail address": "somebody@example.org",
            "a name": "Somebody Example",
            "an IBAN as bytes": rf"\x{_IBAN.encode().hex()}",
            "an IBAN in hex": _IBAN.encode().hex().upper(),
            "an IBAN in base64": b64encode(_IBAN.encode()).decode(),
            "an e-mail address in base64": "c29tZWJvZHlAZXhhbXBsZS5vcmc=",
            "a name as bytes": rf"\x{b'Somebody Example'.hex()}",
        },
        RowState.UNDECIDABLE: {
            "of a single word": "Exemple",
            "of fewer bytes than a tag has": rf"\x{bytes(range(241, 256)).hex()}",
            "of fewer bytes, in base64": "q83vEjRWeJCrze8S",
            "of 15 characters": "aZ3-bY5_cX7-dW9",
            "of digits": "+33 1 99 00 12 34",
            "of digits as bytes": rf"\x{b'00199001234001990012'.hex()}",
        },
    },
    Secret.CARD_CODE: {
        RowState.COMPLIANT: {"blank": " "},
        RowState.VIOLATING: {
            "there": "123",
            "there as bytes": r"\x313233",
            "encrypted": rf"\x{bytes(range(160, 208)).hex()}",
        },
    },
}
"""Values as columns may hold them, with what must be said of a row that holds nothing else."""
