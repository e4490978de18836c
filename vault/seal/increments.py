"""Increments: the pages that one destruction batch writes, as they go to the object store (FORMAT.md 2.5).

Each names its predecessor's digest; replayed from the first on, they give the current pages.

Rule 1: one increment has one spelling; any other is refused, trailing bytes included.
Rule 2: an increment carries every page on the way from what it changed up to the root, the root's always.
Limit: an increment proves that it follows its predecessor, not that it is genuine. That the current root opens its
pages does (``vault.seal.tree.walk_pages``).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal.keytree import TREE_ID_LENGTH
from vault.seal.pages import PAGE_LENGTH, ROOT, Place
from vault.seal.tree import FIRST_GENERATION

INCREMENT_VERSION: Final = 1
ATTEMPT_LENGTH: Final = 16
DIGEST_LENGTH: Final = 32
MAX_GENERATION: Final = 2**32 - 1

_HEAD = struct.Struct(f">B{TREE_ID_LENGTH}sI{ATTEMPT_LENGTH}s{DIGEST_LENGTH}sII")
_PLACE = struct.Struct(">BI")
_CHUNK_PAGES: Final = 488  # about 1 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """How far a tree has come: its generation, and the digest of the increment that made it (zeros for the first)."""

    tree_id: bytes
    generation: int
    digest: bytes

    @classmethod
    def first(cls, tree_id: bytes) -> ChainHead:
        """The head of a tree that never destroyed anything."""
        return cls(tree_id=tree_id, generation=FIRST_GENERATION, digest=bytes(DIGEST_LENGTH))


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """What one batch changes: pages written, pages that are no more. Sealed through and through; holds no secret.

    ``generation`` is the one that it makes, ``attempt`` tells this try from another one at the same generation,
    ``digest`` is SHA-256 over all its bytes. Raises ``SealBroken`` when the parts cannot be one batch's.
    """

    tree_id: bytes
    generation: int
    attempt: bytes
    predecessor: bytes
    pages: Mapping[Place, bytes] = field(repr=False)
    removed: frozenset[Place] = field(repr=False)
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        if (fault := self._fault()) is not None:
            raise SealBroken(f"key pages of generation {self.generation}: {fault}; take another copy of them")
        hashing = hashlib.sha256()
        for chunk in self.chunks():
            hashing.update(chunk)
        object.__setattr__(self, "digest", hashing.digest())

    @property
    def head(self) -> ChainHead:
        """The chain's head once this increment is applied."""
        return ChainHead(tree_id=self.tree_id, generation=self.generation, digest=self.digest)

    @property
    def length(self) -> int:
        """How many bytes it has in the store."""
        return _HEAD.size + len(self.removed) * _PLACE.size + len(self.pages) * (_PLACE.size + PAGE_LENGTH)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, in pieces of at most about 1 MiB where few pages were removed."""
        counts = len(self.removed), len(self.pages)
        head = _HEAD.pack(INCREMENT_VERSION, self.tree_id, self.generation, self.attempt, self.predecessor, *counts)
        yield head + b"".join([_PLACE.pack(*place) for place in sorted(self.removed)])
        places = sorted(self.pages)
        for start in range(0, len(places), _CHUNK_PAGES):
            chunk: list[bytes] = []
            for place in places[start : start + _CHUNK_PAGES]:
                chunk += (_PLACE.pack(*place), self.pages[place])
            yield b"".join(chunk)

    def apply_to(self, pages: MutableMapping[Place, bytes]) -> None:
        """Brings the pages of the generation before to this one. Raises ``SealBroken`` where they cannot be those."""
        for place in self.removed:
            if place not in pages:
                raise SealBroken(f"generation {self.generation} removes key page {place}, which is not there")
            del pages[place]
        pages.update(self.pages)

    def _fault(self) -> str | None:
        if len(self.tree_id) != TREE_ID_LENGTH or len(self.attempt) != ATTEMPT_LENGTH:
            return "tree id or attempt has another length than 16 bytes"
        if not FIRST_GENERATION < self.generation <= MAX_GENERATION or len(self.predecessor) != DIGEST_LENGTH:
            return "generation or predecessor is not one that an increment can have"
        if (self.generation == FIRST_GENERATION + 1) != (self.predecessor == bytes(DIGEST_LENGTH)):
            return "the first increment follows none, and every other one follows one"
        if ROOT not in self.pages or ROOT in self.removed or not self.removed.isdisjoint(self.pages):
            return "the root's page is missing, or a page is written and removed"
        for place in (*self.pages, *self.removed):
            if not place.exists:
                return f"there is no node {place}"
            if place == ROOT or place.parent in self.pages:
                continue
            if place in self.pages or place.parent not in self.removed:
                return f"page {place} changes and the one above it does not"
        if any(len(sealed) != PAGE_LENGTH for sealed in self.pages.values()):
            return f"a page has another length than {PAGE_LENGTH} bytes"
        return None


def read_increment(chunks: Iterable[Buffer]) -> Increment:
    """Reads an increment from its bytes, in pieces of any size, copying each page once.

    Raises ``SealBroken`` on anything that ``Increment.chunks`` does not write. Compare its ``digest`` with what the
    successor, or the catalogue, says.
    """
    source = _Source(chunks)
    version, tree_id, generation, attempt, predecessor, removed_count, page_count = _HEAD.unpack(
        source.take(_HEAD.size)
    )
    if version != INCREMENT_VERSION:
        raise SealBroken(f"key pages of version {version}; this program reads version {INCREMENT_VERSION}")
    removed = list(_places(source, removed_count))
    pages: dict[Place, bytes] = {}
    for place in _places(source, page_count):
        pages[place] = source.take(PAGE_LENGTH)
    source.require_end()
    return Increment(
        tree_id=tree_id,
        generation=generation,
        attempt=attempt,
        predecessor=predecessor,
        pages=pages,
        removed=frozenset(removed),
    )


def verify_chain(increments: Iterable[Increment], *, after: ChainHead) -> ChainHead:
    """Checks that increments follow each other, the first one ``after``, and gives the head that they lead to.

    Takes them one by one, so that they need not all be in memory. Raises ``SealBroken`` at the first that does not
    follow.
    """
    head = after
    for increment in increments:
        require_follows(increment, head)
        head = increment.head
    return head


def require_follows(increment: Increment, head: ChainHead) -> None:
    """Raises ``SealBroken`` unless the increment is the same tree's and comes right behind ``head``."""
    if increment.tree_id != head.tree_id:
        raise SealBroken(
            f"key pages of generation {increment.generation} are another tree's; take another copy of them"
        )
    if increment.generation != head.generation + 1:
        raise SealBroken(
            f"key pages of generation {increment.generation} come behind generation {head.generation}; "
            "find the ones between them"
        )
    if increment.predecessor != head.digest:
        raise SealBroken(
            f"key pages of generation {increment.generation} follow another generation {head.generation} than this; "
            "take another copy of either"
        )


def replay(increments: Iterable[Increment], *, tree_id: bytes) -> tuple[ChainHead, dict[Place, bytes]]:
    """The current pages of a tree from all its increments, in order. Raises ``SealBroken`` where the chain breaks."""
    head, pages = ChainHead.first(tree_id), dict[Place, bytes]()
    for increment in increments:
        require_follows(increment, head)
        increment.apply_to(pages)
        head = increment.head
    return head, pages


def _places(source: _Source, count: int) -> Iterator[Place]:
    """The next places, which rise. What stands behind each place is taken between two of them."""
    last: Place | None = None
    for _ in range(count):
        place = Place(*_PLACE.unpack(source.take(_PLACE.size)))
        if last is not None and place <= last:
            raise SealBroken(f"key pages out of order at {place}; take another copy of them")
        yield place
        last = place


class _Source:
    """Takes exact counts of bytes out of pieces of any size."""

    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks = iter(chunks)
        self._chunk = memoryview(b"")

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. Raises ``SealBroken`` when there are fewer."""
        parts = []
        while count > len(self._chunk):
            parts.append(self._chunk)
            count -= len(self._chunk)
            chunk = next(self._chunks, None)
            if chunk is None:
                raise SealBroken("key pages are cut short; take another copy of them")
            self._chunk = memoryview(chunk)
        parts.append(self._chunk[:count])
        self._chunk = self._chunk[count:]
        return b"".join(parts)

    def require_end(self) -> None:
        """Raises ``SealBroken`` when there is a byte left."""
        if self._chunk or any(len(chunk) for chunk in self._chunks):
            raise SealBroken("key pages have bytes behind their end; take another copy of them")
