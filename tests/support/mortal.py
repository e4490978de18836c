"""A process that destroys records and is killed at a named point: ``python -m tests.support.mortal``.

It reads one JSON line of settings, then one line for each life. Every life is a fork of this process, which itself
opens nothing. What a life computes of key pages it writes down first, so that whoever collects pages has those of
batches that were never committed, too.

A life has the root in its own memory, or it asks the vault's key process (``by_process``), which may be killed as well:
at the point, or so many seconds after it, while the life goes on.

Points: ``before:`` and ``after:`` each of

    plan, put, copy, and of each keeper KEEPER.stage, KEEPER.promote, KEEPER.destroy_others
    keys.stage, keys.promote, keys.destroy_others in their stead where the key process is asked
    batches.add, batches.erase, batches.promote, batches.finish, trees.write_pages, trees.advance, audit.append
    commit (``before:commit`` is inside of the transaction, with everything written)
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import Any, cast

from storage.assembly import open_vault, private_folder
from storage.backup.place import OWNER
from storage.keeper.custody import Custody, require_belonging
from storage.keeper.file import FileKeeper
from storage.keeper.keyclient import KeyClient
from storage.keeper.listing import KeeperKind, KeeperList, KeeperSpec, write_list
from storage.keeper.several import KeeperGroup
from storage.machine import SystemRandomness
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from storage.settings import Settings
from tests.support.vault import settings_over, staff
from tests.vault.workflows.faults import with_clock
from vault.destruction import Targets
from vault.errors import Conflict, Unavailable
from vault.ids import CustomerId, RecordId
from vault.ports import KeyCustody, ObjectStore, RootKeeper
from vault.seal.increments import Increment
from vault.shelves import Catalogue, Transaction
from vault.workflows import destruction
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.processes import beat
from vault.workflows.vault import CopyPages, Vault

Watch = Callable[[str], None]
PAGE_HEAD = struct.Struct(">BIH")
KEEPERS = ("first", "second", "third")
WATCHED = {
    "keeper": {"stage", "promote", "destroy_others"},
    "keys": {"stage", "promote", "destroy_others"},
    "batches": {"add", "erase", "promote", "finish"},
    "trees": {"write_pages", "advance"},
    "audit": {"append"},
    "store": {"put"},
}


def unwatched(point: str) -> None:
    """Nobody waits at any point."""


class _Watched:
    """Something real whose named calls pass points."""

    def __init__(self, real: object, watch: Watch, names: set[str], prefix: str = "") -> None:
        self._real, self._watch, self._names, self._prefix = real, watch, names, prefix

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in self._names:
            return real

        def call(*given: Any, **named: Any) -> Any:
            self._watch(f"before:{self._prefix}{name}")
            answer = real(*given, **named)
            self._watch(f"after:{self._prefix}{name}")
            return answer

        return call


class _WatchedCatalogue:
    def __init__(self, real: Catalogue, watch: Watch) -> None:
        self._real, self._watch = real, watch

    def read(self) -> AbstractContextManager[Transaction]:
        return self._real.read()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._real.write() as tx:
            watched = _WatchedTransaction(tx, self._watch)
            yield cast(Transaction, watched)
            self._watch("before:commit")
        self._watch("after:commit")


class _WatchedTransaction:
    def __init__(self, real: Transaction, watch: Watch) -> None:
        self._real, self._watch = real, watch

    def __getattr__(self, name: str) -> Any:
        shelf = getattr(self._real, name)
        names = WATCHED.get(name)
        return shelf if names is None else _Watched(shelf, self._watch, names, f"{name}.")


class _RecordingCustody(Custody):
    """Writes down every page that a plan computed, before anything else comes of it."""

    def __init__(self, *given: Any, pages_log: Path, watch: Watch) -> None:
        super().__init__(*given)
        self._pages_log, self._watch = pages_log, watch

    def plan(self, doomed: Any) -> Increment:
        self._watch("before:plan")
        increment = super().plan(doomed)
        write_pages_log(self._pages_log, increment)
        self._watch("after:plan")
        return increment


class _RecordingKeys(_Watched):
    """The same for a key process that is asked."""

    def __init__(self, real: object, watch: Watch, pages_log: Path) -> None:
        super().__init__(real, watch, WATCHED["keys"], "keys.")
        self._pages_log = pages_log

    def plan(self, doomed: Any) -> Increment:
        self._watch("before:plan")
        increment: Increment = cast(KeyCustody, self._real).plan(doomed)
        write_pages_log(self._pages_log, increment)
        self._watch("after:plan")
        return increment


def write_pages_log(path: Path, increment: Increment) -> None:
    """Writes down every page of an increment."""
    packed = b"".join(PAGE_HEAD.pack(*place, len(page)) + page for place, page in increment.pages.items())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, packed)
    os.close(descriptor)


def read_pages_log(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Every page that was written down: level, number, sealed."""
    data, at = path.read_bytes() if path.exists() else b"", 0
    while at < len(data):
        level, number, length = PAGE_HEAD.unpack_from(data, at)
        at += PAGE_HEAD.size + length
        yield level, number, data[at - length : at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a vault with three keepers is. Backups go beside the home, once there has been a first one."""

    folder: Path
    store: S3Settings
    catalogue_url: str | None = None
    home_name: str = "home"
    """Another one than ``home`` is a home that was restored beside it; it has the same keepers."""

    @property
    def home(self) -> Path:
        """The home."""
        return self.folder / self.home_name

    @property
    def backups(self) -> Path:
        """The folder of its backups."""
        return self.folder / "backups"

    def keeper_folder(self, name: str) -> Path:
        """Where one keeper is. The first is the one that the installation's settings name."""
        return self.folder / ("home-keeper" if name == "first" else name)

    def keeper(self, name: str) -> FileKeeper:
        """One keeper."""
        return FileKeeper(self.keeper_folder(name), SystemRandomness(), name=name)

    def settings(self) -> Settings:
        """The settings; the home is made, and knows of all its keepers."""
        private_folder(self.home)
        first = KeeperSpec(name="first", kind=KeeperKind.SETTINGS)
        others = [
            KeeperSpec(name=name, kind=KeeperKind.FILE, folder=str(self.keeper_folder(name))) for name in KEEPERS[1:]
        ]
        if not (self.home / "keepers.json").exists():
            write_list(self.home, KeeperList(keepers=(first, *others)))
        more: dict[str, Path] = {"keeper_folder": self.keeper_folder("first")}
        if (self.backups / OWNER).exists():
            more["backup_folder"] = self.backups
        return settings_over(self.store, self.home, catalogue_url=self.catalogue_url).model_copy(update=more)

    @contextmanager
    def open(self, watch: Watch = unwatched, *, create: bool = False, by_process: bool = False) -> Iterator[Vault]:
        """The vault on a day on which all locks of now have lapsed. Opens as ``storage.assembly`` does.

        Without ``by_process`` it has its root in this process, and nobody else's.
        """
        settings = self.settings()
        if create:
            with open_vault(settings, create=True):
                pass
        with open_vault(settings, keepers_read_only=not by_process) as opened:
            later, clock = with_clock(opened)
            clock.advance(RECEIPT_LOCK + timedelta(days=1))
            vault = replace(
                later,
                keys=cast(KeyCustody, self._keys(opened, watch, by_process=by_process)),
                store=cast(ObjectStore, _Watched(opened.store, watch, WATCHED["store"])),
                catalogue=cast(Catalogue, _WatchedCatalogue(opened.catalogue, watch)),
                page_copies=tuple(_watched_copy(copy, watch) for copy in opened.page_copies),
            )
            beat(vault)
            yield vault

    def _keys(self, opened: Vault, watch: Watch, *, by_process: bool) -> object:
        pages_log = self.folder / "pages.log"
        if by_process:
            return _RecordingKeys(opened.keys, watch, pages_log)
        keepers = [_Watched(self.keeper(name), watch, WATCHED["keeper"], f"{name}.") for name in KEEPERS]
        group = KeeperGroup(cast(list[RootKeeper], keepers))
        require_belonging(opened.catalogue, group, opened.fonds)
        group.catch_up(opened.fonds.tree_id)
        catalogue, fonds, randomness = opened.catalogue, opened.fonds, opened.randomness
        return _RecordingCustody(catalogue, group, fonds, randomness, pages_log=pages_log, watch=watch)


def _watched_copy(copy: CopyPages, watch: Watch) -> CopyPages:
    def call(key: str, pages: bytes) -> None:
        watch("before:copy")
        copy(key, pages)
        watch("after:copy")

    return call


def kill_key_process(vault: Vault, after_s: float) -> None:
    """Ends the key process that the vault asks, now or a little later, by SIGKILL."""
    pid = int(cast(KeyClient, vault.keys).describe()["pid"])

    def end() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    if after_s <= 0:
        end()
        return
    timer = Timer(after_s, end)
    timer.daemon = True
    timer.start()


def _live(place: Place, order: Mapping[str, Any]) -> None:
    """One life: a destruction, ended by SIGKILL at a point; or the points that it passes, when none is named."""
    passed: Counter[str] = Counter()
    points: list[tuple[str, int]] = []
    deadly = tuple(order["point"]) if order["point"] else None
    keys_die_after_s: float | None = order["keys_die_after_s"]
    armed = False

    def watch(point: str) -> None:
        if not armed:
            return
        passed[point] += 1
        points.append((point, passed[point]))
        if deadly != points[-1]:
            return
        if keys_die_after_s is not None:
            kill_key_process(vault, keys_die_after_s)
        if order["dies"]:
            os.kill(os.getpid(), signal.SIGKILL)

    targets = Targets(
        records=frozenset(map(RecordId, order["records"])), customers=frozenset(map(CustomerId, order["customers"]))
    )
    with place.open(watch, by_process=order["by_process"]) as vault:
        armed = True
        destruction.destroy(vault, staff(vault), targets, alone=True, error=True)
        armed = False
    Path(order["answer"]).write_text(json.dumps(points), encoding="utf-8")


def _fork(place: Place, order: Mapping[str, Any]) -> dict[str, int]:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _live(place, order)
            code = 0
        except Unavailable:
            traceback.print_exc()
            code = 2
        except Conflict:
            traceback.print_exc()
            code = 3
        except BaseException:  # noqa: BLE001 - the life's end is told by its exit code, the reason on stderr
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status)}


def main() -> int:
    """Serves orders until its input ends."""
    first = json.loads(sys.stdin.readline())
    store = S3Settings(**first["store"])
    place = Place(folder=Path(first["folder"]), store=store, catalogue_url=first["catalogue_url"])
    # Once, for every fork: the SDK's models, and what is loaded only where there is something to do.
    S3Store(store).close()
    import storage.backup.wiring  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(_fork(place, json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
