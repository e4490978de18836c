"""Races of what changes one version: longer locks and a legal hold, from threads and from processes at once.

The vault sets no tags, so there is none to lose.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from pathlib import Path
from typing import Any

from storage.catalogue.turns import FileTurns
from storage.objects.provision import independent_client
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from tests.support.store import RunningStore, sha256
from vault.objects import Lock, LockMode

STARTING_S, APART_S = 4.0, 0.02
_TOLD = ("endpoint_url", "bucket", "access_key", "secret_key", "region", "path_style")
_FOLDER = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Races:
    """``lost`` counts locks and holds that were set, confirmed, and are not there afterwards."""

    rounds: int
    lost: int


def race_in_one_process(running: RunningStore, rounds: int) -> Races:
    """Two longer locks and a hold for one version at the same moment, so often."""
    store, until = running.store, _until(7)
    versions = _fresh(store, "threads", rounds)
    locks = [Lock(mode=LockMode.GOVERNANCE, retain_until=moment) for moment in (_until(3), until)]
    with ThreadPoolExecutor(3) as pool:
        for key, version_id in versions:
            done: list[Future[Any]] = [pool.submit(store.extend_lock, key, version_id, lock) for lock in locks]
            done.append(pool.submit(_hold, store, key, version_id))
            for each in done:
                each.result()
    return Races(rounds=rounds, lost=_lost(running, versions, until))


def race_of_two_processes(running: RunningStore, rounds: int) -> Races:
    """One process extends, another one holds, both the same versions in the same order."""
    until = _until(7)
    versions = _fresh(running.store, "processes", rounds)
    settings = {name: asdict(running.settings)[name] for name in _TOLD}
    begin_at = time.time() + STARTING_S
    turns = str(running.embedded.home / "turns")
    task = dumps(
        {"settings": settings, "versions": versions, "until": until.isoformat(), "begin_at": begin_at, "turns": turns}
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.lockraces", part], stdin=subprocess.PIPE, text=True, cwd=_FOLDER
        )
        for part in ("lock", "hold")
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(task)
        child.stdin.close()
    if any(child.wait(600) != 0 for child in children):
        raise RuntimeError("a process of the race failed")
    return Races(rounds=rounds, lost=_lost(running, versions, until))


def _until(days: float) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


def _fresh(store: S3Store, stem: str, count: int) -> list[tuple[str, str]]:
    lock = Lock(mode=LockMode.GOVERNANCE, retain_until=_until(1))
    keys = [f"races/{stem}/{number}" for number in range(count)]
    return [(key, store.put(key, b"x", sha256=sha256(b"x"), lock=lock).version_id) for key in keys]


def _hold(store: S3Store, key: str, version_id: str) -> None:
    store.set_legal_hold(key, version_id, held=True)


def _lost(running: RunningStore, versions: list[tuple[str, str]], until: datetime) -> int:
    """Locks and holds that are not there, as the adapter and the minio SDK read them."""
    lost, bucket = 0, running.settings.bucket
    with independent_client(running.settings) as client:
        for key, version_id in versions:
            facts = running.store.head(key, version_id)
            lock = client.get_object_retention(bucket_name=bucket, object_name=key, version_id=version_id)
            held = client.is_object_legal_hold_enabled(bucket_name=bucket, object_name=key, version_id=version_id)
            seen = [facts.lock.retain_until] if facts is not None and facts.lock is not None else []
            seen += [lock.retain_until_date.replace(tzinfo=UTC)] if lock is not None else []
            lost += len(seen) < 2 or min(seen) < until
            lost += facts is None or not facts.legal_hold or not held
    return lost


def _one_side(part: str, task: dict[str, Any]) -> None:
    turns = FileTurns(Path(task["turns"]))
    store = S3Store(S3Settings(**task["settings"]), turn=turns.turn)
    lock = Lock(mode=LockMode.GOVERNANCE, retain_until=datetime.fromisoformat(task["until"]))
    for number, (key, version_id) in enumerate(task["versions"]):
        # Each version has its moment, so that neither side runs ahead of the other.
        time.sleep(max(0.0, task["begin_at"] + number * APART_S - time.time()))
        if part == "lock":
            store.extend_lock(key, version_id, lock)
        else:
            _hold(store, key, version_id)
    store.close()


if __name__ == "__main__":
    _one_side(sys.argv[1], loads(sys.stdin.read()))
