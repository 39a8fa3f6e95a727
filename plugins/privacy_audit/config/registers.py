"""The registers a company must hold, so that its promises can be checked: what each is called, and what it may say.

A store map binds a register to a table, or to a file below `expectations/registers/`, and says which column is which
of these fields. Controls speak of the fields alone. A register or a field that nobody bound makes the controls that
need it `not_audited`: a gap, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """What a field is."""

    TEXT = "text"
    """A word; blank is the same as missing."""
    PERSON = "person"
    """The key of the person whom a row is about."""
    MOMENT = "moment"
    """When something happened: a column with an encoding, as any clock."""
    NUMBER = "number"
    FLAG = "flag"


_T, _P, _M, _N, _F = FieldType.TEXT, FieldType.PERSON, FieldType.MOMENT, FieldType.NUMBER, FieldType.FLAG


@dataclass(frozen=True, slots=True)
class CompanyRegister:
    """One register, by what its rows are."""

    title: str
    """Its rows, in the plural."""
    fields: Mapping[str, FieldType]


COMPANY_REGISTERS: Mapping[str, CompanyRegister] = {
    "accounts": CompanyRegister("Accounts", {"person": _P, "created": _M, "country": _T, "source": _T}),
    "applicants": CompanyRegister(
        "Job applicants", {"person": _P, "collected": _M, "email": _T}
    ),
    "backups": CompanyRegister(
        "Backups",
        {"store": _T, "oldest": _M, "newest": _M, "restore_tested": _M, "country": _T, "encrypted": _F},
    ),
    "certificates": CompanyRegister("Certificates", {"name": _T, "from": _M, "to": _M, "sha256": _T}),
    "consent_records": CompanyRegister(
        "Consents as recorded",
        {"person": _P, "purpose": _T, "action": _T, "at": _M, "recorded": _M, "method": _T, "version": _T, "proof": _T},
    ),
    "consents_given": CompanyRegister(
        "Consents from grant to withdrawal", {"person": _P, "purpose": _T, "from": _M, "to": _M}
    ),
    "cookies": CompanyRegister(
        "Cookies", {"name": _T, "domain": _T, "class": _T, "purpose": _T, "max_age_days": _N, "reviewed": _M}
    ),
    "cookie_observations": CompanyRegister(
        "Cookies as observed",
        {"person": _P, "name": _T, "domain": _T, "first_set": _M, "expires": _M, "seen": _M},
    ),
    "deaths": CompanyRegister(
        "Persons reported dead",
        {"person": _P, "notified": _M, "instructions": _T, "executed": _M, "heirs_answered": _M},
    ),
    "dpo_appointments": CompanyRegister(
        "Appointments of the data protection officer",
        {"officer": _T, "from": _M, "to": _M, "authority_ref": _T, "conflicting_role": _F},
    ),
    "erasure_entries": CompanyRegister("Entries of the erasure ledger", {"request": _T, "completed": _M}),
    "guardian_records": CompanyRegister(
        "Guardians' consents as recorded",
        {"person": _P, "received": _M, "child_agreed": _M, "revoked": _M, "settled": _M},
    ),
    "hold_reviews": CompanyRegister(
        "Legal holds as reviewed", {"matter": _T, "started": _M, "released": _M, "reviewed": _M}
    ),
    "incidents": CompanyRegister(
        "Incidents", {"aware": _M, "notified": _M, "risk": _T, "late_reason": _T}
    ),
    "invoices": CompanyRegister("Invoices", {"number": _T, "issued": _M}),
    "mailbox_probes": CompanyRegister("Probes of the officer's mailbox", {"mailbox": _T, "at": _M, "answered": _T}),
    "marketing_messages": CompanyRegister(
        "Marketing messages", {"person": _P, "sent": _M, "channel": _T, "campaign": _T}
    ),
    "notices": CompanyRegister("Notices", {"person": _P, "kind": _T, "version": _T, "at": _M}),
    "objections": CompanyRegister(
        "Objections to direct marketing", {"person": _P, "received": _M, "withdrawn": _M, "channel": _T}
    ),
    "policy_versions": CompanyRegister(
        "Versions of the policy", {"version": _T, "from": _M, "to": _M, "sha256": _T, "announced": _M}
    ),
    "processing": CompanyRegister(
        "Processing activities",
        {
            "purpose": _T, "legal_basis": _T, "categories": _T, "recipients": _T, "retention": _T, "transfers": _T,
            "security": _T, "stores": _T, "from": _M, "to": _M, "reviewed": _M, "balanced": _M, "balancing_ref": _T,
        },
    ),
    "processing_events": CompanyRegister(
        "Uses of personal data", {"person": _P, "at": _M, "purpose": _T, "exception": _T}
    ),
    "recipients": CompanyRegister(
        "Recipients",
        {
            "recipient": _T, "role": _T, "country": _T, "in_eea": _T, "contract_signed": _M, "vetted": _M,
            "next_review": _M, "safeguard": _T, "safeguard_ref": _T, "assessed": _M, "from": _M, "to": _M,
        },
    ),
    "restrictions": CompanyRegister(
        "Restrictions of processing",
        {"person": _P, "from": _M, "to": _M, "ground": _T, "told_before_lifting": _M},
    ),
    "rights_requests": CompanyRegister(
        "Rights requests",
        {
            "number": _T, "person": _P, "kind": _T, "about": _T, "channel": _T, "mailbox": _T,
            "received": _M, "withdrawn": _M,
            "doubted": _M, "doubt_reason": _T, "identified": _M, "identity_copy_deleted": _M,
            "extension_told": _M, "extension_reason": _T, "responded": _M, "outcome": _T,
            "refusal_reason": _T, "complaint_told": _F, "repeats": _T, "fee": _N,
            "completed": _M, "proof": _T, "export_sha256": _T, "export_format": _T, "export_deleted": _M,
            "corrected_everywhere": _F,
        },
    ),
    "roles": CompanyRegister(
        "Roles of the databases", {"role": _T, "holder": _T, "kind": _T, "purpose": _T, "from": _M, "to": _M}
    ),
    "sources": CompanyRegister(
        "Sources of personal data",
        {"person": _P, "source": _T, "detail": _T, "collected": _M, "told": _M, "last_contact": _M},
    ),
    "tools": CompanyRegister(
        "Stores and tools by their location",
        {
            "name": _T, "kind": _T, "country": _T, "in_eea": _T, "safeguard": _T, "safeguard_ref": _T,
            "assessed": _M, "from": _M, "to": _M,
        },
    ),
    "transfers": CompanyRegister(
        "Transfers", {"at": _M, "recipient": _T, "dataset": _T, "category": _T, "purpose": _T}
    ),
}  # fmt: skip
