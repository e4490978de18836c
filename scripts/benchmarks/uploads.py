"""A big file sent in pieces by tus clients that others wrote, interrupted all over it, the server killed among that:
the same bytes, and one record."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.resuming import MIB, Resumed, Send, by_tus_js, by_tuspy, resume

CHUNK_BYTES: Final = 16 * MIB


def measure(quick: bool) -> list[Measure]:
    """1 GiB with 20 interruptions, 8 of them SIGKILL (quick: 64 MiB, 4, 2), by each client."""
    measures = []
    clients: tuple[tuple[str, Send], ...] = (
        ("tuspy", by_tuspy(CHUNK_BYTES)),
        ("tus-js-client", by_tus_js(CHUNK_BYTES)),
    )
    size, interruptions, kills = (64 * MIB, 4, 2) if quick else (1024 * MIB, 20, 8)
    for name, send in clients:
        with tempfile.TemporaryDirectory(prefix="strongroom-uploads-") as scratch:
            result = resume(Path(scratch), send, size=size, interruptions=interruptions, kills=kills)
        measures += _measures(name, result, size, interruptions, kills)
    return measures


def _measures(name: str, result: Resumed, size: int, interruptions: int, kills: int) -> list[Measure]:
    for text in result.ails:
        print(text, file=sys.stderr)
    return [
        Measure(measure=f"{name}: file", goal="", figure=size / MIB, unit="MiB"),
        at_least(f"{name}: interruptions", interruptions, result.interruptions),
        at_least(f"{name}: of these SIGKILL of the server", kills, result.kills),
        at_most(f"{name}: files whose bytes differ", 0, int(not result.identical)),
        at_least(f"{name}: records", 1, result.records),
        at_most(f"{name}: records too many", 0, result.records - 1),
        at_most(f"{name}: findings of doctor --deep that are not ok", 0, len(result.ails)),
        Measure(measure=f"{name}: until it was a record", goal="", figure=result.seconds, unit="s"),
    ]
