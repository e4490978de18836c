"""Whoever publishes the log is killed, at each step, and many do it at once: no gap, no fork."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.backups import Site, Sites
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore
from tests.support.vault import staff
from vault.workflows import log, logcheck, logstore
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
Lives = Callable[..., list[dict[str, Any]]]


@contextmanager
def living(site: Site) -> Iterator[Lives]:
    """Runs lives at a site: each ``die`` is one, and all of one call run at the same time."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.support.logkilled"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def order(value: Any) -> None:
        stdin.write(json.dumps(value) + "\n")
        stdin.flush()

    def live(*dies: str, entries: int, rounds: int = 1) -> list[dict[str, Any]]:
        order([{"entries": entries, "rounds": rounds, "die": die} for die in dies])
        told: list[dict[str, Any]] = json.loads(stdout.readline())
        return told

    try:
        store = {**asdict(site.bucket), "data_folder": None, "ca_bundle": None}
        order({"store": store, "home": str(site.home), "catalogue_url": site.catalogue_url})
        yield live
    finally:
        stdin.close()
        process.wait(timeout=60)
        stdout.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[Site]:
    """A vault to be killed at."""
    cluster: PostgresCluster | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with ExitStack() as stack:
        made = Sites(shared_store, tmp_path, cluster, stack).new()
        with made.open():
            pass
        yield made


def require_one_log(vault: Vault) -> int:
    """Everything is published, no entry is missing, and every checkpoint that was ever signed is a beginning of it."""
    head = log.publish(vault)
    assert head is not None
    keys = logstore.signing_keys(vault)
    notes = []
    for listed in vault.store.versions(vault.layout.log_checkpoints(vault.fonds.tree_id)):
        assert listed.is_latest
        notes.append(logstore.read_object(vault, listed.key))
    sizes = [logstore.open_head(note, keys, logstore.origin(vault)).size for note in notes]
    assert len(set(sizes)) == len(sizes)
    told = logcheck.verify(vault, staff(vault), older=notes)
    assert told.holds, (told.problems, told.changed, told.missing)
    with vault.catalogue.read() as tx:
        newest = tx.audit.newest()
        assert [each.number for each in tx.audit.between(1, newest)] == list(range(1, newest + 1))
    assert told.size == newest == max(sizes)
    return newest


def test_publishing_that_is_killed_at_any_step_is_ended_by_the_next(site: Site) -> None:
    with living(site) as live:
        (whole,) = live("never:0", entries=600)
        assert whole["code"] == 0
        steps = whole["puts"]
        assert steps >= 8, "a key, tiles of entries and of hashes at two levels, a checkpoint"
        kills = 0
        for step in range(1, steps + 1):
            for moment in ("before", "after"):
                (told,) = live(f"{moment}:{step}", entries=300)
                kills += told["killed"]
                assert told["killed"] or told["code"] == 0
        assert kills >= 10
    with site.open() as vault:
        assert require_one_log(vault) >= 600 + kills * 300


def test_many_processes_that_publish_at_once_and_are_killed_write_one_log(site: Site) -> None:
    chance = random.Random(6)
    with living(site) as live:
        kills = 0
        for _ in range(4):
            dies = [f"{chance.choice(('before', 'after'))}:{chance.randint(1, 12)}" for _ in range(2)]
            told = live("never:0", *dies, entries=90, rounds=4)
            kills += sum(each["killed"] for each in told)
            assert [each for each in told if each["code"] not in (0, -9)] == []
    assert kills >= 3
    with site.open() as vault:
        assert require_one_log(vault) > 4 * 4 * 90
