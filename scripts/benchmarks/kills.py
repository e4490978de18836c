"""SIGKILL of the application, or of the object store, while twenty files are being filed over HTTP; then all again.

Several clients file, each file under an idempotency key, and try again until they are answered. In the middle of it a
process is killed. Afterwards every file is sent once more under its key: what had been acknowledged is the same record,
nothing is there twice, every record opens to the bytes of its file, and the doctor finds nothing.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.objects.embedded import EmbeddedStore
from tests.support.clients import Api, Command
from tests.support.server import LOGIN, PASSWORD, Server, served

KIB: Final = 1024
MIB: Final = 1024 * KIB
FILES: Final = 20
CLIENTS: Final = 5
SIZES: Final = (0, 100, 40 * KIB, 300 * KIB, 2 * MIB, 8 * MIB, 9 * MIB, 16 * MIB, 21 * MIB)
GIVE_UP_AFTER_S: Final = 120.0
WELL_WITHIN_S: Final = 120.0
AGAIN: Final = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of all rounds."""

    kills: int = 0
    filed: int = 0
    acknowledged_before: int = 0
    interrupted: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    ails: list[str] = field(default_factory=list)
    back_after_s: list[float] = field(default_factory=list)


def measure(quick: bool) -> list[Measure]:
    """Ten kills, of application and store in turn (quick: two)."""
    kills = 2 if quick else 10
    with tempfile.TemporaryDirectory(prefix="strongroom-kills-") as scratch:
        result = kill_while_filing(Path(scratch), kills)
    return [
        at_least("kills while files were being filed", kills, result.kills),
        Measure(measure="files acknowledged before their kill", goal="", figure=result.acknowledged_before),
        at_least("requests that a kill broke", 1, result.interrupted),
        at_least("files filed in the end", FILES * kills, result.filed),
        at_most("acknowledged files lost or changed", 0, result.lost),
        at_most("records too many", 0, result.doubled),
        at_most("digests that differ", 0, result.differing),
        at_most("findings of doctor --deep that are not ok", 0, len(result.ails)),
        Measure(measure="until filing went on, longest", goal="", figure=max(result.back_after_s), unit="s"),
    ]


def kill_while_filing(scratch: Path, kills: int) -> Result:
    """As many rounds on one new vault."""
    result = Result()
    with served(scratch / "home") as server:
        token = server.sign_up()
        command = Command(home=server.home)
        command.login(LOGIN, PASSWORD)
        for number in range(kills):
            files = _make_files(scratch / f"round {number}", number)
            with Api(server.url, token) as api:
                _Round(server, api, files, result, number).run()
                result.doubled += api.count() - FILES * (number + 1)
            for path in files:
                path.unlink()
            result.ails += _lasting_ails(command)
    for text in result.ails:
        print(text, file=sys.stderr)
    return result


def _lasting_ails(command: Command) -> list[str]:
    """What the doctor finds, but for a duty of upkeep that a kill failed: that is done again within two minutes."""
    give_up_at = time.monotonic() + WELL_WITHIN_S
    while True:
        found = command.ails()
        if not any(each.startswith("upkeep:") for each in found) or time.monotonic() > give_up_at:
            return found
        time.sleep(5)


class _Round:
    """Twenty files and one kill."""

    def __init__(self, server: Server, api: Api, files: Mapping[Path, str], result: Result, number: int) -> None:
        self._server = server
        self._api = api
        self._files = files
        self._result = result
        self._number = number
        self._chance = random.Random(number)  # noqa: S311  # picks moments
        self._receipts: dict[Path, dict[str, Any]] = {}
        self._mutex = threading.Lock()
        self._kill_at = self._chance.randint(1, FILES - CLIENTS)
        self._due = threading.Event()
        self._killed_at: float | None = None
        self._back_at: float | None = None

    def run(self) -> None:
        """Files, kills, files again, opens."""
        killer = threading.Thread(target=self._kill, name="killer")
        killer.start()
        paths = list(self._files)
        self._chance.shuffle(paths)
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(self._file, paths))
        killer.join()
        for path in paths:
            again = self._until_answered(lambda each=path: self._add(each))  # type: ignore[misc]  # bound at once
            self._result.lost += again["id"] != self._receipts[path]["id"] or not again["replayed"]
            self._result.differing += self._api.digest(again["id"]) != self._files[path]
        self._result.filed += len({receipt["id"] for receipt in self._receipts.values()})
        if self._killed_at is not None and self._back_at is not None:
            self._result.back_after_s.append(self._back_at - self._killed_at)

    def _file(self, path: Path) -> None:
        receipt = self._until_answered(lambda: self._add(path))
        with self._mutex:
            self._receipts[path] = receipt
            if self._killed_at is None:
                self._result.acknowledged_before += 1
            elif self._back_at is None:
                self._back_at = time.monotonic()
            if len(self._receipts) >= self._kill_at:
                self._due.set()
        self._result.differing += receipt["sha256"] != self._files[path]

    def _add(self, path: Path) -> dict[str, Any]:
        return self._api.add(path, key=f"round {self._number} {path.name}")

    def _until_answered(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                return ask()
            except httpx.HTTPStatusError as error:
                if error.response.status_code not in AGAIN or time.monotonic() > give_up_at:
                    raise
            except httpx.TransportError:
                if time.monotonic() > give_up_at:
                    raise
            with self._mutex:
                self._result.interrupted += 1
            time.sleep(0.2)

    def _kill(self) -> None:
        self._due.wait(GIVE_UP_AFTER_S)
        time.sleep(self._chance.uniform(0, 0.08))
        with self._mutex:
            self._killed_at = time.monotonic()
            self._result.kills += 1
        if self._number % 2 == 0:
            self._server.stop(signal.SIGKILL)
            self._server.start()
        else:
            kill_store(self._server.home)


def kill_store(home: Path) -> None:
    """SIGKILL of the embedded store's server of a home."""
    pid = EmbeddedStore(home / "store").status().server_pid
    if pid is None:
        raise RuntimeError("the embedded store does not run")
    os.kill(pid, signal.SIGKILL)


def _make_files(folder: Path, number: int) -> dict[Path, str]:
    """Twenty files, and their digests: the same in every run."""
    folder.mkdir()
    chance = random.Random(1000 + number)  # noqa: S311  # repeatable
    files = {}
    for place in range(FILES):
        content = chance.randbytes(SIZES[place % len(SIZES)])
        path = folder / f"paper {number}-{place:02}.bin"
        path.write_bytes(content)
        files[path] = hashlib.sha256(content).hexdigest()
    return files
