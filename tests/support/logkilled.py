"""Processes that publish the log and are killed: ``python -m tests.support.logkilled``.

It reads one JSON line that says where everything is, then one for each life: how many entries to write, how often to
publish, and at which call of the store to die, before it is made or after. Every life is a fork, so that it costs a
tenth of a second; several lives of one line run at the same time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from storage.assembly import open_vault
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from storage.settings import Settings
from tests.support.vault import settings_over
from vault.audit import Event
from vault.people import CLOCK_ID
from vault.workflows import log


class DyingStore:
    """A store that counts what is put, and kills its process at one."""

    def __init__(self, store: Any, die: str) -> None:
        self._store = store
        self.moment, _, number = die.partition(":")
        self._number = int(number or 0)
        self.puts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, *given: Any, **named: Any) -> Any:
        """See ``ObjectStore.put``."""
        self.puts += 1
        self._perhaps("before")
        stored = self._store.put(*given, **named)
        self._perhaps("after")
        return stored

    def _perhaps(self, moment: str) -> None:
        if moment == self.moment and self.puts == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


def _live(settings: Settings, order: dict[str, Any]) -> int:
    with open_vault(settings) as vault:
        store = DyingStore(vault.store, order["die"])
        dying = replace(vault, store=store)
        for _ in range(order["rounds"]):
            with vault.catalogue.write() as tx:
                for number in range(order["entries"]):
                    detail = {"tried": number, "held": True}
                    tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, detail))
            log.publish(dying)
        return store.puts


def _fork(settings: Settings, order: dict[str, Any]) -> tuple[int, int]:
    """(pid, where it says how many puts it made)."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    code = 1
    try:
        os.write(write, str(_live(settings, order)).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - the life's end is its exit code, the reason is on stderr
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> int:
    """Serves orders until its input ends."""
    first = json.loads(sys.stdin.readline())
    store = S3Settings(**{**first["store"], "data_folder": None, "ca_bundle": None})
    S3Store(store).close()  # reads the SDK's models once, for every fork
    settings = settings_over(store, Path(first["home"]), catalogue_url=first["catalogue_url"])
    for line in sys.stdin:
        told = []
        for child, pipe in [_fork(settings, order) for order in json.loads(line)]:
            _, status = os.waitpid(child, 0)
            puts = os.read(pipe, 100)
            os.close(pipe)
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            told.append({"killed": killed, "code": os.waitstatus_to_exitcode(status), "puts": int(puts or 0)})
        print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
