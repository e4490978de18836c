"""Restricting: records that may only be stored (封存), and records that prove debts which are not settled.

Rule 1: one officer restricts a record, another one lifts that; the catalogue refuses one person for both.
Rule 2: restricted, a record is listed for officers only, found by nobody, and neither opened, corrected, linked nor
handed over; links that led to it lead nowhere until the restriction is lifted. Holds and periods go on.
Rule 3: what is unsettled keeps a record where its class says so (会计档案管理办法 art. 19). Clearing it needs a reason.
Rule 4: reasons are sealed under the record's leaf: they die with it. The log says that there was one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vault.audit import Event
from vault.errors import Conflict, NotAllowed, NotFound
from vault.holds import checked_reason
from vault.ids import RecordId
from vault.permissions import Action, Actor, require_on
from vault.records import Record, RecordState
from vault.shelves import Transaction
from vault.workflows import outbox
from vault.workflows.freshness import require_fresh
from vault.workflows.logdetails import append_sealed
from vault.workflows.vault import Vault

_ALIVE: Final = frozenset({RecordState.RECEIVED, RecordState.FILED})


def restrict_record(vault: Vault, actor: Actor, record_id: RecordId, reason: str) -> Record:
    """Lets a record only be stored. Raises ``NotAllowed``, ``NotFound``, ``Conflict``, ``InvalidInput`` (reason)."""
    actor.require(Action.RESTRICT_RECORD)
    said = checked_reason(reason)
    with vault.catalogue.write() as tx:
        record = _living(tx, actor, Action.RESTRICT_RECORD, record_id)
        if record.is_restricted:
            raise Conflict(f"record {record.number} may only be stored already")
        restricted = replace(record, restricted_by=actor.person_id, restriction_lifted_by=None)
        return _kept(vault, tx, actor, restricted, Event.RECORD_RESTRICTED, said)


def lift_restriction(vault: Vault, actor: Actor, record_id: RecordId, reason: str) -> Record:
    """Lifts a restriction that somebody else placed.

    Raises ``NotAllowed`` (also for whoever placed it), ``StepUpNeeded``, ``NotFound``, ``Conflict``, ``InvalidInput``
    (reason).
    """
    actor.require(Action.RESTRICT_RECORD)
    require_fresh(vault, actor)
    said = checked_reason(reason)
    with vault.catalogue.write() as tx:
        record = _living(tx, actor, Action.RESTRICT_RECORD, record_id)
        if not record.is_restricted:
            raise Conflict(f"record {record.number} is not restricted")
        if record.restricted_by == actor.person_id:
            raise NotAllowed("you restricted this record; a second person has to lift that")
        lifted = replace(record, restriction_lifted_by=actor.person_id)
        return _kept(vault, tx, actor, lifted, Event.RESTRICTION_LIFTED, said)


def mark_unsettled(vault: Vault, actor: Actor, record_id: RecordId, reason: str) -> Record:
    """Says that debts or claims which a record proves are not settled.

    Raises ``NotAllowed``, ``NotFound``, ``Conflict``, ``InvalidInput`` (reason).
    """
    actor.require(Action.MARK_UNSETTLED)
    said = checked_reason(reason)
    with vault.catalogue.write() as tx:
        record = _living(tx, actor, Action.MARK_UNSETTLED, record_id)
        if record.is_unsettled:
            raise Conflict(f"record {record.number} is marked as unsettled already")
        return _kept(vault, tx, actor, replace(record, unsettled_by=actor.person_id), Event.RECORD_UNSETTLED, said)


def mark_settled(vault: Vault, actor: Actor, record_id: RecordId, reason: str) -> Record:
    """Says that they are settled. Raises as ``mark_unsettled``."""
    actor.require(Action.MARK_UNSETTLED)
    said = checked_reason(reason)
    with vault.catalogue.write() as tx:
        record = _living(tx, actor, Action.MARK_UNSETTLED, record_id)
        if not record.is_unsettled:
            raise Conflict(f"record {record.number} is not marked as unsettled")
        return _kept(vault, tx, actor, replace(record, unsettled_by=None), Event.RECORD_SETTLED, said)


def _living(tx: Transaction, actor: Actor, action: Action, record_id: RecordId) -> Record:
    record = require_on(actor, action, tx.records.get(record_id, for_update=True))
    if record.state not in _ALIVE:
        raise Conflict(f"record {record.number} is {record.state.value}; nothing is decided on it any more")
    return record


def _kept(vault: Vault, tx: Transaction, actor: Actor, record: Record, event: Event, reason: str) -> Record:
    version = tx.records.version(record.id, record.current_ordinal)
    if version is None:
        raise NotFound(f"record {record.number} has no version {record.current_ordinal}; run the doctor")
    changed = replace(record, change=tx.records.next_change())
    tx.records.update(changed)
    leaf = version.object.leaf
    outbox.put_record(vault, tx, changed, leaf)
    append_sealed(vault, tx, vault.entry(actor.person_id, event, record.id), leaf, {"reason": reason})
    return changed
