"""Disposal lists at work: each record reviewed, the list signed in order, objected to, or cancelled.

Rule 1: nobody signs before every item is decided; whoever reviewed it signs first, as its proposer.
Rule 2: after the first signature nothing is decided any more; an objection still takes a record off.
Rule 3: every decision but destruction has a reason and a day until which the record is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.classes import FOR_EVER
from vault.disposal import (
    LEFT_ALONE,
    REVIEWED,
    Decision,
    DisposalItem,
    DisposalList,
    ListProfile,
    ListState,
    Part,
    Signature,
    next_part,
)
from vault.disposition import Ground
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.ids import ListId, RecordId, could_be_key
from vault.people import Action, Actor
from vault.records import Record
from vault.schedule import today
from vault.shelves import Transaction
from vault.workflows.holding import file_record
from vault.workflows.lists import (
    checked_words,
    close,
    digest_of,
    every_item,
    open_profile,
    open_reason,
    require_list,
    seal_reason,
    with_profile,
)
from vault.workflows.vault import Vault

ITEMS_SHOWN_MAX: Final = 200
SIGNS: Final[Mapping[Part, Action]] = {
    Part.PROPOSER: Action.REVIEW_DISPOSAL,
    Part.APPROVER: Action.SIGN_DISPOSAL,
    Part.SUPERVISOR: Action.SUPERVISE_DISPOSAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """A list with what is said of it, how much was decided, who signed, and whose signature is next.

    ``title`` is that of the next approver, as the rule names it.
    """

    disposal: DisposalList
    profile: ListProfile
    counts: Mapping[Decision, int]
    signatures: Sequence[Signature]
    next: tuple[Part, int] | None
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One record of a list, and the reason of what was decided on it."""

    item: DisposalItem
    record: Record
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a reviewer decides. ``target`` and ``trigger_on`` are for another class, ``until`` for all that lives on."""

    decision: Decision
    reason: str = ""
    until: date | None = None
    target: str | None = None
    trigger_on: date | None = None


def find_list(vault: Vault, actor: Actor, key: str) -> DisposalList:
    """The list with an id or a number. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    disposal = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            disposal = tx.disposals.by_number(vault.fonds.id, key) or tx.disposals.get(ListId(key))
    if disposal is None:
        raise NotFound("there is no such disposal list; look it up with `strongroom disposition list`")
    return disposal


def list_lists(
    vault: Vault, actor: Actor, *, state: ListState | None = None, before: str | None = None, limit: int = 50
) -> Sequence[tuple[DisposalList, Mapping[Decision, int]]]:
    """A page of lists with what was decided, newest first; ``before`` is the number of the last one of the page before.

    Raises ``NotAllowed``.
    """
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        found = tx.disposals.page(vault.fonds.id, state=state, before=before, limit=limit)
        return [(each, tx.disposals.counts(each.id)) for each in found]


def show_list(vault: Vault, actor: Actor, list_id: ListId) -> ListView:
    """A list. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        return _view(vault, tx, require_list(tx, list_id))


def list_items(
    vault: Vault, actor: Actor, list_id: ListId, *, after: str = "", limit: int = ITEMS_SHOWN_MAX
) -> Sequence[ItemView]:
    """A page of what stands, or stood, on a list, by record id. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        disposal = require_list(tx, list_id)
        items = tx.disposals.items(list_id, after=after, limit=limit)
        found = tx.records.many([each.record_id for each in items])
    return [
        ItemView(item=each, record=found[each.record_id], reason=open_reason(vault, disposal, each)) for each in items
    ]


def review(
    vault: Vault, actor: Actor, list_id: ListId, choice: Choice, record_ids: Sequence[RecordId] | None = None
) -> ListView:
    """Decides on records of a list; on all that are pending where none is named.

    An extended record's due date moves on with the decision; one for another class is filed there first. Raises
    ``NotAllowed``, ``NotFound``, ``InvalidInput``, ``Conflict`` (signed already, or not on the list).
    """
    actor.require(Action.REVIEW_DISPOSAL)
    choice = _checked(vault, choice)
    with vault.catalogue.read() as tx:
        chosen = _chosen(tx, _require_reviewable(tx, require_list(tx, list_id)), record_ids)
    if choice.decision is Decision.RECLASSIFY:
        for record_id in chosen:
            file_record(vault, actor, record_id, class_code=choice.target, trigger_on=choice.trigger_on)
    with vault.catalogue.write() as tx:
        disposal = _require_reviewable(tx, require_list(tx, list_id, for_update=True))
        if choice.decision is Decision.EXTEND:
            _extend(tx, chosen, choice.until)
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
        return _view(vault, tx, disposal)


def object_to(
    vault: Vault,
    actor: Actor,
    list_id: ListId,
    record_ids: Sequence[RecordId],
    reason: str,
    *,
    until: date | None = None,
) -> ListView:
    """Records an objection: these records leave the list, whoever signed it. Raises as ``review``."""
    actor.require(Action.REVIEW_DISPOSAL)
    choice = _checked(vault, Choice(decision=Decision.OBJECTED, reason=reason, until=until))
    if not record_ids:
        raise InvalidInput("nothing is named that somebody objects to; name records", field="records")
    with vault.catalogue.write() as tx:
        disposal = require_list(tx, list_id, for_update=True)
        if not disposal.is_open:
            raise Conflict(f"list {disposal.number} is {disposal.state.value}: an objection comes too late")
        change = tx.records.next_change()
        for record_id in record_ids:
            _require_listed(tx, disposal, record_id)
            tx.disposals.update_item(_decided(vault, actor, disposal, record_id, choice, change))
        disposal = replace(disposal, change=change)
        tx.disposals.update(disposal)
        detail: Detail = {
            "number": disposal.number,
            "records": len(record_ids),
            "records_sha256": digest_of(record_ids),
            "until": choice.until.isoformat() if choice.until else None,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.LIST_OBJECTED, disposal.id, detail))
        return _view(vault, tx, disposal)


def sign(vault: Vault, actor: Actor, list_id: ListId, part: Part | None = None) -> ListView:
    """Signs a list in the part that is next; ``part`` says which one the signer means.

    The last approver's signature approves it, and the objection window begins. Raises ``NotAllowed`` (signed already,
    or not among those who sign in this part), ``NotFound``, ``Conflict`` (an item is pending; another part is next).
    """
    with vault.catalogue.write() as tx:
        disposal = require_list(tx, list_id, for_update=True)
        signatures = tx.disposals.signatures(list_id)
        which, step = _require_signable(tx, disposal, signatures, part)
        actor.require(SIGNS[which])
        mine = next((each for each in signatures if each.person_id == actor.person_id), None)
        if mine is not None:
            raise NotAllowed(
                f"you have signed list {disposal.number} as its {mine.part.value}; its {which.value} is somebody else"
            )
        now, change = vault.now(), tx.records.next_change()
        signature = Signature(list_id=list_id, person_id=actor.person_id, part=which, step=step, at=now, change=change)
        tx.disposals.sign(signature)
        approves = which is Part.APPROVER and step == disposal.approvers
        if approves:
            window = _window(tx, disposal)
            disposal = replace(
                disposal,
                state=ListState.APPROVED,
                approved_at=now,
                window_until=now + window if window else None,
            )
        disposal = replace(disposal, change=change)
        tx.disposals.update(disposal)
        counts = tx.disposals.counts(list_id)
        told: Detail = {"number": disposal.number, "part": which.value, "step": step}
        tx.audit.append(vault.entry(actor.person_id, Event.LIST_SIGNED, list_id, told))
        if approves:
            detail: Detail = {
                "number": disposal.number,
                "class": disposal.class_code,
                "rule": disposal.rule_version,
                "ground": disposal.ground.value,
                "records": counts.get(Decision.DESTROY, 0),
                "window_until": disposal.window_until.isoformat() if disposal.window_until else None,
                "automatic": False,
            }
            tx.audit.append(vault.entry(actor.person_id, Event.LIST_APPROVED, list_id, detail))
        if not counts.get(Decision.DESTROY, 0):
            # Everything was decided otherwise: there is nothing to approve.
            ended: Detail = {"records": 0}
            disposal = close(vault, tx, actor.person_id, disposal, ListState.DONE, Event.LIST_DONE, ended)
        return _view(vault, tx, disposal)


def cancel(vault: Vault, actor: Actor, list_id: ListId, reason: str, *, dry_run: bool = False) -> ListView:
    """Cancels an open list: nothing of it dies; what is still due is listed anew.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` (no reason), ``Conflict`` (it is not open any more).
    """
    actor.require(Action.REVIEW_DISPOSAL)
    clean = checked_words(reason, field="reason")
    with vault.catalogue.write() as tx:
        disposal = require_list(tx, list_id, for_update=True)
        if not disposal.is_open:
            raise Conflict(f"list {disposal.number} is {disposal.state.value}; it cannot be cancelled any more")
        if dry_run:
            return _view(vault, tx, disposal)
        disposal = with_profile(vault, disposal, cancelled=clean)
        cancelled = close(
            vault, tx, actor.person_id, disposal, ListState.CANCELLED, Event.LIST_CANCELLED, {"cause": "by-person"}
        )
        return _view(vault, tx, cancelled)


def _view(vault: Vault, tx: Transaction, disposal: DisposalList) -> ListView:
    signatures = tx.disposals.signatures(disposal.id)
    upcoming = next_part(disposal, signatures) if disposal.is_open else None
    title = ""
    if upcoming is not None and upcoming[0] is Part.APPROVER and disposal.ground is Ground.DUE:
        versions = {each.version: each.rule for each in tx.schedules.versions(disposal.class_code)}
        rule = versions.get(disposal.rule_version)
        title = rule.signing[upcoming[1] - 1] if rule is not None else ""
    return ListView(
        disposal=disposal,
        profile=open_profile(vault, disposal),
        counts=tx.disposals.counts(disposal.id),
        signatures=signatures,
        next=upcoming,
        title=title,
    )


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


def _extend(tx: Transaction, record_ids: Sequence[RecordId], until: date | None) -> None:
    for record_id in record_ids:
        record = tx.records.get(record_id, for_update=True)
        if record is not None and until is not None and record.due_on is not None and record.due_on < until:
            tx.records.update(replace(record, due_on=until, change=tx.records.next_change()))


def _require_signable(
    tx: Transaction, disposal: DisposalList, signatures: Sequence[Signature], part: Part | None
) -> tuple[Part, int]:
    upcoming = next_part(disposal, signatures)
    if not disposal.is_open:
        raise Conflict(f"list {disposal.number} is {disposal.state.value}; nobody signs it any more")
    if upcoming is None:
        raise Conflict(f"everybody has signed list {disposal.number} already; execute it")
    which = upcoming[0]
    if part is not None and part is not which:
        raise Conflict(f"the next signature on list {disposal.number} is that of its {which.value}")
    pending = tx.disposals.counts(disposal.id).get(Decision.PENDING, 0)
    if pending:
        raise Conflict(
            f"{pending} records of list {disposal.number} are pending, and silence never approves; decide on each first"
        )
    return upcoming


def _window(tx: Transaction, disposal: DisposalList) -> timedelta:
    """How long objections may be made, by the rule under which the list was made."""
    if disposal.ground is not Ground.DUE:
        return timedelta()
    for version in tx.schedules.versions(disposal.class_code):
        if version.version == disposal.rule_version:
            return timedelta(days=version.rule.objection_days)
    raise NotFound(f"class {disposal.class_code} has no version {disposal.rule_version} of its rule; run the doctor")
