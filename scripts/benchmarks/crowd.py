"""Many at once under the key tree: a customer of 100,000 records in one batch, readers beside running batches, and two
processes that destroy and ingest."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.crowd import crowded_customer, dead_leaves, destroy_crowd
from tests.support.histories import history
from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.readers import read_beside_batches
from tests.support.store import RunningStore, running_store
from tests.support.together import work_together
from tests.support.vault import running_vault

RECORDS, READS, BATCHES = 100_000, 20_000, 30


def measure(quick: bool) -> list[Measure]:
    """Both, on both databases; quick on a tenth."""
    records, reads, batches = (RECORDS // 10, READS // 10, BATCHES // 3) if quick else (RECORDS, READS, BATCHES)
    folder = Path(tempfile.mkdtemp(prefix="strongroom-crowd-"))
    figures: list[Measure] = []
    try:
        with running_store(folder / "store") as store, postgres_cluster(durable=True) as cluster:
            for name in ("SQLite", "PostgreSQL"):
                with _database(name, cluster) as url:
                    figures += _crowd(name, store, folder / f"crowd-{name}", url, records)
                with (
                    _database(name, cluster) as url,
                    history(folder / f"life-{name}", store.settings, catalogue_url=url) as life,
                ):
                    seen = read_beside_batches(life, reads=reads, batches=batches)
                    both = work_together(life, destroyed_by_each=batches, added_by_each=10 * batches)
                    figures += [
                        at_least(f"{name}: reads of live leaves beside {batches} batches", reads, seen.reads),
                        at_most(f"{name}: false errors", 0, len(seen.wrong)),
                        at_least(f"{name}: records destroyed by two processes at once", 2 * batches, both.destroyed),
                        at_least(f"{name}: records filed by both meanwhile", 20 * batches, both.added),
                        at_most(f"{name}: addresses issued twice", 0, both.doubled),
                        at_most(f"{name}: anything wrong afterwards", 0, len(both.wrong)),
                    ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


@contextmanager
def _database(name: str, cluster: PostgresCluster) -> Iterator[str | None]:
    if name == "SQLite":
        yield None
        return
    with cluster.fresh_database() as url:
        yield url


def _crowd(name: str, store: RunningStore, home: Path, url: str | None, records: int) -> list[Measure]:
    with running_vault(store.settings, home, catalogue_url=url) as vault:
        customer = crowded_customer(vault, records)
        begun = time.perf_counter()
        crowd = destroy_crowd(vault, customer)
        seconds = time.perf_counter() - begun
        asked = range(0, records, 997)
        return [
            at_least(f"{name}: records of one customer destroyed in one batch", records, crowd.batch.record_count),
            at_least(f"{name}: of their leaves asked for, dead", len(asked), dead_leaves(vault, asked)),
            Measure(measure=f"{name}: seconds from the order to its effect", goal="", figure=seconds, unit="s"),
        ]
