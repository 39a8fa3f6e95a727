"""What the demo's stores hold of passwords, account numbers and card codes: readable, hidden, or not to be told."""

from __future__ import annotations

import base64
import binascii

from tests.e2e.demo.court import Court

SLOW = ("$argon2id$", "$2b$")


class Secrecy:
    """What SEC-5 says of each row."""

    def __init__(self, court: Court) -> None:
        self.court = court

    def evaluate(self) -> None:
        """The three tables that hold secrets."""
        owner = {row["id"]: row["user_id"] for row in self.court.rows("app.invoices")}
        for row in self.court.rows("app.credentials"):
            factor = row["totp_secret"]
            states = {_password(row["password_hash"]), _sealed(None if factor is None else bytes(factor))}
            worst = next(state for state in ("violating", "undecidable", "compliant") if state in states)
            self.court.put("app/app.credentials/SEC-5", worst, row["user_id"])
        for row in self.court.rows("app.payments"):
            text = row["payer_iban"]
            state = _sealed(None if text is None else _decoded(text))
            self.court.put("app/app.payments/SEC-5", state, owner[row["invoice_id"]])
        for row in self.court.rows("app.bank_details"):
            state = "violating" if (row["card_code"] or "").strip() else "compliant"
            self.court.put("app/app.bank_details/SEC-5", state, row["user_id"])


def _password(stored: str | None) -> str:
    if stored is None or stored == "!" or (stored.startswith(SLOW) and len(stored) >= 60):
        return "compliant"
    return "undecidable" if stored.startswith("$") else "violating"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


def _sealed(data: bytes | None) -> str:
    if data is None:
        return "compliant"
    if data.isascii() and (b"@" in data or (data.startswith(b"FR76") and len(data) == 27)):
        return "violating"
    return "undecidable" if len(data) < 16 else "compliant"
