"""Puts the objects of a backup back into a store, which may have some, all or none of them.

Rule 1: what the store has under a key stays; nothing is overwritten. So a restore that was killed goes on where it was.
Rule 2: an object comes back with its lock: the one that the catalogue promised, or the short one where that has lapsed.
Rule 3: where an intruder wrote a second version under a key, the one that the catalogue names comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from storage.backup.index import Copied, read_piece
from storage.backup.manifest import Manifest
from storage.backup.place import INDEX, PAGES, BackupPlace
from storage.backup.streams import put_stream
from storage.layout import TREES_PREFIX, ObjectLayout, object_id_of
from vault.errors import AlreadyExists, ObjectMissing, SealBroken, StrongroomError, Unavailable
from vault.ids import ObjectId, RecordId
from vault.objects import Lock
from vault.ports import ObjectStore
from vault.records import Version
from vault.shelves import Catalogue
from vault.workflows.locks import lasting_lock, metadata_lock, receipt_lock

PUTS_AT_ONCE: Final = 8
NAMED_MAX: Final = 50

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A version that the store now has under another version id, or with another lock, than the dump says."""

    record_id: RecordId
    ordinal: int
    version_id: str
    lock: Lock


@dataclass(slots=True, kw_only=True)
class PutBack:
    """What was put back. ``damaged`` names what the backup does not have whole (the first fifty)."""

    objects: int = 0
    object_bytes: int = 0
    there: int = 0
    moved: list[Moved] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def broken(self, name: str) -> None:
        """Takes a damaged object down."""
        if len(self.damaged) < NAMED_MAX:
            self.damaged.append(name)


def put_objects_back(
    place: BackupPlace,
    manifest: Manifest,
    store: ObjectStore,
    dumped: Catalogue,
    *,
    now: datetime,
    progress: Progress = lambda text: None,
) -> PutBack:
    """Puts back what the store lacks. Raises ``StoreUnavailable``, ``StoreFull``; then it may be run again."""
    told = PutBack()
    here = {each.key: each.version_id for each in store.versions() if each.is_latest and not each.is_delete_marker}
    with ExitStack() as stack:
        pool = ThreadPoolExecutor(max_workers=PUTS_AT_ONCE, thread_name_prefix="restore")
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        underway: list[tuple[Copied, Future[Moved | None]]] = []
        for copied in _all_copied(place, manifest):
            version = _version_of(dumped, copied)
            if version is not None and version.version_id != copied.version_id:
                continue
            there = here.get(copied.key)
            if there is not None and (version is None or there == version.version_id):
                told.there += 1
                continue
            if there is not None and version is not None:
                underway.append((copied, pool.submit(_found_again, store, version, there, now)))
                told.there += 1
            else:
                here[copied.key] = ""
                underway.append((copied, pool.submit(_put_back, place, store, copied, version, now)))
                told.objects += 1
                told.object_bytes += copied.size_bytes
            if len(underway) >= 4 * PUTS_AT_ONCE:
                _take(told, *underway.pop(0))
                if told.objects % 1000 == 0:
                    progress(f"put {told.objects} objects back")
        for one in underway:
            _take(told, *one)
    _put_pages_back(place, manifest, store, here, now)
    return told


def _all_copied(place: BackupPlace, manifest: Manifest) -> Iterator[Copied]:
    """Every object that the manifest names, then what killed or later runs brought."""
    for piece in manifest.index:
        yield from read_piece(place, piece)
    from storage.backup.index import describe_piece

    named = {piece.name for piece in manifest.index}
    for name in sorted(place.names(INDEX)):
        if name not in named:
            yield from read_piece(place, describe_piece(place, name))


def _version_of(dumped: Catalogue, copied: Copied) -> Version | None:
    object_id = object_id_of(copied.key)
    if object_id is None:
        return None
    with dumped.read() as tx:
        return tx.records.version_of_object(ObjectId(object_id))


def _take(told: PutBack, copied: Copied, future: Future[Moved | None]) -> None:
    try:
        moved = future.result()
    except Unavailable:
        raise
    except StrongroomError:
        told.broken(copied.key)
        return
    if moved is not None:
        told.moved.append(moved)


def _put_back(
    place: BackupPlace, store: ObjectStore, copied: Copied, version: Version | None, now: datetime
) -> Moved | None:
    lock = _lock_of(copied.key, version, now)

    def check(sha256: bytes, count: int) -> None:
        if sha256.hex() != copied.sha256 or count != copied.size_bytes:
            raise SealBroken(f"{copied.name} in the backup is not what was copied; use another backup place")

    with place.read(copied.name) as chunks:
        stored = put_stream(store, copied.key, chunks, check, metadata=copied.metadata, lock=lock)
    if version is None:
        return None
    return Moved(record_id=version.record_id, ordinal=version.ordinal, version_id=stored.version_id, lock=lock)


def _found_again(store: ObjectStore, version: Version, version_id: str, now: datetime) -> Moved:
    """One that an earlier restore, or an earlier try of this one, put back."""
    facts = store.head(version.object.key, version_id)
    if facts is None:
        raise ObjectMissing(f"{version.object.key} went away while it was looked at; begin again")
    if facts.size_bytes != version.object.sealed_size_bytes:
        raise SealBroken(f"{version.object.key} in the store has another size than was sealed; run the doctor")
    lock = facts.lock or receipt_lock(now)
    return Moved(record_id=version.record_id, ordinal=version.ordinal, version_id=version_id, lock=lock)


def _lock_of(key: str, version: Version | None, now: datetime) -> Lock:
    if version is not None:
        short = receipt_lock(now, version.lock.mode)
        return max(version.lock, short, key=lambda lock: lock.retain_until)
    return metadata_lock(ObjectLayout(), key, now)


def _put_pages_back(
    place: BackupPlace, manifest: Manifest, store: ObjectStore, here: dict[str, str], now: datetime
) -> None:
    """Key pages of batches that took effect after the last run."""
    folder = f"{TREES_PREFIX}{manifest.tree_id}/"
    for name in place.names(f"{PAGES}{folder}"):
        key = name.removeprefix(PAGES)
        if key not in here:
            with place.read(name) as chunks:
                try:
                    put_stream(store, key, chunks, lambda sha256, count: None, lock=lasting_lock(now))
                except AlreadyExists:
                    continue
