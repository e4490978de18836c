"""What every benchmark shares: a measure with its goal, and how measures are printed.

Rule 1: a benchmark is a module in this folder with ``measure(quick: bool) -> list[Measure]``. Quick takes the same
measures on smaller work, in under a minute.
Rule 2: speed is measured here and never asserted in a test.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

NOT_BENCHMARKS = frozenset({"__init__", "__main__", "frame"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measured figure beside its goal; ``met`` is None where a measure has no goal.

    ``goal`` is text for people ("at least 1.0"); ``figure`` is in ``unit`` (empty for a ratio).
    """

    measure: str
    goal: str
    figure: float
    unit: str = ""
    met: bool | None = None


def at_least(measure: str, goal: float, figure: float, unit: str = "") -> Measure:
    """A measure that is met when the figure reaches the goal."""
    return Measure(measure=measure, goal=f">= {goal:g}", figure=figure, unit=unit, met=figure >= goal)


def at_most(measure: str, goal: float, figure: float, unit: str = "") -> Measure:
    """A measure that is met when the figure does not pass the goal."""
    return Measure(measure=measure, goal=f"<= {goal:g}", figure=figure, unit=unit, met=figure <= goal)


def benchmark_names(folder: Path | None = None) -> list[str]:
    """The names of the benchmarks that exist, sorted: modules that define ``measure``."""
    modules = sorted((folder or Path(__file__).parent).glob("*.py"))
    return [
        path.stem
        for path in modules
        if path.stem not in NOT_BENCHMARKS and "\ndef measure(" in path.read_text(encoding="utf-8")
    ]


def measure_of(name: str) -> Callable[[bool], Sequence[Measure]]:
    """The ``measure`` function of one benchmark."""
    function: Callable[[bool], Sequence[Measure]] = importlib.import_module(f"scripts.benchmarks.{name}").measure
    return function


def as_json(name: str, quick: bool, measures: Sequence[Measure]) -> str:
    """The result for programs: the machine in a word, and every measure."""
    return json.dumps(
        {
            "benchmark": name,
            "quick": quick,
            "machine": {
                "cores": os.cpu_count(),
                "system": platform.platform(terse=True),
                "python": platform.python_version(),
            },
            "measures": [asdict(measure) for measure in measures],
        },
        ensure_ascii=False,
        indent=2,
    )


def as_table(name: str, quick: bool, measures: Sequence[Measure]) -> Table:
    """The result for people."""
    table = Table("measure", "goal", "figure", "met", title=name + (" (quick)" if quick else ""), title_justify="left")
    for measure in measures:
        met = "-" if measure.met is None else "yes" if measure.met else "no"
        table.add_row(measure.measure, measure.goal, f"{measure.figure:.4g} {measure.unit}".rstrip(), met)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark, or lists them. Exit code 0: every goal met; 1: one was missed; 2: no such benchmark."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Strongroom against its goals.")
    parser.add_argument("name", nargs="?", help="the benchmark; without it, the names are listed")
    parser.add_argument("--quick", action="store_true", help="the same measures on smaller work, under a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args(arguments)
    names = benchmark_names()
    if chosen.name is None:
        print(json.dumps(names) if chosen.json else "\n".join(names or ["no benchmark yet"]))
        return 0
    if chosen.name not in names:
        print(f"no benchmark {chosen.name!r}; there are: {', '.join(names) or 'none'}", file=sys.stderr)
        return 2
    measures = measure_of(chosen.name)(chosen.quick)
    if chosen.json:
        print(as_json(chosen.name, chosen.quick, measures))
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(as_table(chosen.name, chosen.quick, measures))
    return 1 if any(measure.met is False for measure in measures) else 0
