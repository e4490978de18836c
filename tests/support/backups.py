"""Vaults with a bucket, a catalogue and a backup place of their own, to be backed up, lost and restored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from storage.backup.folder import FolderPlace
from storage.backup.place import BackupPlace
from storage.backup.restore import RestoreOutcome, restore
from storage.backup.run import BackupOutcome, back_up
from storage.keeper.file import FileKeeper
from storage.keeper.readonly import ReadOnlyKeeper
from storage.machine import SystemClock, SystemRandomness
from storage.objects.provision import ensure_bucket
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore
from tests.support.vault import running_vault, settings_over, staff
from tests.vault.workflows.faults import with_clock
from vault.customers import Customer, Profile
from vault.destruction import Batch, Targets
from vault.ids import CustomerId, RecordId
from vault.people import OPERATOR_ID
from vault.permissions import Actor
from vault.records import Description
from vault.workflows import customers, destruction, intake
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.vault import Vault


def own_bucket(running: RunningStore) -> S3Settings:
    """A bucket that nobody else has, on a store that runs already."""
    settings = replace(running.endpoint.operator, bucket=f"own-{uuid4().hex[:12]}")
    ensure_bucket(settings)
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a vault is, or is to be: its bucket, home, keeper and database."""

    bucket: S3Settings
    home: Path
    keeper_of: Path
    catalogue_url: str | None

    @property
    def database_url(self) -> str:
        """The catalogue's URL."""
        return self.catalogue_url or f"sqlite:///{self.home / 'catalogue.sqlite'}"

    @property
    def keeper_folder(self) -> Path:
        """The keeper's folder, which outlives the home."""
        return self.keeper_of.with_name(self.keeper_of.name + "-keeper")

    def keeper(self) -> ReadOnlyKeeper:
        """The keeper, for reading."""
        return ReadOnlyKeeper(FileKeeper(self.keeper_folder, SystemRandomness()))

    @contextmanager
    def open(self) -> Iterator[Vault]:
        """The vault."""
        if self.keeper_of == self.home:
            with running_vault(self.bucket, self.home, catalogue_url=self.catalogue_url) as opened:
                yield opened
            return
        from storage.assembly import open_vault

        settings = settings_over(self.bucket, self.home, catalogue_url=self.catalogue_url)
        with open_vault(settings.model_copy(update={"keeper_folder": self.keeper_folder})) as opened:
            yield opened


class Sites:
    """Makes sites on one kind of database."""

    def __init__(self, running: RunningStore, folder: Path, cluster: PostgresCluster | None, stack: ExitStack) -> None:
        self._running, self._folder, self._cluster, self._stack = running, folder, cluster, stack
        self.place: BackupPlace = FolderPlace(self._made(folder / "backups"))

    def new(self, *, like: Site | None = None, same_store: bool = False) -> Site:
        """A new site; ``like`` shares that one's keeper, as after a loss."""
        home = self._made(self._folder / f"home-{uuid4().hex[:8]}")
        url = self._stack.enter_context(self._cluster.fresh_database()) if self._cluster is not None else None
        bucket = like.bucket if like is not None and same_store else own_bucket(self._running)
        return Site(bucket=bucket, home=home, keeper_of=like.keeper_of if like else home, catalogue_url=url)

    def take(self, site: Site, vault: Vault) -> BackupOutcome:
        """A backup of a vault."""
        return back_up(vault, self.place, site.database_url, actor=OPERATOR_ID, set_up=True)

    def restore(
        self, site: Site, *, run: str | None = None, replace: bool = False, now: datetime | None = None
    ) -> RestoreOutcome:
        """Restores into a site."""
        with closing(S3Store(site.bucket)) as store:
            return restore(
                self.place,
                store,
                site.keeper(),
                site.home,
                site.database_url,
                now=now or SystemClock().now(),
                randomness=SystemRandomness(),
                run=run,
                replace=replace,
            )

    @contextmanager
    def losing(self) -> Iterator[Losses]:
        """A site whose catalogue can be lost while somebody works on it."""
        losses = Losses(self)
        try:
            yield losses
        finally:
            losses.close()

    @staticmethod
    def _made(folder: Path) -> Path:
        folder.mkdir(mode=0o700)
        return folder


class Losses:
    """An open vault that loses its catalogue again and again: each time the backup of the time before comes back."""

    def __init__(self, sites: Sites) -> None:
        self._sites, self.site = sites, sites.new()
        self._open = ExitStack()
        self.vault = self._open.enter_context(self.site.open())

    def take(self, vault: Vault) -> None:
        """The backup that comes back at the next loss."""
        self._sites.take(self.site, vault)

    def lose(self, vault: Vault) -> Vault:
        """The vault as it is after the loss."""
        self.close()
        self._sites.restore(self.site, replace=True, now=vault.now())
        self.vault = self._open.enter_context(self.site.open())
        self.take(self.vault)
        return self.vault

    def close(self) -> None:
        """Nobody works on it any more."""
        self._open.close()


def add_customer(vault: Vault, actor: Actor, name: str) -> Customer:
    """A customer."""
    return customers.add_customer(vault, actor, Profile.checked(name=name, note="a note")).customer


def add_for(vault: Vault, customer_id: CustomerId | None, content: bytes, *, title: str = "Theirs") -> RecordId:
    """A record of a customer."""
    filing = intake.Filing(
        class_code="contract",
        customer_id=customer_id,
        description=Description.checked(title=title, note="a note"),
        file_name="theirs.bin",
    )
    with intake.begin(vault, staff(vault), filing) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto).record_id


def destroy(vault: Vault, *records: RecordId, customer_ids: frozenset[CustomerId] = frozenset()) -> Batch:
    """Destroys on a day on which the short locks of now have lapsed."""
    later, clock = with_clock(vault)
    clock.advance(RECEIPT_LOCK * 2)
    targets = Targets(records=frozenset(records), customers=customer_ids)
    return destruction.destroy(later, staff(vault), targets, alone=True, error=True)
