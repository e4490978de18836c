"""Benchmarks, a module a name: ``measure(quick: bool) -> list[Measure]``, run by ``scripts/bench NAME``."""

from scripts.benchmarks.frame import Measure, at_least, at_most

__all__ = ["Measure", "at_least", "at_most"]
