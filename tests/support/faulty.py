"""A process that opens the real vault, works, and is killed at a named point: ``python -m tests.support.faulty``.

It reads one JSON line of settings, then one line for each life: what to do and where to die. Every life is a fork of
this process, which itself opens nothing and has one thread, so that a life costs a tenth of a second and not two.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import assembly
from storage.assembly import open_vault
from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.objects.locks import Turn
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from storage.settings import Settings
from tests.support.faultpoints import Arm, FaultPoints, WatchedCatalogue, WatchedStore, watch
from tests.support.faultworks import WORKS, Stage, limited
from tests.support.vault import settings_over, staff
from vault.errors import Unavailable
from vault.shelves import Transaction
from vault.workflows import allocation

LIFE_LIMIT_S = 120.0
PATIENCE_S = 60.0
FOUNDING = "founding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One life. ``server_pid`` 0: the process itself is killed, otherwise that server, and the process goes on."""

    work: str
    token: str
    answers: Path
    arm: Arm | None
    server_pid: int
    home: Path
    catalogue_url: str | None

    @classmethod
    def read(cls, line: str) -> Order:
        """From its JSON line."""
        values = json.loads(line)
        arm = Arm(**values["arm"]) if values["arm"] else None
        home, answers = Path(values["home"]), Path(values["answers"])
        return cls(**{**values, "arm": arm, "home": home, "answers": answers})

    def strike(self) -> None:
        """The kill: nothing is flushed, closed or said any more."""
        os.kill(self.server_pid or os.getpid(), signal.SIGKILL)


def _live(order: Order, store: S3Settings) -> None:
    """One life, from opening the vault to leaving it in order."""
    descriptor = os.open(order.answers, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(what: str, value: Any) -> None:
        os.write(descriptor, json.dumps({what: value}).encode("utf-8") + b"\n")

    settings = settings_over(store, order.home, catalogue_url=order.catalogue_url)
    points = FaultPoints(seed=hash(order.token))
    if order.work == FOUNDING:
        _found(settings, order, points)
    else:
        with open_vault(settings) as vault:
            work = WORKS[order.work]
            stage = Stage(
                vault=watch(limited(vault), points),
                actor=staff(vault),
                token=order.token,
                acknowledge=lambda told: say("acknowledged", told),
            )
            state = work.prepare(stage)
            say("prepared", state)
            points.arm(order.arm, order.strike)
            give_up_at = time.monotonic() + PATIENCE_S
            while True:
                try:
                    work.act(stage, state)
                    break
                except Unavailable:
                    if not order.server_pid or time.monotonic() > give_up_at:
                        raise
                    time.sleep(0.2)
            points.disarm()
    say("done", [arm.values() for arm in points.passed])


def _found(settings: Settings, order: Order, points: FaultPoints) -> None:
    """A first start: the vault does not exist yet, so what assembly makes is wrapped as it is made."""

    def watched_store(endpoint: S3Settings, *, turn: Turn) -> object:
        store = S3Store(endpoint, turn=turn)
        watched = WatchedStore(store, points)
        watched.close = store.close  # type: ignore[attr-defined]  # what assembly calls beside the port
        watched.server_time = store.server_time  # type: ignore[attr-defined]
        return watched

    def watched_catalogue(url: str) -> SqlCatalogue:
        return _WatchedSqlCatalogue(open_catalogue(url), points)

    setattr(assembly, "S3Store", watched_store)  # noqa: B010 - replaced in this process only
    setattr(assembly, "open_catalogue", watched_catalogue)  # noqa: B010
    points.arm(order.arm, order.strike)
    with open_vault(settings, create=True):
        points.disarm()


class _WatchedSqlCatalogue(SqlCatalogue):
    """A catalogue that passes points, and can be migrated and closed like any other."""

    def __init__(self, inner: SqlCatalogue, points: FaultPoints) -> None:
        super().__init__(inner._database)
        self._watched = WatchedCatalogue(inner, points)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """See ``Catalogue.write``."""
        with self._watched.write() as tx:
            yield tx


def _fork(order: Order, store: S3Settings) -> dict[str, int]:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            _live(order, store)
            code = 0
        except BaseException:  # noqa: BLE001 - the life's end is reported by its exit code, the reason on stderr
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + LIFE_LIMIT_S
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"signal": 0, "code": 124}
        time.sleep(0.002)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "code": 0}
    return {"signal": 0, "code": os.WEXITSTATUS(status)}


def main() -> int:
    """Serves orders until its input ends."""
    first = json.loads(sys.stdin.readline())
    store = S3Settings(**{**first["store"], "data_folder": None, "ca_bundle": None})
    # Blocks of a few extents, so that reserving one is met often; set before anything is opened, and for every life.
    setattr(allocation, "EXTENTS_PER_BLOCK", first["extents_per_block"])  # noqa: B010
    S3Store(store).close()  # reads the SDK's models once, for every fork
    for line in sys.stdin:
        outcome = _fork(Order.read(line), store)
        print(json.dumps(outcome), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
