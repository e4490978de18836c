"""Somebody with every key page of any time and all that the keepers still hold finds nothing that was destroyed.

The same code as ``scripts/bench adversary``, which kills twenty times at each point.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backups import own_bucket
from tests.support.campaign import Pace, campaign
from tests.support.careless import found_where_secrets_repeat
from tests.support.histories import History, history
from tests.support.pastbackups import Backups
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(params=["sqlite", "postgresql"])
def life(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[History]:
    """A vault with three keepers."""
    bucket = own_bucket(shared_store)
    if request.param == "sqlite":
        with history(tmp_path / "history", bucket) as made:
            yield made
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with (
        cluster.fresh_database(migrated=True) as url,
        history(tmp_path / "history", bucket, catalogue_url=url, databases=cluster.fresh_database) as made,
    ):
        yield made


def test_whoever_has_everything_of_all_times_and_every_keeper_finds_nothing_that_died(life: History) -> None:
    # Each database takes every other point; both together take all.
    offset = int(life.place.catalogue_url is not None)
    often = Pace(kills=1, key_kills=3, records=10, backups=1, beside=1, instead=1, copies=1, offset=offset, stride=2)
    done = campaign(life, often)
    assert done.points >= 22
    verdict = life.verify()
    assert verdict.wrong == []
    assert verdict.found == set()
    assert verdict.kills == done.points
    assert verdict.dead_leaves > 25
    assert len(life.live) >= 10
    assert verdict.counts["files refused that came after the destruction"] >= 1
    assert verdict.counts["older catalogues refused"] >= 4
    assert verdict.counts["a keeper was away for generations"] >= 1
    assert verdict.counts["key processes killed meanwhile"] == 3
    # The controls: with a root that somebody kept, the same collector finds what died since.
    roots = life.earlier_roots()
    for kept in (0, len(roots) // 2, len(roots) - 1):
        thief = life.collector()
        thief.learn_root(roots[kept][1])
        assert thief.found_among(life.secrets(life.doomed))
    # A single backup, with the keeper's folder of that day, is enough for all that lived then.
    found, gone = done.past.found_with_kept_keeper(done.past.taken[0])
    assert found == gone > 0


def test_a_backup_and_a_copy_of_a_keeper_are_found_and_a_backup_alone_is_not(life: History) -> None:
    """A control, and what it is the control of."""
    life.ingest(4)
    past = Backups(life)
    taken = past.take()
    # Victims are drawn by chance: until one of those is gone that the backup has.
    while not taken.lived & life.doomed:
        life.destroy(2)
    life.destroy(2, customer=True)
    found, gone = past.found_with_kept_keeper(taken)
    assert found == gone >= 1
    verdict = life.verify()
    assert (verdict.wrong, verdict.found) == ([], set())


def test_a_keeper_that_was_away_and_kept_its_root_is_found(life: History) -> None:
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
    assert len(found_where_secrets_repeat(life)) == 1
    assert len(life.held_roots()) == 3


def test_a_catalogue_from_before_a_batch_is_refused(shared_store: RunningStore, tmp_path: Path) -> None:
    """Older copies of the catalogue are refused beside the live one, and no keeper is changed by the trying."""
    with history(tmp_path / "history", own_bucket(shared_store)) as life:
        life.ingest(2)
        life.copy_database()
        life.destroy()
        life.copy_database()
        life.destroy()
        verdict = life.verify()
        assert (verdict.wrong, verdict.found, verdict.batches) == ([], set(), 2)
