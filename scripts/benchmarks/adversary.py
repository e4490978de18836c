"""Destructions killed at every step, on both databases, and what somebody finds who collected everything on the way.

Quick kills once at each point; otherwise twenty times. The collector has every key page ever computed, those of each
state of the database, of each backup and of each catalogue that was restored or replaced, the increments of the store
and of the backup place, and what the keepers hold at the end. The controls say what it finds with a root that was kept,
with a keeper's folder that was kept beside a backup, and where a secret was not replaced. On PostgreSQL it also gets
what lies in the files of the server: heap and write-ahead log.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.objects.settings import S3Settings
from tests.support.backups import own_bucket
from tests.support.campaign import Pace, campaign
from tests.support.careless import found_where_secrets_repeat
from tests.support.histories import History, Verdict, history
from tests.support.pastbackups import Backups
from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.store import running_store

QUICK = Pace(kills=1, key_kills=7, records=20, backups=2, beside=1, instead=1, copies=1)
FULL = Pace(kills=20, key_kills=7, records=40, backups=10, beside=4, instead=4, copies=8)


def measure(quick: bool) -> list[Measure]:
    """Kills, what was found of what died, and what was wrong with what lives."""
    return measured(QUICK if quick else FULL)


def measured(pace: Pace) -> list[Measure]:
    """The same at another pace."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-adversary-"))
    try:
        with (
            running_store(folder / "store") as store,
            postgres_cluster(durable=True) as cluster,
            cluster.fresh_database() as url,
        ):
            with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
                # Each waits for its own dying processes most of the time.
                sqlite = pool.submit(_on_sqlite, folder / "sqlite", own_bucket(store), pace)
                server = (url, cluster.folder, cluster.binaries)
                postgres = pool.submit(_on_postgres, folder / "postgresql", own_bucket(store), pace, *server)
                figures = [*sqlite.result(), *postgres.result()]
            with history(folder / "careless", own_bucket(store)) as life:
                life.ingest(3)
                found = len(found_where_secrets_repeat(life))
                figures.append(at_least("SQLite: control, found where a batch's secrets repeat", 1, found))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _on_sqlite(folder: Path, bucket: S3Settings, pace: Pace) -> list[Measure]:
    with history(folder, bucket) as life:
        return _campaign("SQLite", life, pace)


def _on_postgres(
    folder: Path, bucket: S3Settings, pace: Pace, url: str, server_folder: Path, binaries: Path
) -> list[Measure]:
    # The server is another process's; here it is asked for databases and looked at.
    cluster = PostgresCluster(folder=server_folder, binaries=binaries, durable=True)
    with history(folder, bucket, catalogue_url=url, databases=cluster.fresh_database) as life:
        return [*_campaign("PostgreSQL", life, pace), *_carving(life, cluster)]


def _campaign(name: str, life: History, pace: Pace) -> list[Measure]:
    done = campaign(life, pace)
    verdict = life.verify()
    for text in verdict.wrong:
        print(text, file=sys.stderr)
    return [
        at_least(f"{name}: kills at each of {done.points} points", pace.kills, done.rounds),
        *_figures(name, verdict, done.points * done.rounds),
        *_controls(name, life, done.past),
    ]


def _figures(name: str, verdict: Verdict, wanted: int) -> list[Measure]:
    return [
        at_least(f"{name}: kills", wanted, verdict.kills),
        Measure(measure=f"{name}: batches that came of them", goal="", figure=verdict.batches),
        *(Measure(measure=f"{name}: {what}", goal="", figure=count) for what, count in sorted(verdict.counts.items())),
        Measure(measure=f"{name}: key pages computed", goal="", figure=verdict.pages),
        Measure(measure=f"{name}: leaves destroyed", goal="", figure=verdict.dead_leaves),
        at_most(f"{name}: of these found by the collector", 0, len(verdict.found)),
        Measure(measure=f"{name}: records that live and open", goal="", figure=verdict.live_records),
        at_most(f"{name}: anything wrong", 0, len(verdict.wrong)),
    ]


def _controls(name: str, life: History, past: Backups) -> list[Measure]:
    figures, roots = [], life.earlier_roots()
    for which, (generation, root) in (("first", roots[0]), ("last but one", roots[-1])):
        thief = life.collector()
        thief.learn_root(root)
        found = len(thief.found_among(life.secrets(life.doomed)))
        figures.append(
            at_least(f"{name}: control, found with the {which} root kept (generation {generation})", 1, found)
        )
    for which, taken in (("first", past.taken[0]), ("last", past.taken[-1])):
        found, gone = past.found_with_kept_keeper(taken)
        text = f"{name}: control, found with the {which} backup and a keeper of that day (all that died since)"
        figures.append(at_least(text, max(1, gone), found))
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
