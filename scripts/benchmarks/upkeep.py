"""What the clock does by itself, and how fast: verdicts, what is due among many records, holds carried to the store."""

from __future__ import annotations

from scripts.benchmarks.frame import Measure
from scripts.benchmarks.holds_mirror import measure_mirror
from scripts.benchmarks.periods import measure_due, measure_verdicts


def measure(quick: bool) -> list[Measure]:
    """Verdicts from memory; holds in the store beside the bare calls; what is due on both databases."""
    return [*measure_verdicts(quick), *measure_mirror(quick), *measure_due(quick)]
