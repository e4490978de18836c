"""A process that destroys records and is killed at a named point: ``python -m tests.support.mortal``.

It reads one JSON line of settings, then one line for each life. Every life is a fork of this process, which itself
opens nothing. What a life computes of key pages it writes down first, so that whoever collects pages has those of
batches that were never committed, too.

Points: ``before:`` and ``after:`` each of

    plan, put, and of each keeper KEEPER.stage, KEEPER.promote, KEEPER.destroy_others
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
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from storage.assembly import open_vault
from storage.keeper.custody import Custody, require_belonging
from storage.keeper.file import FileKeeper
from storage.keeper.several import KeeperGroup
from storage.machine import SystemRandomness
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from tests.support.vault import settings_over, staff
from tests.vault.workflows.faults import with_clock
from vault.destruction import Targets
from vault.errors import Unavailable
from vault.ids import CustomerId, RecordId
from vault.ports import KeyCustody, ObjectStore, RootKeeper
from vault.seal.increments import Increment
from vault.shelves import Catalogue, Transaction
from vault.workflows import destruction
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.processes import beat
from vault.workflows.vault import Vault

Watch = Callable[[str], None]
PAGE_HEAD = struct.Struct(">BIH")
KEEPERS = ("first", "second", "third")
WATCHED = {
    "keeper": {"stage", "promote", "destroy_others"},
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
        packed = b"".join(PAGE_HEAD.pack(*place, len(page)) + page for place, page in increment.pages.items())
        descriptor = os.open(self._pages_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, packed)
        os.close(descriptor)
        self._watch("after:plan")
        return increment


def read_pages_log(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Every page that was written down: level, number, sealed."""
    data, at = path.read_bytes() if path.exists() else b"", 0
    while at < len(data):
        level, number, length = PAGE_HEAD.unpack_from(data, at)
        at += PAGE_HEAD.size + length
        yield level, number, data[at - length : at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a vault with three keepers is."""

    folder: Path
    store: S3Settings
    catalogue_url: str | None = None

    def keeper(self, name: str) -> FileKeeper:
        """One keeper. The first is the one that the installation's settings name."""
        folder = self.folder / ("home-keeper" if name == "first" else name)
        return FileKeeper(folder, SystemRandomness(), name=name)

    @contextmanager
    def open(self, watch: Watch = unwatched, *, create: bool = False) -> Iterator[Vault]:
        """The vault on a day on which all locks of now have lapsed. Opens as ``storage.assembly`` does."""
        settings = settings_over(self.store, self.folder / "home", catalogue_url=self.catalogue_url)
        if create:
            with open_vault(settings, create=True):
                for name in KEEPERS[1:]:
                    self.keeper(name).set_up()
        with open_vault(settings, keepers_read_only=True) as opened:
            keepers = [_Watched(self.keeper(name), watch, WATCHED["keeper"], f"{name}.") for name in KEEPERS]
            group = KeeperGroup(cast(list[RootKeeper], keepers))
            require_belonging(opened.catalogue, group, opened.fonds)
            group.catch_up(opened.fonds.tree_id)
            later, clock = with_clock(opened)
            clock.advance(RECEIPT_LOCK + timedelta(days=1))
            custody = _RecordingCustody(
                opened.catalogue,
                group,
                opened.fonds,
                opened.randomness,
                pages_log=self.folder / "pages.log",
                watch=watch,
            )
            vault = replace(
                later,
                keys=cast(KeyCustody, custody),
                store=cast(ObjectStore, _Watched(opened.store, watch, WATCHED["store"])),
                catalogue=cast(Catalogue, _WatchedCatalogue(opened.catalogue, watch)),
            )
            beat(vault)
            yield vault


def _live(place: Place, order: Mapping[str, Any]) -> None:
    """One life: a destruction, ended by SIGKILL at a point; or the points that it passes, when none is named."""
    passed: Counter[str] = Counter()
    points: list[tuple[str, int]] = []
    deadly = tuple(order["point"]) if order["point"] else None
    armed = False

    def watch(point: str) -> None:
        if not armed:
            return
        passed[point] += 1
        points.append((point, passed[point]))
        if deadly == points[-1]:
            os.kill(os.getpid(), signal.SIGKILL)

    targets = Targets(
        records=frozenset(map(RecordId, order["records"])), customers=frozenset(map(CustomerId, order["customers"]))
    )
    with place.open(watch) as vault:
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
    S3Store(store).close()  # reads the SDK's models once, for every fork
    for line in sys.stdin:
        print(json.dumps(_fork(place, json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
