"""A backup, or a restore, in a process that is killed at a named moment: ``python -m tests.support.backupkilled``.

It reads one JSON object: where everything is, what to do, and when to die: at the start, in the middle or after the
n-th write to the backup place (backup) or to the object store (restore), or when a step is told.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from storage.assembly import open_vault
from storage.backup.folder import FolderPlace
from storage.backup.rebuild import rebuild
from storage.backup.restore import restore
from storage.backup.run import back_up
from storage.keeper.file import FileKeeper
from storage.keeper.readonly import ReadOnlyKeeper
from storage.machine import SystemClock, SystemRandomness
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from tests.support.vault import settings_over
from vault.people import OPERATOR_ID


class Death:
    """Counts writes and steps; kills the process at the one that was named."""

    def __init__(self, at: str) -> None:
        self.moment, _, self.where = at.partition(":")
        self.writes = 0
        self._mutex = Lock()

    def begin(self) -> int:
        """Counts a write; gives its number, from 1."""
        with self._mutex:
            self.writes += 1
            return self.writes

    def told(self, text: str) -> None:
        """A step."""
        if self.moment == "step" and text.startswith(self.where):
            os.kill(os.getpid(), signal.SIGKILL)

    def at(self, moment: str, number: int) -> None:
        """A moment of a write."""
        if self.moment == moment and number == int(self.where):
            os.kill(os.getpid(), signal.SIGKILL)

    def halfway(self, chunks: Iterable[bytes], number: int) -> Iterator[bytes]:
        """Gives half of a chunk's bytes, and dies where that is the moment."""
        for chunk in chunks:
            half = len(chunk) // 2
            yield chunk[:half]
            self.at("middle", number)
            yield chunk[half:]


class DyingPlace(FolderPlace):
    """A folder whose writes are counted."""

    def __init__(self, folder: Path, death: Death) -> None:
        super().__init__(folder)
        self._death = death

    def put(self, name: str, chunks: Iterable[bytes], *, size_bytes: int | None) -> bytes:
        """See ``BackupPlace.put``."""
        number = self._death.begin()
        self._death.at("before", number)
        digest = super().put(name, self._death.halfway(chunks, number), size_bytes=size_bytes)
        self._death.at("after", number)
        return digest


class DyingStore:
    """A store whose writes are counted."""

    def __init__(self, store: S3Store, death: Death) -> None:
        self._store, self._death = store, death

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if name not in ("put", "put_part", "complete_upload"):
            return call

        def counted(*given: Any, **named: Any) -> Any:
            number = self._death.begin()
            self._death.at("before", number)
            answer = call(*given, **named)
            self._death.at("after", number)
            return answer

        return counted


def main() -> int:
    """Does what it is told, and says how many writes that took."""
    order = json.load(sys.stdin)
    store = S3Settings(**{**order["store"], "data_folder": None, "ca_bundle": None})
    home, keeper_folder, url = Path(order["home"]), Path(order["keeper"]), order["catalogue_url"]
    database_url = url or f"sqlite:///{home / 'catalogue.sqlite'}"
    death, folder = Death(order["die"]), Path(order["place"])
    if order["work"] == "backup":
        settings = settings_over(store, home, catalogue_url=url)
        with open_vault(settings) as vault:
            back_up(vault, DyingPlace(folder, death), database_url, actor=OPERATOR_ID, set_up=True, progress=death.told)
    else:
        real = S3Store(store)
        dying: Any = DyingStore(real, death)
        keeper = ReadOnlyKeeper(FileKeeper(keeper_folder, SystemRandomness()))
        now, randomness = SystemClock().now(), SystemRandomness()
        if order["work"] == "restore":
            place = FolderPlace(folder)
            restore(place, dying, keeper, home, database_url, now=now, randomness=randomness, progress=death.told)
        else:
            rebuild(dying, keeper, home, database_url, now=now, randomness=randomness, progress=death.told)
        real.close()
    print(json.dumps({"writes": death.writes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
