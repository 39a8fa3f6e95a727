"""Assembling the audit from the results of its stores: what got lost on the way is not audited, and never a pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.pipeline import assembling
from tests.unit.pipeline.company import RECORDS, STORES
from tests.unit.pipeline.one_night import OneNight, Results, plan


def test_a_store_without_a_result_is_not_audited_and_neither_is_any_of_its_checks(night: OneNight) -> None:
    app, web, _ = assembling.assemble(night.order, [None, *night.results[1:]]).stores
    whole, *_ = assembling.assemble(night.order, night.results).stores
    assert (app.outcome, app.cause) == (Outcome.NOT_AUDITED, Cause.INTERNAL)
    assert "ended without a result; see its log" in app.reason
    assert [check.id for check in app.checks] == [check.id for check in whole.checks]
    assert {check.outcome for check in app.checks if check.table} == {Outcome.NOT_AUDITED}
    assert not any(check.tally for check in app.checks)
    assert web.outcome is Outcome.FAIL


def test_own_records_without_a_result_are_not_audited(night: OneNight) -> None:
    *_, lost = assembling.assemble(night.order, night.results[:2]).stores
    *_, whole = assembling.assemble(night.order, night.results).stores
    assert (lost.name, lost.owner, lost.alert) == (RECORDS, whole.owner, whole.alert)
    assert [check.id for check in lost.checks] == [check.id for check in whole.checks]
    assert {(check.outcome, check.cause) for check in lost.checks} == {(Outcome.NOT_AUDITED, Cause.INTERNAL)}
    assert lost.outcome is Outcome.NOT_AUDITED


@pytest.mark.parametrize("lost", [[None, None, None], [None], []])
def test_a_night_on_which_every_store_was_lost_is_no_pass(night: OneNight, lost: Results) -> None:
    assembled = assembling.assemble(night.order, lost)
    assert [store.name for store in assembled.stores] == [*STORES, RECORDS]
    assert assembled.outcome is Outcome.NOT_AUDITED


def test_one_lost_store_among_stores_that_pass_is_no_pass(night: OneNight) -> None:
    passing = night.passing
    assert assembling.assemble(night.order, passing).outcome is Outcome.PASS  # else the next line would prove nothing
    assert assembling.assemble(night.order, [passing[0], None, passing[2]]).outcome is Outcome.NOT_AUDITED


def test_the_stores_keep_the_order_of_the_plan_whichever_was_read_first(night: OneNight) -> None:
    assembled = assembling.assemble(night.order, list(reversed(night.results)))
    assert [store.name for store in assembled.stores] == [*STORES, RECORDS]
    assert assembled == assembling.assemble(night.order, night.results)


def test_results_of_stores_that_were_not_asked_for_change_nothing(night: OneNight) -> None:
    only_web = plan(stores=["web"])
    assembled = assembling.assemble(only_web, night.results)
    assert [store.name for store in assembled.stores] == ["web"]
    stranger = replace(night.app, name="stranger")
    (web,) = assembling.assemble(only_web, [stranger]).stores  # a stranger stands for nobody
    assert (web.name, web.outcome) == ("web", Outcome.NOT_AUDITED)


def test_what_the_plan_leaves_out_is_said_by_the_audit(night: OneNight) -> None:
    assert assembling.assemble(plan(stores=["web"]), night.results).limits == (
        "Stores not asked for in this run: app.",
        "Looked at only when all stores are asked for: META-5.",
    )


def test_a_role_that_may_do_more_than_read_is_said_by_the_audit(night: OneNight) -> None:
    writing = replace(night.app, limits=("role x may write to 1 relations; it should hold SELECT only",))
    limits = assembling.assemble(night.order, [writing, *night.results[1:]]).limits
    assert limits == ("In store app, role x may write to 1 relations; it should hold SELECT only.",)
