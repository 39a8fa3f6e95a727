"""Nothing of a row reaches a page, whatever a validation result holds; and names are text, whatever they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain.audit import Audit, StoreResult
from privacy_audit.domain.promises import Clause, Conflict, Policy
from privacy_audit.engine.checkpoint import ephemeral_context
from privacy_audit.publish.data_docs import docs_site
from tests.unit.publish.data_docs.browsing import Page, Site
from tests.unit.publish.data_docs.conftest import Filed

CANARY = "anne.canari@example.org FR7630006000011234567890189"

NAMES = {
    "script": "<script>alert(1)</script>",
    "event handler": '"><img src=x onerror=alert(1)>',
    "closes the style": "</style></title><script>alert(1)</script>",
    "template": "{{7*7}}{% raw %}${7*7}$PARAMETER",
    "comment": "--><!-- ]]>",
    "attribute": "' onmouseover='alert(1)",
}
HIDING = "gnp\u202e.exe\u2066x\u2069\u200b\x00\x1b[31m\u2028end"
UNSEEN = set("\u202e\u2066\u2069\u200b\x00\x1b\u2028")


def plant(result: Any) -> None:
    """What Great Expectations itself would have put there: samples, rows, an error with a row in it."""
    for entry in result.results:
        entry.result |= {"partial_unexpected_list": [CANARY], "unexpected_rows": [{"email": CANARY}]}
        entry.result["details"] |= {"sample": CANARY}
        entry.expectation_config.kwargs["value_set"] = [CANARY]
        entry.exception_info = {
            "raised_exception": True,
            "exception_message": f'invalid input syntax for type integer: "{CANARY}"',
            "exception_traceback": f"Traceback\nDataError: {CANARY}",
        }


def write_again(filed: Filed, results: Path, change: Callable[[Any], None], by_our_door: bool) -> None:
    """The night's results with a change, as if each suite had been looked at once more a minute later."""
    original = ephemeral_context(filed.results).validation_results_store
    target = ephemeral_context(results).validation_results_store
    assert type(target).__name__ == "CountsOnlyResultsStore"
    for key in original.list_keys():
        result = copy.deepcopy(original.get(key))
        change(result)
        key.run_id._run_time += timedelta(minutes=1)
        if by_our_door:
            target.set(key, result)
        else:
            super(type(target), target).set(key, result)


@pytest.mark.parametrize("by_our_door", [True, False], ids=["through our store", "past it"])
def test_what_is_planted_in_a_result_reaches_no_page(
    filed: Filed, tmp_path: Path, by_our_door: bool, caplog: pytest.LogCaptureFixture
) -> None:
    results = tmp_path / "results"
    write_again(filed, results, plant, by_our_door)
    stored = "".join(path.read_text() for path in results.rglob("*.json"))
    assert len(list(results.rglob("*.json"))) == 6
    assert (CANARY in stored) is not by_our_door, "planted, and kept out by the store where it stands at the door"
    published = Site(docs_site.publish(results, filed.audit, tmp_path).parent)
    assert len(published.suites) == 6
    for path in published.root.rglob("*"):
        assert path.is_dir() or b"canari" not in path.read_bytes()
        assert "canari" not in path.name
    assert "canari" not in caplog.text


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_page_has_the_same_elements_whatever_the_names(filed: Filed, night: Site, tmp_path: Path, name: str) -> None:
    harmless = Site(docs_site.publish(filed.results, renamed(filed.audit, "name"), tmp_path / "harmless").parent)
    hostile = Site(docs_site.publish(filed.results, renamed(filed.audit, name), tmp_path / "hostile").parent)
    assert set(hostile.suites) == set(night.suites)
    for before, after in zip(harmless.pages, hostile.pages, strict=True):
        assert after.tags == before.tags
        assert [attribute[:2] for attribute in after.attributes] == [attribute[:2] for attribute in before.attributes]
        assert after.values("href") == before.values("href")
        assert escape(name).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in after.source


def test_what_hides_text_is_dropped(filed: Filed, tmp_path: Path) -> None:
    published = Site(docs_site.publish(filed.results, renamed(filed.audit, HIDING), tmp_path).parent)
    for page in published.pages:
        assert not UNSEEN & set(page.source)
        assert "gnp.exex[31m" in page.source


def test_an_audit_with_a_strange_id_leads_nowhere_else(filed: Filed, tmp_path: Path) -> None:
    audit = replace(filed.audit, id='../../x" onclick="', stores=(filed.audit.stores[1],))
    index = Page(docs_site.publish(tmp_path / "none", audit, tmp_path / "home"))
    reports = {link.partition("#")[0] for link in index.values("href") if "report" in link}
    assert reports == {"../reports/..%2F..%2Fx%22%20onclick%3D%22/report.html"}
    assert not [name for _, name, _ in index.attributes if name.startswith("on")]


def renamed(audit: Audit, name: str) -> Audit:
    """The same night, with everything that people write being that text."""
    return replace(
        audit,
        policy=_policy(audit.policy, name),
        stores=tuple(_store(store, name) for store in audit.stores),
        limits=(name,),
        triggered_by=name,
    )


def _policy(policy: Policy, name: str) -> Policy:
    return replace(
        policy,
        version=name,
        title=name,
        clauses=tuple(Clause(clause.id, name, name, clause.automation, name) for clause in policy.clauses),
        controls=tuple(replace(control, title=name, legal_basis=(name,)) for control in policy.controls),
        conflicts=(Conflict(name, name, name, name),),
    )


def _store(store: StoreResult, name: str) -> StoreResult:
    said = {"sentence": name, "reason": name, "fix": name, "plan_reason": name, "reading": name, "show_rows": name}
    checks = tuple(replace(check, **said) for check in store.checks)  # type: ignore[arg-type]
    return replace(store, title=name, owner=name, reason=name, snapshot=name, checks=checks)
