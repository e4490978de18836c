"""A customer with 100,000 records is destroyed in one batch, on both databases."""

from __future__ import annotations

import pytest

from tests.support.crowd import LEAVES, crowded_customer
from tests.support.vault import add_bytes, read_bytes, staff
from vault.destruction import BatchState, Targets
from vault.errors import KeyDestroyed
from vault.records import RecordState
from vault.seal.keytree import LeafAddress
from vault.shelves import RecordFilter
from vault.workflows import destruction
from vault.workflows.vault import Vault

RECORDS = 100_000


@pytest.mark.timeout(600)
def test_a_customer_of_100_000_records_dies_in_one_batch(vault: Vault) -> None:
    actor = staff(vault)
    customer = crowded_customer(vault, RECORDS)
    kept = add_bytes(vault, actor, b"kept").record_id
    batch = destruction.destroy(vault, actor, Targets(customers=frozenset({customer.id})), alone=True, error=True)
    assert (batch.record_count, batch.customer_count, batch.state) == (RECORDS, 1, BatchState.EFFECTIVE)
    assert len(destruction.increment_of(vault, batch).pages) < 20
    with vault.catalogue.read() as tx:
        live = [
            tx.records.page(RecordFilter(customer_id=customer.id, state=state), limit=1)
            for state in (RecordState.RECEIVED, RecordState.ERASING)
        ]
        assert live == [[], []]
        assert len(tx.batches.records(batch.id, after=RECORDS - 1)) == 1
    for number in range(0, RECORDS, 997):
        leaf = LeafAddress(tree_id=vault.fonds.tree_id, extent=64**4 + number // LEAVES, leaf=number % LEAVES)
        with pytest.raises(KeyDestroyed):
            vault.leaf_keys(leaf)
    assert read_bytes(vault, actor, kept) == b"kept"
