"""The demo's registers judged one row at a time in plain Python, from the words of the policy and of the law.

Shares no code with the audit. An answer is true, false, or None where nobody can tell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from tests.e2e.demo.court import FOUNDED, PARIS, Court, Rows

Row = Mapping[str, Any]
Answer = bool | None
MONTH, QUARTER = relativedelta(months=1), relativedelta(months=3)
YEAR = relativedelta(years=1)
PURPOSES = {"service", "customer_service", "billing", "social_media", "documents", "geolocation"}
BASES = {
    "service": {"contract", "legitimate_interest"},
    "customer_service": {"contract", "legitimate_interest"},
    "billing": {"contract", "legitimate_interest"},
    "social_media": {"legitimate_interest"},
    "documents": {"contract"},
    "geolocation": {"consent"},
}
RIGHTS = {"access", "rectification", "objection", "erasure", "restriction", "portability", "post_mortem",
          "child_report", "withdrawal"}  # fmt: skip
COOKIES = ("sid", "consent", "stats")
"""Cookies that the site's list knows, and when it was last looked at: expectations/registers/cookies.csv."""
VERSIONS = (("0.1", date(2012, 1, 1), date(2018, 5, 24)), ("0.2", date(2018, 5, 25), date(2023, 12, 31)),
            ("1", date(2024, 1, 1), None))  # fmt: skip
"""Versions of the policy with their first and last days; expectations/registers/policy_versions.csv has the same."""


def stated(value: Any) -> bool:
    """Whether it says anything; blanks say nothing."""
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def word(value: Any) -> str | None:
    """What it says, in small letters."""
    return value.strip().lower() if stated(value) else None


def one_of(value: Any, *words: str) -> Answer:
    """Whether it says one of these; unknown when it says nothing."""
    said = word(value)
    return None if said is None else said in words


def both(*answers: Answer) -> Answer:
    """Surely not when one is surely not."""
    return False if False in answers else None if None in answers else True


def either(*answers: Answer) -> Answer:
    """Surely so when one is surely so."""
    return True if True in answers else None if None in answers else False


def no(answer: Answer) -> Answer:
    """The contrary; what is unknown stays so."""
    return None if answer is None else not answer


class Registers:
    """What the policy and the law say of each row of a register."""

    def __init__(self, court: Court) -> None:
        self.court = court

    def evaluate(self) -> None:
        """Every check."""
        for part in (
            self._informed, self._sources, self._guardians, self._consents, self._requests, self._reports,
            self._marketing, self._calls, self._deaths, self._freezes, self._uses, self._activities, self._transfers,
            self._recipients, self._tools, self._backups, self._incidents, self._mailbox, self._reviews, self._cookies,
            self._invoices, self._statistics, self._kept,
        ):  # fmt: skip
            part()

    # What every promise needs

    def _put(self, check: str, broken: Answer, *, meant: Answer = True, subject: Any = None) -> None:
        if meant is False:
            state = "out_of_scope"
        elif broken is False:
            state = "compliant"
        elif broken is None or meant is None:
            state = "undecidable"
        else:
            state = "violating"
        self.court.put(check, state, subject)

    def _late(self, begun: Any, done: Any, period: relativedelta, longer: tuple[Any, Any] | None = None) -> Answer:
        """Whether something that is due after a period was not done by its last day."""
        first = self.court.day_of(begun)
        if first is None:
            return None
        last = first + period
        if longer:
            told, reason = self.court.day_of(longer[0]), longer[1]
            if told and first <= told <= last and stated(reason):
                last = first + QUARTER
        if done is None:
            return self.court.today > last
        day = self.court.day_of(done)
        return None if day is None or done < begun else day > last

    def _slow(self, begun: datetime, done: datetime | None, hours: timedelta) -> Answer:
        """Whether something was not done so many hours after it began."""
        if self.court.day_of(begun) is None:
            return None
        if done is None:
            return self.court.as_of - begun > hours
        return None if self.court.day_of(done) is None or done < begun else done - begun > hours

    def _happened(self, moment: Any) -> Answer:
        """Whether it says when something was done; a moment that cannot be a fact tells nothing."""
        return False if moment is None else True if self.court.day_of(moment) else None

    def _is_planned(self, day: date | None) -> Answer:
        """Whether it is still to be done, on a day that somebody can mean."""
        if day is None:
            return False
        known = FOUNDED <= day <= self.court.today + relativedelta(years=10)
        return day >= self.court.today if known else None

    def _holds(self, first: date | None, last: date | None) -> Answer:
        """Whether something holds today that holds from a day to a last one."""
        if last is not None and FOUNDED <= last < self.court.today:
            return False
        if first is not None and first > self.court.today:
            return False
        known = first is not None and first >= FOUNDED and (last is None or last >= FOUNDED)
        return True if known else None

    def _during(self, moment: datetime, interval_set: Iterable[tuple[Any, Any]]) -> Answer:
        """Whether a moment lies in one of `[from, to)`; an interval that began nobody knows when might hold at any."""
        answers: list[Answer] = []
        for begin, end in interval_set:
            if begin is not None and begin > self.court.as_of:
                continue
            before_end = end is None or moment < end
            if self.court.day_of(begin) is None:
                answers.append(None if before_end else False)
            else:
                answers.append(begin <= moment and before_end)
        return either(*answers)

    def _by(self, table: str, column: str) -> dict[Any, Rows]:
        found: dict[Any, Rows] = defaultdict(list)
        for row in self.court.rows(table):
            found[row[column]].append(row)
        return found

    def _fresh(self, check: str, groups: Mapping[Any, list[tuple[Answer, Any]]], period: relativedelta) -> None:
        """Each group of what is surely meant, or may be: done within the period, at its latest."""
        for entries in groups.values():
            meant = [moment for sure, moment in entries if sure]
            days = [day for moment in meant if (day := self.court.day_of(moment))]
            if days and max(days) + period >= self.court.today:
                state = "compliant"
            elif not meant or (not days and any(moment is not None for moment in meant)):
                state = "undecidable"
            else:
                state = "violating"
            self.court.put(check, state)

    # Notices and sources

    def _informed(self) -> None:
        notices = self._by("app.notices", "person_id")
        for table, column, kind, check in (
            ("app.users", "created_at", "privacy_policy", "app/app.users/SCP-2"),
            ("app.applicants", "collected_at", "applicant_policy", "app/app.applicants/APP-1"),
        ):
            for row in self.court.rows(table):
                moment = row[column]
                if self.court.day_of(moment) is None:
                    self._put(check, None)
                    continue
                shown = [(notice["shown_at"], None) for notice in notices[row["id"]] if notice["kind"] == kind]
                self._put(check, no(self._during(moment, shown)), subject=row["id"])

        for row in self.court.rows("app.notices"):
            broken = self._outdated(word(row["version"]), self.court.day_of(row["shown_at"]))
            self._put("app/app.notices/SCP-3", broken, meant=row["kind"] == "privacy_policy", subject=row["person_id"])

    def _outdated(self, version: str | None, day: date | None) -> Answer:
        """Whether a version of the policy was not the one in force on a day."""
        if day is None or version is None:
            return None
        return not any(
            version == name and first <= day and (last is None or day <= last) for name, first, last in VERSIONS
        )

    def _sources(self) -> None:
        known = ("direct", "trade_show", "social_media")
        for row in self.court.rows("app.users"):
            self._put("app/app.users/SRC-2", no(one_of(row["source"], *known)), subject=row["id"])
        for row in self.court.rows("app.prospects"):
            person, indirect = row["id"], one_of(row["source"], "trade_show", "social_media")
            unnamed = both(indirect, not stated(row["source_detail"]))
            broken = either(no(one_of(row["source"], *known)), unnamed)
            self._put("app/app.prospects/SRC-1", broken, subject=person)
            first, then = row["told_at"], row["collected_at"]
            readable = self.court.day_of(first) and self.court.day_of(then)
            late = True if first is None else first > then if readable else None
            self._put("app/app.prospects/SCP-4", late, meant=one_of(row["source"], "direct"), subject=person)
            told = self._late(row["collected_at"], row["told_at"], MONTH)
            self._put("app/app.prospects/LAW-SRC-1", told, meant=indirect, subject=person)
            old = self._late(row["last_contact_on"], None, relativedelta(months=36))
            self._put("app/app.prospects/LAW-RET-1", old, subject=person)

    def _guardians(self) -> None:
        for row in self.court.rows("app.guardian_consents"):
            child = row["user_id"]
            late = self._late(row["revoked_at"], row["settled_at"], MONTH)
            taken_back = row["revoked_at"] is not None
            self._put("app/app.guardian_consents/MIN-3", late, meant=taken_back, subject=child)
            self._put("app/app.guardian_consents/LAW-MIN-1", no(self._happened(row["child_agreed_at"])), subject=child)

    def _consents(self) -> None:
        check = "app/app.consent_events/LAW-GEO-"
        for row in self.court.rows("app.consent_events"):
            granted, version = row["action"] == "grant", word(row["version"])
            shown = all(stated(row[column]) for column in ("method", "version", "proof"))
            self._put(f"{check}2", not shown, meant=granted, subject=row["user_id"])
            day = self.court.day_of(row["at"])
            self._put(
                f"{check}3", self._outdated(version, day), meant=granted and version is not None, subject=row["user_id"]
            )
            late = self._slow(row["at"], row["recorded_at"], timedelta(hours=24))
            self._put(f"{check}5", late, meant=granted, subject=row["user_id"])

    # Requests

    def _requests(self) -> None:
        frozen = {row["user_id"] for row in self.court.rows("app.restrictions")}
        withdrew = {
            row["user_id"]
            for row in self.court.rows("app.consent_events")
            if row["action"] == "withdraw" and row["purpose"] == "geolocation"
        }
        ledger = {row["request"].strip() for row in self.court.rows("app.erasures")}
        for row in self.court.rows("app.rights_requests"):
            self._request(row)
            self._answer(row)
            put, granted = self._putter("app/app.rights_requests/", row["user_id"]), one_of(row["outcome"], "granted")
            put("RST-3", row["user_id"] not in frozen, both(one_of(row["kind"], "restriction"), granted))
            entered = str(row["id"]) in ledger
            put("DEL-5", not entered, both(one_of(row["kind"], "erasure"), row["completed_at"] is not None))
            children = both(one_of(row["kind"], "child_report"), one_of(row["outcome"], "erased"))
            put("DEL-6", not entered, both(children, row["completed_at"] is not None))
            located = both(one_of(row["kind"], "withdrawal"), one_of(row["about"], "geolocation"), granted)
            put("GEO-5", row["user_id"] not in withdrew, located)

    def _request(self, row: Row) -> None:
        put = self._putter("app/app.rights_requests/", row["user_id"])
        email, answered = one_of(row["channel"], "email"), row["responded_at"]
        put("DSR-1", no(one_of(row["kind"], *RIGHTS)))
        unsaid = no(both(stated(row["channel"]), self._happened(row["received_at"])))
        put("DSR-2", either(unsaid, both(email, no(one_of(row["mailbox"], "dpo@spimed-ai.com")))))
        put("DSR-3", self._late(row["received_at"], answered, QUARTER))
        extension = (row["extension_told_at"], row["extension_reason"])
        late = self._late(row["received_at"], answered, MONTH, extension)
        put("LAW-DSR-3", late)
        put("LAW-DSR-2", late, one_of(row["channel"], "form", "phone", "letter", "support", "social_media"))
        put("DSR-4", not stated(row["refusal_reason"]) and (row["fee_cents"] or 0) > 0)
        put("DSR-5", not stated(row["doubt_reason"]), row["doubted_at"] is not None)
        kept = self._late(row["identified_at"], row["identity_copy_deleted_at"], relativedelta(days=30))
        put("DSR-11", kept, row["identified_at"] is not None)
        undoubted = row["doubted_at"] is None or not stated(row["doubt_reason"])
        put("DSR-13", undoubted, row["identified_at"] is not None)
        known = one_of(row["outcome"], "granted", "refused", "consent_shown", "erased")
        put("DSR-12", no(known), answered is not None)

    def _answer(self, row: Row) -> None:
        put = self._putter("app/app.rights_requests/", row["user_id"])
        refused, granted = one_of(row["outcome"], "refused"), one_of(row["outcome"], "granted")
        reason = row["refusal_reason"]
        unnamed = both(one_of(reason, "repetitive"), not stated(row["repeats"]))
        put("DSR-6", either(no(one_of(reason, "unfounded", "excessive", "repetitive")), unnamed), refused)
        put("LAW-DSR-6", either(not stated(reason), no(row["complaint_told"])), refused)
        no_digest, undone = not stated(row["export_sha256"]), row["completed_at"] is None

        def of(kind: str) -> Answer:
            return both(one_of(row["kind"], kind), granted)

        put("DSR-7", no_digest or undone, of("access"))
        put("DSR-8", either(undone, no(row["corrected_everywhere"])), of("rectification"))
        put("DSR-9", either(no_digest, no(one_of(row["export_format"], "json", "csv", "xml"))), of("portability"))
        put("DSR-10", self._late(row["responded_at"], row["completed_at"], MONTH), of("erasure"))

    def _reports(self) -> None:
        """Of guardians, about the data of their children."""
        for row in self.court.rows("app.rights_requests"):
            put, report = self._putter("app/app.rights_requests/", row["user_id"]), one_of(row["kind"], "child_report")
            put("MIN-4", self._late(row["received_at"], row["completed_at"], QUARTER), report)
            ended = one_of(row["outcome"], "consent_shown", "erased")
            settled = both(report, row["completed_at"] is not None)
            put("MIN-5", either(no(ended), not stated(row["proof"])), settled)

    def _putter(self, table: str, subject: Any = None) -> Callable[..., None]:
        def put(control: str, broken: Answer, meant: Answer = True) -> None:
            self._put(f"{table}{control}", broken, meant=meant, subject=subject)

        return put

    # Persons who said no, died, or whose data is frozen

    def _marketing(self) -> None:
        objections, deaths = self._by("app.objections", "user_id"), self._by("app.deaths", "user_id")
        anybody = [(row["received_at"], row["withdrawn_at"]) for row in objections[None]]
        requests, freezes = self._by("app.rights_requests", "user_id"), self._by("app.restrictions", "user_id")
        for row in self.court.rows("app.marketing_messages"):
            person, moment = row["user_id"], row["sent_at"]
            said = [(entry["received_at"], entry["withdrawn_at"]) for entry in objections[person]]
            reported = [(entry["notified_at"], None) for entry in deaths[person]]
            frozen = [(entry["from_at"], entry["to_at"]) for entry in freezes[person]]
            asked, perhaps = (
                [
                    (entry["received_at"], entry["withdrawn_at"])
                    for entry in requests[person]
                    if one_of(entry["kind"], "objection") is sure
                ]
                for sure in (True, None)
            )
            for control, interval_set, doubtful in (
                ("OBJ-1", said, anybody),
                ("OBJ-2", asked, perhaps),
                ("PMI-2", reported, []),
                ("RST-2", frozen, []),
            ):
                broken = self._during(moment, interval_set)
                if broken is False and self._during(moment, doubtful) is not False:
                    broken = None
                if self.court.day_of(moment) is None:
                    broken = None
                self._put(f"app/app.marketing_messages/{control}", broken, subject=person)

    def _calls(self) -> None:
        consents = self._by("app.phone_consents", "user_id")
        begins = datetime(2026, 8, 11, tzinfo=PARIS)
        for row in self.court.rows("app.marketing_messages"):
            person, moment = row["user_id"], row["sent_at"]
            agreed = any(
                given["granted_at"] < moment and not (given["withdrawn_at"] and given["withdrawn_at"] <= moment)
                for given in consents[person]
            )
            known = self.court.day_of(moment) is not None
            meant = row["channel"] == "phone" and (None if not known else moment >= begins)
            self._put(
                "app/app.marketing_messages/LAW-TEL-1", None if not known else not agreed, meant=meant, subject=person
            )

    def _deaths(self) -> None:
        for row in self.court.rows("app.deaths"):
            put, told = self._putter("app/app.deaths/", row["user_id"]), stated(row["instructions"])
            put("PMI-1", self._late(row["notified_at"], row["executed_at"], QUARTER), told)
            put("LAW-PMI-1", self._late(row["notified_at"], row["heirs_answered_at"], QUARTER), not told)

    def _freezes(self) -> None:
        for row in self.court.rows("app.restrictions"):
            told, end = row["told_lifted_at"], row["to_at"]
            if told is None:
                broken: Answer = True
            else:
                known = self.court.day_of(told) and self.court.day_of(end)
                broken = told > end if known else None
            check = "app/app.restrictions/LAW-RST-1"
            self._put(check, broken, meant=end is not None, subject=row["user_id"])
        freezes = self._by("app.restrictions", "user_id")
        for row in self.court.rows("app.processing_events"):
            moment, person = row["at"], row["user_id"]
            if stated(row["exception"]):
                broken = False
            elif person is None or self.court.day_of(moment) is None:
                broken = None
            else:
                broken = self._during(moment, [(entry["from_at"], entry["to_at"]) for entry in freezes[person]])
            self._put("app/app.processing_events/RST-1", broken, subject=person)
        applicants = self._by("app.applicants", "id")
        for row in self.court.rows("app.processing_events"):
            moment, person = row["at"], row["user_id"]
            known = person is not None and self.court.day_of(moment) is not None
            applied = [(entry["collected_at"], None) for entry in applicants[person]]
            broken = self._during(moment, applied) if known else None
            self._put("app/app.processing_events/APP-3", broken, subject=person)

    # Purposes

    def _uses(self) -> None:
        activities = [
            (word(row["purpose"]), row["from_on"], row["to_on"]) for row in self.court.rows("app.processing_activities")
        ]
        self._listed("app/app.processing_events/PUR-3", "app.processing_events", "purpose", activities)
        for row in self.court.rows("app.processing_events"):
            other = no(one_of(row["purpose"], *PURPOSES))
            self._put("app/app.processing_events/PUR-4", other, subject=row["user_id"])

    def _listed(self, check: str, table: str, column: str, entries: list[tuple[Any, Any, Any]]) -> None:
        """Whether what a row names was on a list on its day; an entry whose first day nobody knows might have been."""
        for row in self.court.rows(table):
            day, named = self.court.day_of(row["at"]), word(row[column])
            if day is None or named is None:
                self._put(check, None)
                continue
            answers = [
                both(None if first is None else first <= day, last is None or day <= last)
                for name, first, last in entries
                if name == named
            ]
            self._put(check, no(either(*answers)), subject=row.get("user_id"))

    def _activities(self) -> None:
        groups: dict[Any, list[tuple[Answer, Any]]] = defaultdict(list)
        for row in self.court.rows("app.processing_activities"):
            put, goes_on = self._putter("app/app.processing_activities/"), self._holds(row["from_on"], row["to_on"])
            purpose, basis = word(row["purpose"]), row["legal_basis"]
            put("PUR-1", no(one_of(purpose, *PURPOSES)), goes_on)
            known = [BASES[purpose]] if purpose in BASES else [] if purpose else list(BASES.values())
            wrong = either(*(no(one_of(basis, *allowed)) for allowed in known))
            put("PUR-2", wrong if purpose or wrong is False else None, goes_on)
            unweighed = row["balanced_on"] is None or not stated(row["balancing_ref"])
            put("LAW-PUR-2", unweighed, both(one_of(basis, "legitimate_interest"), goes_on))
            told = ("purpose", "legal_basis", "categories", "recipients", "retention", "transfers", "security")
            put("LAW-ART-30", not all(stated(row[column]) for column in told), goes_on)
            put("LAW-REC-2", self._late(row["reviewed_on"], None, YEAR), goes_on)
            if goes_on is not False:
                groups[purpose].append((goes_on, row["reviewed_on"]))
        self._fresh("app/app.processing_activities/LAW-REC-1", groups, YEAR)

    # Recipients and places

    def _transfers(self) -> None:
        allowed = ("internal", "processor", "sub_processor", "authority")
        entries = [
            (word(row["recipient"]), row["from_on"] if one_of(row["role"], *allowed) else None, row["to_on"])
            for row in self.court.rows("app.recipients")
            if one_of(row["role"], *allowed) is not False
        ]
        self._listed("app/app.transfers/XFR-1", "app.transfers", "recipient", entries)
        for row in self.court.rows("app.transfers"):
            self._put("app/app.transfers/PUR-5", no(one_of(row["purpose"], *PURPOSES)))

    def _recipients(self) -> None:
        groups: dict[Any, list[tuple[Answer, Any]]] = defaultdict(list)
        for row in self.court.rows("app.recipients"):
            put, in_use = self._putter("app/app.recipients/"), self._holds(row["from_on"], row["to_on"])
            engaged = one_of(row["role"], "processor", "sub_processor")
            unnamed = not stated(row["role"]) or not stated(row["country"])
            unnamed = unnamed or not one_of(row["role"], "internal", "processor", "sub_processor", "authority")
            put("XFR-5", self._unsafe(row), both(one_of(row["role"], "internal", "processor", "sub_processor"), in_use))
            put("PRC-2", either(unnamed, both(engaged, no(self._is_planned(row["next_review_on"])))), in_use)
            signed, began = self.court.day_of(row["contract_on"]), self.court.day_of(row["from_on"])
            unbound: Answer = True if row["contract_on"] is None else None
            if signed and began:
                unbound = signed > began
            put("LAW-PRC-1", unbound, both(engaged, in_use))
            if (meant := both(engaged, in_use)) is not False:
                groups[word(row["recipient"])].append((meant, row["vetted_on"]))
        self._fresh("app/app.recipients/PRC-1", groups, YEAR)

    def _unsafe(self, row: Row) -> Answer:
        """Whether data lies outside the EEA without a safeguard on file."""
        abroad = one_of(row["in_eea"], "no")
        filed = stated(row["safeguard_ref"]) and row["assessed_on"] is not None
        safe = one_of(row["safeguard"], "adequacy", "standard_clauses", "corporate_rules")
        return either(no(one_of(row["in_eea"], "yes", "no")), both(abroad, no(both(safe, filed))))

    def _tools(self) -> None:
        backed_up = {word(row["store"]) for row in self.court.rows("app.backups")}
        for row in self.court.rows("app.tools"):
            broken = self._unsafe(row)
            in_use = self._holds(row["from_on"], row["to_on"])
            put = self._putter("app/app.tools/")
            put("XFR-2", broken, both(one_of(row["kind"], "store", "backup"), in_use))
            put("XFR-4", broken, both(one_of(row["kind"], "tool"), in_use))
            put("XFR-6", no(one_of(row["kind"], "store", "backup", "tool")), in_use)
            put("SEC-6", word(row["name"]) not in backed_up, both(one_of(row["kind"], "store"), in_use))

    # Governance

    def _backups(self) -> None:
        newest: dict[Any, list[tuple[Answer, Any]]] = defaultdict(list)
        tried: dict[Any, list[tuple[Answer, Any]]] = defaultdict(list)
        for row in self.court.rows("app.backups"):
            self._put("app/app.backups/DEL-3", self._late(row["oldest_at"], None, relativedelta(days=35)))
            self._put("app/app.backups/SEC-7", no(row["encrypted"]))
            newest[word(row["store"])].append((True, row["newest_at"]))
            tried[word(row["store"])].append((True, row["restore_tested_at"]))
        self._fresh("app/app.backups/SEC-3", newest, relativedelta(days=2))
        self._fresh("app/app.backups/SEC-4", tried, YEAR)

    def _incidents(self) -> None:
        for row in self.court.rows("app.incidents"):
            late = self._slow(row["aware_at"], row["notified_at"], timedelta(hours=72))
            late = False if stated(row["late_reason"]) else late
            self._put("app/app.incidents/LAW-SEC-5", no(one_of(row["risk"], "unlikely", "likely", "high")))
            self._put("app/app.incidents/LAW-SEC-4", late, meant=one_of(row["risk"], "likely", "high"))

    def _mailbox(self) -> None:
        answered: list[tuple[Answer, Any]] = [
            (True, row["at"])
            for row in self.court.rows("app.mailbox_probes")
            if word(row["mailbox"]) == "dpo@spimed-ai.com" and row["answered"] == "yes"
        ]
        self._fresh("app/app.mailbox_probes/DPO-2", {"the mailbox": answered}, relativedelta(days=7))

    def _reviews(self) -> None:
        for store in ("app", "web"):
            groups: dict[Any, list[tuple[Answer, Any]]] = defaultdict(list)
            for row in self.court.rows(f"{store}.legal_holds"):
                released = row["released_at"]
                if row["started_at"] <= self.court.as_of and (released is None or released > self.court.as_of):
                    groups[word(row["matter_ref"])].append((True, row["reviewed_at"]))
            self._fresh(f"{store}/{store}.legal_holds/HLD-3", groups, YEAR)

    # Cookies, invoices, statistics

    def _cookies(self) -> None:
        consents = self._by("web.consent_intervals", "visitor_id")
        for row in self.court.rows("web.cookies"):
            put = self._putter("web/web.cookies/", row["visitor_id"])
            first = self.court.day_of(row["first_set_at"])
            put("RET-7", None if first is None else self._outlives(row["expires_at"], first + relativedelta(months=13)))
            given = [
                (consent["granted_at"], consent["withdrawn_at"])
                for consent in consents[row["visitor_id"]]
                if consent["purpose"] == "statistics"
            ]
            broken = None if first is None else no(self._during(row["first_set_at"], given))
            put("CKY-2", both(broken, no(one_of(row["name"], "sid", "consent"))))
            put("CKY-4", no(one_of(row["name"], *COOKIES)))
        looked_at = datetime(2024, 1, 2, tzinfo=PARIS)
        self._fresh("web/registers.cookies/CKY-5", {"the list": [(True, looked_at)]}, relativedelta(days=7))

    def _outlives(self, end: datetime | None, last: date) -> Answer:
        """No end, and one at infinity, is the longest life there is; one before the company's first day is none."""
        if end is None or end.year == 9999:
            return True
        day = end.astimezone(PARIS).date()
        return None if day < FOUNDED else day > last

    def _invoices(self) -> None:
        """A number is missing between two invoices of a series; a year's documents are kept until its tenth is over.
        Of a series that begins later than the first kept January nobody knows whether its beginning is missing."""
        series: dict[str, list[tuple[int, date]]] = defaultdict(list)
        for row in self.court.rows("app.invoices"):
            name = row["number"].rstrip("0123456789")
            if digits := row["number"][len(name) :]:
                series[name].append((int(digits), row["issued_on"]))
            else:
                self._put("app/app.invoices/LAW-RET-2", None)
        for entries in series.values():
            (before, newest_before), *others = sorted(entries)
            fine = before == 1 or newest_before < date(self.court.today.year - 10, 2, 1)
            self._put("app/app.invoices/LAW-RET-2", False if fine else None)
            for digits, issued in others:
                due = date(newest_before.year + 10, 12, 31) >= self.court.today
                gone = date(issued.year + 10, 12, 31) < self.court.today
                broken = False if before == digits - 1 or gone else True if due else None
                self._put("app/app.invoices/LAW-RET-2", broken)
                before, newest_before = digits, max(newest_before, issued)

    def _statistics(self) -> None:
        rows = self.court.rows("app.monthly_statistics")
        alike = Counter((row["month"], row["region"], row["age_band"]) for row in rows)
        said = {column: Counter(row[column] for row in rows) for column in ("plan", "remark")}
        for row in rows:
            few = alike[row["month"], row["region"], row["age_band"]] < 5
            unshared = any((row[column] or "").strip() and said[column][row[column]] < 5 for column in said)
            broken = few or "@" in (row["remark"] or "")
            self._put("app/app.monthly_statistics/ANON-1", broken or (None if unshared else False))

    # How long the registers themselves are kept

    def _kept(self) -> None:
        years = relativedelta(years=5)
        for table, column, category, period, control in (
            ("deaths", "notified_at", "professional_identity", years, "RET-1"),
            ("rights_requests", "received_at", "professional_identity", years, "RET-1"),
            ("marketing_messages", "sent_at", "professional_identity", years, "RET-1"),
            ("processing_events", "at", "connection", YEAR, "RET-4"),
        ):
            check = f"app/app.{table}/{control}"
            for row in self.court.rows(f"app.{table}"):
                self.court.keep(check, category, row["user_id"], self.court.day_of(row[column]), period)
