"""Gives out leaves of the key tree: every owner has extents of 64, taken from blocks that are reserved in the store.

A block is reserved by an object that can be written only once, before the catalogue knows of it. So two catalogues of
one vault (one restored from a backup, say) never hand out the same extent: whoever comes second finds the block's
object and takes the next block. Extent 0 is the house's and belongs to block 0.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from vault.errors import AlreadyExists, CatalogueBroken, Conflict
from vault.fonds import Fonds
from vault.ports import Layout, ObjectStore
from vault.seal.keytree import ARITY, EXTENT_COUNT, LeafAddress
from vault.shelves import Catalogue, Transaction
from vault.workflows.locks import lasting_lock
from vault.workflows.vault import Vault

EXTENTS_PER_BLOCK: Final = 4096
KEYS_AHEAD: Final = 16


def issue_leaf(vault: Vault, tx: Transaction, owner: str) -> LeafAddress | None:
    """The next leaf of an owner, inside a transaction; None when a block has to be reserved first."""
    place = tx.extents.issue_leaf(vault.fonds.id, owner) or tx.extents.add_extent(vault.fonds.id, owner)
    if place is None:
        return None
    extent, leaf = place
    if leaf % KEYS_AHEAD == 0:
        # One question for the keys of the next ones too: they are asked for while others wait to write.
        ahead = range(leaf, min(leaf + KEYS_AHEAD, ARITY))
        vault.keys.many_leaf_keys(
            [LeafAddress(tree_id=vault.fonds.tree_id, extent=extent, leaf=each) for each in ahead]
        )
    return LeafAddress(tree_id=vault.fonds.tree_id, extent=extent, leaf=leaf)


def require_leaf(leaf: LeafAddress | None) -> LeafAddress:
    """The leaf, where a block was reserved just before. Raises ``Conflict`` when others took the whole block since."""
    if leaf is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    return leaf


def reserve_block(catalogue: Catalogue, store: ObjectStore, layout: Layout, fonds: Fonds, now: datetime) -> None:
    """Reserves the next free block: first the object in the store, then the row. Raises ``StoreUnavailable``.

    A crash between the two loses a block of 4,096 extents out of 2^30, which is what it costs never to use one twice.
    """
    with catalogue.read() as tx:
        newest = tx.extents.newest_block(fonds.id)
    block = 0 if newest is None else newest + 1
    while (block + 1) * EXTENTS_PER_BLOCK <= EXTENT_COUNT:
        body = b"reserved\n"
        try:
            key = layout.block(fonds.tree_id, block)
            store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=lasting_lock(now))
        except AlreadyExists:
            block += 1
            continue
        with catalogue.write() as tx:
            tx.extents.add_block(
                fonds.id, block, first_extent=block * EXTENTS_PER_BLOCK, extent_count=EXTENTS_PER_BLOCK
            )
        return
    raise CatalogueBroken("the key tree has no free extents left; open a new fonds")


def with_block(vault: Vault) -> None:
    """Reserves a block for this vault."""
    reserve_block(vault.catalogue, vault.store, vault.layout, vault.fonds, vault.now())
