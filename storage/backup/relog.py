"""Takes the log back from what is published of it, into a catalogue that has less.

Rule 1: numbers go on behind the published log, so that entry ``n`` stays leaf ``n - 1`` and the log is never forked.
Rule 2: what was committed after the newest checkpoint, and is in no backup, is lost; the entry that tells of the
restore or rebuild says how far the log reached.
Limit: a store that was lost too has only what the backup has of the log. Whoever took a later checkpoint away will see
that the log does not go on from it, which is the truth.
"""

from __future__ import annotations

from storage.backup.memory import Memory
from vault.audit import NumberedEntry
from vault.errors import CatalogueBroken, SealBroken
from vault.fonds import Fonds
from vault.seal.merkle import TILE_WIDTH, Growth, leaf_hash, split_entries, split_hashes, width_at
from vault.shelves import Transaction
from vault.workflows.logstore import ENTRIES, PublishedLog, origin_of


def take_log_back(tx: Transaction, fonds: Fonds, memory: Memory) -> int:
    """Appends what is published and the catalogue lacks; gives how many entries are published.

    Raises ``SealBroken`` and ``ObjectMissing`` when the published log does not hold together, ``CatalogueBroken`` when
    the catalogue's entries are not a beginning of it.
    """
    log = PublishedLog(
        store=memory.store,
        layout=memory.layout,
        keys=memory.keys,
        tree_id=memory.tree_id,
        name=origin_of(fonds.vault_id),
    )
    keys = log.signing_keys()
    head = log.head(keys) if keys else None
    if head is None:
        return 0
    memory.progress("taking the log back")
    known = tx.audit.newest()
    growth = Growth()
    for first in range(0, head.size, TILE_WIDTH):
        number = first // TILE_WIDTH
        width = width_at(head.size, 0, number)
        hashes = split_hashes(log.tile(0, number, width))[:width]
        for each in hashes:
            growth.add(each)
        if first < known <= first + width:
            _require_same(tx, known, hashes[known - first - 1])
        if known < first + width:
            entries = split_entries(log.tile(ENTRIES, number, width))
            if [leaf_hash(each) for each in entries] != hashes:
                raise SealBroken(f"entries {first + 1} to {first + width} of the published log are damaged")
            read = [NumberedEntry.from_bytes(each) for each in entries]
            tx.audit.take_back([each for each in read if each.number > known])
    if growth.root() != head.checkpoint.root:
        raise SealBroken("the published log does not lead to the root of its checkpoint; put it back from a backup")
    return head.size


def _require_same(tx: Transaction, number: int, expected: bytes) -> None:
    if [leaf_hash(each.to_bytes()) for each in tx.audit.between(number, number)] != [expected]:
        raise CatalogueBroken(
            f"entry {number} of the backup's log is not the one that was published: the backup, or the published log, "
            "is of another time or was changed; take another backup"
        )
