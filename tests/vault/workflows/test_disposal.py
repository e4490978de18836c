"""Disposal lists: reviewed, signed by different people in order, objected to, and executed in company."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.support.disposing import ANN, BEA, CAI, DAN, Hands, due_day, due_record, in_hand, record_of, rule_in_force
from tests.support.holding import place
from tests.support.people import acting, everything
from tests.support.vault import add_bytes
from vault.audit import Event
from vault.destruction import Targets
from vault.disposal import Decision, DisposalList, ListState, Part, Signature
from vault.disposition import Ground
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotAllowed, NotDue, StrongroomError
from vault.groups import FOUNDING
from vault.ids import PersonId, RecordId
from vault.people import CLOCK_ID
from vault.permissions import Actor, Role
from vault.records import RecordState
from vault.schedule import RuleVersion
from vault.workflows import awaiting, destruction, disposal, execution, listing, people, reviewing, schedules
from vault.workflows.filingreports import list_reports
from vault.workflows.reviewing import Choice
from vault.workflows.vault import Vault

DESTROY = Choice(decision=Decision.DESTROY)
READER = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, Hands]:
    return in_hand(vault)


def listed(vault: Vault, rule: RuleVersion) -> DisposalList:
    (found,) = listing.propose_class(vault, ANN, rule.code)
    return found


def approved(vault: Vault, rule: RuleVersion) -> DisposalList:
    found = listed(vault, rule)
    reviewing.review(vault, ANN, found.id, DESTROY)
    disposal.sign(vault, ANN, found.id)
    return disposal.sign(vault, BEA, found.id).disposal


def next_step(vault: Vault, found: DisposalList) -> tuple[str, bool]:
    (step,) = (each for each in awaiting.steps_awaiting(vault, ANN) if each.key == found.number)
    return step.kind, step.mine


def states(vault: Vault, *record_ids: RecordId) -> list[RecordState]:
    return [record_of(vault, each).state for each in record_ids]


def events(vault: Vault, found: DisposalList) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in reversed(tx.audit.page(subject=found.id))]


# -- from proposal to the end ------------------------------------------------------------------------------------------


def test_upkeep_lists_what_is_due_within_the_lead_time_and_approves_nothing(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, lead_days=30)
    soon, later = due_record(vault, actor, rule.code, in_days=30), due_record(vault, actor, rule.code, in_days=31)
    held = due_record(vault, actor, rule.code)
    place(vault, ANN, held)
    listing.propose_lists(vault)
    with vault.catalogue.read() as tx:
        assert [len(tx.disposals.of_record(each)) for each in (soon, later, held)] == [1, 0, 0]
        found = tx.disposals.get(tx.disposals.of_record(soon)[0].list_id)
    assert found is not None
    assert (found.proposed_by, found.state, found.automatic) == (CLOCK_ID, ListState.PROPOSED, False)
    hands.advance(days=60)
    listing.propose_lists(vault)
    assert disposal.show_list(vault, ANN, found.id).counts == {Decision.PENDING: 1}
    with pytest.raises(Conflict, match="silence never approves"):
        disposal.sign(vault, ANN, found.id)
    assert states(vault, soon, later) == [RecordState.FILED] * 2


def test_a_list_goes_from_review_to_its_end_by_different_people(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, signing=("head of archives", "head of accounts"))
    record_id = due_record(vault, actor, rule.code)
    found = listed(vault, rule)
    view = reviewing.review(vault, ANN, found.id, Choice(decision=Decision.DESTROY, reason="没有保存价值"))
    assert (view.next, view.counts) == ((Part.PROPOSER, 1), {Decision.DESTROY: 1})
    disposal.sign(vault, ANN, found.id, Part.PROPOSER)
    with pytest.raises(NotAllowed, match=r"signed list .* as its proposer; its approver is somebody else"):
        disposal.sign(vault, ANN, found.id)
    with pytest.raises(Conflict, match=r"next signature .* approver"):
        disposal.sign(vault, BEA, found.id, Part.SUPERVISOR)
    with pytest.raises(NotAllowed):
        disposal.sign(vault, Actor(person_id=PersonId("clerk"), roles=frozenset({Role.RECORDS})), found.id)
    assert disposal.show_list(vault, ANN, found.id).title == "head of archives"
    assert disposal.sign(vault, BEA, found.id).title == "head of accounts"
    with pytest.raises(Conflict, match="is proposed"):
        execution.execute(vault, ANN, found.id)
    assert disposal.sign(vault, CAI, found.id).disposal.state is ListState.APPROVED
    with pytest.raises(Conflict, match="already; execute it"):
        disposal.sign(vault, DAN, found.id)
    done = execution.execute(vault, CAI, found.id)
    assert done.batch is not None
    assert (done.disposal.state, done.disposal.batch_id) == (ListState.DONE, done.batch.id)
    assert states(vault, record_id) == [RecordState.DESTROYED]
    assert events(vault, found) == [
        Event.LIST_PROPOSED,
        Event.LIST_REVIEWED,
        *[Event.LIST_SIGNED] * 3,
        Event.LIST_APPROVED,
        Event.LIST_EXECUTED,
        Event.LIST_DONE,
    ]
    (item,) = disposal.list_items(vault, ANN, found.id)
    assert item.reason == "没有保存价值"
    with pytest.raises(Conflict, match="done"):
        execution.execute(vault, CAI, found.id)


def test_everything_but_destruction_leaves_the_list_with_a_reason(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, hands = timed
    rule, other = rule_in_force(vault), rule_in_force(vault, period_years=5)
    gone, extended, moved, given, kept = (due_record(vault, actor, rule.code) for _ in range(5))
    found = listed(vault, rule)
    until = due_day(vault) + timedelta(days=90)
    with pytest.raises(InvalidInput) as refused:
        reviewing.review(vault, ANN, found.id, Choice(decision=Decision.KEEP), [kept])
    assert refused.value.field == "reason"
    with pytest.raises(InvalidInput) as refused:
        reviewing.review(vault, ANN, found.id, Choice(decision=Decision.EXTEND, reason="a claim"), [extended])
    assert refused.value.field == "until"
    for record_id, choice in (
        (extended, Choice(decision=Decision.EXTEND, reason="a claim", until=until)),
        (moved, Choice(decision=Decision.RECLASSIFY, reason="wrong class", target=other.code)),
        (given, Choice(decision=Decision.TRANSFER, reason="to the archives")),
        (kept, Choice(decision=Decision.KEEP, reason="of lasting value")),
    ):
        reviewing.review(vault, ANN, found.id, choice, [record_id])
    reviewing.review(vault, ANN, found.id, DESTROY)
    assert record_of(vault, extended).due_on == until
    assert record_of(vault, moved).class_code == other.code
    disposal.sign(vault, ANN, found.id)
    disposal.sign(vault, BEA, found.id)
    done = execution.execute(vault, ANN, found.id)
    assert done.left_out == {}
    assert states(vault, gone, extended, moved, given, kept) == [RecordState.DESTROYED, *[RecordState.FILED] * 4]
    assert listing.propose_class(vault, ANN, rule.code) == []
    schedules.propose(vault, ANN, replace(rule.rule, period_months=1), "another month")
    schedules.approve(vault, BEA, rule.code)
    schedules.follow(vault)
    assert record_of(vault, extended).due_on == until, "what was extended stays extended"
    hands.advance(days=366)
    (again,) = listing.propose_class(vault, ANN, rule.code)
    assert {each.record.id for each in disposal.list_items(vault, ANN, again.id)} == {extended, given, kept}


def test_those_for_another_class_are_all_filed_there_with_the_decision_or_none_is(
    timed: tuple[Vault, Hands], actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, hands = timed
    rule, other = rule_in_force(vault), rule_in_force(vault)
    late = due_record(vault, actor, rule.code, in_days=30)
    ids = [late]
    while min(ids) == late or len(ids) < 3:  # they are gone through by their ids, and the late one is not the first
        ids.append(due_record(vault, actor, rule.code))
    hands.advance(days=30)
    found = listed(vault, rule)

    def moved(in_days: int, *, dry_run: bool = False) -> None:
        choice = Choice(
            decision=Decision.RECLASSIFY, reason="wrong class", target=other.code, trigger_on=due_day(vault, in_days)
        )
        reviewing.review(vault, ANN, found.id, choice, dry_run=dry_run)

    def stands() -> list[tuple[str, int, Decision]]:
        decided = {each.record.id: each.item.decision for each in disposal.list_items(vault, ANN, found.id)}
        return [(record_of(vault, each).class_code, len(list_reports(vault, ANN, each)), decided[each]) for each in ids]

    def locked_until() -> list[date]:
        with vault.catalogue.read() as tx:
            return [tx.records.versions(each)[0].lock.retain_until.date() for each in ids]

    before = [(rule.code, 1, Decision.PENDING)] * len(ids)
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match="cannot make that"):
            moved(-1, dry_run=dry_run)
    locked = locked_until()
    moved(400, dry_run=True)
    assert (stands(), locked_until()) == (before, locked)
    with monkeypatch.context() as patched:
        patched.setattr(reviewing, "REFILED_MAX", len(ids) - 1)
        with pytest.raises(InvalidInput, match="choose some of them"):
            moved(400)
    moved(400)
    assert min(locked_until()) >= due_day(vault, 400) > max(locked)
    assert stands() == [(other.code, 2, Decision.RECLASSIFY)] * len(ids)


@pytest.mark.parametrize("decision", [Decision.RECLASSIFY, Decision.EXTEND])
def test_a_decision_on_many_waits_for_whoever_has_one_of_them_before_it_counts_changes(
    timed: tuple[Vault, Hands], actor: Actor, decision: Decision
) -> None:
    vault, _ = timed
    rule, other = rule_in_force(vault), rule_in_force(vault)
    ids = sorted(due_record(vault, actor, rule.code) for _ in range(3))
    found = listed(vault, rule)
    later = due_day(vault, 400)
    choice = Choice(decision=decision, reason="wrong", target=other.code, trigger_on=later, until=later)
    with ThreadPoolExecutor(1) as another:
        with vault.catalogue.write() as tx:
            tx.records.get(ids[-1], for_update=True)
            review = another.submit(reviewing.review, vault, ANN, found.id, choice)
            wait([review], timeout=1)  # it has come to this record, or waits at the door
            tx.records.next_change()
        assert review.result().counts == {decision: 3}
    assert {record_of(vault, each).due_on for each in ids} == {later}


def test_a_list_of_which_nothing_is_to_die_is_done_with_its_first_signature(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault)
    due_record(vault, actor, rule.code)
    found = listed(vault, rule)
    reviewing.review(vault, ANN, found.id, Choice(decision=Decision.KEEP, reason="of lasting value"))
    assert disposal.sign(vault, ANN, found.id).disposal.state is ListState.DONE


def test_an_objection_takes_a_record_off_a_list_that_is_signed(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, objection_days=14)
    one, other = due_record(vault, actor, rule.code), due_record(vault, actor, rule.code)
    found = approved(vault, rule)
    assert found.window_until == hands.at + timedelta(days=14)
    with pytest.raises(NotDue, match="objections"):
        execution.execute(vault, ANN, found.id)
    reviewing.object_to(vault, CAI, found.id, [one], "the customer wants it kept")
    with pytest.raises(Conflict, match="objected"):
        reviewing.object_to(vault, CAI, found.id, [one], "again")
    hands.advance(days=14)
    execution.execute(vault, ANN, found.id)
    assert states(vault, one, other) == [RecordState.FILED, RecordState.DESTROYED]
    with pytest.raises(Conflict, match="too late"):
        reviewing.object_to(vault, CAI, found.id, [other], "too late")


def test_what_became_held_since_is_left_out_and_the_rest_dies(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault)
    held, free = due_record(vault, actor, rule.code), due_record(vault, actor, rule.code)
    found = approved(vault, rule)
    place(vault, CAI, held)
    seen = execution.preview_execution(vault, ANN, found.id)
    assert ([each.record.id for each in seen.dying], seen.left_out) == ([free], {held: "held"})
    done = execution.execute(vault, ANN, found.id)
    assert done.left_out == {held: "held"}
    assert states(vault, held, free) == [RecordState.FILED, RecordState.DESTROYED]


def test_an_execution_waits_for_the_last_due_date_and_the_rule_that_was_signed_for(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, lead_days=30)
    record_id = due_record(vault, actor, rule.code, in_days=5)
    found = approved(vault, rule)
    assert next_step(vault, found) == ("await-list", False)
    with pytest.raises(NotDue, match="becomes due"):
        execution.execute(vault, ANN, found.id)
    hands.advance(days=5)
    assert next_step(vault, found) == ("execute-list", True)
    schedules.propose(vault, ANN, replace(rule.rule, supervised=True), "the law changed")
    schedules.approve(vault, BEA, rule.code)
    with pytest.raises(Conflict, match=r"rule of class .* has changed"):
        execution.execute(vault, ANN, found.id)
    assert disposal.show_list(vault, ANN, found.id).outdated
    assert next_step(vault, found) == ("cancel-list", True)
    disposal.cancel(vault, ANN, found.id, "the rule changed")
    cancelled = disposal.show_list(vault, ANN, found.id)
    assert (cancelled.profile.cancelled, cancelled.outdated) == ("the rule changed", False)
    schedules.follow(vault)
    assert listed(vault, rule_of(vault, rule.code)).supervisors == 2
    assert states(vault, record_id) == [RecordState.FILED]


def rule_of(vault: Vault, code: str) -> RuleVersion:
    with vault.catalogue.read() as tx:
        found = tx.schedules.rule(code)
    assert found is not None
    return found


def test_two_supervisors_attend_where_the_law_wants_them(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, supervised=True)
    record_id = due_record(vault, actor, rule.code)
    found = approved(vault, rule)
    with pytest.raises(Conflict, match=r"2 supervisors attend .* and 0 signed"):
        execution.execute(vault, ANN, found.id, place="room 3", method="keys destroyed")
    with pytest.raises(NotAllowed, match="as its proposer; its supervisor is somebody else"):
        disposal.sign(vault, ANN, found.id)
    disposal.sign(vault, CAI, found.id)
    with pytest.raises(NotAllowed, match="as its supervisor"):
        disposal.sign(vault, CAI, found.id)
    with pytest.raises(Conflict, match="and 1 signed"):
        execution.execute(vault, ANN, found.id, place="room 3", method="keys destroyed")
    disposal.sign(vault, DAN, found.id)
    with pytest.raises(InvalidInput) as refused:
        execution.execute(vault, ANN, found.id)
    assert refused.value.field == "place"
    execution.execute(vault, ANN, found.id, place="room 3", method="keys destroyed", remarks="nobody objected")
    profile = disposal.show_list(vault, ANN, found.id).profile
    assert (profile.place, profile.method, profile.remarks) == ("room 3", "keys destroyed", "nobody objected")
    assert states(vault, record_id) == [RecordState.DESTROYED]


def test_what_was_filed_in_error_takes_two_people_and_no_period(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    record_id = add_bytes(vault, actor, b"x", class_code="contract").record_id
    held = add_bytes(vault, actor, b"x", class_code="contract").record_id
    place(vault, CAI, held)
    with pytest.raises(Conflict, match="is held by matter"):
        listing.propose_error(vault, ANN, [held], "a private letter")
    found = listing.propose_error(vault, ANN, [record_id], "a private letter")
    assert found is not None
    assert (found.ground, found.due_until, found.window_until) == (Ground.FILED_IN_ERROR, None, None)
    with pytest.raises(Conflict, match="stands on list"):
        listing.propose_error(vault, BEA, [record_id], "once more")
    with pytest.raises(NotAllowed):
        disposal.sign(vault, ANN, found.id)
    disposal.sign(vault, BEA, found.id)
    execution.execute(vault, BEA, found.id)
    assert states(vault, record_id) == [RecordState.DESTROYED]
    assert disposal.show_list(vault, ANN, found.id).profile.reason == "a private letter"


def test_a_reader_sees_no_list_and_decides_nothing(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault)
    due_record(vault, actor, rule.code)
    found = listed(vault, rule)
    attempts: list[Callable[[], object]] = [
        lambda: disposal.show_list(vault, READER, found.id),
        lambda: reviewing.review(vault, READER, found.id, DESTROY),
        lambda: disposal.cancel(vault, READER, found.id, "no"),
        lambda: execution.execute(vault, READER, found.id),
        lambda: listing.propose_class(vault, READER, rule.code),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed):
            attempt()


def joined(vault: Vault, login: str) -> Actor:
    token = people.invite(vault, everything(), FOUNDING)
    person = people.accept_invitation(vault, token, login=login, name=login, password="a long enough one")
    return acting(vault, person.id)


def test_whoever_has_a_second_person_is_not_alone(fresh_vault: Vault) -> None:
    vault = fresh_vault
    record_id = add_bytes(vault, ANN, b"x").record_id
    one, two = joined(vault, "one"), joined(vault, "two")
    targets = Targets(records=frozenset({record_id}))
    with pytest.raises(NotAllowed, match="nobody is alone here"):
        destruction.destroy(vault, one, targets, alone=True, error=True)
    found = listing.propose_error(vault, one, [record_id], "a private letter")
    assert found is not None
    disposal.sign(vault, two, found.id)
    assert execution.execute(vault, two, found.id).batch is not None


# -- what the database keeps by itself ---------------------------------------------------------------------------------


def signature(found: DisposalList, person: str, part: Part, step: int = 1) -> Signature:
    return Signature(
        list_id=found.id, person_id=PersonId(person), part=part, step=step, at=found.proposed_at, change=found.change
    )


def sign_in_rows(vault: Vault, *signatures: Signature) -> None:
    with vault.catalogue.write() as tx:
        for each in signatures:
            tx.disposals.sign(each)


def execute_in_rows(vault: Vault, executing: DisposalList) -> None:
    with vault.catalogue.write() as tx:
        tx.disposals.update(replace(executing, change=tx.records.next_change()))


def test_the_database_keeps_proposer_approvers_and_supervisors_apart(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, supervised=True)
    due_record(vault, actor, rule.code)
    found = listed(vault, rule)
    attempts: list[tuple[str, list[Signature]]] = [
        ("the proposer approves", [signature(found, "ann", Part.PROPOSER), signature(found, "ann", Part.APPROVER)]),
        ("two approve in one step", [signature(found, each, Part.APPROVER) for each in ("ann", "bea")]),
        ("a supervisor before approval", [signature(found, "cai", Part.SUPERVISOR)]),
        ("the clock signs", [signature(found, "clock", Part.PROPOSER)]),
    ]
    for _, signatures in attempts:
        with pytest.raises(StrongroomError):
            sign_in_rows(vault, *signatures)
    reviewing.review(vault, ANN, found.id, DESTROY)
    disposal.sign(vault, ANN, found.id)
    disposal.sign(vault, BEA, found.id)
    for person in ("ann", "bea"):
        with pytest.raises(StrongroomError):
            sign_in_rows(vault, signature(found, person, Part.SUPERVISOR))


def test_the_database_approves_no_list_that_is_unsigned_or_undecided(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, hands = timed
    rule = rule_in_force(vault)
    due_record(vault, actor, rule.code)
    found = listed(vault, rule)

    def approve(*signatures: Signature) -> None:
        with vault.catalogue.write() as tx:
            for each in signatures:
                tx.disposals.sign(each)
            change = tx.records.next_change()
            tx.disposals.update(replace(found, state=ListState.APPROVED, approved_at=hands.at, change=change))

    both = (signature(found, "ann", Part.PROPOSER), signature(found, "bea", Part.APPROVER))
    for given in ((), both[:1], both[1:], both):
        with pytest.raises(CatalogueBroken):
            approve(*given)
    reviewing.review(vault, ANN, found.id, DESTROY)
    for given in ((), both[:1], both[1:]):
        with pytest.raises(CatalogueBroken):
            approve(*given)
    approve(*both)


def test_the_database_executes_nothing_before_its_window_ends_or_with_one_supervisor(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    other = add_bytes(vault, actor, b"x").record_id
    batch = destruction.destroy(vault, actor, Targets(records=frozenset({other})), alone=True, error=True)
    for changes, supervisors in (({"objection_days": 3}, 0), ({"supervised": True}, 1)):
        rule = rule_in_force(vault, **changes)
        due_record(vault, actor, rule.code)
        found = approved(vault, rule)
        for number in range(supervisors):
            found = disposal.sign(vault, (CAI, DAN)[number], found.id).disposal
        with pytest.raises(CatalogueBroken):
            execute_in_rows(vault, replace(found, state=ListState.EXECUTING, executed_at=hands.at, batch_id=batch.id))


def test_the_database_keeps_what_was_decided_and_lists_a_record_once(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault)
    record_id = due_record(vault, actor, rule.code)
    found = approved(vault, rule)
    with vault.catalogue.read() as tx:
        item = tx.disposals.item(found.id, record_id)
    assert item is not None
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.disposals.update_item(replace(item, decision=Decision.PENDING, decided_by=None, decided_at=None))
    error = listing.propose_error
    with pytest.raises(Conflict, match="stands on list"):
        error(vault, ANN, [record_id], "a reason")
    disposal.cancel(vault, ANN, found.id, "no longer")
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.disposals.update_item(replace(item, listed=True))
    assert listed(vault, rule).number > found.number
