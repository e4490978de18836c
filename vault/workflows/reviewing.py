"""The review of disposal lists: what is decided on each record, and who objects afterwards.

Rule 1: after the first signature nothing is decided any more; an objection still takes a record off.
Rule 2: every decision but destruction has a reason and a day until which the record is left alone; destruction has one
where the rule proposes something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from vault.audit import Detail, Event
from vault.classes import FOR_EVER, DisposalAction
from vault.disposal import LEFT_ALONE, REVIEWED, Decision, DisposalItem, DisposalList, ListState
from vault.disposition import Ground
from vault.errors import Conflict, InvalidInput, NotFound
from vault.filingreports import Examination
from vault.ids import ListId, RecordId
from vault.permissions import Action, Actor
from vault.records import Record
from vault.schedule import today
from vault.shelves import Transaction
from vault.workflows.disposal import ListView, view_of
from vault.workflows.dryrun import writing
from vault.workflows.examining import Reading
from vault.workflows.holding import examine_filing, file_examined, lock_filed
from vault.workflows.lists import checked_words, digest_of, every_item, require_list, require_own_list, seal_reason
from vault.workflows.notices import drop_moot, rule_of_list
from vault.workflows.schedules import require_rule
from vault.workflows.vault import Vault

PERMANENT: Final = "permanent"
CHOICES: Final = (*sorted(each.value for each in REVIEWED), PERMANENT)
"""What a reviewer may say: a decision, or that a record is kept for ever."""
REFILED_MAX: Final = 200
"""Records that go to another class at once: each of their files is read, and one transaction files them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a reviewer decides. ``target`` and ``trigger_on`` are for another class, ``until`` for all that lives on.

    An extension until ``FOR_EVER`` keeps a record permanently, whatever its class.
    """

    decision: Decision
    reason: str = ""
    until: date | None = None
    target: str | None = None
    trigger_on: date | None = None


def choice_of(
    said: str,
    *,
    reason: str = "",
    until: date | None = None,
    target: str | None = None,
    trigger_on: date | None = None,
) -> Choice:
    """The choice of one of ``CHOICES``. Raises ``InvalidInput`` for anything else."""
    if said not in CHOICES:
        raise InvalidInput(f"a reviewer decides one of: {', '.join(CHOICES)}", field="decision")
    if said == PERMANENT:
        return Choice(decision=Decision.EXTEND, reason=reason, until=FOR_EVER)
    return Choice(decision=Decision(said), reason=reason, until=until, target=target, trigger_on=trigger_on)


def review(
    vault: Vault,
    actor: Actor,
    list_id: ListId,
    choice: Choice,
    record_ids: Sequence[RecordId] | None = None,
    *,
    dry_run: bool = False,
) -> ListView:
    """Decides on records of a list; on all that are pending where none is named.

    An extended record's due date moves on with the decision, and those for another class are filed there with it: all
    of them, or none and nothing is decided. Where the rule proposes something else than destruction, that has a
    reason, too. Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``, ``Conflict`` (signed already, or not on the
    list).
    """
    actor.require(Action.REVIEW_DISPOSAL)
    choice = _checked(vault, choice)
    with vault.catalogue.read() as tx:
        disposal = _require_reviewable(tx, require_own_list(tx, actor, Action.REVIEW_DISPOSAL, list_id))
        chosen = _chosen(tx, disposal, record_ids)
        _require_reason(tx, disposal, choice)
        if choice.decision is Decision.RECLASSIFY:
            require_rule(tx, choice.target or "")
            _require_few(chosen)
    examined = _examined(vault, actor, choice, chosen)
    filed = []
    with writing(vault, dry_run=dry_run) as tx:
        disposal = _require_reviewable(tx, require_list(tx, list_id, for_update=True))
        if choice.decision in (Decision.EXTEND, Decision.RECLASSIFY):
            # All of them, before a counter is taken: whoever files one of them takes the record first, too.
            living = [tx.records.get(each, for_update=True) for each in sorted(chosen)]
            if choice.decision is Decision.EXTEND:
                _extend(tx, living, choice.until)
        for record_id, examination in examined.items():
            filed.append(
                file_examined(
                    vault,
                    actor,
                    tx,
                    record_id,
                    examination,
                    class_code=choice.target,
                    trigger_on=choice.trigger_on,
                    reason=choice.reason,
                )
            )
        change = tx.records.next_change()
        for record_id in chosen:
            _require_listed(tx, disposal, record_id)
            tx.disposals.update_item(_decided(vault, actor, disposal, record_id, choice, change))
        disposal = replace(disposal, change=change)
        tx.disposals.update(disposal)
        detail: Detail = {
            "number": disposal.number,
            "decision": choice.decision.value,
            "records": len(chosen),
            "records_sha256": digest_of(chosen),
            "until": choice.until.isoformat() if choice.until else None,
            "class": choice.target,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.LIST_REVIEWED, disposal.id, detail))
        view = view_of(vault, tx, disposal)
    if not dry_run:
        for each in filed:
            lock_filed(vault, each)
    return view


def _require_few(record_ids: Sequence[RecordId]) -> None:
    if len(record_ids) > REFILED_MAX:
        raise InvalidInput(
            f"at most {REFILED_MAX} of {len(record_ids)} records go to another class at once; choose some of them",
            field="records",
        )


def _examined(
    vault: Vault, actor: Actor, choice: Choice, record_ids: Sequence[RecordId]
) -> Mapping[RecordId, Examination]:
    """What is found of records that go to another class; their files are read before anything is written."""
    if choice.decision is not Decision.RECLASSIFY:
        return {}
    target, trigger_on, reading = choice.target, choice.trigger_on, Reading()
    return {
        each: examine_filing(vault, actor, each, class_code=target, trigger_on=trigger_on, reading=reading)
        for each in record_ids
    }


def object_to(
    vault: Vault,
    actor: Actor,
    list_id: ListId,
    record_ids: Sequence[RecordId],
    reason: str,
    *,
    until: date | None = None,
    dry_run: bool = False,
) -> ListView:
    """Records an objection: these records leave the list, whoever signed it. Raises as ``review``."""
    actor.require(Action.REVIEW_DISPOSAL)
    choice = _checked(vault, Choice(decision=Decision.OBJECTED, reason=reason, until=until))
    if not record_ids:
        raise InvalidInput("nothing is named that somebody objects to; name records", field="records")
    with writing(vault, dry_run=dry_run) as tx:
        disposal = require_own_list(tx, actor, Action.REVIEW_DISPOSAL, list_id, for_update=True)
        if not disposal.is_open:
            raise Conflict(f"list {disposal.number} is {disposal.state.value}: an objection comes too late")
        change = tx.records.next_change()
        for record_id in record_ids:
            _require_listed(tx, disposal, record_id)
            tx.disposals.update_item(_decided(vault, actor, disposal, record_id, choice, change))
        disposal = drop_moot(vault, tx, replace(disposal, change=change), change)
        tx.disposals.update(disposal)
        detail: Detail = {
            "number": disposal.number,
            "records": len(record_ids),
            "records_sha256": digest_of(record_ids),
            "until": choice.until.isoformat() if choice.until else None,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.LIST_OBJECTED, disposal.id, detail))
        return view_of(vault, tx, disposal)


def _checked(vault: Vault, choice: Choice) -> Choice:
    if choice.decision not in (*REVIEWED, Decision.OBJECTED):
        raise InvalidInput(f"a reviewer decides one of: {', '.join(sorted(REVIEWED))}", field="decision")
    if choice.decision is Decision.DESTROY:
        return Choice(decision=Decision.DESTROY, reason=checked_words(choice.reason, field="reason", needed=False))
    now = today(vault.now())
    if choice.decision is Decision.EXTEND and choice.until is None:
        raise InvalidInput("an extension needs the day until which it lasts", field="until")
    if choice.decision is Decision.RECLASSIFY and not choice.target:
        raise InvalidInput("name the class that it belongs to", field="class")
    until = choice.until or min(now, FOR_EVER - LEFT_ALONE) + LEFT_ALONE
    if until <= now:
        raise InvalidInput("the day until which a record is left alone has to come yet", field="until")
    target = choice.target if choice.decision is Decision.RECLASSIFY else None
    return replace(choice, reason=checked_words(choice.reason, field="reason"), until=until, target=target)


def _require_reviewable(tx: Transaction, disposal: DisposalList) -> DisposalList:
    if disposal.state is not ListState.PROPOSED:
        raise Conflict(f"list {disposal.number} is {disposal.state.value}; it is not reviewed any more")
    if tx.disposals.signatures(disposal.id):
        raise Conflict(f"list {disposal.number} is signed; object to a record, or cancel the list")
    return disposal


def _chosen(tx: Transaction, disposal: DisposalList, record_ids: Sequence[RecordId] | None) -> Sequence[RecordId]:
    if record_ids is None:
        pending = [each for each in every_item(tx, disposal.id) if each.decision is Decision.PENDING]
        if not pending:
            raise Conflict(f"nothing on list {disposal.number} is pending; name the records to decide on again")
        return [each.record_id for each in pending]
    for record_id in record_ids:
        _require_listed(tx, disposal, record_id)
    return sorted(set(record_ids))


def _require_listed(tx: Transaction, disposal: DisposalList, record_id: RecordId) -> DisposalItem:
    item = tx.disposals.item(disposal.id, record_id)
    if item is None:
        raise NotFound(f"this record does not stand on list {disposal.number}")
    if not item.listed:
        raise Conflict(f"a record was taken off list {disposal.number} already ({item.decision.value}); leave it out")
    return item


def _decided(
    vault: Vault, actor: Actor, disposal: DisposalList, record_id: RecordId, choice: Choice, change: int
) -> DisposalItem:
    return DisposalItem(
        list_id=disposal.id,
        record_id=record_id,
        decision=choice.decision,
        listed=choice.decision is Decision.DESTROY,
        decided_by=actor.person_id,
        decided_at=vault.now(),
        sealed=seal_reason(vault, disposal, choice.reason, record_id) if choice.reason else None,
        until=choice.until,
        target=choice.target,
        cause=None,
        change=change,
    )


def _extend(tx: Transaction, records: Sequence[Record | None], until: date | None) -> None:
    for record in records:
        if record is not None and until is not None and record.due_on is not None and record.due_on < until:
            tx.records.update(replace(record, due_on=until, change=tx.records.next_change()))


def _require_reason(tx: Transaction, disposal: DisposalList, choice: Choice) -> None:
    """Whoever destroys what the rule wants reviewed, or handed over, says why."""
    if choice.decision is Decision.DESTROY and not choice.reason and disposal.ground is Ground.DUE:
        action = rule_of_list(tx, disposal).action
        if action is not DisposalAction.DESTROY:
            raise InvalidInput(
                f"class {disposal.class_code} proposes: {action.value}; say why it is destroyed instead", field="reason"
            )
