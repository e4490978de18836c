"""Notices of destruction: made with the approval, told before anything dies, and the window waits for the last one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.disposing import ANN, BEA, Hands, due_day, in_hand, record_of, rule_in_force
from tests.support.vault import add_bytes
from vault.audit import Event
from vault.customers import Profile
from vault.disposal import Decision, DisposalList, ListState
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotAllowed, NotDue, NotFound, StrongroomError
from vault.ids import CustomerId, PersonId, RecordId
from vault.notices import Audience, Channel, NoticeState
from vault.permissions import Actor, Role
from vault.records import RecordState
from vault.schedule import RuleVersion
from vault.workflows import customers, disposal, execution, expiry, holding, listing, notices, reviewing
from vault.workflows.reviewing import Choice
from vault.workflows.vault import Vault

READER = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, Hands]:
    return in_hand(vault)


def customer(vault: Vault, name: str) -> CustomerId:
    return customers.add_customer(vault, ANN, Profile(name=name)).customer.id


def due_of(vault: Vault, rule: RuleVersion, customer_id: CustomerId | None, *, in_days: int = 0) -> RecordId:
    record_id = add_bytes(vault, ANN, b"x", class_code=rule.code, customer_id=customer_id).record_id
    holding.file_record(vault, ANN, record_id, trigger_on=due_day(vault, in_days))
    return record_id


def approved(vault: Vault, rule: RuleVersion) -> DisposalList:
    (found,) = listing.propose_class(vault, ANN, rule.code)
    reviewing.review(vault, ANN, found.id, Choice(decision=Decision.DESTROY))
    disposal.sign(vault, ANN, found.id)
    return disposal.sign(vault, BEA, found.id).disposal


def events(vault: Vault, found: DisposalList) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in reversed(tx.audit.page(subject=found.id))]


def test_staff_and_each_customer_have_a_notice_and_the_window_waits_for_the_last_one(
    timed: tuple[Vault, Hands],
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, notify=True, objection_days=14, mandate="a law, art. 1")
    one, two = customer(vault, "Hillside Bakery"), customer(vault, "Lakeside Mill")
    mine, also = due_of(vault, rule, one), due_of(vault, rule, one)
    due_of(vault, rule, two)
    due_of(vault, rule, None)
    found = approved(vault, rule)
    assert (found.state, found.window_until) == (ListState.APPROVED, None)
    made = notices.notices_of_list(vault, ANN, found.id)
    assert [(each.notice.audience, each.notice.state, each.notice.record_count) for each in made[:1]] == [
        (Audience.STAFF, NoticeState.TOLD, 4)
    ]
    theirs = {each.notice.customer_id: each for each in made[1:]}
    assert {key: (each.notice.state, each.notice.record_count) for key, each in theirs.items()} == {
        one: (NoticeState.WAITING, 2),
        two: (NoticeState.WAITING, 1),
    }
    for text in (theirs[one].words.text_zh, theirs[one].words.text_en):
        assert all(record_of(vault, each).number in text for each in (mine, also))
        assert "a law, art. 1" in text
        assert "14" in text
        assert "Bakery" not in text
    hands.advance(days=400)
    with pytest.raises(NotDue, match="2 customers have not been told"):
        execution.execute(vault, BEA, found.id)
    notices.tell(vault, ANN, found.id, Channel.POST, customers=[one], remark="RR 1")
    assert disposal.show_list(vault, ANN, found.id).disposal.window_until is None
    with pytest.raises(Conflict, match="told already"):
        notices.tell(vault, ANN, found.id, Channel.PHONE, customers=[one])
    last = notices.tell(vault, ANN, found.id, Channel.PHONE)
    assert {each.words.remark for each in last if each.notice.customer_id == one} == {"RR 1"}
    view = disposal.show_list(vault, ANN, found.id)
    assert (view.disposal.window_until, view.untold) == (hands.at + timedelta(days=14), 0)
    with pytest.raises(NotDue, match="objections to list"):
        execution.execute(vault, BEA, found.id)
    hands.advance(days=14)
    assert execution.execute(vault, BEA, found.id).disposal.state is ListState.DONE
    assert [each for each in events(vault, found) if each in (Event.LIST_ANNOUNCED, Event.NOTICE_TOLD)] == [
        Event.LIST_ANNOUNCED,
        Event.NOTICE_TOLD,
        Event.NOTICE_TOLD,
    ]


def test_a_class_that_says_nothing_of_notices_has_none_and_its_window_begins_at_once(
    timed: tuple[Vault, Hands],
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, objection_days=7)
    due_of(vault, rule, customer(vault, "Hillside Bakery"))
    found = approved(vault, rule)
    assert notices.notices_of_list(vault, ANN, found.id) == []
    assert found.window_until == hands.at + timedelta(days=7)


def test_an_automatic_class_tells_before_anything_expires(timed: tuple[Vault, Hands]) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, automatic=True, notify=True, objection_days=3)
    record_id = due_of(vault, rule, customer(vault, "Hillside Bakery"))
    expiry.expire(vault)
    with vault.catalogue.read() as tx:
        list_id = tx.disposals.of_record(record_id)[0].list_id
    for _ in range(3):
        hands.advance(days=2)
        expiry.expire(vault)
    assert record_of(vault, record_id).state is RecordState.FILED
    notices.tell(vault, ANN, list_id, Channel.MAIL)
    for _ in range(2):
        hands.advance(days=1)
        expiry.expire(vault)
        assert record_of(vault, record_id).state is RecordState.FILED
    hands.advance(days=1)
    expiry.expire(vault)
    assert record_of(vault, record_id).state is RecordState.DESTROYED


def test_whoever_has_nothing_on_the_list_any_more_is_not_told(timed: tuple[Vault, Hands]) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, notify=True, objection_days=5)
    one, two = customer(vault, "Hillside Bakery"), customer(vault, "Lakeside Mill")
    objected, other = due_of(vault, rule, one), due_of(vault, rule, two)
    found = approved(vault, rule)
    notices.tell(vault, ANN, found.id, Channel.IN_PERSON, customers=[two])
    reviewing.object_to(vault, ANN, found.id, [objected], "it is needed")
    view = disposal.show_list(vault, ANN, found.id)
    assert (view.untold, view.disposal.window_until) == (0, hands.at + timedelta(days=5))
    second = due_of(vault, rule, one)
    later = approved(vault, rule)
    disposal.cancel(vault, ANN, later.id, "not now")
    states = [each.notice.state for each in notices.notices_of_list(vault, ANN, later.id)]
    assert states == [NoticeState.TOLD, NoticeState.DROPPED]
    with pytest.raises(Conflict, match="nobody waits"):
        notices.tell(vault, ANN, later.id, Channel.POST)
    assert {record_of(vault, each).state for each in (other, second)} == {RecordState.FILED}


def test_readers_see_what_the_staff_is_told_and_nothing_of_customers(timed: tuple[Vault, Hands]) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, notify=True)
    one = customer(vault, "Hillside Bakery")
    due_of(vault, rule, one)
    found = approved(vault, rule)
    staff, theirs = notices.notices_of_list(vault, ANN, found.id)
    assert {each.notice.audience for each in notices.list_notices(vault, READER)} == {Audience.STAFF}
    assert notices.show_notice(vault, READER, staff.notice.id).words == staff.words
    assert theirs.notice.id in [each.notice.id for each in notices.list_notices(vault, ANN, only_waiting=True)]
    with pytest.raises(NotFound):
        notices.show_notice(vault, READER, theirs.notice.id)
    with pytest.raises(NotAllowed):
        notices.tell(vault, READER, found.id, Channel.POST)


@pytest.mark.parametrize(
    ("channel", "remark", "error"),
    [(Channel.PAGES, "", InvalidInput), (Channel.POST, "x" * 201, InvalidInput), (Channel.POST, "a\nb", InvalidInput)],
)
def test_what_cannot_be_said_of_telling_is_refused(
    timed: tuple[Vault, Hands], channel: Channel, remark: str, error: type[StrongroomError]
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, notify=True)
    due_of(vault, rule, customer(vault, "Hillside Bakery"))
    found = approved(vault, rule)
    with pytest.raises(error):
        notices.tell(vault, ANN, found.id, channel, remark=remark)
    notices.tell(vault, ANN, found.id, Channel.POST, dry_run=True)
    assert disposal.show_list(vault, ANN, found.id).untold == 1


def test_the_database_executes_nothing_and_begins_no_window_while_somebody_waits(timed: tuple[Vault, Hands]) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, notify=True, objection_days=1)
    due_of(vault, rule, customer(vault, "Hillside Bakery"))
    found = approved(vault, rule)
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.disposals.update(replace(found, window_until=hands.at, change=tx.records.next_change()))
    waiting = notices.notices_of_list(vault, ANN, found.id)[1].notice
    notices.tell(vault, ANN, found.id, Channel.POST)
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.notices.update(waiting)
