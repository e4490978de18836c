"""Wires the vault, once: settings in, an open ``Vault`` out.

    with open_vault(settings, create=True) as vault:
        ...

Opening in numbered steps:
1. The home's folder, private to its owner, and in it the key process, started or joined: it alone has the root.
2. The object store: the embedded one is started, or joined when it runs; an outside one is checked.
3. The catalogue: with ``create`` its schema is brought up to date, otherwise it has to be.
4. The fonds: with ``create`` and none there, root first (in the keeper, durable), then its row, so that no row ever
   names a key tree without a root.
5. Catalogue and keepers are compared, by the key process: one that is older than the other is refused, and nothing
   is changed. A keeper that was away catches up.
6. Signs of life: the process is registered, so that others leave its uploads alone.
7. A destruction that was committed and cut off is finished. No root is destroyed for any other reason.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from storage.backup.place import RESTORING
from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.catalogue.schema import SchemaState
from storage.certificates.printing import print_certificate
from storage.identity.passkeys import check_new_passkey, check_passkey
from storage.keeper.keyclient import KeyClient
from storage.keeper.keystart import key_settings
from storage.labels.printing import print_labels
from storage.layout import ObjectLayout
from storage.machine import SystemClock, SystemRandomness, describe_process, is_gone
from storage.mediatypes import media_type_of
from storage.objects.embedded import EmbeddedStatus, EmbeddedStore, StoreChange
from storage.objects.lockproof import prove_lock
from storage.objects.provision import ensure_bucket
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from storage.parsing.parsers import Parsers
from storage.searchindex.file import SqliteIndex
from storage.searchindex.place import NO_SHARED_MEMORY, bare_swap, bare_swap_told, index_folder
from storage.settings import Settings
from storage.webhooks.sending import open_sender
from vault import ports
from vault.audit import Entry, Event
from vault.backups import BackupPlan
from vault.destruction import TreeState
from vault.errors import CatalogueBroken, CatalogueUnavailable, SettingsWrong, Unavailable
from vault.fonds import HOUSE_OWNER, Fonds
from vault.ids import FondsId, ProcessId, VaultId, new_id
from vault.people import OPERATOR_ID
from vault.ports import IdentityProvider
from vault.seal.keytree import LeafAddress
from vault.workflows.allocation import reserve_block
from vault.workflows.effect import resume
from vault.workflows.groups import grant_shipped
from vault.workflows.processes import beat
from vault.workflows.upkeep import Job
from vault.workflows.vault import CopyPages, Limits, LockVerdict, Vault

POOL_THREADS: Final = 8
BEAT_EVERY_S: Final = 15.0

Progress = Callable[[str], None]
StoreNotice = Callable[[StoreChange, EmbeddedStatus], None]


def _silent(message: str) -> None:
    pass


def _unheard(change: StoreChange, status: EmbeddedStatus) -> None:
    """Watching heals, whether anybody listens or not."""


@contextmanager
def open_vault(
    settings: Settings,
    *,
    create: bool = False,
    renew: bool = False,
    keepers_read_only: bool = False,
    progress: Progress = _silent,
    on_store_change: StoreNotice | None = None,
    beside: Vault | None = None,
) -> Iterator[Vault]:
    """The open vault, for the duration of the block.

    ``create`` makes what is missing; ``renew`` brings the catalogue of a vault that is there up to date, no more.
    ``keepers_read_only`` is for whoever only looks: then no keeper is changed, and no destruction is finished.
    ``on_store_change`` is told when the embedded store died and when it serves again. ``beside`` is another fonds of
    this process, open for longer: they share threads and parsers, so that the process takes on no more.

    Raises ``SettingsWrong``, ``StoreUnavailable``, ``CatalogueUnavailable``, ``CatalogueBroken``, ``CatalogueOlder``,
    ``KeepersBehind``, ``KeeperUnavailable``.
    """
    clock, randomness, layout = SystemClock(), SystemRandomness(), ObjectLayout()
    with ExitStack() as stack:
        private_folder(settings.home)
        if (settings.home / RESTORING).exists():
            raise SettingsWrong(
                "a restore into this home was cut off; run `strongroom restore` (or `strongroom rebuild`) again"
            )
        if not create:
            _require_catalogue(settings)
        keys = stack.enter_context(_key_client(settings, read_only=keepers_read_only))
        keys.start()  # and is ready by the time that it is asked
        application = stack.enter_context(object_store(settings, progress, on_store_change))
        catalogue = open_catalogue(settings.database_url)
        stack.callback(catalogue.close)
        store = S3Store(application, turn=catalogue.turn)
        stack.callback(store.close)
        stack.callback(keys.close)  # before the catalogue, so that the last one to close that is this process
        _require_schema(catalogue, settings, create=create, renew=renew, progress=progress)
        house = _find_house(catalogue)
        if house is None:
            if not create:
                raise _nothing_here(settings)
            progress("making the vault's root key")
            with _founders_turn(settings.home):
                house = _found(catalogue, keys, store, layout, clock, randomness)
        fonds, extent = house
        keys.open()
        page_copies, duties, backups = _backups(settings, stack)
        duties = (*duties, *_stamping(settings, stack))
        provider = _provider(settings, stack)
        pool, parsers = _workers(stack) if beside is None else (beside.pool, beside.parsers)
        search = SqliteIndex(_index_folder(settings, progress if create else _silent), randomness)
        stack.callback(search.close)
        vault = Vault(
            vault_id=fonds.vault_id,
            fonds=fonds,
            house=LeafAddress(tree_id=fonds.tree_id, extent=extent, leaf=0),
            catalogue=catalogue,
            store=store,
            keys=keys,
            layout=layout,
            clock=clock,
            randomness=randomness,
            process_id=ProcessId(new_id(randomness)),
            description=describe_process(os.getpid()),
            pool=pool,
            search=search,
            media_type_of=media_type_of,
            parsers=parsers,
            is_gone=is_gone,
            prove_lock=lambda: _prove_lock(application, clock, randomness),
            outside_time=store.server_time,
            print_certificate=print_certificate,
            print_labels=print_labels,
            check_new_passkey=check_new_passkey,
            check_passkey=check_passkey,
            webhook_sending=open_sender(settings.webhook_reach),
            limits=Limits(upload_bytes_max=settings.upload_bytes_max),
            page_copies=page_copies,
            duties=duties,
            backups=backups,
            provider=provider,
        )
        # The keeper has to answer before anything is promised.
        vault.house_keys()
        stack.enter_context(_signs_of_life(vault))
        if not keepers_read_only:
            # What cannot be finished now is upkeep's; the vault works meanwhile.
            with suppress(Unavailable):
                resume(vault)
        yield vault


@contextmanager
def object_store(
    settings: Settings, progress: Progress = _silent, on_store_change: StoreNotice | None = None
) -> Iterator[S3Settings]:
    """The object store of the settings, started, joined or checked, as the application sees it."""
    outside = settings.s3()
    if outside is not None:
        operator = settings.s3_operator()
        if operator is not None:
            progress("checking the object store's bucket")
            ensure_bucket(operator)
        yield outside
        return
    embedded = EmbeddedStore(settings.home / "store")
    endpoint = embedded.start(lambda step: progress(f"object store: {step.value}"))
    try:
        embedded.watch(on_store_change or _unheard)
        yield endpoint.application
    finally:
        embedded.stop()


def _workers(stack: ExitStack) -> tuple[Executor, ports.Parsers]:
    """Threads that seal, and the warden of parsers, for the duration of the stack."""
    pool = ThreadPoolExecutor(max_workers=POOL_THREADS, thread_name_prefix="sealing")
    stack.callback(pool.shutdown, wait=True)
    parsers = Parsers()
    stack.callback(parsers.close)
    return pool, parsers


def _index_folder(settings: Settings, progress: Progress) -> Path | None:
    folder = index_folder(settings.home, settings.index_folder)
    if folder is None:
        progress(f"WARNING: {NO_SHARED_MEMORY}")
    if swap := bare_swap():
        progress(f"WARNING: {bare_swap_told(swap)}")
    return folder


def _key_client(settings: Settings, *, read_only: bool) -> KeyClient:
    process = key_settings(settings.keepers(), database_url=settings.database_url)
    return KeyClient(process, read_only=read_only)


def _backups(settings: Settings, stack: ExitStack) -> tuple[Sequence[CopyPages], Sequence[Job], BackupPlan | None]:
    """What a backup place adds: the key pages of each destruction go there too, and upkeep takes and tries backups."""
    if settings.backup_folder is None and settings.backup_s3_endpoint is None:
        return (), (), None
    # Loaded only where there is something to do: it is a good part of a command's start.
    from storage.backup.wiring import backup_place, copy_pages, duties, plan

    place = stack.enter_context(backup_place(settings))
    if place is None:
        return (), (), None
    return (copy_pages(place),), duties(settings, place), plan(settings, place)


def _stamping(settings: Settings, stack: ExitStack) -> Sequence[Job]:
    """What a time stamping authority adds: checkpoints of the log are shown to it."""
    if settings.tsa_url is None or settings.tsa_roots is None:
        return ()
    from storage.timestamps.authority import open_authority
    from vault.workflows.logstamps import STAMP_LOG, stamp_log

    authority, stamping = open_authority(settings.tsa_url, settings.tsa_roots)
    stack.callback(authority.close)
    every = timedelta(hours=settings.tsa_every_hours)
    return (Job(name=STAMP_LOG, every=every, run=lambda vault: stamp_log(vault, stamping), aside=True),)


def _provider(settings: Settings, stack: ExitStack) -> IdentityProvider | None:
    """Who else signs people in. Nobody is asked yet: a start needs no provider."""
    named = settings.provider()
    if named is None:
        return None
    # Loaded only where there is one.
    from storage.identity.provider import OpenIdProvider

    provider = OpenIdProvider(named)
    stack.callback(provider.close)
    return provider


def _nothing_here(settings: Settings) -> SettingsWrong:
    if settings.fonds is None:
        return SettingsWrong("there is no vault here yet; run 'strongroom init' or 'strongroom serve'")
    return SettingsWrong(
        f"the fonds {settings.fonds} has no catalogue; restore it (`strongroom --fonds {settings.fonds} restore`), or "
        f"run `strongroom fonds add {settings.fonds}` again, where that was cut off"
    )


def _require_catalogue(settings: Settings) -> None:
    """Raises ``SettingsWrong`` where the catalogue's file is missing: to open it would make an empty one, into which no
    backup is restored."""
    file = settings.home / "catalogue.sqlite"
    if settings.catalogue_url is None and not file.exists():
        raise _nothing_here(settings)


def _require_schema(
    catalogue: SqlCatalogue, settings: Settings, *, create: bool, renew: bool, progress: Progress
) -> None:
    state = catalogue.check_schema()
    if state is SchemaState.CURRENT:
        return
    if create or (renew and state is not SchemaState.EMPTY):
        progress("bringing the catalogue up to date")
        catalogue.migrate()
    elif state is SchemaState.EMPTY:
        raise _nothing_here(settings)
    else:
        raise SettingsWrong("the catalogue is of an earlier version; run 'strongroom init' to bring it up to date")


def _find_house(catalogue: SqlCatalogue) -> tuple[Fonds, int] | None:
    """The fonds and the number of its house's first extent."""
    with catalogue.read() as tx:
        fonds = tx.fonds.first()
        extents = tx.extents.of_owner(fonds.id, HOUSE_OWNER) if fonds is not None else []
    return (fonds, extents[0].number) if fonds is not None and extents else None


def _found(
    catalogue: SqlCatalogue,
    keys: KeyClient,
    store: S3Store,
    layout: ObjectLayout,
    clock: SystemClock,
    randomness: SystemRandomness,
) -> tuple[Fonds, int]:
    """Makes what is missing of the fonds; begun again after a crash, it goes on where it was."""
    with catalogue.read() as tx:
        fonds = tx.fonds.first()
    if fonds is None:
        fonds = Fonds(
            id=FondsId(new_id(randomness)),
            vault_id=VaultId(new_id(randomness)),
            tree_id=randomness.token_bytes(16),
            created_at=clock.now(),
        )
        attempt = randomness.token_bytes(16)
        state = TreeState.first(fonds.tree_id, attempt)
        keys.found(state.tree_id, attempt)
        created = Entry(at=clock.now(), actor=OPERATOR_ID, event=Event.VAULT_CREATED, subject=fonds.vault_id)
        with catalogue.write() as tx:
            tx.fonds.add(fonds)
            grant_shipped(tx, fonds)
            tx.trees.add(fonds.id, state)
            tx.audit.append(created)
    with catalogue.read() as tx:
        reserved = tx.extents.newest_block(fonds.id) is not None
    if not reserved:
        reserve_block(catalogue, store, layout, fonds, clock.now())
    with catalogue.write() as tx:
        if not tx.extents.of_owner(fonds.id, HOUSE_OWNER):
            tx.extents.add_extent(fonds.id, HOUSE_OWNER)
    house = _find_house(catalogue)
    if house is None:
        raise CatalogueBroken("the house of the fonds has no extent; run the doctor")
    return house


def _prove_lock(settings: S3Settings, clock: SystemClock, randomness: SystemRandomness) -> LockVerdict:
    proof = prove_lock(settings, now=clock.now(), token=new_id(randomness))
    return LockVerdict(tried=len(proof.attempts), held=sum(attempt.held for attempt in proof.attempts))


@contextmanager
def _founders_turn(home: Path) -> Iterator[None]:
    """Two first starts at once make one vault."""
    descriptor = os.open(home / "founding.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _signs_of_life(vault: Vault) -> Iterator[None]:
    beat(vault)
    left = threading.Event()

    def beating() -> None:
        while not left.wait(BEAT_EVERY_S):
            # A catalogue that is away for a while: the next beat tries again.
            with suppress(CatalogueUnavailable):
                beat(vault)

    thread = threading.Thread(target=beating, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
        with suppress(CatalogueUnavailable), vault.catalogue.write() as tx:
            tx.processes.end(vault.process_id)


def private_folder(home: Path) -> None:
    """Makes the home, private to its owner. Raises ``SettingsWrong``."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise SettingsWrong(f"the home {home} cannot be made: {exc.strerror}; name another by STRONGROOM_HOME") from exc
