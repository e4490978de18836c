"""Readers, uploads and destructions at once: no live leaf is ever called broken, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.histories import History, history
from tests.support.postgres import PostgresCluster
from tests.support.readers import read_beside_batches
from tests.support.store import RunningStore
from tests.support.together import work_together
from tests.support.vault import staff
from tests.vault.workflows.faults import with_clock
from vault.destruction import Targets
from vault.errors import Conflict
from vault.ids import CustomerId
from vault.workflows import destruction
from vault.workflows.locks import RECEIPT_LOCK

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

READS, BATCHES = 3_000, 8
"""`scripts/bench crowd` takes 20,000 beside 30."""


@pytest.fixture(params=["sqlite", "postgresql"])
def life(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[History]:
    """A vault with three keepers."""
    if request.param == "sqlite":
        with history(tmp_path / "history", shared_store.settings) as made:
            yield made
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with (
        cluster.fresh_database(migrated=True) as url,
        history(tmp_path / "history", shared_store.settings, catalogue_url=url) as made,
    ):
        yield made


def test_readers_beside_running_batches_meet_no_false_error(life: History) -> None:
    seen = read_beside_batches(life, reads=READS, batches=BATCHES)
    assert seen.wrong == ()
    assert seen.reads >= READS
    assert seen.batches == BATCHES


def test_two_processes_destroy_and_ingest_at_once(life: History) -> None:
    done = work_together(life, destroyed_by_each=6, added_by_each=20)
    assert done.wrong == ()
    assert (done.destroyed, done.added, done.doubled) == (12, 40, 0)


def test_customers_are_destroyed_while_files_for_them_come_in(life: History) -> None:
    """Whatever comes first: an upload that is acknowledged for a customer is there, or dies with them."""
    vault, outcomes = life.vault, []
    later, clock = with_clock(vault)
    clock.advance(2 * RECEIPT_LOCK)
    for _ in range(6):
        customer_id = life.ingest_customer(2)

        def upload(customer: CustomerId = customer_id) -> str:
            try:
                life.ingest_for(customer)
            except Conflict:
                return "refused"
            return "stored"

        def destroy(customer: CustomerId = customer_id) -> str:
            try:
                targets = Targets(customers=frozenset({customer}))
                destruction.destroy(later, staff(later), targets, alone=True, error=True)
            except Conflict:
                return "refused"
            return "destroyed"

        with ThreadPoolExecutor(2) as pool:
            both = pool.submit(upload), pool.submit(destroy)
            outcomes.append((both[0].result(), both[1].result()))
        with vault.catalogue.read() as tx:
            customer = tx.customers.get(customer_id)
            assert customer is not None
            scope = tx.batches.scope(vault.fonds, Targets(customers=frozenset({customer_id})))
            assert {each.is_dead for each in scope.candidates} == {outcomes[-1][1] == "destroyed"}
            assert not tx.intents.unsettled()
    assert ("refused", "refused") not in outcomes
