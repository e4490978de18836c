"""Locks of the object store under attack, and under races: 200 locked versions, every call that credentials allow.

The application's credentials attack locks in GOVERNANCE and COMPLIANCE. The operator's may bypass governance, so they
attack those in COMPLIANCE. The table of calls, with what was answered, goes to the error output.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.objects.lockproof import Attempt, prove_lock
from tests.support.lockraces import race_in_one_process, race_of_two_processes
from tests.support.store import RunningStore, running_store
from vault.objects import LockMode

VERSIONS, RACES, RACES_OF_PROCESSES = 200, 500, 500


def measure(quick: bool) -> list[Measure]:
    """Attacks and races on the embedded store."""
    share = 20 if quick else 1
    with tempfile.TemporaryDirectory(prefix="strongroom-locks-") as name, running_store(Path(name) / "store") as store:
        attempts, versions, lost = _attacked(store, VERSIONS // share)
        print(_table(attempts), file=sys.stderr)
        threads = race_in_one_process(store, RACES // share)
        processes = race_of_two_processes(store, RACES_OF_PROCESSES // share)
    return [
        at_least("locked versions attacked", VERSIONS // share, versions),
        Measure(measure="attacks", goal="", figure=len(attempts)),
        at_most("locks lost", 0, lost),
        at_least("races of locks and a hold in one process", RACES // share, threads.rounds),
        at_most("locks or holds lost in them", 0, threads.lost),
        at_least("races of a lock and a hold in two processes", RACES_OF_PROCESSES // share, processes.rounds),
        at_most("locks or holds lost in these", 0, processes.lost),
    ]


def _attacked(store: RunningStore, wanted: int) -> tuple[list[Attempt], int, int]:
    attempts: list[Attempt] = []
    versions, lost, number = 0, 0, 0
    while versions < wanted:
        number += 1
        told = (
            (store.settings, "app", frozenset(LockMode)),
            (store.endpoint.operator, "operator", {LockMode.COMPLIANCE}),
        )
        for settings, who, modes in told:
            proof = prove_lock(settings, now=datetime.now(UTC), token=f"{who}{number}", modes=modes)
            about_versions = [attempt for attempt in proof.attempts if attempt.target != "bucket"]
            attempts += about_versions if who == "operator" else proof.attempts
            versions += len({attempt.target for attempt in about_versions})
            lost += sum(not attempt.held for attempt in about_versions)
    return attempts, versions, lost


def _table(attempts: list[Attempt]) -> str:
    counted = Counter((attempt.call, attempt.outcome, attempt.held) for attempt in attempts)
    lines = [
        f"{count:6} {'held' if held else 'FELL'}  {call}: {outcome}"
        for (call, outcome, held), count in sorted(counted.items())
    ]
    return "\n".join(lines)
