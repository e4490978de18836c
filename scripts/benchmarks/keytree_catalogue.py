"""Batches of the key tree in a real catalogue (SQLite): what they cost, how the database grows, keys read from it.

Part of ``scripts/bench keytree``; the keeper is a file, the object store has no part in these figures.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_most
from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.keeper.custody import Custody
from storage.keeper.file import FileKeeper
from storage.keeper.several import KeeperGroup
from storage.machine import SystemRandomness
from vault.destruction import Batch, TreeState
from vault.errors import KeyDestroyed
from vault.fonds import Fonds
from vault.ids import BatchId, FondsId, PersonId, VaultId, new_id
from vault.seal.destruction import Doomed
from vault.seal.increments import Increment
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A fonds whose tree is in a catalogue on disk."""

    folder: Path
    catalogue: SqlCatalogue
    fonds: Fonds
    custody: Custody

    def destroy(self, doomed: Doomed) -> tuple[float, float, int]:
        """One batch: seconds to plan, seconds of its transaction, bytes by which the database grew."""
        started = time.perf_counter()
        increment = self.custody.plan(doomed)
        planned = time.perf_counter()
        before = self._bytes()
        self._commit(increment)
        committed = time.perf_counter()
        self.custody.promote(increment.generation, increment.attempt)
        self.custody.destroy_others(increment.generation, increment.attempt)
        self.custody.renew()
        return planned - started, committed - planned, self._bytes() - before

    def _commit(self, increment: Increment) -> None:
        batch = Batch.begun(
            increment,
            id=BatchId(new_id(SystemRandomness())),
            fonds_id=self.fonds.id,
            by=PersonId("operator"),
            alone=True,
            record_count=0,
            customer_count=0,
            at=NOW,
        )
        with self.catalogue.write() as tx:
            tx.trees.get(self.fonds.id, for_update=True)
            tx.batches.add(batch, record_ids=(), customer_ids=())
            self.custody.stage(increment)
            tx.trees.write_pages(self.fonds.id, increment.generation, increment.pages, increment.removed)
            tx.trees.advance(self.fonds.id, TreeState.after(increment))
        with self.catalogue.write() as tx:
            tx.batches.promote(batch.id)

    def _bytes(self) -> int:
        # The file's pages as committed; how many of them are still in the log is of no interest.
        with closing(sqlite3.connect(self.folder / "catalogue.sqlite")) as raw:
            (pages,), (size,) = (raw.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
        return int(pages) * int(size)


@contextmanager
def shelved() -> Iterator[Shelved]:
    """A tree in a new catalogue, removed afterwards."""
    randomness = SystemRandomness()
    with tempfile.TemporaryDirectory(prefix="strongroom-keytree-") as name:
        folder = Path(name)
        keeper = FileKeeper(folder / "keeper", randomness)
        keeper.set_up()
        fonds = Fonds(
            id=FondsId(new_id(randomness)), vault_id=VaultId(new_id(randomness)), tree_id=os.urandom(16), created_at=NOW
        )
        state = TreeState.first(fonds.tree_id, os.urandom(16))
        keeper.stage(fonds.tree_id, 1, state.attempt, Secret(os.urandom(32)))
        keeper.promote(fonds.tree_id, 1, state.attempt)
        with closing(open_catalogue(f"sqlite:///{folder / 'catalogue.sqlite'}")) as catalogue:
            catalogue.migrate()
            with catalogue.write() as tx:
                tx.fonds.add(fonds)
                tx.trees.add(fonds.id, state)
            custody = Custody(catalogue, KeeperGroup([keeper]), fonds, randomness)
            yield Shelved(folder=folder, catalogue=catalogue, fonds=fonds, custody=custody)


def measure_shelved(
    *, many: list[LeafAddress], single: list[LeafAddress], customer: set[int], asked: list[LeafAddress]
) -> list[Measure]:
    """Batches in a catalogue, and keys of leaves from it. The addresses' tree does not matter."""
    with shelved() as tree:

        def here(address: LeafAddress) -> LeafAddress:
            return LeafAddress(tree_id=tree.fonds.tree_id, extent=address.extent, leaf=address.leaf)

        plan_s, commit_s, grown = tree.destroy(Doomed(leaves={here(each) for each in many}))
        count = f"{len(many):,} leaves in the catalogue"
        figures = [
            Measure(measure=f"{count}: planned", goal="", figure=plan_s, unit="s"),
            Measure(measure=f"{count}: transaction", goal="", figure=commit_s, unit="s"),
            Measure(measure=f"{count}: database grew", goal="", figure=grown / 1e6, unit="MB"),
        ]
        singles = [tree.destroy(Doomed(leaves={here(each)})) for each in single]
        plans, commits, growths = zip(*singles, strict=True)
        figures += [
            Measure(measure="one leaf in the catalogue: planned", goal="", figure=_ms(plans), unit="ms"),
            Measure(measure="one leaf in the catalogue: transaction", goal="", figure=_ms(commits), unit="ms"),
            Measure(
                measure="one leaf in the catalogue: database grew",
                goal="",
                figure=sum(growths) / len(growths),
                unit="B",
            ),
        ]
        plan_s, commit_s, grown = tree.destroy(Doomed(extents=customer))
        figures += [
            at_most("customer of 100,000 in the catalogue: planned and committed", 1, plan_s + commit_s, "s"),
            Measure(
                measure="customer of 100,000 in the catalogue: database grew", goal="", figure=grown / 1e6, unit="MB"
            ),
        ]
        taken = []
        for address in map(here, asked):
            started = time.perf_counter()
            try:
                tree.custody.leaf_keys(address)
            except KeyDestroyed:
                continue
            taken.append((time.perf_counter() - started) * 1e6)
        figures.append(at_most("keys of a random leaf, pages in the catalogue", 150, statistics.median(taken), "us"))
    return figures


def _ms(seconds: tuple[float, ...]) -> float:
    return statistics.median(seconds) * 1000
