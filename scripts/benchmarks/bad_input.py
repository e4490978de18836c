"""Many clients at once, and links attacked, in numbers: what was lost, what it cost in memory, what a forger got.

The same code as in ``tests/faults``, with larger files and more tries.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import httpx

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.attacked import Attacked, attacked
from tests.support.many import last_use, memory_bound, storm
from vault.workflows.vault import MIB

UPLOADS = 200
STORMS = ((UPLOADS, 200_000), (UPLOADS, 9 * MIB), (40, 64 * MIB))
QUICK_STORMS = ((UPLOADS, 200_000), (40, 9 * MIB))
LAST_USES, QUICK_LAST_USES = 40, 4
FORGED, QUICK_FORGED = 20_000, 1_000


def measure(quick: bool) -> list[Measure]:
    """Uploads at once, last uses, forged tokens."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-bad-input-"))
    try:
        with attacked(folder / "home") as vault:
            figures = [
                figure
                for uploads, size_bytes in (QUICK_STORMS if quick else STORMS)
                for figure in _uploads(vault, uploads, size_bytes)
            ]
            figures += _links(vault, LAST_USES if not quick else QUICK_LAST_USES, FORGED if not quick else QUICK_FORGED)
            vault.require_whole()
            vault.require_quiet_log()
            return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _uploads(vault: Attacked, uploads: int, size_bytes: int) -> list[Measure]:
    what = f"{uploads} uploads of {size_bytes / MIB:.2g} MiB at once"
    before = vault.records()
    result = storm(vault, uploads=uploads, size_bytes=size_bytes, name=what)
    for text in result.unclear:
        print(text, file=sys.stderr)
    bound = memory_bound(uploads, size_bytes) // MIB
    return [
        at_least(f"{what}: records", uploads, vault.records() - before),
        at_most(f"{what}: answers neither 201 nor 503", 0, len(result.unclear)),
        Measure(measure=f"{what}: told to come again", goal="", figure=result.retries),
        Measure(measure=f"{what}: all of them", goal="", figure=result.seconds, unit="s"),
        Measure(measure=f"{what}: the longest of them", goal="", figure=result.longest_s, unit="s"),
        at_most(f"{what}: growth of memory", bound, result.grown_bytes / MIB, "MiB"),
    ]


def _links(vault: Attacked, last_uses: int, forged: int) -> list[Measure]:
    record = str(vault.send(b"the file").json()["id"])
    winners = [last_use(vault, record)[303] for _ in range(last_uses)]
    answers: Counter[int] = Counter()
    with httpx.Client(base_url=vault.server.url, trust_env=False) as forger:
        for _ in range(forged):
            token = base64.urlsafe_b64encode(b"\x01" + os.urandom(32)).decode()
            answers[forger.get(f"/l/{token}").status_code] += 1
    return [
        at_most("50 at once on the last use: rounds without exactly one winner", 0, sum(one != 1 for one in winners)),
        Measure(measure="rounds of 50", goal="", figure=last_uses),
        at_most("forged tokens that were anything but not found", 0, forged - answers[404]),
        Measure(measure="forged tokens tried", goal="", figure=forged),
    ]
