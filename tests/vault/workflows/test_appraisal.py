"""The opinion on a disposal list is a record of its own, before the proposer's signature counts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.disposing import ANN, BEA, Hands, due_day, due_record, in_hand, record_of, rule_in_force
from tests.support.vault import read_bytes
from vault.classes import FOR_EVER, DisposalAction
from vault.disposal import Decision, ListState
from vault.disposition import Standing
from vault.errors import InvalidInput
from vault.objects import LockMode
from vault.permissions import Actor
from vault.records import RecordState
from vault.workflows import disposal, execution, holding, listing, retrieval, reviewing, schedules, upkeep
from vault.workflows.reviewing import Choice, choice_of
from vault.workflows.vault import Vault


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, Hands]:
    return in_hand(vault)


def test_keep_longer_permanent_and_destroy_are_said_in_an_opinion_that_is_a_record(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, mandate="a law, art. 2")
    gone, longer, permanent = (due_record(vault, actor, rule.code) for _ in range(3))
    (found,) = listing.propose_class(vault, ANN, rule.code)
    until = due_day(vault) + timedelta(days=200)
    reviewing.review(vault, ANN, found.id, choice_of("extend", reason="a claim\nof 2026", until=until), [longer])
    reviewing.review(vault, ANN, found.id, choice_of("permanent", reason="of lasting value"), [permanent])
    reviewing.review(vault, ANN, found.id, Choice(decision=Decision.DESTROY))
    assert disposal.sign(vault, ANN, found.id, dry_run=True).profile.opinion == ""
    view = disposal.sign(vault, ANN, found.id)
    opinion = retrieval.find_record(vault, ANN, view.profile.opinion)
    assert (opinion.class_code, opinion.state, opinion.due_on) == ("appraisal", RecordState.FILED, None)
    text = read_bytes(vault, ANN, opinion.id).decode()
    for record_id, said in ((gone, "销毁 / destroy"), (longer, "延长保管 / keep longer"), (permanent, "keep for ever")):
        assert f"{record_of(vault, record_id).number}  到期 / due" in text
        assert said in text
    assert found.number in text
    assert until.isoformat() in text
    assert "of lasting value" in text
    assert "of 2026" in text
    disposal.sign(vault, BEA, found.id)
    execution.execute(vault, BEA, found.id)
    assert record_of(vault, gone).state is RecordState.DESTROYED
    assert record_of(vault, opinion.id).state is RecordState.FILED


def test_an_objection_before_the_first_signature_stands_in_the_opinion(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault)
    gone, objected = (due_record(vault, actor, rule.code) for _ in range(2))
    (found,) = listing.propose_class(vault, ANN, rule.code)
    until = due_day(vault) + timedelta(days=200)
    reviewing.object_to(vault, ANN, found.id, [objected], "she is in court", until=until)
    reviewing.review(vault, ANN, found.id, Choice(decision=Decision.DESTROY), [gone])
    view = disposal.sign(vault, ANN, found.id)
    text = read_bytes(vault, ANN, retrieval.find_record(vault, ANN, view.profile.opinion).id).decode()
    assert "有异议 / objected to: 1" in text
    assert "she is in court" in text


def test_what_is_permanent_by_decision_stays_so_whatever_becomes_of_its_rule(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault)
    record_id = due_record(vault, actor, rule.code)
    (found,) = listing.propose_class(vault, ANN, rule.code)
    reviewing.review(vault, ANN, found.id, choice_of("permanent", reason="of lasting value"))
    assert disposal.sign(vault, ANN, found.id).disposal.state is ListState.DONE
    assert disposal.list_items(vault, ANN, found.id)[0].item.is_permanent
    rule_in_force(vault, code=rule.code, period_years=1)
    schedules.follow(vault)
    holding.file_record(vault, actor, record_id)
    hands.advance(days=4000)
    assert record_of(vault, record_id).due_on == FOR_EVER
    seen = retrieval.show(vault, ANN, record_id).verdict
    assert (seen.standing, seen.may_destroy, seen.reasons[0].code) == (Standing.KEEP, False, "kept-for-ever")
    assert listing.propose_class(vault, ANN, rule.code) == []


def test_what_people_keep_beyond_a_statutes_floor_is_not_locked_beyond_it(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, period_years=1, lead_days=400, lock_mode=LockMode.COMPLIANCE, mandate="a law, art. 3")
    longer, permanent = (due_record(vault, actor, rule.code) for _ in range(2))
    floor = record_of(vault, longer).due_on
    assert floor is not None
    (found,) = listing.propose_class(vault, ANN, rule.code)
    decided = date(floor.year + 50, 1, 1)
    reviewing.review(vault, ANN, found.id, choice_of("extend", reason="a claim", until=decided), [longer])
    reviewing.review(vault, ANN, found.id, choice_of("permanent", reason="of lasting value"), [permanent])
    assert record_of(vault, longer).due_on == decided

    def locked() -> set[date]:
        upkeep.renew_locks(vault)
        with vault.catalogue.read() as tx:
            return {tx.records.versions(each)[0].lock.retain_until.date() for each in (longer, permanent)}

    assert locked() == {floor}


def test_destroying_what_the_rule_wants_reviewed_has_a_reason(timed: tuple[Vault, Hands], actor: Actor) -> None:
    vault, _ = timed
    rule = rule_in_force(vault, action=DisposalAction.TRANSFER)
    due_record(vault, actor, rule.code)
    (found,) = listing.propose_class(vault, ANN, rule.code)
    with pytest.raises(InvalidInput, match="proposes: transfer; say why") as refused:
        reviewing.review(vault, ANN, found.id, Choice(decision=Decision.DESTROY))
    assert refused.value.field == "reason"
    view = reviewing.review(
        vault, ANN, found.id, Choice(decision=Decision.DESTROY, reason="nobody takes it"), dry_run=True
    )
    assert view.counts == {Decision.DESTROY: 1}
    assert disposal.show_list(vault, ANN, found.id).counts == {Decision.PENDING: 1}


def test_what_is_to_be_handed_over_is_listed_until_it_is_decided_otherwise(
    timed: tuple[Vault, Hands], actor: Actor
) -> None:
    vault, hands = timed
    rule = rule_in_force(vault, action=DisposalAction.TRANSFER)
    record_id = due_record(vault, actor, rule.code)

    def waits() -> bool:
        return record_id in [each.id for each in disposal.list_transfers(vault, ANN)]

    (found,) = listing.propose_class(vault, ANN, rule.code)
    assert not waits()
    reviewing.review(vault, ANN, found.id, choice_of("transfer", reason="to the city's archives"))
    disposal.sign(vault, ANN, found.id)
    assert waits()
    hands.advance(days=366)
    (again,) = listing.propose_class(vault, ANN, rule.code)
    reviewing.review(vault, ANN, again.id, choice_of("permanent", reason="nobody takes it"))
    assert not waits()
