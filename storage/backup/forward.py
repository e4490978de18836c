"""Leads a catalogue that is older than the root in force forward, by the key pages that the store has (DESIGN 5).

The batches that this catalogue never heard of are added again, from their increments: what they did to the pages, and,
with the last of them, every record and customer whose leaf is dead by now. From there they go the way of every batch:
``resume`` takes them into effect when the vault is opened.

Rule 1: which leaves are dead is told by the pages under the root in force, by nothing else.
Rule 2: who ordered those batches is not known any more; the operator who restores stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from storage.backup.memory import ALIVE
from storage.backup.tree import StoredTree
from vault.customers import CustomerState
from vault.destruction import Batch, TreeState
from vault.errors import KeyDestroyed
from vault.fonds import Fonds
from vault.ids import BatchId, CustomerId, RecordId, new_id
from vault.people import OPERATOR_ID
from vault.ports import LeafKeySource, Randomness
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction

PAGE: Final = 500


def lead_forward(
    tx: Transaction, fonds: Fonds, tree: StoredTree, *, now: datetime, randomness: Randomness
) -> tuple[int, int]:
    """Brings trees, pages, records and customers to the root in force; gives how many records and customers died since.

    Everything that the store remembers has to be in the catalogue already.
    """
    state = tx.trees.get(fonds.id)
    if state is None:
        state = TreeState.first(fonds.tree_id, bytes(16))
        tx.trees.add(fonds.id, state)
    if state.generation >= tree.head.generation:
        return 0, 0
    for earlier in tx.batches.unfinished(fonds.id):
        # A later generation was planned, so its increment reached the store and its root was promoted.
        tx.batches.promote(earlier.id)
    records, customers = list(_dead_records(tx, tree)), list(_dead_customers(tx, tree))
    for increment in tree.increments_after(state.generation):
        last = increment.generation == tree.head.generation
        batch = Batch.begun(
            increment,
            id=BatchId(new_id(randomness)),
            fonds_id=fonds.id,
            by=OPERATOR_ID,
            alone=True,
            record_count=len(records) * last,
            customer_count=len(customers) * last,
            at=now,
        )
        tx.batches.add(batch, record_ids=records if last else [], customer_ids=customers if last else [])
        tx.trees.write_pages(fonds.id, increment.generation, increment.pages, increment.removed)
        tx.trees.advance(fonds.id, TreeState.after(increment))
        tx.batches.erase(batch)
        tx.batches.promote(batch.id)
    return len(records), len(customers)


def is_dead(keys: LeafKeySource, leaf: LeafAddress) -> bool:
    """Whether a leaf's key was destroyed."""
    try:
        keys.leaf_keys(leaf)
    except KeyDestroyed:
        return True
    return False


def _dead_records(tx: Transaction, tree: StoredTree) -> Iterator[RecordId]:
    """Living records whose current version cannot be opened any more."""
    change = 0
    while page := tx.records.changed_since(change, limit=PAGE):
        change = page[-1].change
        for record in page:
            if record.state in ALIVE:
                version = tx.records.version(record.id, record.current_ordinal)
                if version is not None and is_dead(tree, version.object.leaf):
                    yield record.id


def _dead_customers(tx: Transaction, tree: StoredTree) -> Iterator[CustomerId]:
    change = 0
    while page := tx.customers.changed_since(change, limit=PAGE):
        change = page[-1].change
        for customer in page:
            if customer.state is CustomerState.LIVE and is_dead(tree, customer.profile_leaf):
                yield customer.id
