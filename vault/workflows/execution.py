"""Execution of a disposal list: in the destruction's own transaction the verdict is asked again, record by record.

Rule 1: what became held, was extended, filed under another class or is just being corrected is left out, and told; it
is listed again when that is over. The rest dies in one batch, or nothing does.
Rule 2: the list's row is taken before any record's; a list that changed since it was looked at is looked at again.
Rule 3: a list goes on only under the version of the rule that it was made under.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from vault.audit import Detail, Event
from vault.destruction import Batch, Candidate, Targets, verdict_on
from vault.disposal import Decision, DisposalItem, DisposalList, ListState, Part
from vault.errors import Conflict, NotAllowed, NotDue
from vault.ids import ListId, PersonId, RecordId
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.schedule import today
from vault.shelves import Transaction
from vault.workflows import destruction
from vault.workflows.freshness import require_fresh
from vault.workflows.lists import (
    checked_words,
    close,
    digest_of,
    every_item,
    is_outdated,
    require_list,
    require_own_list,
    with_profile,
)
from vault.workflows.vault import Vault

TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an execution would do now: who dies, and the code of what keeps each of the others, by record."""

    disposal: DisposalList
    dying: Sequence[Candidate]
    left_out: Mapping[RecordId, str]
    numbers: Mapping[RecordId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What came of an execution. ``batch`` is None where nothing was left to destroy: the list is done then."""

    disposal: DisposalList
    batch: Batch | None
    left_out: Mapping[RecordId, str]


def preview_execution(vault: Vault, actor: Actor, list_id: ListId) -> Judged:
    """What ``execute`` would do now. Raises ``NotAllowed``, ``NotFound``, ``Conflict``, ``NotDue``."""
    actor.require(Action.DESTROY_RECORDS)
    with vault.catalogue.read() as tx:
        require_executable(tx, require_own_list(tx, actor, Action.DESTROY_RECORDS, list_id), vault.now())
    return judge(vault, list_id)


def execute(
    vault: Vault, actor: Actor, list_id: ListId, *, place: str = "", method: str = "", remarks: str = ""
) -> Executed:
    """Executes an approved list; place and method have to be said where supervisors attend.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``, ``Conflict`` (not approved, a supervisor has not signed, the
    rule changed), ``NotDue`` (the objection window, or a period, is not over), and as ``destruction.destroy``.
    """
    actor.require(Action.DESTROY_RECORDS)
    require_fresh(vault, actor)
    with vault.catalogue.read() as tx:
        disposal = require_own_list(tx, actor, Action.DESTROY_RECORDS, list_id)
    if disposal.automatic:
        raise NotAllowed(f"list {disposal.number} is executed by upkeep; nobody else does it")
    attended = disposal.supervisors > 0
    said = {
        "place": checked_words(place, field="place", needed=attended),
        "method": checked_words(method, field="method", needed=attended),
        "remarks": checked_words(remarks, field="remarks", needed=False),
    }
    return carry_out(vault, actor.person_id, list_id, said)


def carry_out(vault: Vault, by: PersonId, list_id: ListId, said: Mapping[str, str]) -> Executed:
    """Executes a list for somebody who may, or for the clock."""
    for left in reversed(range(TRIES)):
        judged = judge(vault, list_id)
        if not judged.dying:
            return _nothing_left(vault, by, judged)
        order = destruction.Order(
            by=by,
            alone=False,
            approval=judged.disposal.approval,
            require=_requiring(vault, judged.disposal),
            taken=_taking(vault, by, judged, said),
        )
        try:
            batch = destruction.carry_out(
                vault, order, Targets(records=frozenset(each.record.id for each in judged.dying))
            )
        except (Conflict, NotDue):
            # A hold, an objection or another filing came between: it is looked at once more, with that in it.
            if not left:
                raise
            continue
        with vault.catalogue.read() as tx:
            return Executed(disposal=require_list(tx, list_id), batch=batch, left_out=judged.left_out)
    raise Conflict("others changed the list again and again; nothing was destroyed; try again")


def judge(vault: Vault, list_id: ListId) -> Judged:
    """Asks the verdict about each record that is to be destroyed by an approved list.

    Raises ``NotFound``, ``Conflict``, ``NotDue``.
    """
    now = vault.now()
    with vault.catalogue.read() as tx:
        disposal = require_list(tx, list_id)
        require_executable(tx, disposal, now)
        wanted = frozenset(each.record_id for each in every_item(tx, list_id) if each.listed)
        scope = tx.batches.scope(vault.fonds, Targets(records=wanted))
        rule = tx.schedules.rule(disposal.class_code)
    dying: list[Candidate] = []
    left_out: dict[RecordId, str] = {}
    for candidate in scope.candidates:
        cause = _cause(disposal, candidate)
        if cause is None:
            governing = rule.rule if rule is not None else None
            seen = verdict_on(candidate, governing, now=now, approval=disposal.approval)
            cause = None if seen.may_destroy else seen.reasons[0].code
        if cause is None:
            dying.append(candidate)
        else:
            left_out[candidate.record.id] = cause
    numbers = {each.record.id: each.record.number for each in scope.candidates}
    return Judged(disposal=disposal, dying=dying, left_out=left_out, numbers=numbers)


def require_executable(tx: Transaction, disposal: DisposalList, now: datetime) -> None:
    """Raises ``Conflict`` and ``NotDue``, naming what is missing."""
    number = disposal.number
    if disposal.state is not ListState.APPROVED:
        way_out = "it is signed first" if disposal.state is ListState.PROPOSED else "look at it again"
        raise Conflict(f"list {number} is {disposal.state.value}; {way_out}")
    untold = tx.notices.waiting(disposal.id)
    if untold:
        raise NotDue(
            f"{untold} customers have not been told of list {number}; tell them, then say so with "
            "`strongroom notice tell`"
        )
    if disposal.window_until is not None and now < disposal.window_until:
        raise NotDue(
            f"objections to list {number} may be made until {disposal.window_until.isoformat(timespec='minutes')}; "
            "execute it after that"
        )
    if disposal.due_until is not None and today(now) < disposal.due_until:
        raise NotDue(f"the last record of list {number} becomes due on {disposal.due_until}; execute it then")
    signed = sum(each.part is Part.SUPERVISOR for each in tx.disposals.signatures(disposal.id))
    if signed < disposal.supervisors:
        raise Conflict(
            f"{disposal.supervisors} supervisors attend the execution of list {number}, and {signed} signed; each "
            "signs with `strongroom disposition sign`"
        )
    if is_outdated(tx, disposal):
        raise Conflict(
            f"the rule of class {disposal.class_code} has changed since list {number} was made; cancel it, and "
            "propose another"
        )


def _cause(disposal: DisposalList, candidate: Candidate) -> str | None:
    """What keeps a candidate before any verdict."""
    if candidate.is_dead:
        return "dead"
    if candidate.has_open_intent:
        return "busy"
    return "reclassified" if candidate.record.class_code != disposal.class_code else None


def _requiring(vault: Vault, disposal: DisposalList) -> Callable[[Transaction], None]:
    def require(tx: Transaction) -> None:
        found = require_list(tx, disposal.id, for_update=True)
        if found.change != disposal.change:
            raise Conflict(f"list {disposal.number} has changed meanwhile; look at it again")
        require_executable(tx, found, vault.now())

    return require


def _taking(
    vault: Vault, by: PersonId, judged: Judged, said: Mapping[str, str]
) -> Callable[[Transaction, Batch], None]:
    disposal = with_profile(vault, judged.disposal, **said) if any(said.values()) else judged.disposal

    def taken(tx: Transaction, batch: Batch) -> None:
        change = tx.records.next_change()
        _leave_out(tx, by, judged, batch.created_at, change)
        tx.disposals.close_items(disposal.id, change=change)
        tx.disposals.update(
            replace(
                disposal,
                state=ListState.EXECUTING,
                executed_at=batch.created_at,
                batch_id=batch.id,
                change=change,
            )
        )
        detail: Detail = {**_told(judged), "batch": batch.id, "automatic": disposal.automatic}
        tx.audit.append(vault.entry(by, Event.LIST_EXECUTED, disposal.id, detail))

    return taken


def _nothing_left(vault: Vault, by: PersonId, judged: Judged) -> Executed:
    with vault.catalogue.write() as tx:
        _requiring(vault, judged.disposal)(tx)
        _leave_out(tx, by, judged, vault.now(), tx.records.next_change())
        done = close(vault, tx, by, judged.disposal, ListState.DONE, Event.LIST_DONE, _told(judged))
    return Executed(disposal=done, batch=None, left_out=judged.left_out)


def _leave_out(tx: Transaction, by: PersonId, judged: Judged, at: datetime, change: int) -> None:
    for record_id, cause in sorted(judged.left_out.items()):
        tx.disposals.update_item(
            DisposalItem(
                list_id=judged.disposal.id,
                record_id=record_id,
                decision=Decision.LEFT_OUT,
                listed=False,
                decided_by=by,
                decided_at=at,
                sealed=None,
                until=None,
                target=None,
                cause=cause,
                change=change,
            )
        )


def _told(judged: Judged) -> Detail:
    told: Detail = {
        "number": judged.disposal.number,
        "records": len(judged.dying),
        "records_sha256": digest_of(each.record.id for each in judged.dying),
        "left_out": len(judged.left_out),
    }
    return {**told, **{f"left_out_{cause}": count for cause, count in Counter(judged.left_out.values()).items()}}


def cancel_superseded(vault: Vault, disposal: DisposalList) -> None:
    """Cancels an automatic list whose rule has changed: its records are listed under the new one."""
    with vault.catalogue.write() as tx:
        found = require_list(tx, disposal.id, for_update=True)
        if found.is_open:
            close(vault, tx, CLOCK_ID, found, ListState.CANCELLED, Event.LIST_CANCELLED, {"cause": "rule-changed"})
