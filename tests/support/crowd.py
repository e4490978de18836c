"""Many records of one customer, written straight into the catalogue: their bytes are nowhere, their leaves are real."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert

from storage.catalogue.batches import CHUNK
from storage.catalogue.counters import CHANGE, next_values
from storage.catalogue.extents import blocks, extents
from storage.catalogue.records import records
from storage.catalogue.rows import Rows
from storage.catalogue.versions import descriptions, versions
from tests.support.vault import staff
from vault.customers import Customer, Profile
from vault.destruction import Batch, Targets
from vault.errors import KeyDestroyed
from vault.ids import id_from_bytes
from vault.seal.keytree import LeafAddress
from vault.workflows import destruction
from vault.workflows.customers import add_customer
from vault.workflows.vault import Vault

LAPSED = datetime(2020, 1, 1, tzinfo=UTC)
LEAVES = 64


def crowded_customer(vault: Vault, count: int) -> Customer:
    """A customer with so many records, whose locks have lapsed, in extents of their own."""
    customer = add_customer(vault, staff(vault), Profile(name="Crowded")).customer
    fonds_id, now = vault.fonds.id, vault.now()
    first_extent = 64**4
    extent_count = -(-count // LEAVES)
    with vault.catalogue.write() as tx:
        rows: Rows = tx.records._rows  # type: ignore[attr-defined]  # there is no shelf for crowds
        rows.run(
            insert(blocks),
            {
                "fonds_id": fonds_id,
                "block": 10_000,
                "first_extent": first_extent,
                "extent_count": extent_count,
                "next_extent": first_extent + extent_count,
            },
        )
        rows.run_many(
            insert(extents),
            [
                {"fonds_id": fonds_id, "number": first_extent + each, "owner": customer.id, "next_leaf": LEAVES}
                for each in range(extent_count)
            ],
        )
        change = next_values(rows, CHANGE, count)
        for start in range(0, count, CHUNK):
            numbers = range(start, min(start + CHUNK, count))
            ids = {number: id_from_bytes(secrets.token_bytes(16)) for number in numbers}
            rows.run_many(
                insert(records),
                [
                    {
                        "id": ids[number],
                        "fonds_id": fonds_id,
                        "number": f"2019-{number:06d}",
                        "class_code": "contract",
                        "customer_id": customer.id,
                        "state": "received",
                        "received_at": now,
                        "received_by": "operator",
                        "filed_at": None,
                        "filed_by": None,
                        "trigger_on": None,
                        "due_on": None,
                        "current_ordinal": 1,
                        "current_revision": 1,
                        "change": change + number,
                    }
                    for number in numbers
                ],
            )
            leaf = {number: (first_extent + number // LEAVES, number % LEAVES) for number in numbers}
            rows.run_many(
                insert(versions),
                [
                    {
                        "record_id": ids[number],
                        "ordinal": 1,
                        "fonds_id": fonds_id,
                        "object_id": ids[number],
                        "object_key": f"records/{ids[number][:2]}/{ids[number]}",
                        "extent": leaf[number][0],
                        "leaf": leaf[number][1],
                        "size_bytes": 1000,
                        "sealed_size_bytes": 1200,
                        "sealed_sha256": bytes(32),
                        "part_count": 0,
                        "part_size_bytes": 0,
                        "header_length": 200,
                        "frame_length": 262_144,
                        "lock_mode": "GOVERNANCE",
                        "lock_until": LAPSED,
                        "version_id": "v",
                        "sealed_content": bytes(100),
                        "created_at": now,
                        "created_by": "operator",
                    }
                    for number in numbers
                ],
            )
            rows.run_many(
                insert(descriptions),
                [
                    {
                        "record_id": ids[number],
                        "revision": 1,
                        "ordinal": 1,
                        "fonds_id": fonds_id,
                        "extent": leaf[number][0],
                        "leaf": leaf[number][1],
                        "sealed": bytes(150),
                        "created_at": now,
                        "created_by": "operator",
                    }
                    for number in numbers
                ],
            )
    return customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What became of a crowd: its customer, and the batch that took all of it."""

    customer: Customer
    batch: Batch


def destroy_crowd(vault: Vault, customer: Customer) -> Crowd:
    """Destroys such a customer in one batch."""
    targets = Targets(customers=frozenset({customer.id}))
    return Crowd(customer=customer, batch=destruction.destroy(vault, staff(vault), targets, alone=True, error=True))


def dead_leaves(vault: Vault, numbers: Iterable[int]) -> int:
    """How many of the crowd's records, by their place in it, have no key any more."""
    dead = 0
    for number in numbers:
        leaf = LeafAddress(tree_id=vault.fonds.tree_id, extent=64**4 + number // LEAVES, leaf=number % LEAVES)
        try:
            vault.leaf_keys(leaf)
        except KeyDestroyed:
            dead += 1
    return dead
