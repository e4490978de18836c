"""Kills of the application and of the store at every named write, on both databases: what was lost, halved or left.

Quick kills at a sample of the points; otherwise it goes round them all until there were 1,000 kills. After each kill a
process that lives recovers and looks; the doctor, deep, closes each campaign. Power loss is not among the faults.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.faultpoints import Arm
from tests.support.faults import Campaign, Tally, campaign
from tests.support.faultworks import WORKS
from tests.support.postgres import postgres_cluster

KILLS_WANTED = 1000
STORE_KILLS_WANTED = 60
QUICK_KILLS = 24
QUICK_STORE_KILLS = 2
STORE_CALLS = ("records-put", "blocks-put", "meta-put", "upload-", "part-", "lock-extended", "read")


@contextmanager
def _campaigns(folder: Path) -> Iterator[list[tuple[str, Campaign]]]:
    with (
        postgres_cluster(durable=True) as cluster,
        cluster.fresh_database() as url,
        campaign(folder / "sqlite") as on_sqlite,
        campaign(folder / "postgresql", catalogue_url=url) as on_postgres,
    ):
        yield [("SQLite", on_sqlite), ("PostgreSQL", on_postgres)]


def rounds(fighting: Campaign, *, kills: int, store_kills: int, seed: int) -> None:
    """So many kills of the application and of the store, spread evenly over every point of every work."""
    chosen = random.Random(seed)  # noqa: S311 - spreads kills, guards nothing
    places = [(work, arm) for work in WORKS for arm in fighting.arms_of(work)]
    struck = [place for place in places if place[1].point.startswith(STORE_CALLS)]
    # A life that another thread led past its point counts as no kill; the next place stands in for it.
    for work, arm in _rounds_of(struck, chosen):
        if fighting.tally.store_kills >= store_kills:
            break
        fighting.kill_store(work, arm)
    for work, arm in _rounds_of(places, chosen):
        if fighting.tally.application_kills >= kills:
            break
        fighting.kill_application(work, arm)


def _rounds_of(places: list[tuple[str, Arm]], chosen: random.Random) -> Iterator[tuple[str, Arm]]:
    """All places in a drawn order, and again in another, for ever."""
    while True:
        yield from chosen.sample(places, len(places))


def measure(quick: bool) -> list[Measure]:
    """Kills, and everything that must not have come of them."""
    total, figures = Tally(), []
    folder = Path(tempfile.mkdtemp(prefix="strongroom-faults-"))
    kills = QUICK_KILLS if quick else KILLS_WANTED - STORE_KILLS_WANTED
    store_kills = QUICK_STORE_KILLS if quick else STORE_KILLS_WANTED
    try:
        with _campaigns(folder) as campaigns:
            for name, fighting in campaigns:
                rounds(fighting, kills=kills // 2, store_kills=store_kills // 2, seed=kills)
                fighting.close_batch()
                figures.append(_kills(f"kills on {name}", fighting.tally))
                total.add(fighting.tally)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for text in total.findings.all():
        print(text, file=sys.stderr)
    found = total.findings
    wanted = QUICK_KILLS + QUICK_STORE_KILLS if quick else KILLS_WANTED
    return [
        at_least("kills in all", wanted, total.application_kills + total.store_kills),
        Measure(measure="of the application", goal="", figure=total.application_kills),
        Measure(measure="of the store", goal="", figure=total.store_kills),
        *figures,
        Measure(measure="answers acknowledged before a kill or after a store's", goal="", figure=total.acknowledged),
        at_most("acknowledged and lost", 0, len(found.lost)),
        at_most("half records", 0, len(found.half)),
        at_most("records made twice", 0, len(found.doubled)),
        at_most("multipart uploads left", 0, len(found.multiparts)),
        at_most("links that gave too much or came back", 0, len(found.links)),
        at_most("disagreements of catalogue and store (doctor, deep)", 0, len(found.doctor)),
        at_most("anything else", 0, len(found.other)),
    ]


def _kills(measure: str, tally: Tally) -> Measure:
    return Measure(measure=measure, goal="", figure=tally.application_kills + tally.store_kills)
