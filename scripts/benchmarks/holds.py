"""A hold against a destruction of one record at the same moment, often, on both databases: exactly one of both wins."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_most
from tests.support.holding import race_hold_against_destruction
from tests.support.postgres import postgres_cluster
from tests.support.store import running_store
from tests.support.vault import running_vault, staff


def measure(quick: bool) -> list[Measure]:
    """A hold and a destruction of one record at the same moment, on both databases."""
    rounds = 40 if quick else 1000
    figures = []
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-races-") as name,
        running_store(Path(name) / "store") as store,
        postgres_cluster() as cluster,
        cluster.fresh_database() as url,
    ):
        for database, catalogue_url in (("SQLite", None), ("PostgreSQL", url)):
            with running_vault(store.settings, Path(name) / database, catalogue_url=catalogue_url) as vault:
                told = race_hold_against_destruction(vault, staff(vault), rounds)
            what = f"hold against destroy, {rounds:,} rounds on {database}"
            figures += [
                at_most(f"{what}: both, or neither", 0, told.broken),
                Measure(measure=f"{what}: held", goal="", figure=told.held),
                Measure(measure=f"{what}: destroyed", goal="", figure=told.destroyed),
            ]
    return figures
