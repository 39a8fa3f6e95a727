"""SEC-5: passwords, encrypted values and card codes, and which of them anybody could read.

Every value is made up: the passwords are nobody's, the account numbers those of a bank that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from demo.planting import Moments, Planting, Row, Value, breaks, hold, paris, unknown, user

CREDENTIALS = "app/app.credentials/SEC-5"
PAYMENTS, BANK = "app/app.payments/SEC-5", "app/app.bank_details/SEC-5"
IBAN = "FR7612345987650123456789014"
"""Its check digits are right."""


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _passwords(at)
    yield from _encrypted(at)
    yield from _card_codes(at)


def _login(at: Moments, **values: Value) -> Row:
    return Row("app.credentials", {"updated_at": at.ago(100), **values})


def _passwords(at: Moments) -> Iterator[Planting]:
    def stored(password: str | None) -> tuple[Row, ...]:
        return (*user(at), _login(at, password_hash=password))

    broken, open_ = (breaks(CREDENTIALS),), (unknown(CREDENTIALS),)
    yield Planting("a password in plain text", stored("soleil1987"), broken)
    yield Planting("a password as a plain MD5", stored("5f4dcc3b5aa765d61d8327deb882cf99"), broken)
    yield Planting("an empty password", stored(""), broken)
    twice = (*stored("azerty123"), *stored("qwerty123")[-1:])
    yield Planting("two plain passwords of one person", twice, (breaks(CREDENTIALS, 2),))
    kept = (*stored("soleil1988"), hold(at, "*"))
    yield Planting("a plain password of a person in a litigation: no hold asks for plain text", kept, broken)
    yield Planting("nobody can log in", stored("!"))
    yield Planting("no password: a login through the company", stored(None))
    bcrypt = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
    yield Planting("a password hashed with bcrypt, from before Argon2", stored(bcrypt))
    crypt = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
    yield Planting("a password of an older system, who knows how slow", stored(crypt), open_)


def _encrypted(at: Moments) -> Iterator[Planting]:
    def paid(iban: str | None) -> tuple[Row, ...]:
        day = at.today - timedelta(days=40)
        invoice = Row("app.invoices", {"issued_on": day - timedelta(days=30)})
        return (*user(at), invoice, Row("app.payments", {"paid_on": day, "payer_iban": iban}))

    yield Planting("the account number of a payer in plain text", paid(IBAN), (breaks(PAYMENTS),))
    base64 = "RlI3NjEyMzQ1OTg3NjUwMTIzNDU2Nzg5MDE0"
    yield Planting("the account number of a payer in base64", paid(base64), (breaks(PAYMENTS),))
    yield Planting("a text too short for a ciphertext", paid("789014"), (unknown(PAYMENTS),))
    yield Planting("a payer's account number that was encrypted", paid("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="))
    address = rf"\x{b'somebody@example.org'.hex()}"
    spelled = (*user(at), _login(at, totp_secret=address))
    yield Planting("an address where a second factor should be", spelled, (breaks(CREDENTIALS),))


def _card_codes(at: Moments) -> Iterator[Planting]:
    def account(code: str | None) -> tuple[Row, ...]:
        return (*user(at), Row("app.bank_details", {"last_used_at": paris(at.ago(100)), "card_code": code}))

    yield Planting("a card code that stayed after the payment", account("123"), (breaks(BANK),))
    yield Planting("a card code that was emptied", account(""))
