"""Backups of a history: taken, drilled, restored beside the vault and instead of it, and given to the collector.

    past = Backups(life)
    past.take()                      # a backup, and a drill of it
    past.restore_beside()            # an older one, into a home of its own beside the vault
    past.restore_instead()           # an older one: the vault is lost, and the history goes on with what comes back

Rule 1: whatever is done here, no keeper is changed by it.
Rule 2: of every backup all is kept: its dump, the increments in its place, and, for the control, a copy of a keeper's
folder from that day.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from storage.assembly import open_vault
from storage.backup.drill import drill
from storage.backup.folder import FolderPlace
from storage.backup.manifest import get_manifest
from storage.backup.restore import restore
from storage.backup.run import back_up
from storage.backup.scratch import scratch_catalogue, scratch_folder
from storage.backup.tree import increments_in_place
from storage.backup.wiring import reading_keepers
from storage.catalogue.database import open_catalogue
from storage.keeper.file import FileKeeper
from storage.machine import SystemClock, SystemRandomness
from storage.objects.s3 import S3Store
from tests.support.adversary import Adversary
from tests.support.histories import History
from tests.support.mortal import Place
from vault.people import OPERATOR_ID
from vault.seal.increments import read_increment
from vault.seal.keytree import LeafAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One backup: what lived then, its dump as a catalogue, and a copy of a keeper from that day."""

    run: str
    generation: int
    lived: frozenset[LeafAddress]
    catalogue: Path
    keeper: Path


class Backups:
    """Those of one history. The collector of the history gets all of them."""

    def __init__(self, life: History) -> None:
        self.life = life
        self.taken: list[Taken] = []
        life.place.backups.mkdir(mode=0o700)
        self.place = FolderPlace(life.place.backups)
        self._catalogues: list[str] = []
        life.sources.append(self.tell)

    def take(self) -> Taken:
        """A backup of the vault as it works, and a drill of it."""
        life = self.life
        with life.keepers_unchanged("a backup"):
            outcome = back_up(life.today, self.place, _url(life.place), actor=OPERATOR_ID, set_up=not self.taken)
        if outcome.manifest is None or outcome.damaged:
            life.wrong.append(f"a backup is not whole: {outcome.damaged}")
        with life.keepers_unchanged("a drill"):
            verdict = drill(life.today, self.place, actor=OPERATOR_ID)
        life.wrong += [f"a drill: {problem}" for problem in verdict.problems]
        if outcome.manifest is None:
            raise RuntimeError("the backup did not end")
        number = len(self.taken)
        taken = Taken(
            run=outcome.manifest.run,
            generation=outcome.manifest.generation,
            lived=frozenset(life.live_leaves()),
            catalogue=life.place.folder / f"dump-{number}.sqlite",
            keeper=life.place.folder / f"kept-{number}",
        )
        self._load(taken)
        shutil.copytree(life.place.keeper_folder("first"), taken.keeper)
        self.taken.append(taken)
        life.copies.append(f"sqlite:///{taken.catalogue}")
        life.counts["backups taken, and drills of them"] += 1
        if number == 0:
            # From now on the key pages of each destruction go to the backup place as well.
            life.lose(life.place, lambda: None)
        return taken

    def older(self) -> Taken:
        """A backup of before the last destruction, by chance."""
        generation = self.life.vault.keys.generation()
        return self.life.chance.choice([each for each in self.taken if each.generation < generation])

    def restore_beside(self) -> None:
        """An older backup in a home of its own: refused as it is, led forward by a restore, looked at, left there."""
        life, taken = self.life, self.older()
        number = life.counts["restored beside the vault"]
        beside = replace(life.place, home_name=f"beside-{number}", catalogue_url=None)
        settings = beside.settings()
        shutil.copyfile(taken.catalogue, settings.home / "catalogue.sqlite")
        life.refuse(beside)
        if life.databases is not None:
            # A backup of PostgreSQL comes back into PostgreSQL; the copy above was the same dump in a file.
            beside = replace(beside, catalogue_url=life.further.enter_context(life.databases()))
        with life.keepers_unchanged("a restore beside the vault"):
            self._restore(beside, taken.run, in_place=life.databases is None)
            with open_vault(beside.settings(), keepers_read_only=True) as opened:
                life.check(opened, f"restored beside from generation {taken.generation}")
        life.copies.append(_url(beside))
        self._catalogues.append(_url(beside))
        life.counts["restored beside the vault"] += 1

    def restore_instead(self) -> None:
        """The catalogue is lost; an older backup takes its place, led forward, and the history goes on with it."""
        life, taken = self.life, self.older()
        place = life.place
        if life.databases is not None:
            self._catalogues.append(_url(place))
            place = replace(place, catalogue_url=life.further.enter_context(life.databases()))

        def come_back() -> None:
            with life.keepers_unchanged("a restore"):
                self._restore(place, taken.run, in_place=life.databases is None)

        life.lose(place, come_back)
        if life.databases is None:
            self._catalogues.append(f"sqlite:///{place.home / f'catalogue.sqlite.before-{taken.run}'}")
        life.check(life.vault, f"restored from generation {taken.generation}")
        life.counts["restored, and gone on with"] += 1

    # -- what somebody has who has the backups ------------------------------------------------------------------------

    def tell(self, adversary: Adversary) -> None:
        """Everything of every backup, and of every catalogue that was restored or replaced."""
        self._tell_increments(adversary)
        for url in [*(f"sqlite:///{each.catalogue}" for each in self.taken), *self._catalogues]:
            _tell_catalogue(adversary, self.life, url)

    def found_with_kept_keeper(self, taken: Taken) -> tuple[int, int]:
        """Control: one backup, and the copy of a keeper from that day, and nothing else. Gives how many leaves it
        finds of those that lived then and were destroyed since, and how many these are; both together are the same.
        """
        gone = self.life.secrets(set(taken.lived & self.life.doomed))
        thief = Adversary(self.life.vault.fonds.tree_id)
        _tell_catalogue(thief, self.life, f"sqlite:///{taken.catalogue}")
        tree_id = self.life.vault.fonds.tree_id
        keeper = FileKeeper(taken.keeper, SystemRandomness(), name="kept")
        for held in keeper.held(tree_id):
            thief.learn_root(keeper.root(tree_id, held.generation, held.attempt))
        return len(thief.found_among(gone)), len(gone)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _tell_increments(self, adversary: Adversary) -> None:
        for copies in increments_in_place(self.place, self.life.vault.fonds.tree_id).values():
            for read in copies:
                with read() as chunks:
                    adversary.learn_increment(read_increment(chunks))

    def _load(self, taken: Taken) -> None:
        """The dump, as a catalogue in a file, whichever database it is of."""
        manifest = get_manifest(self.place, taken.run)
        with scratch_folder() as folder, scratch_catalogue(self.place, manifest, folder) as url:
            path = Path(url.removeprefix("sqlite:///"))
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(taken.catalogue)) as target:
                source.backup(target)

    def _restore(self, place: Place, run: str, *, in_place: bool) -> None:
        settings = place.settings()
        with closing(S3Store(place.store)) as store:
            restore(
                self.place,
                store,
                reading_keepers(settings),
                settings.home,
                settings.database_url,
                now=SystemClock().now(),
                randomness=SystemRandomness(),
                run=run,
                replace=in_place,
            )


def _url(place: Place) -> str:
    return place.settings().database_url


def _tell_catalogue(adversary: Adversary, life: History, url: str) -> None:
    for level, number, sealed in _pages_of(life, url):
        adversary.learn_page(level, number, sealed)


def _pages_of(life: History, url: str) -> Iterator[tuple[int, int, bytes]]:
    with closing(open_catalogue(url)) as catalogue, catalogue.read() as tx:
        for (level, number), sealed in tx.trees.pages(life.vault.fonds.id):
            yield level, number, sealed
