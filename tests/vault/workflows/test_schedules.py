"""The schedule at work: two people, what a change touches, and records that follow."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.support.disposing import ANN, BEA, due_day, due_record, rule_in_force
from tests.support.people import somebody
from tests.support.vault import add_bytes
from tests.vault.samples import a_class
from tests.vault.workflows.faults import with_clock
from vault.audit import Event
from vault.classes import DisposalAction, RecordClass, Trigger
from vault.disposition import Standing
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.ids import PersonId, RecordId
from vault.objects import LockMode
from vault.permissions import Actor, Role
from vault.records import Description, Record
from vault.schedule import RuleState, RuleVersion
from vault.workflows import holding, intake, listing, register, reviewing, schedules, upkeep
from vault.workflows.retrieval import show
from vault.workflows.reviewing import choice_of
from vault.workflows.rulepreview import Moved
from vault.workflows.vault import Vault

ONE = somebody("person-one")
TWO = somebody("person-two")
TRIGGER = date(2026, 5, 4)
_numbers = itertools.count(1)


@pytest.fixture
def code() -> str:
    return f"made-up-{next(_numbers)}"


def put_in_force(vault: Vault, rule: RecordClass) -> RuleVersion:
    schedules.propose(vault, ONE, rule, "because the law changed")
    return schedules.approve(vault, TWO, rule.code)


def add_filed(vault: Vault, actor: Actor, code: str, trigger_on: date | None = TRIGGER) -> RecordId:
    record_id = add_bytes(vault, actor, b"x", class_code=code).record_id
    holding.file_record(vault, actor, record_id, trigger_on=trigger_on)
    return record_id


def record_of(vault: Vault, record_id: RecordId) -> Record:
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
    assert record is not None
    return record


def events_of(vault: Vault, code: str) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in reversed(tx.audit.page(subject=code))]


def test_a_class_takes_two_people_and_is_there_at_once(vault: Vault, actor: Actor, code: str) -> None:
    rule = a_class(code=code, period_years=0, period_months=6)
    proposed = schedules.propose(vault, ONE, rule, "a reason\nwith two lines")
    assert (proposed.version, proposed.state) == (1, RuleState.PROPOSED)
    with pytest.raises(InvalidInput, match="no such class"):
        add_bytes(vault, actor, b"x", class_code=code)
    with pytest.raises(NotAllowed, match="somebody else"):
        schedules.approve(vault, ONE, code)
    approved = schedules.approve(vault, TWO, code)
    assert (approved.state, approved.decided_by) == (RuleState.IN_FORCE, TWO.person_id)
    assert record_of(vault, add_filed(vault, actor, code)).due_on == date(2026, 11, 4)
    (view,) = schedules.show_class(vault, actor, code)
    assert view.reason == "a reason\nwith two lines"
    assert events_of(vault, code) == [Event.RULE_PROPOSED, Event.RULE_APPROVED]
    with pytest.raises(NotFound, match="nothing is proposed"):
        schedules.approve(vault, TWO, code)


def test_a_reason_stands_nowhere_in_clear(vault: Vault, code: str) -> None:
    schedules.propose(vault, ONE, a_class(code=code), "Mr Wei asked for it")
    with vault.catalogue.read() as tx:
        (rule,) = tx.schedules.versions(code)
        entries = tx.audit.page(subject=code)
    assert b"Wei" not in rule.sealed_reason
    assert "Wei" not in repr(entries)


def test_a_preview_says_how_many_records_a_rule_touches_and_their_new_dates(
    vault: Vault, actor: Actor, code: str
) -> None:
    put_in_force(vault, a_class(code=code))
    numbers = {
        record_of(vault, add_filed(vault, actor, code, trigger)).number: trigger
        for trigger in (date(2024, 2, 29), date(2025, 1, 1), None)
    }
    add_bytes(vault, actor, b"x", class_code=code)
    shorter = schedules.preview(vault, ONE, a_class(code=code, period_years=3))
    assert (shorter.received, shorter.filed, shorter.earlier, shorter.later, shorter.unchanged) == (1, 3, 2, 0, 1)
    assert shorter.earliest == date(2027, 3, 1)
    assert [(each.due_on, each.new_due_on) for each in shorter.sample] == [
        (date(2034, 3, 1), date(2027, 3, 1)),
        (date(2035, 1, 1), date(2028, 1, 1)),
    ]
    assert all(numbers[each.number] == each.trigger_on for each in shorter.sample)
    permanent = schedules.preview(vault, ONE, a_class(code=code, period_years=None))
    assert (permanent.earlier, permanent.later, permanent.unchanged) == (0, 2, 1)
    assert [each.new_due_on for each in permanent.sample] == [None, None]
    same = schedules.preview(vault, ONE, a_class(code=code, title_en="Another name"))
    assert (same.unchanged, same.sample) == (3, [])
    assert events_of(vault, code) == [Event.RULE_PROPOSED, Event.RULE_APPROVED]


def test_records_follow_a_rule_that_became_longer_and_their_locks_do_too(vault: Vault, actor: Actor, code: str) -> None:
    put_in_force(vault, a_class(code=code))
    record_id = add_filed(vault, actor, code)
    assert (record_of(vault, record_id).due_on, record_of(vault, record_id).rule_version) == (date(2036, 5, 4), 1)
    put_in_force(vault, a_class(code=code, period_years=12))
    # What is filed from now on takes the new rule, what was filed before is protected by it already.
    assert record_of(vault, add_filed(vault, actor, code)).due_on == date(2038, 5, 4)
    assert show(vault, actor, record_id).verdict.keep_until == date(2038, 5, 4)
    assert record_of(vault, record_id).due_on == date(2036, 5, 4)
    assert upkeep.follow_schedule(vault).values == {"followed": 1, "moved": 1}
    assert (record_of(vault, record_id).due_on, record_of(vault, record_id).rule_version) == (date(2038, 5, 4), 2)
    upkeep.renew_locks(vault)
    (version,) = show(vault, actor, record_id).versions
    assert version.version.lock.retain_until.date() == date(2038, 5, 4)
    assert upkeep.follow_schedule(vault).values == {"followed": 0, "moved": 0}
    assert events_of(vault, code)[-1] is Event.RULE_FOLLOWED


def test_a_due_date_comes_nearer_by_a_rule_of_two_people_while_the_lock_stays(
    vault: Vault, actor: Actor, code: str
) -> None:
    put_in_force(vault, a_class(code=code))
    record_id = add_filed(vault, actor, code)
    put_in_force(vault, a_class(code=code, period_years=1))
    assert show(vault, actor, record_id).verdict.keep_until == date(2036, 5, 4)
    upkeep.follow_schedule(vault)
    assert record_of(vault, record_id).due_on == date(2027, 5, 4)
    (version,) = show(vault, actor, record_id).versions
    assert version.version.lock.retain_until.date() == date(2036, 5, 4)
    with pytest.raises(InvalidInput, match="to be kept until 2027-05-04"):
        holding.file_record(vault, actor, record_id, trigger_on=date(2026, 5, 3))


def test_a_rule_may_be_followed_by_filing_again_before_upkeep_comes(vault: Vault, actor: Actor, code: str) -> None:
    put_in_force(vault, a_class(code=code))
    record_id = add_filed(vault, actor, code)
    put_in_force(vault, a_class(code=code, period_years=1))
    assert holding.file_record(vault, actor, record_id).due_on == date(2027, 5, 4)


def test_many_records_follow_in_batches(vault: Vault, actor: Actor, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "FOLLOWED_AT_ONCE", 2)
    put_in_force(vault, a_class(code=code))
    ids = [add_filed(vault, actor, code) for _ in range(5)]
    put_in_force(vault, a_class(code=code, period_years=None))
    assert upkeep.follow_schedule(vault).values == {"followed": 5, "moved": 5}
    assert {record_of(vault, each).due_on for each in ids} == {None}
    assert events_of(vault, code).count(Event.RULE_FOLLOWED) == 3
    assert {show(vault, actor, each).verdict.standing for each in ids} == {Standing.PERMANENT}


def test_a_class_under_living_records_is_not_retired_and_one_without_is(vault: Vault, actor: Actor, code: str) -> None:
    put_in_force(vault, a_class(code=code))
    record_id = add_bytes(vault, actor, b"x", class_code=code).record_id
    with pytest.raises(Conflict, match=f"1 records have class {code}"):
        schedules.retire(vault, ONE, code)
    holding.file_record(vault, actor, record_id, class_code="contract")
    assert schedules.retire(vault, ONE, code).state is RuleState.RETIRED
    with pytest.raises(InvalidInput):
        add_bytes(vault, actor, b"x", class_code=code)
    with pytest.raises(NotFound):
        holding.file_record(vault, actor, record_id, class_code=code)
    with pytest.raises(Conflict, match="retired already"):
        schedules.retire(vault, ONE, code)
    again = put_in_force(vault, a_class(code=code))
    assert (again.version, again.is_in_force) == (2, True)


def test_a_record_that_came_while_its_class_was_retired_keeps_its_rule(vault: Vault, actor: Actor, code: str) -> None:
    put_in_force(vault, a_class(code=code))
    said = intake.Filing(class_code=code, customer_id=None, description=Description.checked(title="x"), file_name="x")
    with intake.begin(vault, actor, said) as receiving:
        schedules.retire(vault, ONE, code)
        receiving.accept(memoryview(b"late"), final=True).result()
        record_id = receiving.finish().record_id
    assert holding.file_record(vault, actor, record_id, trigger_on=TRIGGER).due_on == date(2036, 5, 4)
    assert show(vault, actor, record_id).verdict.standing is Standing.KEEP


def test_a_trigger_is_not_changed_under_dates_that_were_named_for_another(
    vault: Vault, actor: Actor, code: str
) -> None:
    put_in_force(vault, a_class(code=code))
    ended = a_class(code=code, trigger=Trigger.CONTRACT_ENDED)
    schedules.propose(vault, ONE, ended, "no date names anything yet")
    add_filed(vault, actor, code)
    with pytest.raises(Conflict, match=r"1 records of class .* 'created'.* 'contract-ended'"):
        schedules.approve(vault, TWO, code)
    schedules.withdraw(vault, ONE, code)
    with pytest.raises(Conflict, match="a class of its own"):
        schedules.propose(vault, ONE, ended, "again")


def test_one_proposal_waits_and_may_be_withdrawn_by_its_proposer(vault: Vault, code: str) -> None:
    rule = a_class(code=code)
    schedules.propose(vault, ONE, rule, "first")
    with pytest.raises(Conflict, match="approve or withdraw it first"):
        schedules.propose(vault, TWO, rule, "second")
    assert schedules.withdraw(vault, ONE, code).state is RuleState.WITHDRAWN
    assert schedules.propose(vault, TWO, rule, "second").version == 2
    schedules.approve(vault, ONE, code)
    with pytest.raises(Conflict, match="says so already"):
        schedules.propose(vault, TWO, rule, "third")


@pytest.mark.parametrize(
    "rule",
    [
        a_class(automatic=True, supervised=True),
        a_class(automatic=True, action=DisposalAction.REVIEW),
        a_class(lock_mode=LockMode.COMPLIANCE),
        a_class(period_years=-1),
    ],
)
def test_what_cannot_be_a_rule_is_refused_before_anybody_sees_it(vault: Vault, rule: RecordClass) -> None:
    for ask in (lambda: schedules.propose(vault, ONE, rule, "why"), lambda: schedules.preview(vault, ONE, rule)):
        with pytest.raises(InvalidInput):
            ask()


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001, "bell\x07"])
def test_a_rule_needs_a_reason(vault: Vault, code: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        schedules.propose(vault, ONE, a_class(code=code), reason)
    assert refused.value.field == "reason"


def test_a_set_that_ships_is_proposed_class_by_class_and_once(vault: Vault, actor: Actor) -> None:
    assert schedules.adoptable(vault, ONE, "cn") == []
    proposed = schedules.adopt(vault, ONE, "eu-us", "we work there too")
    assert len(proposed) == len({each.code for each in proposed}) >= 10
    assert {each.shipped for each in proposed} == {False}
    assert schedules.adopt(vault, ONE, "eu-us", "again") == []
    approved = schedules.approve(vault, TWO, "eu-applicant")
    assert approved.rule.period_months == 6
    for each in proposed:
        if each.code != "eu-applicant":
            schedules.withdraw(vault, ONE, each.code)
    with pytest.raises(NotFound, match="cn, eu-us"):
        schedules.adopt(vault, ONE, "moon", "why not")
    codes = [(each.code, each.version) for each in schedules.list_rules(vault, actor)]
    assert codes == sorted(codes)


def test_who_may_not_change_rules_is_refused_and_may_still_read_them(vault: Vault, code: str) -> None:
    clerk = Actor(person_id=PersonId("clerk"), roles=frozenset({Role.RECORDS, Role.READER}))
    rule = a_class(code=code)
    for refused in (
        lambda: schedules.propose(vault, clerk, rule, "why"),
        lambda: schedules.preview(vault, clerk, rule),
        lambda: schedules.preview_proposal(vault, clerk, code),
        lambda: schedules.approve(vault, clerk, code),
        lambda: schedules.withdraw(vault, clerk, code),
        lambda: schedules.adopt(vault, clerk, "cn", "why"),
        lambda: schedules.retire(vault, clerk, "contract"),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert schedules.list_rules(vault, clerk)
    assert schedules.show_class(vault, clerk, "contract")
    with pytest.raises(NotFound):
        schedules.show_class(vault, clerk, "no-such-class")


def test_rules_are_in_the_register_with_their_reasons_sealed(vault: Vault, code: str) -> None:
    register.write_pending(vault)
    approved = put_in_force(vault, a_class(code=code, period_years=0, notify=True))
    with vault.catalogue.read() as tx:
        found = register._next_register(vault, tx)
    assert found is not None
    body = register.seal_register(vault, found)
    opened = register.open_register(vault.keys, body, tree_id=vault.fonds.tree_id, to=found.to)
    assert [each for each in opened.rules if each.code == code] == [approved]
    superseding = put_in_force(vault, replace(approved.rule, period_years=1))
    with vault.catalogue.read() as tx:
        again = register._next_register(vault, tx)
    assert again is not None
    assert {each.state for each in again.rules if each.code == code} == {RuleState.SUPERSEDED, RuleState.IN_FORCE}
    assert superseding.version == 2


def test_the_verdict_is_part_of_a_records_story(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(vault)
    record_id = add_filed(vault, actor, "correspondence", clock.at.date().replace(year=2000))
    story = show(vault, actor, record_id)
    assert (story.rule.code, story.verdict.standing) == ("correspondence", Standing.DUE)
    assert [each.code for each in story.verdict.reasons] == ["needs-approval", "due"]


def test_every_record_that_a_rule_moves_is_listed_and_what_was_extended_is_counted_as_it_will_be(
    vault: Vault, actor: Actor
) -> None:
    rule = rule_in_force(vault, period_years=2, lead_days=3650)
    ids = [due_record(vault, actor, rule.code, in_days=-each) for each in (0, 0, 1, 1, 2)]
    kept, moves = ids[0], ids[4]
    (found,) = listing.propose_class(vault, ANN, rule.code)
    until = {each: due_day(vault) + timedelta(days=days) for each, days in ((kept, 5000), (moves, 800))}
    for each in (kept, moves):
        reviewing.review(vault, ANN, found.id, choice_of("extend", reason="a claim", until=until[each]), [each])
    longer = replace(rule.rule, period_years=5)
    seen = schedules.preview(vault, ANN, longer)
    assert (seen.filed, seen.earlier, seen.later, seen.unchanged) == (5, 0, 4, 1)
    pages: list[Moved] = []
    following = ""
    while True:
        page = schedules.affected(vault, ANN, longer, after=following, limit=2)
        pages += page.moved
        following = page.following
        if not following:
            break
    assert sorted(each.record_id for each in pages) == sorted(set(ids) - {kept})
    schedules.propose(vault, ANN, longer, "a reason")
    schedules.approve(vault, BEA, longer.code)
    schedules.follow(vault)
    assert {each.record_id: each.new_due_on for each in pages} == {
        each: record_of(vault, each).due_on for each in ids if each != kept
    }
    assert record_of(vault, kept).due_on == until[kept]
    shorter = schedules.preview(vault, ANN, replace(longer, period_years=0))
    assert (shorter.earlier, shorter.unchanged) == (4, 1)
    assert {each.record_id: each.new_due_on for each in shorter.sample}[moves] == until[moves]
    with pytest.raises(InvalidInput):
        schedules.affected(vault, ANN, longer, after="nowhere")
