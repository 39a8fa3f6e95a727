"""What kinds of personal data, secrets and identifiers the policy names."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """Kinds of personal data the policy makes promises about."""

    PROFESSIONAL_IDENTITY = "professional_identity"
    FINANCIAL = "financial"
    GEOLOCATION = "geolocation"
    CONNECTION = "connection"
    COOKIE = "cookie"


class Secret(StrEnum):
    """What a column must hold in such a way that nobody can read it."""

    PASSWORD = "password"  # noqa: S105 - a word for passwords, and none
    """Only a slow, salted hash may be stored, or a marker by which nobody can log in."""
    ENCRYPTED = "encrypted"
    """Only what a cipher gave may be stored."""
    CARD_CODE = "card_code"
    """The verification code of a payment card: nothing may be stored once the payment is authorised."""


class IdentifierKind(StrEnum):
    """What a text identifies a person by. The word is part of every digest: it never changes."""

    EMAIL = "email"
    """An e-mail address, with its +tag."""
    MAILBOX = "mailbox"
    """The mailbox an address most likely leads to: without its +tag and, at Gmail, without dots. Never a column's."""
    PHONE = "phone"
    IBAN = "iban"
    KEY = "key"
    """A key of ours, together with what it is a key of."""
    NAME = "name"
    """A person's full name: at least two words, in any order."""
    TEXT = "text"
    """Free text or JSON in which e-mail addresses and phone numbers may stand. A column's kind only; never digested."""
