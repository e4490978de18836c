"""``strongroom backup run``: brings the second place up to date and puts a dump of the catalogue beside the ciphertext.

1. What an earlier run brought is read from the index; what the store has more is copied, once, by key and version id.
2. The catalogue is dumped in one moment.
3. What came in meanwhile is copied: so everything that the dump names is there.
4. The manifest, which names all of it by digest, is written last. A run that is killed leaves copies that the next run
   finds, and no manifest.
5. Dumps beyond the newest few are dropped. Ciphertext is not: it is immutable, and its keys are not here.

Rule 1: a copy is checked while it is made: against the catalogue's digest where the catalogue knows the object.
Rule 2: what cannot be copied is named, and does not stop the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from storage.backup import dump
from storage.backup.index import Copied, describe_piece, mark_of, put_piece, read_piece
from storage.backup.manifest import Manifest, Piece, get_manifest, put_manifest, require_genuine
from storage.backup.place import (
    DUMP,
    INDEX,
    MANIFEST,
    OWNER,
    RUNS,
    SEAL,
    BackupPlace,
    put_small,
    read_small,
    run_name,
    runs_of,
)
from storage.catalogue.schema import REVISIONS
from storage.layout import BLOCKS_PREFIX, LOG_PREFIX, META_PREFIX, RECORDS_PREFIX, TREES_PREFIX, object_id_of
from vault.audit import Detail, Event
from vault.errors import (
    CatalogueBroken,
    ObjectMissing,
    SealBroken,
    SettingsWrong,
    StillLocked,
    StoreUnavailable,
)
from vault.ids import ObjectId, PersonId
from vault.objects import ListedVersion
from vault.records import Version
from vault.workflows.digests import SealedDigest
from vault.workflows.vault import Vault

COPIED_PREFIXES: Final = (TREES_PREFIX, BLOCKS_PREFIX, LOG_PREFIX, META_PREFIX, RECORDS_PREFIX)
COPIES_AT_ONCE: Final = 8
PIECE_OBJECTS: Final = 1000
PIECE_BYTES: Final = 1 << 30
RUNS_KEPT: Final = 14
LEFT_BEHIND_AFTER: Final = timedelta(days=1)
DAMAGED_NAMED_MAX: Final = 50

GoOn = Callable[[], bool]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOutcome:
    """What a run did. Without a ``manifest`` it was stopped before its end, and goes on next time.

    ``damaged`` names objects that the store no longer has as the catalogue says (the first fifty).
    """

    manifest: Manifest | None
    copied: int
    copied_bytes: int
    damaged: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Work:
    vault: Vault
    place: BackupPlace
    run: str
    go_on: GoOn
    progress: Progress
    known: set[bytes] = field(default_factory=set)
    pieces: list[Piece] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    copied: int = 0
    copied_bytes: int = 0
    written: int = 0


def back_up(
    vault: Vault,
    place: BackupPlace,
    database_url: str,
    *,
    actor: PersonId,
    set_up: bool = False,
    runs_kept: int = RUNS_KEPT,
    go_on: GoOn = lambda: True,
    progress: Progress = lambda text: None,
) -> BackupOutcome:
    """Takes a backup. ``set_up`` lets it make an empty place this vault's; ``go_on`` is asked before each object.

    Raises ``SettingsWrong`` (another vault's place), ``StoreUnavailable``, ``StoreFull``, ``CatalogueUnavailable``,
    ``SealBroken`` (the place's newest backup was altered).
    """
    claim(place, vault, set_up=set_up)
    work = _Work(vault=vault, place=place, run=_run_id(vault), go_on=go_on, progress=progress)
    _remember_earlier(work)
    if not _copy_new(work):
        return _outcome(work, None)
    progress("dumping the catalogue")
    with vault.catalogue.read() as tx:
        tree = tx.trees.get(vault.fonds.id)
        records = tx.records.count()
    if tree is None:
        raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")
    created_at = vault.now()
    dumped = _dump(work, database_url)
    if not _copy_new(work):
        return _outcome(work, None)
    _name_missing(work)
    manifest = Manifest(
        run=work.run,
        created_at=created_at,
        vault_id=vault.vault_id,
        tree_id=vault.fonds.tree_id.hex(),
        house=vault.house.text,
        database="sqlite" if dump.is_sqlite(database_url) else "postgresql",
        revision=REVISIONS[-1],
        generation=tree.generation,
        attempt=tree.attempt.hex(),
        head=tree.digest.hex(),
        records=records,
        dump=dumped,
        index=tuple(work.pieces),
    )
    put_manifest(place, manifest, vault.house_keys(), vault.randomness.token_bytes)
    with vault.catalogue.write() as tx:
        detail: Detail = {"run": manifest.run, "objects": manifest.objects, "damaged": len(work.damaged)}
        tx.audit.append(vault.entry(actor, Event.BACKUP_TAKEN, vault.vault_id, detail))
    _drop_old(work, runs_kept)
    return _outcome(work, manifest)


def claim(place: BackupPlace, vault: Vault, *, set_up: bool) -> None:
    """Raises ``SettingsWrong`` unless the place is this vault's, or is empty and may be made so."""
    try:
        owner = read_small(place, OWNER).decode("ascii", "replace").strip()
    except ObjectMissing:
        if next(iter(place.names("")), None) is not None:
            raise SettingsWrong(f"the {place.text} holds other things than backups; give an empty one") from None
        if not set_up:
            raise StoreUnavailable(
                f"the {place.text} is empty: is its disk mounted? A new one begins with `strongroom backup run`"
            ) from None
        put_small(place, OWNER, f"{vault.vault_id}\n".encode("ascii"))
        return
    if owner != vault.vault_id:
        raise SettingsWrong(f"the {place.text} holds backups of another vault; give this one a place of its own")


def _run_id(vault: Vault) -> str:
    return f"{vault.now():%Y%m%dt%H%M%S%fz}-{vault.randomness.token_bytes(4).hex()}"


def _remember_earlier(work: _Work) -> None:
    """The newest backup's index, and what killed runs brought since."""
    runs = runs_of(work.place)
    if runs:
        newest = get_manifest(work.place, runs[-1])
        require_genuine(work.place, newest, work.vault.house_keys())
        work.pieces += newest.index
    named = {piece.name for piece in work.pieces}
    work.pieces += [describe_piece(work.place, name) for name in sorted(work.place.names(INDEX)) if name not in named]
    for piece in work.pieces:
        work.known.update(mark_of(each.key, each.version_id) for each in read_piece(work.place, piece))


def _copy_new(work: _Work) -> bool:
    """Copies what is not known yet, several at once, and writes the index as it goes; False when it was stopped."""
    listed = chain.from_iterable(work.vault.store.versions(prefix) for prefix in COPIED_PREFIXES)
    with ExitStack() as stack:
        pool = ThreadPoolExecutor(max_workers=COPIES_AT_ONCE, thread_name_prefix="backup")
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        underway: list[tuple[ListedVersion, Future[Copied | None]]] = []
        done: list[Copied] = []
        ended = True
        for each in listed:
            if each.is_delete_marker or mark_of(each.key, each.version_id) in work.known:
                continue
            if not work.go_on():
                ended = False
                break
            underway.append((each, pool.submit(_copy, work, each)))
            if len(underway) >= 4 * COPIES_AT_ONCE:
                _take(work, *underway.pop(0), done)
            _write_piece(work, done, PIECE_OBJECTS)
        for one in underway:
            _take(work, *one, done)
        _write_piece(work, done, 1)
    return ended


def _take(work: _Work, listed: ListedVersion, future: Future[Copied | None], done: list[Copied]) -> None:
    try:
        copied = future.result()
    except SealBroken:
        if len(work.damaged) < DAMAGED_NAMED_MAX:
            work.damaged.append(listed.key)
        return
    if copied is not None:
        done.append(copied)


def _write_piece(work: _Work, done: list[Copied], least: int) -> None:
    if len(done) < least and sum(each.size_bytes for each in done) < PIECE_BYTES:
        return
    if not done:
        return
    work.pieces.append(put_piece(work.place, work.run, work.written, done))
    work.written += 1
    work.known.update(mark_of(each.key, each.version_id) for each in done)
    work.copied += len(done)
    work.copied_bytes += sum(each.size_bytes for each in done)
    work.progress(f"copied {work.copied} objects")
    done.clear()


def _copy(work: _Work, listed: ListedVersion) -> Copied | None:
    """Copies one version; None when the store no longer has it."""
    vault = work.vault
    object_id = object_id_of(listed.key)
    version, metadata = None, {}
    if object_id is not None:
        facts = vault.store.head(listed.key, listed.version_id)
        if facts is None:
            return None
        metadata = dict(facts.metadata)
        with vault.catalogue.read() as tx:
            version = tx.records.version_of_object(ObjectId(object_id))
        if version is not None and version.version_id != listed.version_id:
            version = None
    found = Copied(
        key=listed.key, version_id=listed.version_id, size_bytes=listed.size_bytes, sha256="", metadata=metadata
    )
    try:
        with vault.store.read(listed.key, listed.version_id) as chunks:
            checked = _checked(chunks, version, listed.key)
            if work.place.size(found.name) == listed.size_bytes:
                sha256 = _same(work.place, found.name, checked)
            else:
                sha256 = work.place.put(found.name, checked, size_bytes=listed.size_bytes)
    except ObjectMissing:
        return None
    return Copied(
        key=found.key,
        version_id=found.version_id,
        size_bytes=found.size_bytes,
        sha256=sha256.hex(),
        metadata=metadata,
    )


def _checked(chunks: Iterable[bytes], version: Version | None, key: str) -> Iterator[bytes]:
    """The chunks as they are; raises ``SealBroken`` behind the last one when the catalogue has another digest."""
    if version is None:
        yield from chunks
        return
    digest = SealedDigest(version.object)
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.digest() != version.object.sealed_sha256:
        raise SealBroken(f"{key} in the store has other bytes than were sealed; run the doctor, restore it")


def _same(place: BackupPlace, name: str, chunks: Iterable[bytes]) -> bytes:
    """Compares a copy that a killed run left with the store; a copy that differs is dropped."""
    there, here = hashlib.sha256(), hashlib.sha256()
    with place.read(name) as copy:
        for chunk in copy:
            there.update(chunk)
    for chunk in chunks:
        here.update(chunk)
    if there.digest() != here.digest():
        place.delete(name)
        raise StoreUnavailable(f"{name} in the backup was damaged and is dropped; run the backup again")
    return here.digest()


def _name_missing(work: _Work) -> None:
    """Names versions that the catalogue has and the store has no more."""
    with work.vault.catalogue.read() as tx:
        for version in tx.records.all_versions():
            key, version_id = version.object.key, version.version_id
            if mark_of(key, version_id) in work.known or key in work.damaged:
                continue
            # One that came in since the last listing is there, and goes with the next run.
            if len(work.damaged) < DAMAGED_NAMED_MAX and work.vault.store.head(key, version_id) is None:
                work.damaged.append(key)


def _dump(work: _Work, database_url: str) -> Piece:
    name = run_name(work.run, DUMP)
    if not dump.is_sqlite(database_url):
        sizes: list[int] = []
        sha256 = work.place.put(name, _counted(dump.dump_postgres(database_url), sizes), size_bytes=None)
        return Piece(name=name, size_bytes=sum(sizes), sha256=sha256.hex())
    source = dump.sqlite_path(database_url)
    for left in source.parent.glob(f"{source.name}.dump-*"):
        if left.name != f"{source.name}.dump-{work.run}":
            left.unlink(missing_ok=True)
    scratch = source.with_name(f"{source.name}.dump-{work.run}")
    try:
        dump.dump_sqlite(source, scratch)
        size_bytes = scratch.stat().st_size
        sha256 = work.place.put(name, _file_chunks(scratch), size_bytes=size_bytes)
    finally:
        scratch.unlink(missing_ok=True)
    return Piece(name=name, size_bytes=size_bytes, sha256=sha256.hex())


def _counted(chunks: Iterable[bytes], sizes: list[int]) -> Iterator[bytes]:
    for chunk in chunks:
        sizes.append(len(chunk))
        yield chunk


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _drop_old(work: _Work, runs_kept: int) -> None:
    """Drops dumps beyond the newest few, and what runs left that ended long ago without a manifest."""
    ended = runs_of(work.place)
    dropped = set(ended[:-runs_kept])
    for name in list(work.place.names(RUNS)):
        run = name.removeprefix(RUNS).partition("/")[0]
        if run not in ended and run != work.run and _is_old(run, work.vault.now()):
            dropped.add(run)
    for run in sorted(dropped):
        for part in (MANIFEST, DUMP, SEAL):
            # A bucket may keep it longer than we do.
            with suppress(StillLocked):
                work.place.delete(run_name(run, part))


def _is_old(run: str, now: datetime) -> bool:
    return run < f"{now - LEFT_BEHIND_AFTER:%Y%m%dt%H%M%S%fz}"


def _outcome(work: _Work, manifest: Manifest | None) -> BackupOutcome:
    return BackupOutcome(
        manifest=manifest, copied=work.copied, copied_bytes=work.copied_bytes, damaged=tuple(work.damaged)
    )
