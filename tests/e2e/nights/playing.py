"""Plays the script: each night the company's day, then the stages of the DAG in their order, by the night's own T.

What passes between the stages goes through JSON, as through Airflow's XCom. Everything is real: PostgreSQL, the files
of the expectations, the command line of who changes them, mailboxes and web servers. Only the time is simulated.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML
from typer.testing import CliRunner

from demo import ports
from privacy_audit import audit_db
from privacy_audit.cli.main import app
from privacy_audit.config import settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.notify.message_body import SCHEMA as ALERT
from privacy_audit.notify.message_body import TICKET_SCHEMA as TICKET
from privacy_audit.pipeline import audit_order, filing_step, order_lookups, own_records, planning, run_gate, sending
from tests.conftest import MakeDatabase
from tests.e2e.nights.company import STORES, Company
from tests.e2e.nights.script import FIRST_NIGHT, Script
from tests.e2e.nights.tasks import Workers
from tests.unit.pipeline.company import EXPECTATIONS, airflow_url
from tests.unit.pipeline.one_night import handed_on
from tests.unit.pipeline.owner import Owner, open_channels

PARIS = ZoneInfo("Europe/Paris")
_RESERVED = ExitStack()
"""Ports at which nothing listens as long as this process lives."""
HANDLING = """
platform: {owner: Platform engineering, alert: alerts_platform}
compliance: {owner: Data protection officer, alert: alerts_compliance}
"""
RECIPIENTS = {
    "product": ("mailto", "json"),
    "web": ("json",),
    "platform": ("json",),
    "compliance": ("mailto", "json"),
}
"""Who is told, by which channels. The platform engineers have tickets as well."""
OWNERS = {
    "product": "Product engineering",
    "web": "Web platform",
    "platform": "Platform engineering",
    "compliance": "Data protection officer",
}
NO_PART = (
    "app.newsletter_subscriptions",
    "app.invoices",
    "app.payments",
    "app.support_tickets",
    "app.ticket_messages",
    "app.marketing_messages",
    "app.rights_requests",
    "app.social_comments",
)
"""Tables that the map leaves out here, for the time they take: each of their controls has another table. With all of
them the nights are the same, and take half as long again."""
IN_FULL = (4, 32, 60)
"""The nights that go through Great Expectations and the self-test: three, for they cost three times the others."""
_CHANNELS = {"mail": "mailto", "webhook": "json"}


def instant(day: date) -> datetime:
    """T of the night of a civil day."""
    return datetime.combine(day, time(1, 15), PARIS)


@dataclass(frozen=True)
class Played:
    """What an audit left behind."""

    audit_id: str
    findings: dict[str, Any]
    """findings.json of its report."""
    page: str
    """report.html of its report."""
    gate: str
    """Why the gate is red; empty when it is green."""
    posts: dict[str, list[dict[str, Any]]]
    """Recipient to the messages that came to their webhook."""
    mails: dict[str, list[EmailMessage]]
    tickets: list[dict[str, Any]]
    heard: str
    """What the command line said to who typed something the day before."""


@dataclass(frozen=True)
class Begun:
    """An audit whose stores are being read."""

    order: audit_order.AuditOrder
    stores: list[Future[StoreResult]]
    heard: str


@dataclass(frozen=True)
class Late:
    """An audit by an earlier instant than one before it."""

    played: Played
    before: Any
    """How every finding stood, and which report people opened."""
    after: Any


class Playing:
    """The company, its expectations, the register and the channels, on one evening after another."""

    def __init__(
        self, script: Script, company: Company, workers: Workers, home: Path, owners: Mapping[str, Owner]
    ) -> None:
        self._script = script
        self._company = company
        self._workers = workers
        self._home = home
        self._owners = owners
        self._env = pytest.MonkeyPatch()
        self._expectations = home / "expectations"
        self._heard = ""
        self.late: Late | None = None

    @classmethod
    @contextmanager
    def opened(cls, script: Script, make_database: MakeDatabase, folder: Path) -> Iterator[Playing]:
        """The evening before the first night."""
        with ExitStack() as stack:
            company = stack.enter_context(Company.opened({store: make_database() for store in STORES}, FIRST_NIGHT))
            owners = {name: stack.enter_context(open_channels()) for name in RECIPIENTS}
            workers = stack.enter_context(Workers.started(STORES))
            playing = cls(script, company, workers, folder, owners)
            stack.callback(playing._env.undo)
            playing._install(airflow_url(sa.make_url(make_database())))
            yield playing

    def play(self) -> Iterator[Played]:
        """All nights. While the stores of one are read, the one before it is filed and told, which touches no store;
        where people do something in between, they find it told."""
        begun: Begun | None = None
        for night in self._script.nights:
            wait(begun.stores if begun else [])
            if begun and night.people:
                yield self._ended(begun)
                begun = None
            for event, argument in night.people:
                self._call(self, f"_{event}", argument)
            self._company.today = night.day
            for event, argument in night.does:
                self._call(self if event.startswith("store") else self._company, event, argument)
            self._company.work()
            following = self._begun(instant(night.day), instant(night.day), f"scheduled__{night.day}")
            if begun:
                yield self._ended(begun)
            begun = following
        if begun:
            yield self._ended(begun)

    @staticmethod
    def _call(who: object, event: str, argument: Any) -> None:
        """An event is a method, called in the words of its name."""
        act = getattr(who, event.replace(" ", "_").replace("-", "_").lower())
        act() if argument is None else act(argument)

    # The stages

    def _begun(self, at: datetime, now: datetime, run: str) -> Begun:
        order = handed_on(planning.plan(at.isoformat(), None, None, run, now))
        heard, self._heard = self._heard, ""
        in_full = (at.date() - FIRST_NIGHT).days + 1 in IN_FULL
        return Begun(order, self._workers.start(order, in_full=in_full), heard)

    def _ended(self, begun: Begun) -> Played:
        order, results = begun.order, [handed_on(store.result()) for store in begun.stores]
        results.append(handed_on(own_records.audit_records(order)))
        filed = handed_on(filing_step.file(order, results))
        told = handed_on(sending.send_alerts())
        gate = ""
        try:
            # Data Docs show one night and know no other: they are tested elsewhere.
            run_gate.gate(filed.causes, told.failed, docs_done=True)
        except audit_order.NotAuditedError as error:
            gate = str(error)
        report = filed.report
        posts = {name: [json.loads(post["message"]) for post in owner.posts] for name, owner in self._owners.items()}
        played = Played(
            audit_id=filed.audit_id,
            findings=json.loads((report / "findings.json").read_bytes()),
            page=(report / "report.html").read_text(),
            gate=gate,
            posts={name: [it for it in own if it["schema"] == ALERT] for name, own in posts.items()},
            mails={name: list(owner.mails) for name, owner in self._owners.items()},
            tickets=[it for it in posts["platform"] if it["schema"] == TICKET],
            heard=begun.heard,
        )
        for owner in self._owners.values():
            owner.posts.clear()
            owner.mails.clear()
        return played

    # What people do

    def _audit_by_an_earlier_instant(self, at: str) -> None:
        """Somebody starts the audit by hand, after a night, for an instant before it."""
        before = self._known()
        played = self._ended(self._begun(datetime.fromisoformat(at), instant(self._company.today), "manual"))
        self.late = Late(played, before, self._known())

    def _known(self) -> Any:
        """How every finding stands, and which report people open."""
        url = order_lookups.audit_db_url(settings.load())
        return audit_db.findings(url), (self._home / "var" / "reports" / "latest").resolve().name

    def store_web_goes_down(self) -> None:
        port = _RESERVED.enter_context(ports.reserved())
        nobody = f"postgresql://nobody:nothing@127.0.0.1:{port}/web"
        self._env.setenv("AIRFLOW_CONN_STORE_WEB", nobody)

    def store_web_is_back(self) -> None:
        self._env.setenv("AIRFLOW_CONN_STORE_WEB", self._company.connection("web"))

    def _a_channel_goes_down(self, channel: str) -> None:
        recipient, _, kind = channel.partition(" by ")
        self._owners[recipient].out_of_order.add(_CHANNELS[kind])

    def _a_channel_is_back(self, channel: str) -> None:
        recipient, _, kind = channel.partition(" by ")
        self._owners[recipient].out_of_order.remove(_CHANNELS[kind])

    def _waivers_in_the_file(self, names: list[str]) -> None:
        with (self._expectations / "waivers.yaml").open("w") as file:
            YAML(typ="safe").dump({"waivers": {name: self._script.waivers[name] for name in names}}, file)

    def _the_map_follows_the_rename(self) -> None:
        with self._edited_map() as store:
            store["tables"]["app.document_downloads"] = store["tables"].pop("app.downloads")
            store["formerly"] = {"app.document_downloads": ["app.downloads"]}

    def _the_period_of_cookies_becomes(self, period: str) -> None:
        path = self._expectations / "policy.yaml"
        before, ret_5, after = path.read_text().partition("  RET-5:\n")
        path.write_text(before + ret_5 + re.sub(r"period: P\w+", f"period: {period}", after, count=1))
        self._compile()

    def _privacy_audit(self, words: list[str]) -> None:
        """What somebody types; a finding by its name stands for its check."""
        findings = self._script.findings
        said = CliRunner().invoke(app, [findings[word].check if word in findings else word for word in words])
        self._heard = said.output + (str(said.exception) if said.exception else "")

    def _install(self, register: str) -> None:
        shutil.copytree(EXPECTATIONS, self._expectations)
        (self._expectations / "handling.yaml").write_text(HANDLING)
        self._env.setenv("PRIVACY_AUDIT_HOME", str(self._home / "var"))
        self._env.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(self._expectations))
        self._env.delenv("PRIVACY_AUDIT_DATABASE", raising=False)
        self._env.delenv("PRIVACY_AUDIT_REPORTS_URL", raising=False)
        self._env.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", register)
        assert CliRunner().invoke(app, ["db", "init"]).exit_code == 0
        for store in STORES:
            self._env.setenv(f"AIRFLOW_CONN_STORE_{store.upper()}", self._company.connection(store))
        with self._edited_map() as store:
            store["tables"] = {name: table for name, table in store["tables"].items() if name not in NO_PART}
        for name, kinds in RECIPIENTS.items():
            addresses = self._owners[name].addresses
            listed = {"urls": [addresses[kind] for kind in kinds]}
            listed |= {"tickets": [addresses["json"]]} if name == "platform" else {}
            self._env.setenv(f"AIRFLOW_CONN_ALERTS_{name.upper()}", json.dumps({"extra": listed}))

    @contextmanager
    def _edited_map(self) -> Iterator[dict[str, Any]]:
        """The store map of the product, changed as an engineer does it: edited, then compiled."""
        path, yaml = self._expectations / "stores" / "app.yaml", YAML(typ="safe")
        content = yaml.load(path)
        yield content
        with path.open("w") as file:
            yaml.dump(content, file)
        self._compile()

    def _compile(self) -> None:
        compiled = CliRunner().invoke(app, ["compile"])
        assert compiled.exit_code == 0, compiled.exception
