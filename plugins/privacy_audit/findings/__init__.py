"""Findings: what did not pass (`observed`), and how each lives from night to night (`standing`, `lifecycle`).

`waivers` and `handling` are what people wrote about them; `trends` is what their counts show over the nights. Pure.
"""

from privacy_audit.findings.from_audit import Finding, findings_of, store_not_audited

__all__ = ["Finding", "findings_of", "store_not_audited"]
