"""What the clock does by itself: verdicts, what is due, and a year of lists, holds and destructions."""

from __future__ import annotations

from scripts.benchmarks.frame import Measure
from scripts.benchmarks.periods import measure_due, measure_verdicts
from scripts.benchmarks.years import measure_years


def measure(quick: bool) -> list[Measure]:
    """Verdicts from memory; what is due on both databases; records that live through years."""
    return [*measure_verdicts(quick), *measure_due(quick), *measure_years(quick)]
