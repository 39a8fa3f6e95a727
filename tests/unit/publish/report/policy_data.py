"""A policy to report on: four sections, seven controls (one not yet in force), two conflicts."""

from __future__ import annotations

from datetime import date

from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Automation, Clause, Conflict, Control, Policy

RETENTION = "What personal data do we process, and for how long?"
AUDIENCE = "Who is our Privacy Policy intended for?"
PURPOSES = "Why do we process your personal data and on what legal basis?"
RIGHTS = "What rights do you have to control your personal data?"

CLAUSES = (
    Clause(
        "scope.age",
        AUDIENCE,
        "Our Privacy Policy applies to you, regardless of your place of residence, as long as you are at least 15 "
        "years old, whether you are one of our clients or simply a visitor to the website.",
        Automation.CONTROL,
    ),
    Clause(
        "scope.guardian",
        AUDIENCE,
        "If you are below the legal age mentioned above, you are not permitted to use our services without the prior "
        "and explicit consent of a parent or legal guardian, which must be sent to us by email.",
        Automation.CONTROL,
    ),
    Clause(
        "purpose.geolocation",
        PURPOSES,
        "To geolocate your position in order to provide you with a smoother and more accessible service, based on your "
        "prior consent.",
        Automation.CONTROL,
    ),
    Clause(
        "purpose.only",
        PURPOSES,
        "We commit to processing your data only for the purposes outlined above.",
        Automation.NOT_YET_AUTOMATED,
        "The register of processing purposes is not yet read by the audit.",
    ),
    Clause(
        "retention.identity",
        RETENTION,
        "Professional identification data (e.g., name, job title, company, etc.) and contact information, kept for the "
        "duration of the service plus applicable legal retention periods, generally 5 years",
        Automation.CONTROL,
    ),
    Clause(
        "retention.geolocation", RETENTION, "Geolocation data retained for a maximum of 2 months.", Automation.CONTROL
    ),
    Clause(
        "retention.connection",
        RETENTION,
        "Connection data (e.g., logs, IP address) retained for 1 year.",
        Automation.CONTROL,
    ),
    Clause(
        "retention.cookies", RETENTION, "Cookies generally retained for a maximum of 13 months.", Automation.CONTROL
    ),
    Clause(
        "retention.litigation",
        RETENTION,
        "In the event of litigation, we are required to retain all relevant personal data for the duration of the "
        "legal process, even after the above retention periods.",
        Automation.CONTROL,
    ),
    Clause(
        "rights.promptly",
        RIGHTS,
        "We will respond as promptly as possible",
        Automation.NOT_CHECKABLE,
        "No database can show what was possible.",
    ),
    Clause(
        "rights.contact",
        RIGHTS,
        "To exercise these rights, your request must be made directly to dpo@spimed-ai.com.",
        Automation.INFORMATION,
        "It says where to write.",
    ),
)

SINCE = date(2025, 1, 1)
CONTROLS = (
    Control(
        "RET-1",
        "rows_deleted_after_retention",
        "Identities of clients are deleted 5 years after their last contract ended",
        Severity.HIGH,
        ("retention.identity",),
        ("GDPR art. 5(1)(e)", "GDPR art. 17(1)(a)"),
        SINCE,
        categories=(Category.PROFESSIONAL_IDENTITY,),
        parameters={"period": "P5Y"},
    ),
    Control(
        "RET-3",
        "rows_deleted_after_retention",
        "Positions are deleted 2 months after they were recorded",
        Severity.HIGH,
        ("retention.geolocation",),
        ("GDPR art. 5(1)(e)",),
        SINCE,
        categories=(Category.GEOLOCATION,),
        parameters={"period": "P2M"},
    ),
    Control(
        "RET-4",
        "rows_deleted_after_retention",
        "Connection data is deleted 1 year after it was recorded",
        Severity.MEDIUM,
        ("retention.connection",),
        ("GDPR art. 5(1)(e)",),
        SINCE,
        categories=(Category.CONNECTION,),
        parameters={"period": "P1Y"},
    ),
    Control(
        "RET-5",
        "rows_deleted_after_retention",
        "Cookies end 13 months after they were first set",
        Severity.MEDIUM,
        ("retention.cookies",),
        ("GDPR art. 5(1)(e)", "Loi Informatique et Libertés art. 82"),
        SINCE,
        categories=(Category.COOKIE,),
        parameters={"period": "P13M"},
    ),
    Control(
        "MIN-1",
        "minors_have_guardian_consent",
        "Nobody under 15 uses the service without the prior consent of a guardian",
        Severity.CRITICAL,
        ("scope.age", "scope.guardian"),
        ("GDPR art. 8(1)", "Loi Informatique et Libertés art. 45"),
        SINCE,
        parameters={"age": "15"},
    ),
    Control(
        "GEO-1",
        "events_have_prior_consent",
        "Positions are recorded only after the person consented",
        Severity.CRITICAL,
        ("purpose.geolocation",),
        ("GDPR art. 6(1)(a)", "GDPR art. 7"),
        SINCE,
        categories=(Category.GEOLOCATION,),
    ),
    Control(
        "HLD-1",
        "holds_are_kept",
        "What a legal hold names stays until the hold is released",
        Severity.CRITICAL,
        ("retention.litigation",),
        ("GDPR art. 17(3)(e)",),
        date(2027, 1, 1),
    ),
)

CONFLICTS = (
    Conflict(
        "G2",
        "Data is kept for the duration of the service plus 5 years.",
        "Contacts from trade shows never had a service, so their period never begins.",
        "Prospects without a contract are reported as undecidable, never as kept.",
    ),
    Conflict(
        "G12",
        "“Generally” 5 years, “generally” 13 months.",
        "A retention limit must be determinable (GDPR art. 13(2)(a)).",
        "The stated number is applied as the limit.",
    ),
)

POLICY = Policy(
    "2025-01",
    "Privacy Policy of Spimed-AI",
    SINCE,
    None,
    "Europe/Paris",
    "5f3c8a1e6b9d4720c1f8e3a7b6d5940213fe8c7ab9d06e5f4c3b2a1908f7e6d5",
    "a0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeeff",
    CLAUSES,
    CONTROLS,
    CONFLICTS,
)
