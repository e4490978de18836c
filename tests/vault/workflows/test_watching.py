"""Early warning at work: what stands out is raised and told, and whoever is suspended opens nothing, by no way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.support.people import acting, everything
from tests.support.vault import add_bytes
from tests.vault.workflows.faults import HandClock, with_clock
from tests.vault.workflows.test_gates import ways_in
from vault.audit import Event
from vault.errors import (
    AccessSuspended,
    CatalogueBroken,
    Conflict,
    InvalidInput,
    LinkRevoked,
    NotAllowed,
    NotFound,
    StepUpNeeded,
)
from vault.groups import FOUNDING
from vault.ids import RecordId
from vault.permissions import Actor
from vault.watching import HOURS_A_DAY, Deed, Sign, Suspension, hour_of
from vault.workflows import deriving, groups, logdetails, people, previews, retrieval, sharing
from vault.workflows.alarms import (
    lift_suspension,
    list_alarms,
    list_suspended,
    set_rule,
    settle_alarm,
    suspend_person,
)
from vault.workflows.awaiting import steps_awaiting
from vault.workflows.vault import Vault
from vault.workflows.watching import watch

WORDS = "she prepared an audit"
RULE = {"bulk_floor": 5, "odd_floor": 3, "refused_floor": 4, "factor_percent": 200, "history_days": 5}
_made: Iterator[int] = iter(range(10_000))


def joined(vault: Vault, codes: frozenset[str] | set[str] = FOUNDING) -> Actor:
    login = f"person-{next(_made)}"
    token = people.invite(vault, everything(), codes)
    person = people.accept_invitation(vault, token, login=login, name=login, password="long enough it is")
    return acting(vault, person.id)


@pytest.fixture(scope="module")
def one(vault: Vault) -> Actor:
    return joined(vault)


@pytest.fixture(scope="module")
def two(vault: Vault, one: Actor) -> Actor:
    return joined(vault)


@pytest.fixture
def morning(vault: Vault) -> tuple[Vault, HandClock]:
    """The vault at half past ten, in the time to come: later with each test, so that days do not mix."""
    moved, clock = with_clock(vault)
    ahead = vault.now() + timedelta(days=200 * (1 + next(_made)))
    clock.at = datetime(ahead.year, ahead.month, ahead.day, 10, 30, tzinfo=UTC)
    return moved, clock


def known(vault: Vault, actor: Actor, *, days: int = 8, times: int = 2) -> None:
    """Somebody who opened a few records at ten on each of the last days."""
    now = hour_of(vault.now())
    with vault.catalogue.write() as tx:
        for day in range(1, days + 1):
            for _ in range(times):
                tx.watching.count(actor.person_id, Deed.OPENED, now - day * HOURS_A_DAY)


def records(vault: Vault, number: int) -> list[RecordId]:
    return [add_bytes(vault, everything(), b"kept").record_id for _ in range(number)]


def opens(vault: Vault, actor: Actor, record_ids: list[RecordId]) -> None:
    for record_id in record_ids:
        retrieval.open_version(vault, actor, record_id, purpose="business")


def alarms_of(vault: Vault, actor: Actor) -> list[tuple[Sign, int, int]]:
    return [
        (each.alarm.sign, each.alarm.measure, each.alarm.limit)
        for each in list_alarms(vault, everything())
        if each.alarm.person_id == actor.person_id
    ]


def watching(vault: Vault, one: Actor, *suspends: Sign) -> None:
    set_rule(vault, one, **RULE, suspends=suspends)


def test_bulk_reading_is_raised_once_told_and_does_not_suspend_unasked(
    morning: tuple[Vault, HandClock], one: Actor, two: Actor
) -> None:
    vault, _ = morning
    watching(vault, one)
    reader, auditor = joined(vault, {"readers"}), joined(vault, {"audit"})
    known(vault, reader)
    ids = records(vault, 22)
    opens(vault, reader, ids[:5])
    assert alarms_of(vault, reader) == []
    opens(vault, reader, ids[5:])
    assert alarms_of(vault, reader) == [(Sign.BULK, 20, 5)]
    watch(vault)
    assert len(alarms_of(vault, reader)) == 1
    with vault.catalogue.read() as tx:
        told = [
            each.entry for each in tx.audit.page(subject=reader.person_id) if each.entry.event is Event.ALARM_RAISED
        ]
    assert [(each.actor, each.detail["measure"], each.detail["suspended"]) for each in told] == [("clock", 20, False)]
    assert not any(record_id in str(told) for record_id in ids)
    for who, mine in ((one, True), (two, True), (auditor, False)):
        steps = [each for each in steps_awaiting(vault, who) if each.kind == "look-at-alarm"]
        assert [each.mine for each in steps if each.by == reader.person_id] == [mine]
    assert not [each for each in steps_awaiting(vault, reader) if each.kind == "look-at-alarm"]


def test_what_was_passed_over_when_it_was_opened_upkeep_raises(morning: tuple[Vault, HandClock], one: Actor) -> None:
    vault, _ = morning
    watching(vault, one, Sign.BULK)
    reader = joined(vault, {"readers"})
    known(vault, reader)
    opens(vault, reader, records(vault, 6))
    assert alarms_of(vault, reader) == []
    watch(vault)
    assert alarms_of(vault, reader) == [(Sign.BULK, 6, 5)]
    with pytest.raises(AccessSuspended):
        opens(vault, reader, records(vault, 1))


def test_nobody_new_is_judged_and_nobody_for_what_they_do_every_day(
    morning: tuple[Vault, HandClock], one: Actor
) -> None:
    vault, _ = morning
    watching(vault, one, *Sign)
    new, busy = joined(vault, {"readers"}), joined(vault, {"readers"})
    known(vault, new, days=4)
    known(vault, busy, times=6)
    for who in (new, busy):
        opens(vault, who, records(vault, 10))
        watch(vault)
        assert alarms_of(vault, who) == []


def test_opening_at_night_is_raised_for_who_never_did(morning: tuple[Vault, HandClock], one: Actor) -> None:
    vault, clock = morning
    watching(vault, one)
    reader = joined(vault, {"readers"})
    known(vault, reader)
    clock.at += timedelta(hours=-8)
    opens(vault, reader, records(vault, 2))
    assert alarms_of(vault, reader) == []
    opens(vault, reader, records(vault, 1))
    assert alarms_of(vault, reader) == [(Sign.ODD_HOURS, 3, 2)]


def test_refusals_are_logged_counted_and_raised_and_a_purpose_not_said_is_none(
    morning: tuple[Vault, HandClock], one: Actor
) -> None:
    vault, _ = morning
    watching(vault, one)
    groups_of_letters(vault, one)
    reader = joined(vault, {"letters"})
    known(vault, reader)
    hidden = records(vault, 1)[0]
    for key in (hidden, "2026-999999", "a'b", "no such record"):
        with pytest.raises(NotFound):
            retrieval.find_record(vault, reader, key)
    assert alarms_of(vault, reader) == []
    with pytest.raises((NotFound, NotAllowed)):
        retrieval.open_version(vault, reader, hidden, purpose="business")
    assert alarms_of(vault, reader) == [(Sign.REFUSALS, 5, 4)]
    with vault.catalogue.read() as tx:
        told = [each.entry for each in tx.audit.page(subject=hidden) if each.entry.event is Event.RECORD_REFUSED]
        unknown = [each.entry for each in tx.audit.page(subject="record") if each.entry.actor == reader.person_id]
    assert [each.detail["code"] for each in told] == ["not-found", "not-found"]
    assert len(unknown) == 3


def groups_of_letters(vault: Vault, one: Actor) -> None:
    from vault.permissions import Role

    groups.add_group(vault, one, "letters")
    groups.grant_role(vault, one, "letters", Role.READER, "correspondence")


def suspended_now(vault: Vault, actor: Actor) -> set[str]:
    return {each.suspension.person_id for each in list_suspended(vault, actor)}


def suspended(vault: Vault, one: Actor, who: Actor, *, already: int = 0) -> str:
    """Somebody who read too much and is suspended by itself; gives the alarm's id."""
    watching(vault, one, Sign.BULK)
    known(vault, who)
    opens(vault, who, records(vault, 20 - already))
    return next(each.alarm.id for each in list_alarms(vault, one) if each.alarm.person_id == who.person_id)


def test_whoever_is_suspended_opens_nothing_by_any_way(
    morning: tuple[Vault, HandClock], one: Actor, two: Actor
) -> None:
    vault, _ = morning
    who = joined(vault)
    before = records(vault, 1)[0]
    _, token = sharing.make_link(vault, who, before, lifetime=timedelta(days=1), uses_max=5, pass_code=None)
    use = sharing.take_use(vault, token, pass_code=None, origin="here")
    opens(vault, who, [before])
    alarm = suspended(vault, one, who, already=2)
    assert who.person_id in suspended_now(vault, one)
    for record_id in (before, records(vault, 1)[0]):
        for way in ways_in(vault, who, record_id):
            with pytest.raises(AccessSuspended):
                way()
        assert not retrieval.is_opened(vault, who, record_id, "business")
        with pytest.raises(AccessSuspended):
            deriving.picture_of(vault, who, record_id)
        with pytest.raises(AccessSuspended):
            previews.look_at(vault, who, record_id, 1, purpose="business")
    with pytest.raises(AccessSuspended):
        sharing.list_links(vault, who)
    for through_link in (
        lambda: sharing.landing(vault, token),
        lambda: sharing.take_use(vault, token, pass_code=None, origin="here"),
        lambda: sharing.open_use(vault, token, use),
    ):
        with pytest.raises(LinkRevoked, match="withheld"):
            through_link()
    # What else they may do stays: they see lists, and let people in.
    assert retrieval.show(vault, who, before).view.record.id == before
    groups.list_groups(vault, who)
    for settles in (lift_suspension, settle_alarm):
        with pytest.raises(NotAllowed, match="about you"):
            settles(vault, who, alarm, WORDS)
    lift_suspension(vault, two, alarm, WORDS)
    opens(vault, who, [before])
    assert sharing.landing(vault, token).link.record_id == before
    with pytest.raises(Conflict):
        lift_suspension(vault, two, alarm, WORDS)


def test_the_last_who_could_let_them_in_is_warned_of_and_not_suspended(
    morning: tuple[Vault, HandClock], one: Actor, two: Actor
) -> None:
    vault, _ = morning
    others = [
        each.membership.person_id
        for each in groups.show_group(vault, everything(), "security").members
        if each.membership.person_id != one.person_id and each.active
    ]
    for each in others:
        groups.remove_member(vault, everything(), "security", each)
    alarm = suspended(vault, one, one)
    assert one.person_id not in suspended_now(vault, one)
    with pytest.raises(NotAllowed):
        suspend_person(vault, one, alarm)
    opens(vault, one, records(vault, 1))
    groups.add_member(vault, one, "security", two.person_id)
    suspend_person(vault, acting(vault, two.person_id), alarm)
    with pytest.raises(AccessSuspended):
        opens(vault, one, records(vault, 1))
    lift_suspension(vault, acting(vault, two.person_id), alarm, WORDS)


def test_an_alarm_is_settled_once_by_somebody_else_in_words_that_are_sealed(
    morning: tuple[Vault, HandClock], one: Actor, two: Actor
) -> None:
    vault, _ = morning
    who = joined(vault, {"readers"})
    alarm = suspended(vault, one, who)
    with pytest.raises(InvalidInput, match="words is empty") as silent:
        settle_alarm(vault, one, alarm, " ")
    assert silent.value.field == "words"
    stale = Actor(person_id=one.person_id, roles=one.roles)
    with pytest.raises(StepUpNeeded):
        settle_alarm(vault, stale, alarm, WORDS)
    settle_alarm(vault, one, alarm, WORDS)
    with pytest.raises(Conflict):
        settle_alarm(vault, one, alarm, WORDS)
    with pytest.raises(NotFound):
        settle_alarm(vault, one, "no-such-alarm", WORDS)
    with vault.catalogue.read() as tx:
        entry = next(e for e in tx.audit.page(subject=who.person_id) if e.entry.event is Event.ALARM_SETTLED)
    assert WORDS not in str(entry)
    assert logdetails.read_sealed(vault, everything(), entry.number)["words"] == WORDS
    assert who.person_id in suspended_now(vault, one)
    lift_suspension(vault, one, alarm, WORDS)


def test_the_database_lets_nobody_lift_their_own_and_nothing_be_rewritten(
    morning: tuple[Vault, HandClock], one: Actor
) -> None:
    vault, _ = morning
    who = joined(vault, {"readers"})
    alarm = suspended(vault, one, who)
    with vault.catalogue.read() as tx:
        found = tx.watching.suspension_of(who.person_id)
        raised = tx.watching.alarm(alarm)
    assert found is not None
    assert raised is not None
    own = replace(found, lifted_by=who.person_id, lifted_at=vault.now())
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.watching.lift(own)
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.watching.settle(replace(raised, settled_by=who.person_id, settled_at=vault.now()))
    for attempt in (
        "DELETE FROM suspensions",
        "DELETE FROM alarms",
        "UPDATE alarms SET measure = 0",
        "UPDATE suspensions SET person_id = suspended_by",
        "UPDATE watch_rules SET bulk_floor = 100000",
    ):
        with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
            tx.watching._rows.run(text(attempt))  # type: ignore[attr-defined]  # past the shelf
    again = Suspension(id="another", person_id=who.person_id, alarm_id=alarm, by="clock", at=vault.now())
    with vault.catalogue.write() as tx:
        assert not tx.watching.suspend(again)
    lift_suspension(vault, one, alarm, WORDS)


def test_only_a_security_administrator_sets_the_rule_within_its_bounds(vault: Vault, one: Actor) -> None:
    officer, auditor = joined(vault, {"officers"}), joined(vault, {"audit"})
    for who in (officer, auditor):
        with pytest.raises(NotAllowed):
            watching(vault, who)
    for wrong in ({"bulk_floor": 1}, {"factor_percent": 99}, {"history_days": 2}, {"refused_floor": 0}):
        with pytest.raises(InvalidInput):
            set_rule(vault, one, **{**RULE, **wrong}, suspends=())
    with pytest.raises(NotAllowed):
        list_alarms(vault, officer)
    assert list_alarms(vault, auditor) is not None


def test_counts_are_forgotten_after_their_window(morning: tuple[Vault, HandClock], one: Actor) -> None:
    vault, clock = morning
    reader = joined(vault, {"readers"})
    known(vault, reader)
    hour = hour_of(clock.at)
    watch(vault)
    with vault.catalogue.read() as tx:
        assert len(tx.watching.counted(reader.person_id, first=0, last=hour)) == 8
    clock.at += timedelta(days=70)
    watch(vault)
    with vault.catalogue.read() as tx:
        assert not tx.watching.counted(reader.person_id, first=0, last=hour)
