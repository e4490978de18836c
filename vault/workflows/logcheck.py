"""Checks the whole log: the published tree holds together, and the catalogue says what was published.

What each kind of damage looks like: an entry changed, back-dated or moved is named by its number; a deleted one is
missing; a catalogue that was rolled back has fewer entries than are published; an older checkpoint that an auditor kept
tells whether the published log itself was replaced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from vault.errors import CatalogueBroken, StrongroomError, Unavailable
from vault.permissions import Action, Actor
from vault.seal.merkle import (
    TILE_WIDTH,
    Growth,
    Tree,
    leaf_hash,
    require_consistency,
    split_entries,
    split_hashes,
    tile_path,
    tiles_of,
    width_at,
)
from vault.seal.notes import SignerKey
from vault.workflows.logstore import (
    ENTRIES,
    LogHead,
    PublishedLog,
    log_of,
    open_head,
    origin,
)
from vault.workflows.vault import Vault

NAMED_MAX: Final = 1000
AND_MORE: Final = "and more"
AHEAD: Final = 8

Progress = Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class LogCheck:
    """What came of a check. Numbers are those of entries, at most a thousand of each kind."""

    size: int = 0
    root: bytes = b""
    committed: int = 0
    changed: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def tell(self, problem: str) -> None:
        """Notes what is wrong; of what is beyond a thousand, only that there is more."""
        if len(self.problems) < NAMED_MAX:
            self.problems.append(problem)
        elif len(self.problems) == NAMED_MAX:
            self.problems.append(AND_MORE)

    @property
    def waiting(self) -> int:
        """Entries that are committed and not published yet."""
        return max(0, self.committed - self.size)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.changed or self.missing or self.problems)


def verify(
    vault: Vault, actor: Actor, *, older: Sequence[bytes] = (), progress: Progress = lambda done, of: None
) -> LogCheck:
    """Checks everything that is published against itself, the catalogue, and ``older`` checkpoints kept elsewhere.

    Raises ``NotAllowed``; ``StoreUnavailable`` and ``CatalogueUnavailable`` when it cannot be told now.
    """
    actor.require(Action.READ_LOG)
    return check(vault, older=older, progress=progress)


def check(vault: Vault, *, older: Sequence[bytes] = (), progress: Progress = lambda done, of: None) -> LogCheck:
    """``verify``, for whoever has authorised it."""
    told = LogCheck()
    with vault.catalogue.read() as tx:
        told.committed = tx.audit.newest()
    log = log_of(vault)
    keys: list[SignerKey] = []
    head: LogHead | None = None
    with _naming(told):
        keys = log.signing_keys()
        head = log.head(keys)
    if head is None:
        if older and not told.problems:
            told.tell("checkpoints of this log are known elsewhere, and the store has none")
        return told
    told.size, told.root = head.size, head.checkpoint.root
    if told.committed < head.size:
        told.tell(f"the catalogue has {told.committed} entries, {head.size} are published: it was rolled back")
    growth, tiles = Growth(), dict[tuple[int, int], bytes]()
    ahead = _read_ahead(vault, log, head.size)
    for first in range(0, head.size, TILE_WIDTH):
        with _naming(told):
            _check_tile(vault, told, head, first, growth, tiles, log, next(ahead))
        if growth.size != min(first + TILE_WIDTH, head.size):
            told.tell("the rest of the published log cannot be judged")
            return told
        progress(growth.size, head.size)
    if growth.root() != head.checkpoint.root:
        told.tell("the published entries do not lead to the root of their checkpoint")
        return told
    for level, number, tile in growth.partial_tiles():
        tiles[level, number] = tile
        with _naming(told):
            _check_hashes(log, head, level, number, tile)
    tree = Tree(head.size, lambda level, number, width: tiles[level, number])
    for note in older:
        with _naming(told):
            known = open_head(note, keys, origin(vault)).checkpoint
            if known.size > head.size:
                told.tell(f"a checkpoint of {known.size} entries is known, and {head.size} are published")
            else:
                path = tree.prove_consistency(known.size) if known.size else []
                require_consistency(known.size, known.root, head.size, head.checkpoint.root, path)
    return told


_Tiles = tuple[Future[bytes], Future[bytes]]


def _read_ahead(vault: Vault, log: PublishedLog, size: int) -> Iterator[_Tiles]:
    """The tiles of entries and of their hashes, some of them under way before they are asked for."""
    underway: deque[_Tiles] = deque()
    for level, number, width in tiles_of(size):
        if level:
            break
        underway.append(
            (vault.pool.submit(log.tile, ENTRIES, number, width), vault.pool.submit(log.tile, 0, number, width))
        )
        if len(underway) > AHEAD:
            yield underway.popleft()
    yield from underway


def _check_tile(
    vault: Vault,
    told: LogCheck,
    head: LogHead,
    first: int,
    growth: Growth,
    tiles: dict[tuple[int, int], bytes],
    log: PublishedLog,
    read: _Tiles,
) -> None:
    """One tile of entries: against its hashes, and the catalogue's entries against it."""
    number = first // TILE_WIDTH
    width = width_at(head.size, 0, number)
    published = split_entries(read[0].result())
    hashes = split_hashes(read[1].result())
    if len(published) != width or len(hashes) != width:
        told.tell(f"{tile_path(ENTRIES, number, width)} has not the entries that it should have")
        return
    signed: Sequence[bytes | None] = published
    if (made := list(map(leaf_hash, published))) != hashes:
        signed = [entry if made[at] == hashes[at] else None for at, entry in enumerate(published)]
        for at in (at for at, entry in enumerate(signed) if entry is None):
            told.tell(f"entry {first + at + 1} of the published log is not the one that was signed")
    # The tile of hashes is what leads to the signed root.
    for level, at, tile in growth.extend(hashes):
        tiles[level, at] = tile
        if level:
            _check_hashes(log, head, level, at, tile)
    _compare(vault, told, first + 1, signed, hashes)


def _check_hashes(log: PublishedLog, head: LogHead, level: int, number: int, tile: bytes) -> None:
    width = width_at(head.size, level, number)
    if log.tile(level, number, width)[: width * 32] != tile:
        raise CatalogueBroken(f"{tile_path(level, number, width)} of the published log does not belong to its entries")


def _compare(vault: Vault, told: LogCheck, first: int, signed: Sequence[bytes | None], hashes: Sequence[bytes]) -> None:
    """The catalogue's entries against the published ones; where one of those is not what was signed, its hash."""
    there: dict[int, bytes | None]
    last = first + len(hashes) - 1
    with vault.catalogue.read() as tx:
        try:
            kept = tx.audit.between(first, last)
            spelled = [each.to_bytes() for each in kept]
            if spelled == signed:
                return
            there = dict(zip((each.number for each in kept), spelled, strict=True))
        except CatalogueBroken:
            there = {number: _bytes_of(vault, number) for number in range(first, last + 1)}
    newest = told.committed
    for number, (entry, expected) in enumerate(zip(signed, hashes, strict=True), start=first):
        if number not in there:
            # What a rolled-back catalogue does not have at its end is told once, not entry by entry.
            if number <= newest and len(told.missing) < NAMED_MAX:
                told.missing.append(number)
            continue
        own = there[number]
        if (own is None or (own != entry and leaf_hash(own) != expected)) and len(told.changed) < NAMED_MAX:
            told.changed.append(number)


def _bytes_of(vault: Vault, number: int) -> bytes | None:
    try:
        with vault.catalogue.read() as tx:
            return next((each.to_bytes() for each in tx.audit.between(number, number)), None)
    except CatalogueBroken:
        return None


class _naming:  # noqa: N801 - reads as a word of the ``with`` statement
    """What is broken is written down; what is away is raised."""

    def __init__(self, told: LogCheck) -> None:
        self._told = told

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, StrongroomError) and not isinstance(error, Unavailable):
            self._told.tell(error.message)
            return True
        return False
