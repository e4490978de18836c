"""``strongroom rebuild``: makes the catalogue again from the object store and the root alone.

What comes back: customers, records with their numbers, states, dates, locks, versions and descriptions, key pages; what
was destroyed is destroyed. Records of the last seconds before the loss, of which the outbox had sent nothing yet, come
back from their own objects: as received, under new numbers.

What does not: people and sessions (invite them again), links (they open nothing), openings, uploads under way. The log
comes back as far as it was published; what was committed after its newest checkpoint is lost, and an entry says so.
Batches come back without who ordered them.

Rule 1: keepers are only read. Rule 2: no address that was in use is given again.
Rule 3: nothing is destroyed afterwards until two people have confirmed the holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from storage.backup import dump
from storage.backup.forward import lead_forward
from storage.backup.load import rules_off, upgrade_to
from storage.backup.memory import Memory, Recollected
from storage.backup.recollect import recollect
from storage.backup.relog import take_log_back
from storage.backup.reread import HEADER_BYTES
from storage.backup.restore import (
    marked,
    put_in_place,
    raise_counters,
    remove_file,
    require_room,
    retire_addresses,
)
from storage.backup.tree import increments_in_store, newest_root, read_tree
from storage.catalogue.database import open_catalogue
from storage.catalogue.rows import Rows
from storage.catalogue.transaction import SqlTransaction
from storage.layout import BLOCKS_PREFIX, META_PREFIX, RECORDS_PREFIX, ObjectLayout
from vault.audit import Detail, Entry, Event
from vault.destruction import TreeState
from vault.errors import NotFound, SettingsWrong
from vault.fonds import HOUSE_OWNER, Fonds
from vault.ids import FondsId, VaultId, new_id
from vault.people import OPERATOR_ID
from vault.ports import ObjectStore, Randomness, RootKeeper
from vault.seal import labels
from vault.seal.envelope import parse_header
from vault.seal.keytree import LeafAddress
from vault.workflows.allocation import EXTENTS_PER_BLOCK
from vault.workflows.groups import grant_shipped
from vault.workflows.register import split_body, subject_of

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOutcome:
    """What came back."""

    vault_id: str
    generation: int
    recollected: Recollected
    records_destroyed: int
    customers_destroyed: int


def rebuild(
    store: ObjectStore,
    keeper: RootKeeper,
    home: Path,
    database_url: str,
    *,
    now: datetime,
    randomness: Randomness,
    replace: bool = False,
    progress: Progress = lambda text: None,
) -> RebuildOutcome:
    """Rebuilds the catalogue. Raises ``Conflict`` (one is there), ``NotFound`` (no vault in this store, or no root of
    it), ``KeepersBehind``, ``SealBroken``, ``KeeperUnavailable``, ``StoreUnavailable``."""
    require_room(database_url, replace=replace)
    tree_id = find_tree(store, keeper)
    progress("reading the key pages")
    tree = read_tree(keeper, tree_id, increments_in_store(store, tree_id))
    memory = Memory(
        store=store,
        layout=ObjectLayout(),
        keys=tree,
        tree_id=tree_id,
        randomness=randomness,
        now=now,
        progress=progress,
    )
    fonds, house = _fonds_of(memory)
    with marked(home), _empty(database_url, replace=replace, name=f"{now:%Y%m%dt%H%M%Sz}") as connection:
        rows = Rows(connection)
        tx = SqlTransaction(rows)
        tx.fonds.add(fonds)
        grant_shipped(tx, fonds)
        attempt = newest_root(keeper, tree_id).attempt if tree.head.generation == 1 else bytes(16)
        tx.trees.add(fonds.id, TreeState.first(tree_id, attempt))
        with rules_off(connection):
            retire_addresses(connection, tx, fonds, store, skip=0)
            tx.extents.retire(fonds.id, house.extent, HOUSE_OWNER)
            recollected = recollect(
                tx,
                fonds,
                memory,
                known_change=0,
                settle=lambda told: raise_counters(connection, fonds, told, now=now),
            )
        progress("leading the key pages forward")
        died = lead_forward(tx, fonds, tree, now=now, randomness=randomness)
        log_size = take_log_back(tx, fonds, memory)
        tx.rebuilds.add(fonds.id, at=now)
        detail: Detail = {
            "generation": tree.head.generation,
            "records": recollected.records + recollected.from_objects,
            "customers": recollected.customers,
            "renumbered": len(recollected.renumbered),
            "log_published": log_size,
            "log_lost": True,
        }
        tx.audit.append(
            Entry(at=now, actor=OPERATOR_ID, event=Event.CATALOGUE_REBUILT, subject=fonds.vault_id, detail=detail)
        )
        rows.require_unfailed()
        rows.end()
    return RebuildOutcome(
        vault_id=fonds.vault_id,
        generation=tree.head.generation,
        recollected=recollected,
        records_destroyed=died[0],
        customers_destroyed=died[1],
    )


def find_tree(store: ObjectStore, keeper: RootKeeper) -> bytes:
    """The one tree that the store has blocks of and the keepers a root. Raises ``NotFound``, ``SettingsWrong``."""
    reserved = {each.key.removeprefix(BLOCKS_PREFIX).partition("/")[0] for each in store.versions(BLOCKS_PREFIX)}
    if not reserved:
        raise NotFound("there is no vault in this store; look at the settings of the store, or restore it first")
    known = sorted(reserved & {tree_id.hex() for tree_id in keeper.trees()})
    if not known:
        raise NotFound("the keepers have no root of the vault in this store; put a keeper's folder back from its copy")
    if len(known) > 1:
        raise SettingsWrong("several vaults lie in this store, and the keepers know more than one; give each its own")
    return bytes.fromhex(known[0])


def _fonds_of(memory: Memory) -> tuple[Fonds, LeafAddress]:
    """The fonds and its house's leaf: as the newest register has them, else as the objects tell."""
    ends = list(memory.registers())
    if ends:
        key = memory.layout.meta(subject_of(memory.tree_id), f"{ends[-1]:012d}")
        facts = memory.store.head(key)
        if facts is None:
            raise NotFound(f"{key} went away; begin again")
        with memory.store.read(key, facts.version_id) as chunks:
            house, _ = split_body(b"".join(chunks))
        return memory.register(ends[-1]).fonds, house
    folder = f"{BLOCKS_PREFIX}{memory.tree_id.hex()}/"
    first = min(int(each.key.removeprefix(folder)) for each in memory.store.versions(folder))
    fonds = Fonds(
        id=FondsId(new_id(memory.randomness)),
        vault_id=_vault_of_objects(memory.store),
        tree_id=memory.tree_id,
        created_at=memory.now,
    )
    return fonds, LeafAddress(tree_id=memory.tree_id, extent=first * EXTENTS_PER_BLOCK, leaf=0)


def _vault_of_objects(store: ObjectStore) -> VaultId:
    for each in store.versions(RECORDS_PREFIX):
        if not each.is_delete_marker:
            with store.read(each.key, each.version_id, length=min(HEADER_BYTES, each.size_bytes)) as chunks:
                return VaultId(parse_header(b"".join(chunks)).context[labels.CONTEXT_VAULT])
    raise NotFound(f"the store holds no record and no register under {META_PREFIX}; there is nothing to rebuild")


@contextmanager
def _empty(database_url: str, *, replace: bool, name: str) -> Iterator[Connection]:
    """A transaction on an empty catalogue, which becomes the catalogue once the block ended without an error."""
    if not dump.is_sqlite(database_url):
        with closing(open_catalogue(database_url)) as catalogue, catalogue.maintain() as connection:
            upgrade_to(connection, "head")
            yield connection
        return
    path = dump.sqlite_path(database_url)
    coming = path.with_name(f"{path.name}.restoring")
    remove_file(coming)
    with closing(open_catalogue(f"sqlite:///{coming}")) as catalogue, catalogue.maintain() as connection:
        upgrade_to(connection, "head")
        yield connection
    put_in_place(coming, path, name, replace=replace)
