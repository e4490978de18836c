"""The key tree as a store or a backup tells it: increments from the newest root backwards, and the keys under it.

Rule 1: the newest root that a keeper has promoted says which increment is the last one; each names its predecessor's
digest. Whatever else lies among them (a batch that was never committed) is not of the chain.
Rule 2: keepers are only read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from storage.backup.place import OBJECTS, PAGES, BackupPlace
from storage.layout import TREES_PREFIX
from vault.errors import KeepersBehind, NotFound, ObjectMissing, SealBroken
from vault.ports import HeldRoot, ObjectStore, RootKeeper
from vault.seal.increments import ChainHead, Increment, read_increment, require_follows, verify_chain
from vault.seal.keytree import LeafAddress, LeafKeys, leaf_keys
from vault.seal.pages import Place
from vault.seal.tree import FIRST_GENERATION, TreeReader, walk_pages

ReadIncrement = Callable[[], AbstractContextManager[Iterator[bytes]]]
Increments = Mapping[tuple[int, bytes], list[ReadIncrement]]
"""By generation and attempt; one may be there in several copies."""

_VERSION: Final = re.compile("-[vx]-")


def increments_in_store(store: ObjectStore, tree_id: bytes) -> Increments:
    """Every increment of a tree that the store has."""
    found: dict[tuple[int, bytes], list[ReadIncrement]] = {}
    for each in store.versions(f"{TREES_PREFIX}{tree_id.hex()}/"):
        named = _named(each.key)
        if named is not None and not each.is_delete_marker:
            found.setdefault(named, []).append(lambda each=each: store.read(each.key, each.version_id))  # type: ignore[misc]  # bound, not inferred
    return found


def increments_in_place(place: BackupPlace, tree_id: bytes) -> Increments:
    """Every increment of a tree that a backup place has: of its runs, and those that were put there beside them."""
    found: dict[tuple[int, bytes], list[ReadIncrement]] = {}
    folder = f"{TREES_PREFIX}{tree_id.hex()}/"
    for prefix in (PAGES, OBJECTS):
        for name in place.names(f"{prefix}{folder}"):
            named = _named(_VERSION.split(name)[0])
            if named is not None:
                found.setdefault(named, []).append(lambda name=name: place.read(name))  # type: ignore[misc]  # bound, not inferred
    return found


def newest_root(keeper: RootKeeper, tree_id: bytes) -> HeldRoot:
    """The root in force, as the keepers have it. Raises ``NotFound``, ``KeeperUnavailable``."""
    promoted = [held for held in keeper.held(tree_id) if held.promoted]
    if not promoted:
        raise NotFound("the keepers have no root of this vault; put a keeper's folder back from its copy first")
    return max(promoted, key=lambda held: held.generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTree:
    """A key tree at the root in force: its head, its pages, and the chain that led there. Keeps ``LeafKeySource``."""

    head: ChainHead
    attempt: bytes
    chain: tuple[ReadIncrement, ...]
    page_count: int
    reader: TreeReader

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf. Raises ``KeyDestroyed``."""
        return leaf_keys(self.reader.leaf(address))

    def increments_after(self, generation: int) -> Iterator[Increment]:
        """The increments that made the generations after this one, in order."""
        for read in self.chain[generation - FIRST_GENERATION :]:
            yield _read(read)


def chain_head(tree_id: bytes, increments: Increments, generation: int, attempt: bytes) -> ChainHead:
    """The head of the chain that leads to a generation, checked link by link; needs no key.

    Raises ``KeepersBehind`` where a link is missing, ``SealBroken`` where one does not follow.
    """
    newest = HeldRoot(generation=generation, attempt=attempt, promoted=True)
    chain = _chain(newest, increments)
    return verify_chain((_read(read) for read in chain), after=ChainHead.first(tree_id))


def read_tree(keeper: RootKeeper, tree_id: bytes, increments: Increments) -> StoredTree:
    """The tree at the root in force, every page under it opened once.

    Raises ``KeepersBehind`` when key pages of that root are missing, ``SealBroken`` when they do not open,
    ``NotFound`` and ``KeeperUnavailable``.
    """
    newest = newest_root(keeper, tree_id)
    head, pages, chain = ChainHead.first(tree_id), dict[Place, bytes](), _chain(newest, increments)
    for read in chain:
        increment = _read(read)
        require_follows(increment, head)
        increment.apply_to(pages)
        head = increment.head
    root = keeper.root(tree_id, newest.generation, newest.attempt)

    def load(level: int, number: int) -> bytes | None:
        return pages.get(Place(level, number))

    rooted = newest.generation > FIRST_GENERATION
    count = sum(1 for _ in walk_pages(root, load, tree_id=tree_id, rooted=rooted))
    return StoredTree(
        head=head,
        attempt=newest.attempt,
        chain=tuple(chain),
        page_count=count,
        reader=TreeReader(root, tree_id=tree_id, generation=newest.generation, load_page=load),
    )


def _chain(newest: HeldRoot, increments: Increments) -> list[ReadIncrement]:
    """From the first to that of the root in force, found backwards by digest."""
    chain: list[ReadIncrement] = []
    wanted: bytes | None = None
    for generation in range(newest.generation, FIRST_GENERATION, -1):
        candidates = [
            read
            for (its_generation, attempt), copies in increments.items()
            if its_generation == generation and (wanted is not None or attempt == newest.attempt)
            for read in copies
        ]
        read, increment = _pick(candidates, wanted, generation)
        chain.append(read)
        wanted = increment.predecessor
    return chain[::-1]


def _pick(candidates: list[ReadIncrement], wanted: bytes | None, generation: int) -> tuple[ReadIncrement, Increment]:
    damage: Exception | None = None
    for read in candidates:
        try:
            increment = _read(read)
        except (SealBroken, ObjectMissing) as exc:
            damage = exc
            continue
        if wanted is None or increment.digest == wanted:
            return read, increment
    raise KeepersBehind(
        f"the key pages of generation {generation} are not here, or not whole: without them no live record opens. "
        "Nothing was changed. Bring the object store or another backup place that has them"
    ) from damage


def _read(read: ReadIncrement) -> Increment:
    with read() as chunks:
        return read_increment(chunks)


def _named(key: str) -> tuple[int, bytes] | None:
    generation, _, attempt = key.rpartition("/")[2].partition("-")
    try:
        return int(generation), bytes.fromhex(attempt)
    except ValueError:
        return None
