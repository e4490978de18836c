"""Where backups go, by the settings; and what upkeep does about them when somewhere is set.

Rule 1: the first backup into an empty place is taken by a person: an empty folder may be a disk that is not mounted.
Rule 2: a scheduled backup works for a while, and goes on the next time; the other duties do not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.backup.bucket import BucketPlace
from storage.backup.drill import drill
from storage.backup.folder import FolderPlace
from storage.backup.manifest import get_manifest
from storage.backup.place import OWNER, PAGES, BackupPlace, put_small, runs_of
from storage.backup.run import back_up
from storage.keeper.configured import configured_keepers
from storage.machine import SystemRandomness
from storage.objects.s3 import S3Store
from storage.settings import Settings
from vault.backups import BACKUP_JOB, DRILL_JOB, BackupPlan, BackupRun
from vault.errors import Broken, SettingsWrong, StoreUnavailable
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.ports import ObjectStore, RootKeeper
from vault.workflows.upkeep import Job
from vault.workflows.vault import CopyPages, Vault

LOOK_EVERY: Final = timedelta(minutes=5)
SLICE_S: Final = 120.0


@contextmanager
def backup_place(settings: Settings) -> Iterator[BackupPlace | None]:
    """The backup place of the settings, or None where there is none."""
    bucket = settings.backup_s3()
    place: BackupPlace | None = None
    if bucket is not None:
        place = BucketPlace(bucket)
    elif settings.backup_folder is not None:
        place = FolderPlace(settings.backup_folder)
    try:
        yield place
    finally:
        if place is not None:
            place.close()


@contextmanager
def required_place(settings: Settings) -> Iterator[BackupPlace]:
    """The backup place. Raises ``SettingsWrong`` where none is set."""
    with backup_place(settings) as place:
        if place is None:
            raise SettingsWrong(
                "no backup place is set; set STRONGROOM_BACKUP_FOLDER to a folder on another disk, or "
                "STRONGROOM_BACKUP_S3_ENDPOINT to another S3 server"
            )
        yield place


def make_place(settings: Settings) -> None:
    """Makes the folder of a further fonds in the vault's backup folder, where that is there: its own is no disk.

    Raises ``SettingsWrong``.
    """
    folder = settings.backup_folder
    if settings.fonds is None or folder is None or not folder.parents[1].is_dir():
        return
    try:
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SettingsWrong(f"the backup folder {folder} cannot be made: {exc.strerror}") from exc


def copy_pages(place: BackupPlace) -> CopyPages:
    """What a destruction calls before it takes effect: its key pages are in the backup place, too."""

    def copy(key: str, pages: bytes) -> None:
        if place.size(OWNER) is None:
            raise StoreUnavailable(
                f"the {place.text} is empty: is its disk mounted? A new one begins with `strongroom backup run`"
            )
        if place.size(f"{PAGES}{key}") != len(pages):
            put_small(place, f"{PAGES}{key}", pages)

    return copy


def duties(settings: Settings, place: BackupPlace) -> tuple[Job, ...]:
    """The jobs of upkeep: backups, and drills of them."""
    every, kept = timedelta(hours=settings.backup_every_hours), settings.backups_kept

    def take_backup(vault: Vault) -> Outcome:
        return _take_backup(vault, place, settings.database_url, every, kept)

    def run_drill(vault: Vault) -> Outcome:
        return drill(vault, place, actor=CLOCK_ID).outcome if runs_of(place) else Outcome.of("no-backup")

    return (
        Job(name=BACKUP_JOB, every=LOOK_EVERY, run=take_backup),
        Job(name=DRILL_JOB, every=timedelta(days=settings.drill_every_days), run=run_drill),
    )


def plan(settings: Settings, place: BackupPlace) -> BackupPlan:
    """What pages show of the backups."""

    def newest(limit: int) -> Sequence[BackupRun]:
        return [_described(place, run) for run in reversed(runs_of(place)[-limit:])]

    return BackupPlan(
        place=place.text,
        every=timedelta(hours=settings.backup_every_hours),
        drill_every=timedelta(days=settings.drill_every_days),
        kept=settings.backups_kept,
        runs=newest,
    )


def _described(place: BackupPlace, run: str) -> BackupRun:
    try:
        manifest = get_manifest(place, run)
    except Broken:
        # Verifying says what is wrong; here it is one backup that cannot be counted on.
        return BackupRun(
            name=run, taken_at=taken_at(run), records=None, objects=None, object_bytes=None, generation=None
        )
    return BackupRun(
        name=run,
        taken_at=manifest.created_at,
        records=manifest.records,
        objects=manifest.objects,
        object_bytes=manifest.object_bytes,
        generation=manifest.generation,
    )


def taken_at(run: str) -> datetime:
    """When a run began, by its name."""
    return datetime.strptime(run.partition("-")[0], "%Y%m%dt%H%M%S%fz").replace(tzinfo=UTC)


def _take_backup(vault: Vault, place: BackupPlace, database_url: str, every: timedelta, kept: int) -> Outcome:
    runs = runs_of(place)
    if runs and timedelta() <= vault.now() - taken_at(runs[-1]) < every:
        return Outcome.of("backup-fresh", backup=runs[-1])
    outcome = back_up(vault, place, database_url, actor=CLOCK_ID, runs_kept=kept, go_on=_for_a_while())
    if outcome.manifest is None:
        return Outcome.of("backup-goes-on", copied=outcome.copied)
    if outcome.damaged:
        return Outcome.of("backup-damaged", backup=outcome.manifest.run, damaged=len(outcome.damaged))
    return Outcome.of("backup-taken", backup=outcome.manifest.run, copied=outcome.copied)


def _for_a_while() -> Callable[[], bool]:
    until = time.monotonic() + SLICE_S
    return lambda: time.monotonic() < until


def reading_keepers(settings: Settings) -> RootKeeper:
    """The keepers of the settings, which cannot be changed through this."""
    return configured_keepers(settings.keepers(), SystemRandomness(), read_only=True)


@contextmanager
def opened_store(settings: Settings, progress: Callable[[str], None]) -> Iterator[ObjectStore]:
    """The object store alone: for a restore, where there is no catalogue yet."""
    # Not above: assembly hands out what is wired here.
    from storage.assembly import object_store, private_folder

    private_folder(settings.home)
    with object_store(settings, progress) as application, closing(S3Store(application)) as store:
        yield store
