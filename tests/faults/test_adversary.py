"""Somebody with every key page of any time and all that the keepers still hold finds nothing that was destroyed.

The same code as ``scripts/bench adversary``, which kills twenty times at each point.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.keeper.custody import Custody
from storage.keeper.several import KeeperGroup
from tests.support.histories import History, history
from tests.support.mortal import KEEPERS
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore
from tests.support.vault import staff
from vault.destruction import Targets
from vault.workflows import destruction

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(params=["sqlite", "postgresql"])
def life(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[History]:
    """A vault with three keepers."""
    if request.param == "sqlite":
        with history(tmp_path / "history", shared_store.settings) as made:
            yield made
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with (
        cluster.fresh_database() as url,
        history(tmp_path / "history", shared_store.settings, catalogue_url=url) as made,
    ):
        yield made


def test_whoever_has_every_page_and_every_keeper_finds_nothing_that_died(life: History) -> None:
    life.ingest(10)
    points = life.points()
    assert life.wrong == []
    assert len(points) >= 40
    on_sqlite = life.place.catalogue_url is None
    for number, point in enumerate(points):
        if number == 10:
            life.take_away("third")
        if number == 20:
            life.bring_back("third")
        if number % 12 == 5 and on_sqlite:
            life.copy_database()
        life.destroy(1 + number % 3, point=point, customer=number % 7 == 3)
    verdict = life.verify()
    assert verdict.wrong == []
    assert verdict.found == set()
    assert verdict.kills == len(points)
    assert verdict.dead_leaves > 40
    assert len(life.live) >= 10
    # The controls: with a root that somebody kept, the same collector finds what died since.
    for kept in (0, len(life.roots) // 2, len(life.roots) - 1):
        thief = life.collector()
        thief.learn_root(life.roots[kept][1])
        assert thief.found_among(life.secrets(life.doomed))


def test_a_backup_and_a_keeper_that_kept_its_root_are_found(life: History) -> None:
    """A control: what a keeper that was away still has is what delays effect, and the collector finds it."""
    life.ingest(3)
    life.destroy()
    life.take_away("third")
    for _ in range(3):
        life.destroy(2)
    since = set(life.doomed)
    life.bring_back("third")
    late = life.collector()
    for root in life.held_roots():
        late.learn_root(root)
    found = late.found_among(life.secrets(since))
    assert len(found) >= 6
    verdict = life.verify()
    assert (verdict.wrong, verdict.found) == ([], set())


def test_a_secret_that_was_not_replaced_is_found(life: History) -> None:
    """A control: a source of randomness that repeats makes two generations share their secrets."""
    life.ingest(3)
    vault, actor = life.vault, staff(life.vault)
    keepers = KeeperGroup([life.place.keeper(name) for name in KEEPERS])
    with vault.catalogue.read() as tx:
        leaves = {each: tx.records.versions(each)[0].object.leaf for each in life.live}
    for record_id in list(life.live)[:2]:
        careless = Custody(vault.catalogue, keepers, vault.fonds, Repeating())
        targets = Targets(records=frozenset({record_id}))
        destruction.destroy(replace(vault, keys=careless), actor, targets, alone=True, error=True)
        life._snapshot()
    thief = life.collector()
    for root in life.held_roots():
        thief.learn_root(root)
    assert len(life.held_roots()) == 3
    second = {leaves[list(life.live)[1]]}
    assert thief.found_among(life.secrets(second)) == second


class Repeating:
    """Randomness that begins anew for every batch."""

    def __init__(self) -> None:
        self._source = random.Random(4711)

    def token_bytes(self, count: int) -> bytes:
        return self._source.randbytes(count)


def test_a_catalogue_from_before_a_batch_is_refused(shared_store: RunningStore, tmp_path: Path) -> None:
    """Older copies of the catalogue are refused beside the live one, and no keeper is changed by the trying."""
    with history(tmp_path / "history", shared_store.settings) as life:
        life.ingest(2)
        life.copy_database()
        life.destroy()
        life.copy_database()
        life.destroy()
        verdict = life.verify()
        assert (verdict.wrong, verdict.found, verdict.batches) == ([], set(), 2)
