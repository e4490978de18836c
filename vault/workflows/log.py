"""The log that an outsider can check: what the catalogue's entries tell, published as a signed Merkle tree (DESIGN 8).

Entries are numbered when they commit, one after the other and without gaps, on both databases: a number is taken under
a lock that lasts until the commit. So entry ``n`` is leaf ``n - 1`` of the tree, and whoever publishes never overtakes
one that commits later.

1. The newest checkpoint in the store is opened, its right edge read, and the last entry under it compared with the
   catalogue's. A catalogue that has fewer entries, or another one there, is a copy of another time: refused.
2. Tiles of entries and of hashes are written, each once and for all: the entries first.
3. Only when every tile of a size is in the store with exactly our bytes is that size signed.
4. The checkpoint is written, once and for all.

Rule 1: no two trees of one size are ever signed. They would differ in a tile of the same name, which the store takes
once (step 2 comes before step 3), whoever publishes and however often it is killed.
Rule 2: publishing again what is published changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vault.audit import NumberedEntry
from vault.errors import AlreadyExists, CatalogueBroken, CatalogueOlder, NotFound, SealBroken, StillLocked
from vault.outcomes import Outcome
from vault.permissions import Action, Actor
from vault.seal.merkle import (
    TILE_WIDTH,
    Growth,
    Tree,
    bundle_entries,
    leaf_hash,
    require_inclusion,
    split_entries,
    split_hashes,
    tile_path,
    tiles_of,
    width_at,
)
from vault.seal.notes import Checkpoint, SignerKey, VerifierKey, sign_note
from vault.workflows import logstamps, logstore
from vault.workflows.locks import lasting_lock
from vault.workflows.logstore import (
    ENTRIES,
    Covering,
    LogHead,
    newest_head,
    origin,
    published_tree,
    put_once,
    read_tile,
    signing_keys,
)
from vault.workflows.vault import Vault

STEP: Final = 64 * TILE_WIDTH
"""Entries of one checkpoint at most: a long backlog is signed on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """That an entry is in the log: its bytes, its place (from 0), the path to the root, and the signed checkpoint."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: bytes
    keys: tuple[VerifierKey, ...]

    def to_bytes(self) -> bytes:
        """As C2SP tlog-proof has it: without the entry."""
        lines = ["c2sp.org/tlog-proof@v1", f"index {self.index}"]
        lines += [base64.b64encode(each).decode("ascii") for each in self.path]
        return "\n".join([*lines, "", ""]).encode() + self.note


def publish(vault: Vault) -> LogHead | None:
    """Publishes every entry that is committed; gives the newest checkpoint, None while there is no entry at all.

    Raises ``CatalogueOlder`` and ``CatalogueBroken`` when catalogue and published log do not go together,
    ``SealBroken``, ``ObjectMissing``, ``StoreUnavailable``, ``StoreFull``.
    """
    keys = signing_keys(vault)
    while True:
        base = newest_head(vault, keys)
        size = base.size if base is not None else 0
        growth = Growth() if base is None else _growth(vault, base)
        with vault.catalogue.read() as tx:
            last = tx.audit.newest()
            known = tx.audit.between(size, size)
        if last < size:
            raise CatalogueOlder(
                f"the catalogue has {last} entries of the log, and {size} are published: it is a copy of an earlier "
                "time; run `strongroom restore`, which takes the others back"
            )
        if base is not None and [leaf_hash(each.to_bytes()) for each in known] != [_last_leaf(vault, size)]:
            raise CatalogueBroken(
                f"entry {size} of the catalogue is not the one that was published; run `strongroom audit verify`"
            )
        if last == size:
            return base
        to = min(last, size + STEP)
        before = dict.fromkeys(_edge_of(size))
        for first in range(size // TILE_WIDTH * TILE_WIDTH, to, TILE_WIDTH):
            _add_entries(vault, growth, first, min(first + TILE_WIDTH, to))
        for level, number, tile in growth.partial_tiles():
            if (level, number, len(tile)) not in before:
                _put_tile(vault, level, number, tile)
        _sign(vault, Checkpoint(origin=origin(vault), size=to, root=growth.root()), base, keys)
        if to == last:
            return newest_head(vault, keys)


def publish_log(vault: Vault) -> Outcome:
    """The duty of upkeep: ``publish``."""
    head = publish(vault)
    return Outcome.of("log-published", entries=0 if head is None else head.size)


def prune_log(vault: Vault) -> Outcome:
    """The duty of upkeep: deletes partial tiles whose full tile is published, and whose locks have lapsed.

    The full tile has all that they had (C2SP tlog-tiles allows it). A lock that has not lapsed is respected, and what
    comes behind it is younger.
    """
    deleted = 0
    head = newest_head(vault, signing_keys(vault))
    tiles = tiles_of(head.size if head is not None else 0)
    full: dict[int | str, int] = {level: number for level, number, width in tiles if width == TILE_WIDTH}
    if 0 in full:
        full[ENTRIES] = full[0]
    for kind, last in full.items():
        listing = vault.store.versions(vault.layout.log_tile(vault.fonds.tree_id, f"tile/{kind}") + "/")
        partial = [each for each in listing if logstore.partial_number(each.key) in range(last + 1)]
        try:
            for each in partial:
                vault.store.delete_version(each.key, each.version_id)
                deleted += 1
        except StillLocked:
            continue
    return Outcome.of("log-pruned", deleted=deleted)


def prove(vault: Vault, number: int) -> LogProof:
    """Proves that entry ``number`` is in the log; publishes it first where it is not yet.

    Raises ``NotFound`` when there is no such entry, ``SealBroken`` when the published log does not hold together, and
    as ``publish``.
    """
    return _proof(vault, number - 1, _covering(vault, number))


def prove_all(vault: Vault, numbers: Sequence[int]) -> Sequence[LogProof]:
    """Proves entries under one checkpoint. Raises as ``prove``."""
    covering = _covering(vault, max(numbers))
    return [_proof(vault, number - 1, covering) for number in numbers]


def _proof(vault: Vault, index: int, covering: Covering) -> LogProof:
    head = covering.head
    published = replace(logstore.log_of(vault), remembered=vault.published)
    number, place = divmod(index, TILE_WIDTH)
    width = width_at(head.size, 0, number)
    entries = split_entries(published.tile(ENTRIES, number, width))
    if len(entries) < width:
        raise SealBroken(f"{tile_path(ENTRIES, number)} of the published log is too short; put it back from a backup")
    # The entries give the tile of their own hashes, so it need not be read: the path has to lead to the signed root.
    own = b"".join(leaf_hash(each) for each in entries)
    path = Tree(
        head.size, lambda level, at, of: own if (level, at) == (0, number) else published.tile(level, at, of)
    ).prove_inclusion(index)
    require_inclusion(leaf_hash(entries[place]), index, head.size, path, head.checkpoint.root)
    return LogProof(
        entry=entries[place],
        index=index,
        path=tuple(path),
        checkpoint=head.checkpoint,
        note=head.note,
        keys=tuple(covering.keys[each - 1] for each in head.signed_by),
    )


def _covering(vault: Vault, number: int) -> Covering:
    """A checkpoint that covers the entry: the one that this process remembers will do, as well as the newest."""
    covering = vault.covering.get(origin(vault))
    if covering is None or not 1 <= number <= covering.head.size:
        keys = signing_keys(vault)
        newest = newest_head(vault, keys)
        if newest is None or newest.size < number:
            newest = publish(vault)
            keys = signing_keys(vault)
        if newest is None or not 1 <= number <= newest.size:
            raise NotFound(f"the log has no entry {number}; name one that `strongroom audit tail` shows")
        covering = Covering(head=newest, keys=tuple(each.verifier for each in keys))
        vault.covering.keep(origin(vault), covering)
    return covering


def export(vault: Vault, actor: Actor) -> Iterator[tuple[str, bytes]]:
    """Everything that an auditor takes away: (path as C2SP spells it, bytes). ``scripts/verify_audit`` checks it.

    Raises ``NotAllowed``, ``NotFound`` while nothing is published, and as the store does.
    """
    actor.require(Action.READ_LOG)
    keys = signing_keys(vault)
    head = newest_head(vault, keys)
    if head is None:
        raise NotFound("nothing of the log is published yet; run `strongroom upkeep run`")
    yield "checkpoint", head.note
    yield "keys", "".join(f"{key.verifier.text}\n" for key in keys).encode()
    for number in range(2, len(keys) + 1):
        yield (
            f"crossing/{number}",
            logstore.read_object(vault, vault.layout.log_crossing(vault.fonds.tree_id, number)),
        )
    for size, note, stamp in logstamps.stamps(vault):
        if size <= head.size:
            yield f"stamped/{size}", note
            yield f"stamped/{size}.tsr", stamp
    for level, number, width in tiles_of(head.size):
        yield tile_path(level, number, width), read_tile(vault, level, number, width)
        if level == 0:
            yield tile_path(ENTRIES, number, width), read_tile(vault, ENTRIES, number, width)


def _edge_of(size: int) -> Iterator[tuple[int, int, int]]:
    return ((level, number, width * 32) for level, number, width in tiles_of(size) if width < TILE_WIDTH)


def _growth(vault: Vault, base: LogHead) -> Growth:
    """The published tree, ready to grow: its right edge, which has to lead to the root that was signed."""
    levels: dict[int, list[bytes]] = {}
    size, level = base.size, 0
    while size:
        number, width = divmod(size, TILE_WIDTH)
        if width:
            levels[level] = split_hashes(read_tile(vault, level, number, width))
        size, level = number, level + 1
    growth = Growth(base.size, [levels.get(each, []) for each in range(level)])
    if growth.root() != base.checkpoint.root:
        raise SealBroken(
            f"the published log's tiles do not lead to the root of its checkpoint of {base.size} entries; "
            "put them back from a backup"
        )
    return growth


def _last_leaf(vault: Vault, size: int) -> bytes:
    return published_tree(vault, size).leaf(size - 1)


def _add_entries(vault: Vault, growth: Growth, first: int, end: int) -> None:
    """Publishes the entries of one tile (indices from ``first`` to before ``end``), of which some may be already."""
    with vault.catalogue.read() as tx:
        numbered = tx.audit.between(first + 1, end)
    entries = require_whole(numbered, first + 1, end)
    _put(vault, tile_path(ENTRIES, first // TILE_WIDTH, end - first), bundle_entries(entries))
    for entry in entries[growth.size - first :]:
        for level, number, tile in growth.add(leaf_hash(entry)):
            _put_tile(vault, level, number, tile)


def require_whole(numbered: Sequence[NumberedEntry], first: int, last: int) -> list[bytes]:
    """The bytes of entries ``first`` to ``last``. Raises ``CatalogueBroken`` when one is missing."""
    there = {each.number: each.to_bytes() for each in numbered}
    missing = next((number for number in range(first, last + 1) if number not in there), None)
    if missing is not None:
        raise CatalogueBroken(f"entry {missing} of the log is gone from the catalogue; restore it from a backup")
    return [there[number] for number in range(first, last + 1)]


def _put_tile(vault: Vault, level: int, number: int, tile: bytes) -> None:
    _put(vault, tile_path(level, number, len(tile) // 32), tile)


def _put(vault: Vault, path: str, body: bytes) -> None:
    put_once(vault, vault.layout.log_tile(vault.fonds.tree_id, path), body, passing=".p/" in path)


def _sign(vault: Vault, checkpoint: Checkpoint, base: LogHead | None, keys: list[SignerKey]) -> None:
    """Signs with the newest key, with those since the one that signed the last checkpoint, and with each that was the
    newest within the last month: whoever has not heard of a change yet can check what is new by the key they kept."""
    crossed = max(base.signed_by) if base is not None else len(keys)
    note = sign_note(checkpoint.text, keys[min(crossed, logstore.oldest_in_force(keys, vault.now())) - 1 :])
    tree_id = vault.fonds.tree_id
    for number in range(crossed + 1, len(keys) + 1):
        _put_note(vault, vault.layout.log_crossing(tree_id, number), note)
    key = vault.layout.log_checkpoint(tree_id, checkpoint.size)
    if not _put_note(vault, key, note):
        there = logstore.open_head(logstore.read_object(vault, key), keys, checkpoint.origin)
        if there.checkpoint != checkpoint:
            raise CatalogueBroken(
                f"another tree of {checkpoint.size} entries was signed; run `strongroom audit verify`"
            )


def _put_note(vault: Vault, key: str, note: bytes) -> bool:
    """Writes a note; False when one is there. Of two who sign one tree, one may know of more keys than the other."""
    try:
        vault.store.put(key, note, sha256=hashlib.sha256(note).digest(), lock=lasting_lock(vault.now()))
    except AlreadyExists:
        return False
    return True
