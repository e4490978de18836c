"""Disposal lists are made: by the clock for what becomes due, by people, and for what was filed in error.

Rule 1: a list has records of one class, made under one version of its rule, and at most ``ITEMS_MAX`` of them.
Rule 2: what a matter holds is not listed; it is when the matter is released. Neither is what a decision leaves alone.
Rule 3: a class that expires automatically is announced as long before as its objection window lasts, so that the window
is over when the last record is due; any other by its lead time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.classes import DisposalAction
from vault.disposal import (
    ITEMS_MAX,
    SUPERVISORS,
    Decision,
    DisposalItem,
    DisposalList,
    ListProfile,
    ListState,
    Part,
    Signature,
)
from vault.disposition import Ground, Standing, verdict
from vault.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from vault.ids import ListId, PersonId, RecordId
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor, require_on
from vault.records import Record, RecordState
from vault.schedule import RuleVersion, today
from vault.shelves import Transaction
from vault.workflows import allocation
from vault.workflows.lists import checked_words, digest_of, seal_profile, seal_reason
from vault.workflows.notices import announce
from vault.workflows.schedules import require_rule
from vault.workflows.vault import Vault

LISTS_A_RUN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    """What is to become a list."""

    rule: RuleVersion
    records: Sequence[Record]
    ground: Ground
    by: PersonId
    reason: str = ""

    @property
    def automatic(self) -> bool:
        """Whether the two people of the rule stand in for those who would sign."""
        return self.ground is Ground.DUE and self.rule.rule.automatic

    @property
    def is_decided(self) -> bool:
        """Whether nothing is left to review."""
        return self.automatic or self.ground is Ground.FILED_IN_ERROR


def propose_lists(vault: Vault) -> Outcome:
    """Upkeep: lists what is due within its class's lead time; automatic classes are ``expire``'s."""
    made = records = 0
    with vault.catalogue.read() as tx:
        rules = [each for each in tx.schedules.governing() if not each.rule.automatic]
    for rule in rules:
        for disposal, count in propose_due(vault, rule, CLOCK_ID, at_most=LISTS_A_RUN - made):
            made, records = made + bool(disposal), records + count
    return Outcome.of("lists-proposed", lists=made, records=records)


def propose_class(vault: Vault, actor: Actor, class_code: str) -> Sequence[DisposalList]:
    """Lists now what of a class is due within its lead time. Raises ``NotAllowed``, ``NotFound``, ``Conflict``."""
    actor.require(Action.PROPOSE_DISPOSAL, class_code)
    with vault.catalogue.read() as tx:
        rule = tx.schedules.rule(class_code) or require_rule(tx, class_code)
    if rule.rule.automatic:
        raise Conflict(f"class {class_code} expires by itself; its lists are made by upkeep")
    return [disposal for disposal, _ in propose_due(vault, rule, actor.person_id, at_most=LISTS_A_RUN)]


def preview_class(vault: Vault, actor: Actor, class_code: str) -> Sequence[Record]:
    """The first list that ``propose_class`` would make. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.PROPOSE_DISPOSAL, class_code)
    with vault.catalogue.read() as tx:
        rule = tx.schedules.rule(class_code) or require_rule(tx, class_code)
    return _next_due(vault, rule)


def propose_error(
    vault: Vault, actor: Actor, record_ids: Sequence[RecordId], reason: str, *, dry_run: bool = False
) -> DisposalList | None:
    """Lists records of one class that should never have been filed; one other person approves, no period keeps them.

    Gives None for a dry run. Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``, ``Conflict`` (held, destroyed, or
    on another list).
    """
    actor.require(Action.PROPOSE_DISPOSAL)
    clean = checked_words(reason, field="reason")
    if not record_ids:
        raise InvalidInput("nothing is named that was filed in error; name records", field="records")
    if len(record_ids) > ITEMS_MAX:
        raise InvalidInput(f"a list has at most {ITEMS_MAX} records; make several", field="records")
    with vault.catalogue.read() as tx:
        found = tx.records.many(record_ids)
        if len(found) < len(set(record_ids)):
            raise NotFound("there is no such record; look it up in the list")
        matters = tx.holds.of_records(record_ids)
        for record in found.values():
            require_on(actor, Action.PROPOSE_DISPOSAL, record)
            if record.state not in (RecordState.RECEIVED, RecordState.FILED):
                raise Conflict(f"record {record.number} is {record.state.value} already; leave it out")
            if record.id in matters:
                named = " and ".join(each.number for each in matters[record.id])
                raise Conflict(f"record {record.number} is held by matter {named}; release the hold first")
            _require_unlisted(tx, record)
        codes = {record.class_code for record in found.values()}
        if len(codes) > 1:
            raise InvalidInput(
                f"the records are of classes {', '.join(sorted(codes))}; make a list a class", field="records"
            )
        code = codes.pop()
        rule = tx.schedules.rule(code)
        if rule is None:
            raise NotFound(f"no rule governs class {code}; file the records under a class of the schedule first")
    if dry_run:
        return None
    proposal = _Proposal(
        rule=rule, records=list(found.values()), ground=Ground.FILED_IN_ERROR, by=actor.person_id, reason=clean
    )
    return _make(vault, proposal)


def propose_due(vault: Vault, rule: RuleVersion, by: PersonId, *, at_most: int) -> Sequence[tuple[DisposalList, int]]:
    """Makes the lists of a class that are to be made now; gives each with the number of its records."""
    made: list[tuple[DisposalList, int]] = []
    while len(made) < at_most and (records := _next_due(vault, rule)):
        try:
            disposal = _make(vault, _Proposal(rule=rule, records=records, ground=Ground.DUE, by=by))
        except AlreadyExists:
            # Another process lists the same at this moment.
            break
        made.append((disposal, len(records)))
    return made


def _next_due(vault: Vault, rule: RuleVersion) -> list[Record]:
    """Records for one list: due by then, in order of their dates, held by nothing."""
    said = rule.rule
    if said.action is DisposalAction.KEEP:
        return []
    ahead = timedelta(days=said.objection_days if said.automatic else said.lead_days)
    now = vault.now()
    then = now + ahead
    found: list[Record] = []
    after: tuple[date, RecordId] | None = None
    while len(found) < ITEMS_MAX:
        with vault.catalogue.read() as tx:
            page = tx.disposals.to_list(rule.code, due_by=today(then), today=today(now), after=after)
            matters = tx.holds.of_records(record.id for record in page)
        if not page:
            break
        last = page[-1]
        after = (last.due_on or date.min, last.id)
        for record in page:
            seen = verdict(record, said, matters.get(record.id, ()), then)
            if seen.standing is Standing.DUE:
                found.append(record)
    return found[:ITEMS_MAX]


def _require_unlisted(tx: Transaction, record: Record) -> None:
    for item in tx.disposals.of_record(record.id):
        if item.listed:
            disposal = tx.disposals.get(item.list_id)
            number = disposal.number if disposal is not None else item.list_id
            raise Conflict(f"record {record.number} stands on list {number}; cancel that, or decide on it there")


def _make(vault: Vault, proposal: _Proposal) -> DisposalList:
    made = _try_make(vault, proposal)
    if made is None:
        allocation.with_block(vault)
        made = _try_make(vault, proposal)
    if made is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    return made


def _try_make(vault: Vault, proposal: _Proposal) -> DisposalList | None:
    list_id, now, rule = ListId(vault.new_id()), vault.now(), proposal.rule
    is_due = proposal.ground is Ground.DUE
    with vault.catalogue.write() as tx:
        leaf = allocation.issue_leaf(vault, tx, list_id)
        if leaf is None:
            return None
        profile = ListProfile(reason=proposal.reason)
        disposal = DisposalList(
            id=list_id,
            fonds_id=vault.fonds.id,
            number=tx.disposals.next_number(vault.fonds.id, now.year),
            class_code=rule.code,
            rule_version=rule.version,
            ground=proposal.ground,
            state=ListState.PROPOSED,
            automatic=proposal.automatic,
            leaf=leaf,
            sealed=seal_profile(vault, leaf, profile, list_id=list_id, revision=1),
            revision=1,
            proposed_by=proposal.by,
            proposed_at=now,
            approvers=len(rule.rule.signing) if is_due else 1,
            supervisors=SUPERVISORS if is_due and rule.rule.supervised else 0,
            due_until=max(each.due_on or date.min for each in proposal.records) if is_due else None,
            window_until=None,
            approved_at=None,
            executed_at=None,
            batch_id=None,
            closed_at=None,
            change=tx.records.next_change(),
        )
        tx.disposals.add(disposal)
        tx.disposals.add_items(_item(vault, proposal, disposal, each) for each in proposal.records)
        detail: Detail = {
            "number": disposal.number,
            "class": rule.code,
            "rule": rule.version,
            "ground": disposal.ground.value,
            "records": len(proposal.records),
            "records_sha256": digest_of(each.id for each in proposal.records),
            "automatic": disposal.automatic,
        }
        tx.audit.append(vault.entry(proposal.by, Event.LIST_PROPOSED, list_id, detail))
        if proposal.ground is Ground.FILED_IN_ERROR:
            tx.disposals.sign(_signature(disposal, proposal.by, Part.PROPOSER))
        if proposal.automatic:
            disposal = _stand_in(vault, tx, rule, disposal)
    return disposal


def _stand_in(vault: Vault, tx: Transaction, rule: RuleVersion, disposal: DisposalList) -> DisposalList:
    """The two people who made the rule count as proposer and approver (DESIGN 12)."""
    if rule.decided_by is None or rule.rule.supervised:
        raise Conflict(f"no two people made the rule of class {rule.code}; it does not expire by itself")
    tx.disposals.sign(_signature(disposal, rule.proposed_by, Part.PROPOSER))
    tx.disposals.sign(_signature(disposal, rule.decided_by, Part.APPROVER))
    approved = replace(disposal, state=ListState.APPROVED, approved_at=vault.now())
    approved = announce(vault, tx, approved, rule.rule)
    tx.disposals.update(approved)
    detail: Detail = {
        "number": disposal.number,
        "class": rule.code,
        "rule": rule.version,
        "rule_proposed_by": rule.proposed_by,
        "rule_approved_by": rule.decided_by,
        "automatic": True,
    }
    tx.audit.append(vault.entry(CLOCK_ID, Event.LIST_APPROVED, disposal.id, detail))
    return approved


def _signature(disposal: DisposalList, person_id: PersonId, part: Part) -> Signature:
    return Signature(
        list_id=disposal.id, person_id=person_id, part=part, step=1, at=disposal.proposed_at, change=disposal.change
    )


def _item(vault: Vault, proposal: _Proposal, disposal: DisposalList, record: Record) -> DisposalItem:
    decided = proposal.is_decided
    return DisposalItem(
        list_id=disposal.id,
        record_id=record.id,
        decision=Decision.DESTROY if decided else Decision.PENDING,
        listed=True,
        decided_by=proposal.by if decided else None,
        decided_at=disposal.proposed_at if decided else None,
        sealed=seal_reason(vault, disposal, proposal.reason, record.id) if proposal.reason else None,
        until=None,
        target=None,
        cause=None,
        change=disposal.change,
    )
