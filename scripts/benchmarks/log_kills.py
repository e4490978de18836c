"""SIGKILL of processes that number entries and publish the log, before or after any of their calls of the store.

Two or three processes at once write and publish, and are killed at random steps, on each database. Afterwards there is
one log: every entry from the first to the last, and every checkpoint that was ever signed is a beginning of it.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.faults.test_log_killed import living, require_one_log
from tests.support.backups import Sites
from tests.support.postgres import postgres_cluster
from tests.support.store import running_store

STEPS = 12
ENTRIES = 70


def measure(quick: bool) -> list[Measure]:
    """A hundred kills on each database (quick: ten)."""
    kills = 10 if quick else 100
    return [each for name in ("SQLite", "PostgreSQL") for each in _killed(name, kills)]


def _killed(name: str, wanted: int) -> list[Measure]:
    chance = random.Random(100)  # noqa: S311 - the same kills each time
    killed = lives = wrong = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-log-kills-")))
        store = stack.enter_context(running_store(folder / "store"))
        cluster = stack.enter_context(postgres_cluster()) if name == "PostgreSQL" else None
        site = Sites(store, folder, cluster, stack).new()
        with site.open():
            pass
        with living(site) as live:
            while killed < wanted:
                dies = [f"{chance.choice(('before', 'after'))}:{chance.randint(1, STEPS)}" for _ in range(3)]
                told = live(*dies, entries=ENTRIES, rounds=3)
                lives += len(told)
                killed += sum(each["killed"] for each in told)
                wrong += sum(each["code"] not in (0, -9) for each in told)
        with site.open() as vault:
            # Raises where an entry is missing, or a checkpoint is of another tree.
            entries = require_one_log(vault)
    return [
        at_least(f"{name}: kills while publishing", wanted, killed),
        Measure(measure=f"{name}: lives", goal="", figure=lives),
        at_most(f"{name}: lives that ended in an error", 0, wrong),
        at_least(f"{name}: entries of one log, none missing, none forked", ENTRIES, entries),
    ]
