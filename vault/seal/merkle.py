"""The Merkle tree of the log: hashing (RFC 6962), tiles (C2SP tlog-tiles), proofs of inclusion and consistency.

Rule 1: nothing here reads or keeps anything: trees get their tiles from a function, growing trees give tiles away.
Rule 2: checks raise. A proof that is too long, too short or wrong is refused alike (RFC 9162 section 2.1).
Rule 3: a tile holds up to 256 hashes of level ``level``: each the root of 256**level entries. Tile ``number`` begins at
hash ``256 * number``; it is full, or partial at the right edge of a tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vault.errors import SealBroken

HASH_LENGTH: Final = 32
TILE_WIDTH: Final = 256
_TILE_HEIGHT: Final = 8
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
ENTRY_BYTES_MAX: Final = 0xFFFF

ReadTile = Callable[[int, int, int], bytes]
"""Gives the hashes of tile (level, number), of which the tree has the third figure: at least so many, 32 bytes each."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry: SHA-256 over 00 and the entry (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node: SHA-256 over 01 and its children's hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of one level, of which the last may stand for fewer entries than the others."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    # Joining pairs from the left and carrying an odd last one up gives RFC 6962's split at the largest power of two.
    while len(row) > 1:
        joined = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = joined + row[len(joined) * 2 :]
    return row[0]


def split_hashes(tile: bytes) -> list[bytes]:
    """The hashes of a tile. Raises ``SealBroken`` when it does not hold whole ones."""
    if len(tile) % HASH_LENGTH or not tile or len(tile) > TILE_WIDTH * HASH_LENGTH:
        raise SealBroken(f"a tile of the log has {len(tile)} bytes, which no tile has")
    return [tile[at : at + HASH_LENGTH] for at in range(0, len(tile), HASH_LENGTH)]


# ---- tiles ---------------------------------------------------------------------------------------------------------


def tile_path(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """A tile's path as C2SP tlog-tiles spells it: ``tile/0/x001/x234/067``, ``tile/entries/000.p/17``."""
    if number < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError("a tile has a number from 0 and holds 1 to 256 hashes")
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile of hashes that a tree of ``size`` entries has: (level, number, width), level by level."""
    level, hashes = 0, size
    while hashes:
        full, rest = divmod(hashes, TILE_WIDTH)
        for number in range(full):
            yield level, number, TILE_WIDTH
        if rest:
            yield level, full, rest
        level, hashes = level + 1, full


def width_at(size: int, level: int, number: int) -> int:
    """How many hashes tile (level, number) has in a tree of ``size`` entries."""
    return max(0, min(TILE_WIDTH, (size >> (_TILE_HEIGHT * level)) - number * TILE_WIDTH))


def bundle_entries(entries: Sequence[bytes]) -> bytes:
    """A tile of entries: each behind its length as u16. Raises ``ValueError`` for one of more than 65,535 bytes."""
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise ValueError("an entry of the log has more than 65535 bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def split_entries(bundle: bytes) -> list[bytes]:
    """The entries of ``bundle_entries``. Raises ``SealBroken`` when it ends within one."""
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise SealBroken("a tile of the log's entries ends within an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


class Growth:
    """A tree that grows at its right edge, and gives away each tile as it fills.

    ``edges`` are the hashes of the partial tiles of a tree of ``size`` entries, level by level.
    """

    def __init__(self, size: int = 0, edges: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self._edges = [list(edge) for edge in edges]

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Adds the hash of an entry; gives the tiles that it filled: (level, number, hashes)."""
        self.size += 1
        return self._fill(0, leaf)

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """``add``, of each in turn; a whole tile of them is quick."""
        if len(leaves) == TILE_WIDTH and self.size % TILE_WIDTH == 0:
            self.size += TILE_WIDTH
            if not self._edges:
                self._edges.append([])
            whole = (0, (self.size >> _TILE_HEIGHT) - 1, b"".join(leaves))
            return [whole, *self._fill(1, root_of(leaves))]
        return [tile for leaf in leaves for tile in self.add(leaf)]

    def _fill(self, level: int, carried: bytes) -> list[tuple[int, int, bytes]]:
        filled: list[tuple[int, int, bytes]] = []
        while True:
            if level == len(self._edges):
                self._edges.append([])
            edge = self._edges[level]
            edge.append(carried)
            if len(edge) < TILE_WIDTH:
                return filled
            number = (self.size >> (_TILE_HEIGHT * (level + 1))) - 1
            filled.append((level, number, b"".join(edge)))
            carried = root_of(edge)
            edge.clear()
            level += 1

    def partial_tiles(self) -> list[tuple[int, int, bytes]]:
        """The partial tiles at the right edge: (level, number, hashes)."""
        return [
            (level, self.size >> (_TILE_HEIGHT * (level + 1)), b"".join(edge))
            for level, edge in enumerate(self._edges)
            if edge
        ]

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        below: list[bytes] = []
        for edge in self._edges:
            if edge or below:
                below = [root_of([*edge, *below])]
        return below[0] if below else EMPTY_ROOT


# ---- proofs --------------------------------------------------------------------------------------------------------


class Tree:
    """A published tree of ``size`` entries, read tile by tile; each tile is read once."""

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self.size = size
        self._read = read_tile
        self._tiles: dict[tuple[int, int], bytes] = {}

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree, or of what it was at an earlier size."""
        return self._root(0, self._earlier(size))

    def leaf(self, index: int) -> bytes:
        """The hash of entry ``index`` (from 0)."""
        if not 0 <= index < self.size:
            raise ValueError(f"entry {index} is not in a tree of {self.size}")
        return self._node(0, index)

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of entry ``index`` (RFC 6962 section 2.1.1), leaf side first."""
        end = self._earlier(size)
        if not 0 <= index < end:
            raise ValueError(f"entry {index} is not in a tree of {end}")
        start, path = 0, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start = middle
        return path[::-1]

    def prove_consistency(self, older: int, size: int | None = None) -> list[bytes]:
        """That the tree of size ``older`` is a beginning of this one (RFC 6962 section 2.1.2)."""
        end = self._earlier(size)
        if not 0 < older <= end:
            raise ValueError(f"a tree of {end} has no beginning of {older}")
        start, path, whole = 0, [], True
        while older != end:
            middle = start + _split(end - start)
            if older <= middle:
                path.append(self._root(middle, end))
                end = middle
            else:
                path.append(self._root(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._root(start, end))
        return path[::-1]

    def _earlier(self, size: int | None) -> int:
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise ValueError(f"a tree of {self.size} has never had {wanted}")
        return wanted

    def _root(self, start: int, end: int) -> bytes:
        # ``start`` is a multiple of the power of two that the range is split at, so whole subtrees line up.
        nodes = []
        while start < end:
            height = (end - start).bit_length() - 1
            nodes.append(self._node(height, start >> height))
            start += 1 << height
        root = nodes.pop() if nodes else EMPTY_ROOT
        for node in reversed(nodes):
            root = node_hash(node, root)
        return root

    def _node(self, height: int, index: int) -> bytes:
        level, within = divmod(height, _TILE_HEIGHT)
        first = index << within
        number, place = divmod(first, TILE_WIDTH)
        key = (level, number)
        if key not in self._tiles:
            width = width_at(self.size, level, number)
            tile = self._read(level, number, width)
            if len(tile) < width * HASH_LENGTH:
                raise SealBroken(f"{tile_path(level, number, width)} of the log is too short")
            self._tiles[key] = tile
        tile = self._tiles[key]
        at = place * HASH_LENGTH
        return root_of(split_hashes(tile[at : at + (HASH_LENGTH << within)]))


def require_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raises ``SealBroken`` unless the path proves entry ``index`` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise SealBroken(f"entry {index} is not in a tree of {size}")
    first, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise SealBroken("the proof of inclusion is too long")
        if first & 1 or first == last:
            node = node_hash(sibling, node)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        first, last = first >> 1, last >> 1
    if last or node != root:
        raise SealBroken(f"the proof does not lead from entry {index} to the root")


def require_consistency(older: int, older_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """Raises ``SealBroken`` unless the path proves that one tree began the other (RFC 9162 section 2.1.4.2)."""
    if not 0 < older <= size:
        raise SealBroken(f"a tree of {older} is no beginning of a tree of {size}")
    if older == size:
        if path or older_root != root:
            raise SealBroken(f"two trees of {size} entries have different roots")
        return
    steps = list(path)
    if older & (older - 1) == 0:
        steps.insert(0, older_root)
    if not steps:
        raise SealBroken("the proof of consistency is empty")
    first, last = older - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise SealBroken("the proof of consistency is too long")
        if first & 1 or first == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node_hash(after, step)
        first, last = first >> 1, last >> 1
    if last or before != older_root or after != root:
        raise SealBroken(f"the tree of {size} entries does not go on from the one of {older}")


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)
