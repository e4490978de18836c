"""What the clock does by itself: verdicts, and what is due."""

from __future__ import annotations

from scripts.benchmarks.frame import Measure
from scripts.benchmarks.periods import measure_due, measure_verdicts


def measure(quick: bool) -> list[Measure]:
    """Verdicts from memory; what is due on both databases."""
    return [*measure_verdicts(quick), *measure_due(quick)]
