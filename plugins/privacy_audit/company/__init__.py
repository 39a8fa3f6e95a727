"""What the audit says of the company as a whole: of promises that no store answers for. Pure.

Three things end up here: what people attest because no database shows it, what the expectations themselves show, and
the controls that need a register which no store map binds. It is told as a store beside the others, so that nothing
is silently missing.
"""

from __future__ import annotations

from privacy_audit.company.attestations import Attestation, read
from privacy_audit.company.verdict import STORE, CompanyOrder, result

__all__ = ["STORE", "Attestation", "CompanyOrder", "read", "result"]
