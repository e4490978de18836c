"""A year in minutes: records of every class live through years by a clock in the hand; catalogues are lost between."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.backups import Sites
from tests.support.store import running_store
from tests.support.years import live_through


def measure(quick: bool) -> list[Measure]:
    """What never may happen, counted, and what did; quick takes a season of few records."""
    records, days = (120, 90) if quick else (50_000, 1826)
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-years-") as name,
        running_store(Path(name) / "store") as store,
        ExitStack() as stack,
        Sites(store, Path(name), None, stack).losing() as losses,
    ):
        started = time.monotonic()
        lived = live_through(
            losses.vault,
            records=records,
            days=days,
            step_days=2,
            losses=losses,
            lost_every_days=days // 6,
        )
        seconds = time.monotonic() - started
    told = asdict(lived)
    never = ("early", "held", "unlisted", "unapproved", "uncertified")
    texts = {
        "early": "destroyed before they were due",
        "held": "destroyed under hold",
        "unlisted": "due, free, and on no list",
        "unapproved": "destroyed without an approved list",
        "uncertified": "destroyed without a certificate that verifies, or with a key that lives",
    }
    what = f"{records:,} records, {days:,} days"
    figures = [at_most(f"{what}: {texts[each]}", 0, told.pop(each)) for each in never]
    figures.append(at_least(f"{what}: destroyed", 1, told.pop("destroyed")))
    figures += [Measure(measure=f"{what}: {name}", goal="", figure=count) for name, count in told.items()]
    return [*figures, Measure(measure=f"{what}: took", goal="", figure=seconds, unit="s")]
