"""Batches of the key tree in a real catalogue (SQLite): what they cost, how the database grows, keys read from it.

Part of ``scripts/bench keytree``; the keeper is a file, the object store has no part in these figures.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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
from vault.fonds import HOUSE_OWNER, Fonds
from vault.ids import BatchId, FondsId, PersonId, VaultId, new_id
from vault.seal.destruction import Doomed
from vault.seal.increments import Increment
from vault.seal.keytree import ARITY, LeafAddress
from vault.seal.secrets import Secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ISSUED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a batch took: to plan, in its transactions without the keeper, the keeper in them; bytes."""

    plan_s: float
    transaction_s: float
    staged_s: float
    grown_bytes: int
    increment_bytes: int

    @property
    def without_keeper_s(self) -> float:
        """All but the keeper."""
        return self.plan_s + self.transaction_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A fonds whose tree is in a catalogue on disk."""

    folder: Path
    catalogue: SqlCatalogue
    fonds: Fonds
    custody: Custody

    def destroy(self, doomed: Doomed) -> Cost:
        """One batch, but for the object store."""
        started = time.perf_counter()
        increment = self.custody.plan(doomed)
        planned = time.perf_counter()
        before = self._bytes()
        committing = time.perf_counter()
        staged_s = self._commit(increment)
        committed = time.perf_counter()
        self.custody.promote(increment.generation, increment.attempt)
        self.custody.destroy_others(increment.generation, increment.attempt)
        self.custody.renew()
        return Cost(
            plan_s=planned - started,
            transaction_s=committed - committing - staged_s,
            staged_s=staged_s,
            grown_bytes=self._bytes() - before,
            increment_bytes=increment.length,
        )

    def issue(self, count: int) -> int:
        """Issues addresses as ingest does; gives by how much the tree moved or grew by it."""
        with self.catalogue.write() as tx:
            tx.extents.add_block(self.fonds.id, 9_999, first_extent=500_000, extent_count=-(-count // ARITY))
        before = self._tree()
        with self.catalogue.write() as tx:
            for _ in range(count):
                if tx.extents.issue_leaf(self.fonds.id, HOUSE_OWNER) is None:
                    tx.extents.add_extent(self.fonds.id, HOUSE_OWNER)
        after = self._tree()
        return sum(now != then for now, then in zip(after, before, strict=True))

    def _tree(self) -> tuple[object, ...]:
        with self.catalogue.read() as tx:
            return tx.trees.get(self.fonds.id), dict(tx.trees.pages(self.fonds.id))

    def _commit(self, increment: Increment) -> float:
        """Writes a batch; gives the seconds that its keeper took in the transaction."""
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
            staging = time.perf_counter()
            self.custody.stage(increment)
            staged_s = time.perf_counter() - staging
            tx.trees.write_pages(self.fonds.id, increment.generation, increment.pages, increment.removed)
            tx.trees.advance(self.fonds.id, TreeState.after(increment))
        with self.catalogue.write() as tx:
            tx.batches.promote(batch.id)
        return staged_s

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

        figures = [at_most(f"what {ISSUED:,} issued addresses change in the tree", 0, tree.issue(ISSUED))]
        figures += _costs(
            f"{len(many):,} random leaves in the catalogue", 8, "s", [tree.destroy(Doomed(leaves=set(map(here, many))))]
        )
        singles = [tree.destroy(Doomed(leaves={here(each)})) for each in single]
        figures += _costs("one leaf in the catalogue", 10, "ms", singles)
        figures += _costs("customer of 100,000 in the catalogue", 1, "s", [tree.destroy(Doomed(extents=customer))])
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


def _costs(name: str, goal: float, unit: str, costs: Sequence[Cost]) -> list[Measure]:
    """The medians of some batches, in seconds or milliseconds; the mean by which the database grew."""
    factor = 1000 if unit == "ms" else 1

    def seconds(what: str, of: Callable[[Cost], float]) -> Measure:
        figure = statistics.median(map(of, costs)) * factor
        return Measure(measure=f"{name}: {what}", goal="", figure=figure, unit=unit)

    whole = statistics.median(each.without_keeper_s for each in costs) * factor
    return [
        at_most(f"{name}: planned and committed, without the keeper", goal, whole, unit),
        seconds("of it planning", lambda each: each.plan_s),
        seconds("the keeper in the transaction", lambda each: each.staged_s),
        Measure(
            measure=f"{name}: database grew",
            goal="",
            figure=statistics.mean(each.grown_bytes for each in costs) / 1e6,
            unit="MB",
        ),
        Measure(
            measure=f"{name}: increment",
            goal="",
            figure=statistics.mean(each.increment_bytes for each in costs) / 1e6,
            unit="MB",
        ),
    ]
