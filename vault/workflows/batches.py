"""Destruction batches as people look at them afterwards: which one took something, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vault.audit import Event
from vault.destruction import Batch, BatchState, Targets
from vault.errors import NotFound
from vault.ids import BatchId
from vault.permissions import Action, Actor, require_on
from vault.records import Record
from vault.workflows.effect import BatchView, waiting_for
from vault.workflows.vault import Vault

BATCHES_SEARCHED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StubView:
    """What stays of a record: its stub, and its sealed bytes, until they are deleted after their last lock lapsed."""

    record: Record
    locked_until: datetime | None
    deleted_at: datetime | None


def stub_views(
    vault: Vault, actor: Actor, batch_id: BatchId, *, after: int = 0, limit: int = 100
) -> Sequence[StubView]:
    """The stubs of a batch, ``limit`` of them behind number ``after``. Raises ``NotAllowed``."""
    records = stubs(vault, actor, batch_id, after=after, limit=limit)
    views = []
    with vault.catalogue.read() as tx:
        for record in records:
            locks = [version.lock.retain_until for version in tx.records.versions(record.id)]
            entries = tx.audit.page(subject=record.id, limit=20)
            deleted = [each.entry.at for each in entries if each.entry.event is Event.CIPHERTEXT_DELETED]
            until = max(locks, default=None)
            views.append(StubView(record=record, locked_until=until, deleted_at=deleted[0] if deleted else None))
    return views


def batch_of(vault: Vault, actor: Actor, targets: Targets) -> Batch | None:
    """The batch that has all of the targets already, as after a form that was sent twice. Raises ``NotAllowed``."""
    actor.require(Action.DESTROY_RECORDS)
    with vault.catalogue.read() as tx:
        for record in tx.records.many(list(targets.records)).values():
            require_on(actor, Action.DESTROY_RECORDS, record)
        found = {batch.id: batch for each in targets.records if (batch := tx.batches.of_record(each)) is not None}
        taken = sum(tx.batches.of_record(each) is not None for each in targets.records)
        if targets.customers:
            newest = tx.batches.page(vault.fonds.id, limit=BATCHES_SEARCHED)
            theirs = {batch.id: batch for batch in newest if targets.customers <= set(tx.batches.customers(batch.id))}
            if not theirs:
                return None
            found = {**found, **theirs}
    whole = len(found) == 1 and taken == len(targets.records)
    return next(iter(found.values())) if whole else None


def unfinished(vault: Vault, actor: Actor) -> Sequence[Batch]:
    """Batches that are not effective yet, oldest first. Raises ``NotAllowed``."""
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        return tx.batches.unfinished(vault.fonds.id)


def list_batches(vault: Vault, actor: Actor, *, before: int | None = None, limit: int = 50) -> Sequence[Batch]:
    """A page of batches, newest first; ``before`` is the generation of the last one of the page before.

    Raises ``NotAllowed``.
    """
    actor.require(Action.SEE_DESTRUCTIONS)
    with vault.catalogue.read() as tx:
        return tx.batches.page(vault.fonds.id, before=before, limit=limit)


def show_batch(vault: Vault, actor: Actor, batch_id: BatchId) -> BatchView:
    """A batch, and what it waits for. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DESTRUCTIONS)
    with vault.catalogue.read() as tx:
        batch = tx.batches.get(batch_id)
    if batch is None:
        raise NotFound("there is no such destruction; look it up in the list")
    return view_of(vault, batch)


def view_of(vault: Vault, batch: Batch) -> BatchView:
    """A batch, and what it waits for. The caller has authorised."""
    if batch.state is BatchState.EFFECTIVE:
        return BatchView(batch=batch, waiting=())
    if batch.state is BatchState.ERASING:
        return BatchView(batch=batch, waiting=["its key pages are not in the object store yet"])
    return BatchView(batch=batch, waiting=waiting_for(vault, batch.generation))


def stubs(vault: Vault, actor: Actor, batch_id: BatchId, *, after: int = 0, limit: int = 500) -> Sequence[Record]:
    """What stays of the records of a batch, ``limit`` of them behind number ``after``. Raises ``NotAllowed``."""
    actor.require(Action.SEE_DESTRUCTIONS)
    with vault.catalogue.read() as tx:
        found = [tx.records.get(record_id) for _, record_id in tx.batches.records(batch_id, after=after, limit=limit)]
    return [record for record in found if record is not None]
