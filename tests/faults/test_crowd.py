"""A customer with very many records is destroyed in one batch, on both databases (`scripts/bench crowd`: 100,000)."""

from __future__ import annotations

from tests.support.crowd import crowded_customer, dead_leaves, destroy_crowd
from tests.support.vault import add_bytes, read_bytes, staff
from vault.destruction import BatchState
from vault.records import RecordState
from vault.shelves import RecordFilter
from vault.workflows import effect
from vault.workflows.vault import Vault

RECORDS = 8_000


def test_a_customer_of_very_many_records_dies_in_one_batch(vault: Vault) -> None:
    actor = staff(vault)
    kept = add_bytes(vault, actor, b"kept").record_id
    crowd = destroy_crowd(vault, crowded_customer(vault, RECORDS))
    batch = crowd.batch
    assert (batch.record_count, batch.customer_count, batch.state) == (RECORDS, 1, BatchState.EFFECTIVE)
    assert len(effect.increment_of(vault, batch).pages) < 20
    with vault.catalogue.read() as tx:
        live = [
            tx.records.page(RecordFilter(customer_id=crowd.customer.id, state=state), limit=1)
            for state in (RecordState.RECEIVED, RecordState.ERASING)
        ]
        assert live == [[], []]
        assert len(tx.batches.records(batch.id, after=RECORDS - 1)) == 1
    asked = range(0, RECORDS, 97)
    assert dead_leaves(vault, asked) == len(asked)
    assert read_bytes(vault, actor, kept) == b"kept"
