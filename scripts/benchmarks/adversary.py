"""Destructions killed at every step, on both databases, and what somebody finds who collected every page on the way.

Quick kills once at each point; otherwise twenty times. The collector has every key page ever computed, those of each
state of the database, the increments of the store and what the keepers hold at the end. The controls say what it finds
with a root that was kept. On PostgreSQL it also gets what lies in the files of the server: heap and write-ahead log.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.histories import History, Verdict, history
from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.store import running_store

KILLS_A_POINT = 20
AWAY_EVERY, AWAY_FOR = 25, 6
"""A keeper goes away now and then, for some generations."""


def measure(quick: bool) -> list[Measure]:
    """Kills, what was found of what died, and what was wrong with what lives."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-adversary-"))
    kills = 1 if quick else KILLS_A_POINT
    try:
        with (
            running_store(folder / "store") as store,
            postgres_cluster(durable=True) as cluster,
            cluster.fresh_database() as url,
        ):
            with history(folder / "sqlite", store.settings) as life:
                figures = _campaign("SQLite", life, kills)
            with history(folder / "postgresql", store.settings, catalogue_url=url) as life:
                figures += _campaign("PostgreSQL", life, kills)
                figures += _carving(life, cluster)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _campaign(name: str, life: History, kills: int) -> list[Measure]:
    life.ingest(40)
    points = life.points()
    copied = life.place.catalogue_url is None
    number, away_since = 0, 0
    for round_number in range(kills):
        for point in points:
            number += 1
            if away_since and (number - away_since >= AWAY_FOR or "third" in point[0]):
                life.bring_back("third")
                away_since = 0
            elif number % AWAY_EVERY == 0 and "third" not in point[0]:
                life.take_away("third")
                away_since = number
            if copied and number % 100 == 50:
                life.copy_database()
            life.destroy(1 + number % 3, point=point, customer=(number + round_number) % 7 == 3)
    if away_since:
        life.bring_back("third")
    verdict = life.verify()
    for text in verdict.wrong:
        print(text, file=sys.stderr)
    return [*_figures(name, verdict, len(points) * kills), *_controls(name, life)]


def _figures(name: str, verdict: Verdict, wanted: int) -> list[Measure]:
    return [
        at_least(f"{name}: kills", wanted, verdict.kills),
        Measure(measure=f"{name}: batches that came of them", goal="", figure=verdict.batches),
        Measure(measure=f"{name}: key pages computed", goal="", figure=verdict.pages),
        Measure(measure=f"{name}: leaves destroyed", goal="", figure=verdict.dead_leaves),
        at_most(f"{name}: of these found by the collector", 0, len(verdict.found)),
        Measure(measure=f"{name}: records that live and open", goal="", figure=verdict.live_records),
        at_most(f"{name}: anything wrong", 0, len(verdict.wrong)),
    ]


def _controls(name: str, life: History) -> list[Measure]:
    figures = []
    for which, (generation, root) in (("first", life.roots[0]), ("last but one", life.roots[-1])):
        thief = life.collector()
        thief.learn_root(root)
        found = len(thief.found_among(life.secrets(life.doomed)))
        figures.append(
            at_least(f"{name}: control, found with the {which} root kept (generation {generation})", 1, found)
        )
    return figures


def _carving(life: History, cluster: PostgresCluster) -> list[Measure]:
    """What the server's files hold: pages are searched for by their bytes; file numbers, in clear, are the control."""
    with cluster.connect() as connection:
        connection.execute("CHECKPOINT")
    carved, clear = life.carve(cluster.folder)
    adversary = life.collector()
    for level, number, sealed in carved:
        adversary.learn_page(level, number, sealed)
    for root in life.held_roots():
        adversary.learn_root(root)
    return [
        at_least("PostgreSQL: key pages carved from heap and log, replaced ones too", 1, len(carved)),
        at_least("PostgreSQL: control, file numbers in clear carved", 1, clear),
        at_most("PostgreSQL: dead leaves found with them", 0, len(adversary.found_among(life.secrets(life.doomed)))),
    ]
