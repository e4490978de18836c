"""Automatic expiry: unattended inside the rules, and stopped by its guards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.disposing import ANN, BEA, Hands, due_record, in_hand, record_of, rule_in_force
from tests.support.holding import place, release
from vault.audit import Event
from vault.classes import DisposalAction
from vault.disposal import Decision, ListState, Part, PauseCause
from vault.errors import InvalidInput, KeyDestroyed, NotAllowed, NotFound
from vault.ids import PersonId, RecordId
from vault.people import CLOCK_ID
from vault.permissions import Actor, Role
from vault.records import RecordState
from vault.workflows import effect, expiry, schedules, upkeep
from vault.workflows.vault import Limits, Vault


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, Hands]:
    return in_hand(vault)


def listed_for(vault: Vault, record_id: RecordId) -> tuple[Decision, ListState]:
    with vault.catalogue.read() as tx:
        item = tx.disposals.of_record(record_id)[0]
        disposal = tx.disposals.get(item.list_id)
    assert disposal is not None
    return item.decision, disposal.state


def test_a_due_record_of_an_automatic_class_dies_unattended_and_the_log_says_by_which_rule(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, automatic=True)
    due, later = due_record(vault, actor, rule.code), due_record(vault, actor, rule.code, in_days=3)
    with vault.catalogue.read() as tx:
        version = tx.records.version(due, 1)
    assert version is not None
    outcome = expiry.expire(vault)
    assert outcome.text == "1 records expired, 0 left out, 1 listed, 0 lists tried again"
    assert record_of(vault, due).state is RecordState.DESTROYED
    assert record_of(vault, later).state is RecordState.FILED
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(version.object.leaf)
    assert listed_for(vault, due) == (Decision.DESTROY, ListState.DONE)
    with vault.catalogue.read() as tx:
        batch = tx.batches.of_record(due)
        assert batch is not None
        disposal = tx.disposals.of_batch(batch.id)
        assert disposal is not None
        signatures = tx.disposals.signatures(disposal.id)
        story = [each.entry for each in reversed(tx.audit.page(subject=disposal.id))]
        begun = [each.entry for each in tx.audit.page(subject=batch.id, event=Event.DESTRUCTION_BEGUN)]
    assert disposal.automatic
    assert disposal.proposed_by == CLOCK_ID
    assert batch.requested_by == CLOCK_ID
    assert not batch.alone
    assert [(each.part, each.person_id) for each in signatures] == [
        (Part.PROPOSER, ANN.person_id),
        (Part.APPROVER, BEA.person_id),
    ]
    assert [each.event for each in story] == [
        Event.LIST_PROPOSED,
        Event.LIST_APPROVED,
        Event.LIST_EXECUTED,
        Event.LIST_DONE,
    ]
    assert story[1].detail["rule_proposed_by"] == "ann"
    assert story[1].detail["rule_approved_by"] == "bea"
    assert (begun[0].detail["list"], begun[0].detail["class"], begun[0].detail["rule"]) == (
        disposal.number,
        rule.code,
        rule.version,
    )
    assert expiry.expire(vault).text == "0 records expired, 0 left out, 0 listed, 0 lists tried again"


def test_an_objection_window_is_waited_for_and_ends_when_the_last_record_is_due(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True, objection_days=10)
    first, last = due_record(vault, actor, rule.code), due_record(vault, actor, rule.code, in_days=10)
    for _ in range(10):
        expiry.expire(vault)
        assert record_of(vault, first).state is RecordState.FILED
        hands.advance(days=1)
    assert listed_for(vault, first) == (Decision.DESTROY, ListState.APPROVED)
    expiry.expire(vault)
    assert {record_of(vault, each).state for each in (first, last)} == {RecordState.DESTROYED}


def test_a_held_record_is_not_listed_and_one_held_since_is_left_out(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True, objection_days=1)
    before, since, free = (due_record(vault, actor, rule.code) for _ in range(3))
    held_before = place(vault, ANN, before)
    expiry.expire(vault)
    with vault.catalogue.read() as tx:
        assert tx.disposals.of_record(before) == []
    held_since = place(vault, ANN, since)
    hands.advance(days=1)
    assert expiry.expire(vault).text.startswith("1 records expired, 1 left out")
    assert record_of(vault, free).state is RecordState.DESTROYED
    assert listed_for(vault, since) == (Decision.LEFT_OUT, ListState.DONE)
    for matter in (held_before, held_since):
        release(vault, matter.matter.id)
    expiry.expire(vault)
    hands.advance(days=1)
    expiry.expire(vault)
    assert {record_of(vault, each).state for each in (before, since)} == {RecordState.DESTROYED}


@pytest.mark.parametrize("days", [2.1, -2.1, 400])
def test_a_clock_that_moved_stops_it_until_an_officer_resumes(
    timed: tuple[Vault, Hands], actor: Actor, days: float
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True)
    expiry.expire(vault)
    record_id = due_record(vault, actor, rule.code)
    hands.advance(days=days)
    assert expiry.expire(vault).is_broken
    hands.advance(hours=1)
    assert expiry.expire(vault).code == "expiry-paused"
    assert record_of(vault, record_id).state is RecordState.FILED
    paused = upkeep.state(vault, ANN).expiry_paused
    assert paused is not None
    assert paused.cause is PauseCause.CLOCK_MOVED
    assert paused.measure == pytest.approx(abs(days) * 86400, abs=2)
    with pytest.raises(NotAllowed):
        expiry.resume(vault, Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER})))
    expiry.resume(vault, ANN)
    with pytest.raises(NotFound):
        expiry.resume(vault, ANN)
    with vault.catalogue.read() as tx:
        events = [each.entry.event for each in tx.audit.page(subject=paused.id)]
    assert events == [Event.EXPIRY_RESUMED, Event.EXPIRY_PAUSED]
    expiry.expire(vault)
    assert record_of(vault, record_id).state is (RecordState.FILED if days < 0 else RecordState.DESTROYED)
    schedules.propose(vault, ANN, replace(rule.rule, automatic=False), "no longer")
    schedules.approve(vault, BEA, rule.code)


def test_a_clock_that_disagrees_with_the_stores_stops_it(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True)
    record_id = due_record(vault, actor, rule.code)
    hands.outside = hands.at - timedelta(days=1, seconds=1)
    assert expiry.expire(vault).values == {"cause": "clocks-disagree"}
    assert record_of(vault, record_id).state is RecordState.FILED
    hands.outside = None
    expiry.resume(vault, ANN)
    expiry.expire(vault)
    assert record_of(vault, record_id).state is RecordState.DESTROYED


def test_the_stores_own_clock_is_asked(vault: Vault) -> None:
    assert abs(vault.now() - vault.outside_time()) < timedelta(seconds=5)


def test_more_than_the_set_share_in_a_day_waits_for_an_officer(fresh_vault: Vault) -> None:
    vault, hands = in_hand(fresh_vault)
    vault = replace(vault, limits=Limits(expiry_at_least=3, expiry_share_percent=50))
    rule = rule_in_force(vault, automatic=True)
    records = [due_record(vault, ANN, rule.code) for _ in range(3)]
    assert expiry.expire(vault).text.startswith("3 records expired")
    one_more = due_record(vault, ANN, rule.code)
    assert expiry.expire(vault).values == {"cause": "share-exceeded"}
    paused = expiry.show_expiry(vault, ANN).pause
    assert paused is not None
    assert (paused.measure, paused.living) == (4, 4)
    assert record_of(vault, one_more).state is RecordState.FILED
    expiry.resume(vault, ANN)
    hands.advance(hours=1)
    another = due_record(vault, ANN, rule.code)
    assert expiry.expire(vault).values == {"cause": "share-exceeded"}, "what was allowed is what was found"
    expiry.resume(vault, ANN)
    assert expiry.expire(vault).text.startswith("2 records expired")
    assert {record_of(vault, each).state for each in (*records, one_more, another)} == {RecordState.DESTROYED}
    hands.advance(days=1.5)
    assert not expiry.expire(vault).is_broken


def test_a_list_whose_rule_changed_is_cancelled_and_its_records_follow_the_new_one(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True, objection_days=1)
    record_id = due_record(vault, actor, rule.code)
    expiry.expire(vault)
    schedules.propose(vault, ANN, replace(rule.rule, period_years=1), "longer")
    schedules.approve(vault, BEA, rule.code)
    hands.advance(days=1)
    expiry.expire(vault)
    assert listed_for(vault, record_id) == (Decision.DESTROY, ListState.CANCELLED)
    assert record_of(vault, record_id).state is RecordState.FILED


def test_a_class_with_supervisors_or_several_approvers_never_expires_by_itself(vault: Vault) -> None:
    rule = rule_in_force(vault).rule
    for changed in (
        replace(rule, automatic=True, supervised=True),
        replace(rule, automatic=True, signing=("head of archives", "head of accounts")),
        replace(rule, automatic=True, action=DisposalAction.REVIEW),
    ):
        with pytest.raises(InvalidInput) as refused:
            changed.checked()
        assert refused.value.field == "automatic"


def test_upkeep_does_it_and_a_vault_without_automatic_classes_is_never_paused(fresh_vault: Vault) -> None:
    vault, hands = in_hand(fresh_vault)
    hands.advance(days=30)
    assert not expiry.expire(vault).is_broken
    rule = rule_in_force(vault, automatic=True)
    record_id = due_record(vault, ANN, rule.code)
    job = next(each for each in upkeep.JOBS if each.name == "expire")
    job.run(vault)
    assert record_of(vault, record_id).state is RecordState.DESTROYED
    assert effect.resume(vault) == []
