"""Disposal lists at work: shown, signed in order, or cancelled. What is decided on each record is ``reviewing``'s.

Rule 1: nobody signs before every item is decided; whoever reviewed it signs first, as its proposer.
Rule 2: whoever signs as the proposer of what is due has given an opinion on it, which is a record of its own before the
signature counts (``appraisal``).
Rule 3: the last approver's signature approves a list; who has to be told is told then (``notices``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vault.audit import Detail, Event
from vault.disposal import (
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
from vault.errors import Conflict, NotAllowed, NotFound
from vault.ids import ListId, could_be_key
from vault.permissions import Action, Actor
from vault.records import Record
from vault.shelves import Transaction
from vault.workflows.appraisal import keep_opinion
from vault.workflows.dryrun import writing
from vault.workflows.freshness import require_fresh
from vault.workflows.lists import (
    checked_words,
    close,
    is_outdated,
    open_profile,
    open_reason,
    require_list,
    require_own_list,
    with_profile,
)
from vault.workflows.notices import announce, rule_of_list
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

    ``title`` is that of the next approver, as the rule names it; ``untold`` is how many customers have to be told yet.
    ``outdated``: the rule under which an open list was made is no longer in force, so it can only be cancelled.
    """

    disposal: DisposalList
    profile: ListProfile
    counts: Mapping[Decision, int]
    signatures: Sequence[Signature]
    next: tuple[Part, int] | None
    title: str
    untold: int = 0
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One record of a list, and the reason of what was decided on it."""

    item: DisposalItem
    record: Record
    reason: str


def find_list(vault: Vault, actor: Actor, key: str) -> DisposalList:
    """The list with an id or a number. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    disposal = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            disposal = tx.disposals.by_number(vault.fonds.id, key) or tx.disposals.get(ListId(key))
    if disposal is None or not actor.may(Action.SEE_DISPOSALS, disposal.class_code):
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
        classes = actor.reach(Action.SEE_DISPOSALS)
        found = tx.disposals.page(vault.fonds.id, state=state, classes=classes, before=before, limit=limit)
        return [(each, tx.disposals.counts(each.id)) for each in found]


def show_list(vault: Vault, actor: Actor, list_id: ListId) -> ListView:
    """A list. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        return view_of(vault, tx, require_own_list(tx, actor, Action.SEE_DISPOSALS, list_id))


def list_items(
    vault: Vault, actor: Actor, list_id: ListId, *, after: str = "", limit: int = ITEMS_SHOWN_MAX
) -> Sequence[ItemView]:
    """A page of what stands, or stood, on a list, by record id. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        disposal = require_own_list(tx, actor, Action.SEE_DISPOSALS, list_id)
        items = tx.disposals.items(list_id, after=after, limit=limit)
        found = tx.records.many([each.record_id for each in items])
    return [
        ItemView(item=each, record=found[each.record_id], reason=open_reason(vault, disposal, each)) for each in items
    ]


def list_transfers(vault: Vault, actor: Actor, *, after: str = "", limit: int = ITEMS_SHOWN_MAX) -> Sequence[Record]:
    """Living records of which the newest decision is to hand them over, by id. Raises ``NotAllowed``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        classes = actor.reach(Action.SEE_DISPOSALS)
        return tx.disposals.to_transfer(vault.fonds.id, classes=classes, after=after, limit=limit)


def sign(vault: Vault, actor: Actor, list_id: ListId, part: Part | None = None, *, dry_run: bool = False) -> ListView:
    """Signs a list in the part that is next; ``part`` says which one the signer means.

    The last approver's signature approves it, and the objection window begins. Raises ``NotAllowed`` (signed already,
    or not among those who sign in this part), ``StepUpNeeded``, ``NotFound``, ``Conflict`` (an item is pending; another
    part is next; it changed meanwhile), ``StoreUnavailable`` (the opinion cannot be kept).
    """
    with vault.catalogue.read() as tx:
        seen = require_own_list(tx, actor, Action.SEE_DISPOSALS, list_id)
        which, _ = _require_mine(tx, actor, seen, part)
    if not dry_run:
        require_fresh(vault, actor)
    opinion = ""
    if which is Part.PROPOSER and seen.ground is Ground.DUE and not dry_run:
        opinion = keep_opinion(vault, actor, seen)
    with writing(vault, dry_run=dry_run) as tx:
        disposal = require_list(tx, list_id, for_update=True)
        which, step = _require_mine(tx, actor, disposal, part)
        if disposal.change != seen.change:
            raise Conflict(f"list {disposal.number} has changed meanwhile; look at it again")
        change = tx.records.next_change()
        tx.disposals.sign(
            Signature(list_id=list_id, person_id=actor.person_id, part=which, step=step, at=vault.now(), change=change)
        )
        told: Detail = {"number": disposal.number, "part": which.value, "step": step}
        tx.audit.append(vault.entry(actor.person_id, Event.LIST_SIGNED, list_id, told))
        disposal = replace(disposal, change=change)
        if opinion:
            disposal = with_profile(vault, disposal, opinion=opinion)
        counts = tx.disposals.counts(list_id)
        if which is Part.APPROVER and step == disposal.approvers:
            disposal = _approve(vault, tx, actor, disposal, counts.get(Decision.DESTROY, 0))
        tx.disposals.update(disposal)
        if not counts.get(Decision.DESTROY, 0):
            # Everything was decided otherwise: there is nothing to approve.
            ended: Detail = {"records": 0}
            disposal = close(vault, tx, actor.person_id, disposal, ListState.DONE, Event.LIST_DONE, ended)
        return view_of(vault, tx, disposal)


def cancel(vault: Vault, actor: Actor, list_id: ListId, reason: str, *, dry_run: bool = False) -> ListView:
    """Cancels an open list: nothing of it dies; what is still due is listed anew.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` (no reason), ``Conflict`` (it is not open any more).
    """
    actor.require(Action.REVIEW_DISPOSAL)
    clean = checked_words(reason, field="reason")
    with writing(vault, dry_run=dry_run) as tx:
        disposal = require_own_list(tx, actor, Action.REVIEW_DISPOSAL, list_id, for_update=True)
        if not disposal.is_open:
            raise Conflict(f"list {disposal.number} is {disposal.state.value}; it cannot be cancelled any more")
        disposal = with_profile(vault, disposal, cancelled=clean)
        cancelled = close(
            vault, tx, actor.person_id, disposal, ListState.CANCELLED, Event.LIST_CANCELLED, {"cause": "by-person"}
        )
        return view_of(vault, tx, cancelled)


def view_of(vault: Vault, tx: Transaction, disposal: DisposalList) -> ListView:
    """A list as it is shown, in a transaction."""
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
        untold=tx.notices.waiting(disposal.id),
        outdated=disposal.is_open and is_outdated(tx, disposal),
    )


def _approve(vault: Vault, tx: Transaction, actor: Actor, disposal: DisposalList, records: int) -> DisposalList:
    approved = replace(disposal, state=ListState.APPROVED, approved_at=vault.now())
    approved = announce(vault, tx, approved, rule_of_list(tx, disposal))
    detail: Detail = {
        "number": disposal.number,
        "class": disposal.class_code,
        "rule": disposal.rule_version,
        "ground": disposal.ground.value,
        "records": records,
        "window_until": approved.window_until.isoformat() if approved.window_until else None,
        "automatic": False,
    }
    tx.audit.append(vault.entry(actor.person_id, Event.LIST_APPROVED, disposal.id, detail))
    return approved


def _require_mine(tx: Transaction, actor: Actor, disposal: DisposalList, part: Part | None) -> tuple[Part, int]:
    """The part and step in which this person may sign now."""
    signatures = tx.disposals.signatures(disposal.id)
    which, step = _require_signable(tx, disposal, signatures, part)
    actor.require(SIGNS[which], disposal.class_code)
    mine = next((each for each in signatures if each.person_id == actor.person_id), None)
    if mine is not None:
        raise NotAllowed(
            f"you have signed list {disposal.number} as its {mine.part.value}; its {which.value} is somebody else"
        )
    return which, step


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
