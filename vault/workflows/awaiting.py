"""Who waits for whom, since when: every step of schedule, holds, disposal and gates that somebody has to take next.

Rule 1: a step shows to whoever may see the page where it is taken; it is ``mine`` where whoever asks may take it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.accessreviews import Ruling
from vault.borrowing import LoanState
from vault.disposal import Decision, DisposalList, ListState
from vault.gates import GATES, Gate
from vault.holds import MatterState
from vault.permissions import Action, Actor, hides
from vault.schedule import SHIPPED_BY
from vault.training import RENEW_WITHIN
from vault.workflows import disposal, matters
from vault.workflows.accessreviews import list_reviews, pending_for
from vault.workflows.agreements import has_signed
from vault.workflows.alarms import list_alarms
from vault.workflows.training import pass_in_force
from vault.workflows.vault import Vault

TELL_CUSTOMERS: Final = "tell-customers"
LOOKED_AT_MAX: Final = 25
"""Open lists of a state, and matters, that are looked at: the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: ``kind`` is a code, ``key`` names what it is about, ``class_code`` the class of a rule or a list.

    ``since`` is when the step before it was taken, by ``by``; ``count`` is how many
    records (of a permission review: rights) it concerns, if any.
    """

    kind: str
    key: str
    class_code: str
    since: datetime
    by: str
    mine: bool
    count: int = 0


def steps_awaiting(vault: Vault, actor: Actor) -> Sequence[Step]:
    """Every open step, what whoever asks may take first, and then the longest waiting."""
    found = [*_gates(vault, actor), *_loans(vault, actor), *_rules(vault, actor), *_releases(vault, actor)]
    found += [*_reviews(vault, actor), *_alarms(vault, actor), *_lists(vault, actor)]
    return sorted(found, key=lambda step: (not step.mine, step.since))


def _gates(vault: Vault, actor: Actor) -> Iterator[Step]:
    """The agreement and the test, for whoever may open a class before which they stand; a pass that ends soon, too."""
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
        asked = {
            gate
            for each in tx.schedules.governing()
            if actor.may(Action.OPEN_RECORD, each.code)
            for gate in GATES[each.rule.sensitivity]
        }
        text, course = tx.agreements.newest(), tx.training.newest()
        signed = has_signed(tx, actor.person_id)
        good = pass_in_force(vault, tx, actor.person_id)
    if person is None:
        return
    renew = good is not None and good.expires_at is not None and good.expires_at - vault.now() <= RENEW_WITHIN
    for kind, newest, waits in (
        ("sign-agreement", text, Gate.AGREEMENT in asked and not signed),
        ("take-training", course, Gate.TRAINING in asked and good is None),
        ("renew-training", course, Gate.TRAINING in asked and renew),
    ):
        if waits:
            since = person.created_at if newest is None else max(newest.published_at, person.created_at)
            by = SHIPPED_BY if newest is None else newest.published_by
            yield Step(kind=kind, key="", class_code="", since=since, by=by, mine=True)


def _loans(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.LEND_RECORD):
        return
    with vault.catalogue.read() as tx:
        waiting = tx.loans.in_state(LoanState.REQUESTED, actor.reach(Action.LEND_RECORD), limit=LOOKED_AT_MAX)
        records = tx.records.many([each.record_id for each in waiting])
    for loan in waiting:
        record = records[loan.record_id]
        if not hides(actor, record):
            yield Step(
                kind="decide-loan",
                key=record.number,
                class_code=record.class_code,
                since=loan.asked_at,
                by=loan.person_id,
                mine=loan.person_id != actor.person_id,
                count=1,
            )


def _reviews(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.SEE_REVIEWS):
        return
    waiting = [(each, counts[Ruling.PENDING]) for each, counts in list_reviews(vault, actor) if each.is_open]
    for review, pending in waiting:
        mine = pending_for(vault, actor, review)
        yield Step(
            kind="review-grants",
            key=review.number,
            class_code="",
            since=review.started_at,
            by=review.started_by,
            mine=mine > 0,
            count=mine or pending,
        )


def _alarms(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.SEE_ALARMS):
        return
    for view in list_alarms(vault, actor, unsettled=True):
        alarm = view.alarm
        yield Step(
            kind="look-at-alarm",
            key=alarm.id,
            class_code="",
            since=alarm.raised_at,
            by=alarm.person_id,
            mine=view.mine,
            count=alarm.measure,
        )


def _rules(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.APPROVE_RULE):
        return
    with vault.catalogue.read() as tx:
        proposals = tx.schedules.proposals()
    for rule in proposals:
        if not actor.may(Action.APPROVE_RULE, rule.code):
            continue
        yield Step(
            kind="approve-rule",
            key=rule.code,
            class_code=rule.code,
            since=rule.proposed_at,
            by=rule.proposed_by,
            mine=rule.proposed_by != actor.person_id,
        )


def _releases(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.SEE_HOLDS):
        return
    for matter, _ in matters.list_matters(vault, actor, limit=LOOKED_AT_MAX):
        if matter.state is MatterState.RELEASE_PROPOSED and matter.release_proposed_at is not None:
            by = matter.release_proposed_by or ""
            mine = actor.may(Action.RELEASE_HOLD) and by != actor.person_id
            yield Step(
                kind="release-hold",
                key=matter.number,
                class_code="",
                since=matter.release_proposed_at,
                by=by,
                mine=mine,
            )


def _lists(vault: Vault, actor: Actor) -> Iterator[Step]:
    if not actor.may(Action.SEE_DISPOSALS):
        return
    for state in (ListState.PROPOSED, ListState.APPROVED):
        for each, counts in disposal.list_lists(vault, actor, state=state, limit=LOOKED_AT_MAX):
            step = step_of_list(vault, actor, each, counts)
            # What expires by itself waits for people only while customers have to be told.
            if not each.automatic or step.kind == TELL_CUSTOMERS:
                yield step


def step_of_list(vault: Vault, actor: Actor, found: DisposalList, counts: Mapping[Decision, int]) -> Step:
    """The step that is next on an open list, with what was decided on it. Raises ``NotAllowed``, ``NotFound``."""
    view, pending = disposal.show_list(vault, actor, found.id), counts.get(Decision.PENDING, 0)
    last = view.signatures[-1] if view.signatures else None
    since, by = (last.at, last.person_id) if last is not None else (found.proposed_at, found.proposed_by)
    signed = any(each.person_id == actor.person_id for each in view.signatures)
    if view.outdated:
        kind, mine = "cancel-list", actor.may(Action.REVIEW_DISPOSAL, found.class_code)
    elif pending:
        kind, mine = "review-list", actor.may(Action.REVIEW_DISPOSAL, found.class_code)
    elif view.untold:
        kind, mine = TELL_CUSTOMERS, actor.may(Action.GIVE_NOTICE, found.class_code)
    elif view.next is not None:
        part = view.next[0]
        kind, mine = f"sign-list-{part.value}", actor.may(disposal.SIGNS[part], found.class_code) and not signed
    elif found.is_early(vault.now()):
        kind, mine = "await-list", False
    else:
        kind, mine = "execute-list", actor.may(Action.DESTROY_RECORDS, found.class_code)
    return Step(
        kind=kind,
        key=found.number,
        class_code=found.class_code,
        since=since,
        by=by,
        mine=mine,
        count=pending or view.counts.get(Decision.DESTROY, 0),
    )
