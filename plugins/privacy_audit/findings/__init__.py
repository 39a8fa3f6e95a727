"""Findings: what did not pass (`from_audit`), and the state of each from night to night (`finding_state`,
`transitions`).

`waivers` are signed exceptions; `trends` shows what the counts do over the nights. Pure: no input, no output.
"""

from privacy_audit.findings.from_audit import Finding, findings_of, store_not_audited

__all__ = ["Finding", "findings_of", "store_not_audited"]
