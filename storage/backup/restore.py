"""``strongroom restore``: a vault out of a backup, led forward to what was destroyed since.

1. The keepers are asked for the root in force, and the key pages under it are found, in the store or in the backup.
   Without both nothing is begun: no record would open.
2. Objects that the store lacks come back, with their locks.
3. The dump becomes the catalogue, and in the same transaction: versions get the ids that the store gave them; whoever
   was signed in is not; open links are withdrawn (one that was withdrawn after the dump would open again); every extent
   and block counts as used up, so that no address is given twice; what the store knows of later records is taken in;
   and the batches since are added, so that what they destroyed is destroyed.
4. Only then is it the catalogue: a file that is renamed into place, or a transaction that commits.

Rule 1: keepers are only read. Rule 2: a restore that was killed is begun again, and finds what it did.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, bindparam, select, text, update

from storage.backup import dump
from storage.backup.forward import lead_forward
from storage.backup.load import forget_who_was_there, load_postgres_dump, load_sqlite_file, rules_off
from storage.backup.manifest import Manifest, get_manifest, require_genuine
from storage.backup.memory import Memory, Recollected
from storage.backup.objects import Moved, PutBack, put_objects_back
from storage.backup.place import RESTORING, BackupPlace
from storage.backup.recollect import recollect
from storage.backup.relog import take_log_back
from storage.backup.scratch import scratch_catalogue, scratch_folder
from storage.backup.tree import Increments, StoredTree, increments_in_place, increments_in_store, read_tree
from storage.backup.verify import find_run
from storage.catalogue.database import open_catalogue
from storage.catalogue.rows import Rows
from storage.catalogue.schema import SchemaState
from storage.catalogue.tables import metadata
from storage.catalogue.transaction import SqlTransaction
from storage.layout import BLOCKS_PREFIX, ObjectLayout
from storage.machine import is_gone
from vault.audit import Detail, Entry, Event
from vault.errors import CatalogueBroken, Conflict, SealBroken, StrongroomError
from vault.fonds import Fonds
from vault.people import OPERATOR_ID
from vault.ports import ObjectStore, Randomness, RootKeeper
from vault.workflows.allocation import EXTENTS_PER_BLOCK

BLOCKS_SKIPPED: Final = 64
"""Blocks that may have been reserved after the backup, in a store that is gone; of 262,144 there are."""

_LAST_NUMBERS: Final = text(
    "SELECT substr(number, 1, 4) AS year, max(CAST(substr(number, 6) AS INTEGER)) AS last FROM records"
    " GROUP BY substr(number, 1, 4)"
)
_LAST_MATTERS: Final = text(
    "SELECT substr(number, 3, 4) AS year, max(CAST(substr(number, 8) AS INTEGER)) AS last FROM matters"
    " GROUP BY substr(number, 3, 4)"
)
_LAST_LISTS: Final = text(
    "SELECT substr(number, 3, 4) AS year, max(CAST(substr(number, 8) AS INTEGER)) AS last FROM disposal_lists"
    " GROUP BY substr(number, 3, 4)"
)
_LAST_CERTIFICATES: Final = text(
    "SELECT substr(number, 3, 4) AS year, max(CAST(substr(number, 8) AS INTEGER)) AS last FROM certificates"
    " GROUP BY substr(number, 3, 4)"
)
_LAST_CUSTOMER: Final = text("SELECT max(CAST(substr(number, 3) AS INTEGER)) FROM customers")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOutcome:
    """What came back, and what is different from before."""

    run: str
    generation_before: int
    generation: int
    put_back: PutBack
    recollected: Recollected
    records_destroyed: int
    customers_destroyed: int
    links_withdrawn: int


def restore(
    place: BackupPlace,
    store: ObjectStore,
    keeper: RootKeeper,
    home: Path,
    database_url: str,
    *,
    now: datetime,
    randomness: Randomness,
    run: str | None = None,
    replace: bool = False,
    progress: Progress = lambda text: None,
) -> RestoreOutcome:
    """Restores a backup, the newest when none is named.

    Raises ``Conflict`` (a vault is there already), ``SealBroken`` (the backup is not this vault's, or damaged),
    ``KeepersBehind``, ``NotFound``, ``KeeperUnavailable``, ``StoreUnavailable``.
    """
    manifest = get_manifest(place, find_run(place, run))
    require_room(database_url, replace=replace)
    tree_id = bytes.fromhex(manifest.tree_id)
    progress("reading the key pages")
    tree = read_tree(keeper, tree_id, _both(increments_in_store(store, tree_id), increments_in_place(place, tree_id)))
    require_genuine(place, manifest, tree.leaf_keys(manifest.house_leaf))
    with marked(home), scratch_folder(room_bytes=manifest.dump.size_bytes) as folder:
        progress("putting objects back")
        with scratch_catalogue(place, manifest, folder) as url, closing(open_catalogue(url)) as dumped:
            put_back = put_objects_back(place, manifest, store, dumped, now=now, progress=progress)
        progress("loading the catalogue")
        with _becoming(place, manifest, database_url, replace=replace) as connection:
            rows = Rows(connection)
            memory = Memory(
                store=store,
                layout=ObjectLayout(),
                keys=tree,
                tree_id=tree_id,
                randomness=randomness,
                now=now,
                progress=progress,
            )
            outcome = _bring_up(connection, rows, manifest, tree, memory, put_back)
            rows.require_unfailed()
            rows.end()
    return outcome


def _bring_up(
    connection: Connection, rows: Rows, manifest: Manifest, tree: StoredTree, memory: Memory, put_back: PutBack
) -> RestoreOutcome:
    """Step 3, in the transaction that loaded the dump."""
    tx = SqlTransaction(rows)
    fonds = tx.fonds.first()
    if fonds is None or fonds.tree_id.hex() != manifest.tree_id or fonds.vault_id != manifest.vault_id:
        raise CatalogueBroken(f"the dump of backup {manifest.run} is of another vault than its manifest says")
    with rules_off(connection):
        forget_who_was_there(connection)
        move_versions(connection, put_back.moved)
        links = withdraw_links(connection, memory.now)
        retire_addresses(connection, tx, fonds, memory.store, skip=BLOCKS_SKIPPED if put_back.objects else 0)
        tx.holds.doubt_mirror()
        recollected = recollect(
            tx,
            fonds,
            memory,
            known_change=counter(connection, "change"),
            settle=lambda told: raise_counters(connection, fonds, told, now=memory.now),
        )
        settle_taken_in(connection)
    memory.progress("leading the key pages forward")
    died = lead_forward(tx, fonds, tree, now=memory.now, randomness=memory.randomness)
    log_size = take_log_back(tx, fonds, memory)
    detail: Detail = {
        "run": manifest.run,
        "generation_before": manifest.generation,
        "generation": tree.head.generation,
        "records_destroyed": died[0],
        "records_taken_in": recollected.records + recollected.from_objects,
        "links_withdrawn": links,
        "log_published": log_size,
        "log_gap_from": manifest.created_at.isoformat(),
    }
    entry = Entry(at=memory.now, actor=OPERATOR_ID, event=Event.BACKUP_RESTORED, subject=fonds.vault_id, detail=detail)
    tx.audit.append(entry)
    return RestoreOutcome(
        run=manifest.run,
        generation_before=manifest.generation,
        generation=tree.head.generation,
        put_back=put_back,
        recollected=recollected,
        records_destroyed=died[0],
        customers_destroyed=died[1],
        links_withdrawn=links,
    )


# ---- what a catalogue from another time needs ------------------------------------------------------------------------


def move_versions(connection: Connection, moved: list[Moved]) -> None:
    """Versions get the version ids and locks that the store now has."""
    versions = metadata.tables["versions"]
    statement = (
        update(versions)
        .where(versions.c.record_id == bindparam("its_record"), versions.c.ordinal == bindparam("its_ordinal"))
        .values(version_id=bindparam("to_version"), lock_mode=bindparam("to_mode"), lock_until=bindparam("to_until"))
    )
    values = [
        {
            "its_record": each.record_id,
            "its_ordinal": each.ordinal,
            "to_version": each.version_id,
            "to_mode": each.lock.mode.value,
            "to_until": each.lock.retain_until,
        }
        for each in moved
    ]
    if values:
        connection.execute(statement, values)


def withdraw_links(connection: Connection, now: datetime) -> int:
    """Withdraws every link that is still open; gives how many."""
    links = metadata.tables["links"]
    open_links = links.c.revoked_at.is_(None) & (links.c.expires_at > now)
    return connection.execute(update(links).where(open_links).values(revoked_at=now)).rowcount


def retire_addresses(
    connection: Connection, tx: SqlTransaction, fonds: Fonds, store: ObjectStore, *, skip: int
) -> None:
    """No address of before is given again; the next one is of a block that nobody has reserved."""
    prefix = f"{BLOCKS_PREFIX}{fonds.tree_id.hex()}/"
    reserved = [int(each.key.removeprefix(prefix)) for each in store.versions(prefix)]
    known = tx.extents.newest_block(fonds.id)
    newest = max([*reserved, -1 if known is None else known]) + skip
    if known is None or newest > known:
        tx.extents.add_block(fonds.id, newest, first_extent=newest * EXTENTS_PER_BLOCK, extent_count=EXTENTS_PER_BLOCK)
    tx.extents.retire_all(fonds.id)


def settle_taken_in(connection: Connection) -> None:
    """Uploads whose version was taken in are committed, whatever the dump thought of them."""
    intents, versions = metadata.tables["intents"], metadata.tables["versions"]
    connection.execute(
        update(intents)
        .where(intents.c.state != "committed", intents.c.object_id.in_(select(versions.c.object_id)))
        .values(state="committed")
    )


def counter(connection: Connection, name: str) -> int:
    """A counter's value."""
    counters = metadata.tables["counters"]
    return int(connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar() or 0)


def raise_counters(connection: Connection, fonds: Fonds, recollected: Recollected, *, now: datetime) -> None:
    """Counters go above everything that was found, so that no number, change or key is given twice.

    What died unnamed had numbers above the last one that is known, one each: so many are passed over, once.
    """
    raise_counter(connection, "change", recollected.newest_change)
    raise_counter(connection, "registered", recollected.registered)
    for number in recollected.numbers:
        year, _, within = number.partition("-")
        raise_counter(connection, f"record/{fonds.id}/{year}", int(within))
    lost, recollected.unnamed_objects = recollected.unnamed_objects, 0
    last_numbers = {str(row.year): int(row.last) for row in connection.execute(_LAST_NUMBERS).all()}
    for year in sorted({*last_numbers, str(now.year)} if lost else last_numbers):
        name = f"record/{fonds.id}/{year}"
        last = max(last_numbers.get(year, 0), counter(connection, name) if lost else 0)
        raise_counter(connection, name, last + lost)
    for row in connection.execute(_LAST_MATTERS).all():
        raise_counter(connection, f"matter/{fonds.id}/{row.year}", int(row.last))
    for row in connection.execute(_LAST_LISTS).all():
        raise_counter(connection, f"disposal/{fonds.id}/{row.year}", int(row.last))
    for row in connection.execute(_LAST_CERTIFICATES).all():
        raise_counter(connection, f"certificate/{fonds.id}/{row.year}", int(row.last))
    gone, recollected.unnamed_customers = len(recollected.unnamed_customers), set()
    name = f"customer/{fonds.id}"
    last = max(int(connection.execute(_LAST_CUSTOMER).scalar() or 0), counter(connection, name) if gone else 0)
    raise_counter(connection, name, last + gone)


def raise_counter(connection: Connection, name: str, least: int) -> None:
    """Raises one counter to ``least``, unless it is there already."""
    connection.execute(
        text(
            "INSERT INTO counters (name, value) VALUES (:name, :least) ON CONFLICT (name)"
            " DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value"
        ),
        {"name": name, "least": least},
    )


# ---- the catalogue's place -------------------------------------------------------------------------------------------


@contextmanager
def _becoming(place: BackupPlace, manifest: Manifest, database_url: str, *, replace: bool) -> Iterator[Connection]:
    """A transaction with the dump loaded. What it becomes is the catalogue once the block ended without an error."""
    with place.read(manifest.dump.name) as chunks:
        named = _as_named(chunks, manifest)
        if not dump.is_sqlite(database_url):
            if manifest.database != "postgresql":
                raise Conflict(
                    "a backup of a SQLite catalogue is restored into SQLite; leave STRONGROOM_CATALOGUE_URL out"
                )
            with closing(open_catalogue(database_url)) as catalogue, catalogue.maintain() as connection:
                load_postgres_dump(named, connection)
                yield connection
            return
        path = dump.sqlite_path(database_url)
        coming = path.with_name(f"{path.name}.restoring")
        remove_file(coming)
        url = f"sqlite:///{coming}"
        if manifest.database == "sqlite":
            load_sqlite_file(named, coming)
            with closing(open_catalogue(url)) as catalogue:
                catalogue.migrate()
        with closing(open_catalogue(url)) as catalogue, catalogue.maintain() as connection:
            if manifest.database != "sqlite":
                load_postgres_dump(named, connection)
            yield connection
    put_in_place(coming, path, manifest.run, replace=replace)


def put_in_place(coming: Path, path: Path, name: str, *, replace: bool) -> None:
    """The finished file becomes the catalogue; the one before stays beside it under the backup's name."""
    if path.exists():
        if not replace:
            raise Conflict(f"a catalogue came to be at {path} meanwhile; nothing was replaced")
        for suffix in ("-wal", "-shm", ""):
            before = path.with_name(path.name + suffix)
            if before.exists():
                before.replace(path.with_name(f"{path.name}.before-{name}{suffix}"))
    _sync(coming)
    coming.replace(path)
    _sync(path.parent)


def require_room(database_url: str, *, replace: bool) -> None:
    """Raises ``Conflict`` where a catalogue is that is not to be replaced."""
    if dump.is_sqlite(database_url):
        path = dump.sqlite_path(database_url)
        if path.exists() and not replace:
            raise Conflict(
                f"there is a catalogue at {path} already; restore into an empty home, or say --replace: the one there "
                "is kept beside it"
            )
        if path.exists():
            _require_nobody_works(database_url)
        return
    with closing(open_catalogue(database_url)) as catalogue:
        if catalogue.check_schema() is not SchemaState.EMPTY:
            raise Conflict("the database has a catalogue already; name an empty one in STRONGROOM_CATALOGUE_URL")


def _require_nobody_works(database_url: str) -> None:
    """Raises ``Conflict`` while a process works with the catalogue that is to be replaced: its writes would be lost."""
    alive: list[str] = []
    # A catalogue that cannot be read any more, and why else would it be replaced, says nothing of anybody.
    with suppress(StrongroomError), closing(open_catalogue(database_url)) as catalogue, catalogue.read() as tx:
        alive = [description for _, description, _ in tx.processes.all() if not is_gone(description)]
    if alive:
        raise Conflict(
            f"the vault is open ({len(alive)} of its processes run); stop `strongroom serve` first, then restore"
        )


@contextmanager
def marked(home: Path) -> Iterator[None]:
    """A home that is being restored says so, until it is: nobody begins a new vault in it meanwhile."""
    marker = home / RESTORING
    marker.touch(mode=0o600)
    yield
    marker.unlink(missing_ok=True)


def _as_named(chunks: Iterator[bytes], manifest: Manifest) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != manifest.dump.sha256:
        raise SealBroken(f"the dump of backup {manifest.run} is damaged or cut; use another backup")


def _both(one: Increments, other: Increments) -> Increments:
    return {key: [*one.get(key, ()), *other.get(key, ())] for key in {**one, **other}}


def remove_file(path: Path) -> None:
    """Removes what a killed restore left of a catalogue's file."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
