"""A committed destruction taken into effect: steps 5 to 7 of ``destruction``.

Rule 1: each step may be done again, by several processes at once, after any crash.
Rule 2: effect is stated only once every keeper is proven and every process confirms the generation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vault.audit import Detail, Event
from vault.destruction import Batch, BatchState
from vault.errors import AlreadyExists, Broken, Refused, SealBroken
from vault.people import CLOCK_ID
from vault.seal.increments import Increment
from vault.workflows.lists import close_executed
from vault.workflows.locks import lasting_lock
from vault.workflows.processes import beat, unconfirmed
from vault.workflows.vault import Vault

TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch, and what it still waits for, in words."""

    batch: Batch
    waiting: Sequence[str]


def resume(vault: Vault) -> Sequence[BatchView]:
    """Finishes what was committed, as far as it can be now; gives the batches that still wait, and for what.

    Doing it again, or in several processes at once, does no harm. Raises ``StoreUnavailable``, ``KeeperUnavailable``,
    ``CatalogueUnavailable``.
    """
    tries = TRIES
    while True:
        with vault.catalogue.read() as tx:
            unfinished = tx.batches.unfinished(vault.fonds.id)
        if not unfinished:
            return []
        try:
            for batch in unfinished:
                if batch.state is BatchState.ERASING:
                    _promote(vault, batch)
            waiting = _take_effect(vault)
            break
        except (Refused, Broken):
            # Another process may have gone on with it meanwhile, and further: what was read is old then.
            tries -= 1
            with vault.catalogue.read() as tx:
                if tries == 0 or tx.batches.unfinished(vault.fonds.id) == unfinished:
                    raise
    with vault.catalogue.read() as tx:
        return [BatchView(batch=batch, waiting=waiting) for batch in tx.batches.unfinished(vault.fonds.id)]


def _promote(vault: Vault, batch: Batch) -> None:
    """Step 5."""
    increment = increment_of(vault, batch)
    key = vault.layout.increment(increment.tree_id, increment.generation, increment.attempt)
    body = b"".join(increment.chunks())
    try:
        vault.store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=lasting_lock(vault.now()))
    except AlreadyExists:
        _require_same(vault, key, batch)
    for copy in vault.page_copies:
        copy(key, body)
    vault.keys.promote(batch.generation, batch.attempt)
    with vault.catalogue.write() as tx:
        tx.batches.promote(batch.id)


def _take_effect(vault: Vault) -> Sequence[str]:
    """Steps 6 and 7; gives what they wait for."""
    with vault.catalogue.read() as tx:
        tree = tx.trees.get(vault.fonds.id)
        batches = tx.batches.unfinished(vault.fonds.id)
    if tree is None or not batches:
        return []
    if batches[-1].state is BatchState.ERASING:
        return ["the key pages of a later destruction are not in the object store yet"]
    vault.keys.destroy_others(tree.generation, tree.attempt)
    beat(vault)
    waiting = waiting_for(vault, tree.generation)
    if waiting:
        return waiting
    for batch in batches:
        with vault.catalogue.write() as tx:
            if tx.batches.finish(batch, at=vault.now()):
                close_executed(vault, tx, batch)
                detail: Detail = {"generation": tree.generation, "records": batch.record_count}
                tx.audit.append(vault.entry(CLOCK_ID, Event.DESTRUCTION_EFFECTIVE, batch.id, detail))
    return []


def increment_of(vault: Vault, batch: Batch) -> Increment:
    """The increment of the newest batch, from the catalogue. Raises ``SealBroken`` when rows are missing or altered."""
    with vault.catalogue.read() as tx:
        pages = tx.trees.pages_of_generation(vault.fonds.id, batch.generation)
    increment = Increment(
        tree_id=vault.fonds.tree_id,
        generation=batch.generation,
        attempt=batch.attempt,
        predecessor=batch.predecessor,
        pages=pages,
        removed=batch.removed,
    )
    if increment.digest != batch.digest:
        raise SealBroken(
            f"the key pages of generation {batch.generation} in the catalogue are not those that were written; restore "
            "the catalogue from a backup"
        )
    return increment


def waiting_for(vault: Vault, generation: int) -> list[str]:
    """What the effect of a generation waits for, in words: keepers and processes."""
    keepers = [f"keeper {each.name}: {each.text}" for each in vault.keys.standing() if not each.is_proven]
    return keepers + unconfirmed(vault, generation)


def _require_same(vault: Vault, key: str, batch: Batch) -> None:
    """What lies under the increment's key is the increment: put there before a crash, or by another process."""
    facts = vault.store.head(key)
    hashing = hashlib.sha256()
    if facts is not None:
        with vault.store.read(key, facts.version_id) as chunks:
            for chunk in chunks:
                hashing.update(chunk)
    if hashing.digest() != batch.digest:
        raise SealBroken(f"the object {key} is not the key pages of generation {batch.generation}; run the doctor")
