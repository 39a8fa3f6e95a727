"""RET-2: financial data of clients whose business name is their own, 10 years at most, from the 5th with a reason.

LAW-RET-2: no invoice may go before its 10 years are over, either; a number that is missing shows it, and a series that
begins too late asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demo.planting import Moments, Numbered, Own, Planting, Row, Value, beside, breaks, held, hold, paris, unknown, user

INVOICES, PAYMENTS = "app/app.invoices/RET-2", "app/app.payments/RET-2"
BANK, NUMBERS = "app/app.bank_details/RET-2", "app/app.invoices/LAW-RET-2"
REASON = "C. com. art. L123-22"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _paid_invoices(at)
    yield from _other_invoices(at)
    yield from _bank_details(at)
    yield from _numbers(at)


def _billed(at: Moments, *paid: date, reason: str | None = None, form: str = "EI") -> tuple[Row, ...]:
    """An invoice with its payments."""
    issued = min(paid, default=at.today - timedelta(days=90)) - timedelta(days=30)
    invoice = Row("app.invoices", {"issued_on": issued, "client_legal_form": form, "legal_basis_ref": reason})
    payments = (
        Row("app.payments", {"paid_on": day, "payer_legal_form": form, "legal_basis_ref": reason}) for day in paid
    )
    return (*user(at), invoice, *payments)


def _paid_invoices(at: Moments) -> Iterator[Planting]:
    ten, ten_due = at.overdue_day("P10Y"), at.due_day("P10Y")
    five, five_due = at.overdue_day("P5Y"), at.due_day("P5Y")
    both = (breaks(INVOICES), breaks(PAYMENTS))
    yield Planting("an invoice paid 10 years and a day ago", _billed(at, ten, reason=REASON), both)
    twice = _billed(at, ten - timedelta(days=200), ten, reason=REASON)
    yield Planting("an invoice paid twice, both too long ago", twice, (breaks(INVOICES), breaks(PAYMENTS, 2)))
    yield Planting("an invoice whose 10 years end on the day of the audit", _billed(at, ten_due, reason=REASON))
    no_reason = (unknown(INVOICES), unknown(PAYMENTS))
    yield Planting("an invoice in its sixth year without a legal reason", _billed(at, five), no_reason)
    yield Planting("an invoice in its sixth year with a legal reason", _billed(at, five, reason=REASON))
    yield Planting("an invoice whose 5 years end on the day of the audit", _billed(at, five_due))
    kept = (*_billed(at, ten, reason=REASON), hold(at, "financial"))
    yield Planting("an overdue invoice in a litigation about money", kept, (held(INVOICES), held(PAYMENTS)))


def _other_invoices(at: Moments) -> Iterator[Planting]:
    old = at.overdue_day("P10Y") - timedelta(days=400)
    company = _billed(at, old, form="SAS")
    yield Planting("an old invoice of a company with a name of its own", company, (beside(INVOICES), beside(PAYMENTS)))
    yield Planting("an invoice that was never paid", _billed(at), (unknown(INVOICES),))
    recent = at.today - timedelta(days=40)
    *invoice, payment = _billed(at, recent)
    earlier = Row(payment.table, {**payment.values, "paid_on": at.overdue_day("P5Y"), "legal_basis_ref": REASON})
    yield Planting("an invoice whose last payment is recent", (*invoice, payment, earlier))


def _bank_details(at: Moments) -> Iterator[Planting]:
    def account(last_used: datetime | None, reason: str | None = None, form: str = "micro") -> tuple[Row, ...]:
        values: dict[str, Value] = {"holder_legal_form": form, "legal_basis_ref": reason}
        values["last_used_at"] = last_used and paris(last_used)
        return (*user(at), Row("app.bank_details", values))

    over = account(at.overdue("P10Y"), REASON)
    yield Planting("bank details last used 10 years and a day ago", over, (breaks(BANK),))
    yield Planting("bank details whose 10 years end on the day of the audit", account(at.due("P10Y"), REASON))
    yield Planting("bank details in their sixth year, no reason", account(at.overdue("P5Y")), (unknown(BANK),))
    yield Planting("bank details in their sixth year with a reason", account(at.overdue("P5Y"), REASON))
    yield Planting("bank details whose 5 years end on the day of the audit", account(at.due("P5Y")))
    yield Planting("bank details that were never used", account(None), (unknown(BANK),))
    yield Planting("old bank details of a SARL", account(at.ago(4500), form="SARL"), (beside(BANK),))
    kept = (*over, hold(at, "financial"))
    yield Planting("overdue bank details in a litigation about money", kept, (held(BANK),))


def _numbers(at: Moments) -> Iterator[Planting]:
    """Each series is the planting's own. Invoices of the year that ended 10 years ago are kept until this one ends."""

    def series(*invoices: tuple[str, date]) -> tuple[Row, ...]:
        rows: list[Row] = []
        for place, (number, issued) in enumerate(invoices):
            key = Own(place * _BESIDE)
            rows.append(Row("app.invoices", {"id": key, "number": Numbered(f"P-{{n}}-{number}"), "issued_on": issued}))
            rows.append(Row("app.payments", {"invoice_id": key, "paid_on": at.today - timedelta(days=40)}))
        return (*user(at), *rows)

    kept = date(at.today.year - 10, 1, 1)
    gone = kept - timedelta(days=1)
    yield Planting("two invoices in a row", series(("1", kept), ("2", kept)))
    missing = (breaks(NUMBERS, subjects=0),)
    yield Planting("an invoice missing on the first day that is kept", series(("1", kept), ("3", kept)), missing)
    yield Planting("an invoice missing on the last day that is not", series(("1", gone), ("3", gone)))
    twice = (breaks(NUMBERS, 2, subjects=0),)
    recent = at.today - timedelta(days=90)
    yield Planting("two invoices missing this year", series(("1", recent), ("3", recent), ("5", recent)), twice)
    between = series(("1", gone), ("3", kept))
    yield Planting("an invoice missing that may be of either year", between, (unknown(NUMBERS),))
    january = date(kept.year, 1, 31)
    yield Planting("invoices from the first January that is kept", series(("4", january), ("5", recent)))
    lost = (unknown(NUMBERS),)
    yield Planting(
        "invoices from the day after it",
        series(
            ("4", january + timedelta(days=1)),
        ),
        lost,
    )
    yield Planting("invoices of this year of which the first are missing", series(("4", recent)), lost)
    yield Planting("an invoice without a number", series(("bis", recent)), (unknown(NUMBERS),))


_BESIDE = 100_000_000
"""Between the numbers of a planting's second and third invoice: more than there are plantings."""
