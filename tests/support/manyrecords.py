"""Many records at once, for measuring: rows as receiving and filing would have left them, sealed under their leaves.

Limit: the store has none of their objects, and the log no entry; whoever opens one finds nothing. They are for lists
and searches, on SQLite; ``copy_to_postgres`` takes the whole catalogue along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
from sqlalchemy import Boolean

from storage.catalogue.database import open_catalogue
from storage.catalogue.metadata import metadata
from tests.support.sayings import company_of, said_of
from vault.ids import id_from_bytes
from vault.seal.fields import seal_fields
from vault.seal.keytree import ARITY, LeafAddress, LeafKeys
from vault.workflows.descriptions import description_values
from vault.workflows.vault import Vault

FIRST_EXTENT = 500_000
BATCH = 4096
CLASSES = ("contract", "transaction", "communication", "house")


@dataclass(slots=True)
class Many:
    """What was made: how many, and some of what is said of them, for queries."""

    count: int
    names: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


def add_many(vault: Vault, home: Path, count: int, *, customers: int | None = None, seed: int = 7) -> Many:
    """Adds so many records, and customers to whom two thirds of them belong."""
    random, many = Random(seed), Many(count)
    owners = customers if customers is not None else max(1, count // 20)
    with closing(sqlite3.connect(home / "catalogue.sqlite", isolation_level=None, timeout=60)) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute("PRAGMA cache_size = -262144")
        file.execute("BEGIN IMMEDIATE")
        change = file.execute("SELECT max(change) FROM records").fetchone()[0] or 0
        change = max(change, file.execute("SELECT max(change) FROM customers").fetchone()[0] or 0) + 1000
        known = _add_customers(vault, file, random, owners, change)
        change += owners
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            _add_batch(vault, file, random, many, known, start, size, change)
            change += size
        file.execute("UPDATE counters SET value = ? WHERE name = 'change'", (change,))
        file.execute("COMMIT")
        file.execute("ANALYZE")
    return many


def copy_to_postgres(home: Path, url: str, connection: str) -> None:
    """The whole catalogue of a home, in an empty PostgreSQL database."""
    catalogue = open_catalogue(url)
    catalogue.migrate()
    catalogue.close()
    with closing(sqlite3.connect(home / "catalogue.sqlite")) as file, psycopg.connect(connection) as target:
        target.execute("SET session_replication_role = replica")  # the rows are whole; no trigger need look at them
        target.execute("SET timezone = 'UTC'")
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns]
            flags = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
            listed = ", ".join(f'"{name}"' for name in names)
            target.execute(f'DELETE FROM "{table.name}"')
            with target.cursor().copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as copy:
                for row in file.execute(f'SELECT {listed} FROM "{table.name}"'):
                    values = list(row)
                    for place in flags:
                        values[place] = None if row[place] is None else bool(row[place])
                    copy.write_row(values)
        target.execute("ANALYZE")


def _leaves(vault: Vault, first: int, count: int) -> list[LeafAddress]:
    tree_id = vault.fonds.tree_id
    return [
        LeafAddress(tree_id=tree_id, extent=FIRST_EXTENT + place // ARITY, leaf=place % ARITY)
        for place in range(first, first + count)
    ]


def _keys(vault: Vault, leaves: Sequence[LeafAddress]) -> Iterator[LeafKeys]:
    for found in vault.keys.many_leaf_keys(leaves, keep=False):
        assert isinstance(found, LeafKeys)
        yield found


def _add_extents(vault: Vault, file: sqlite3.Connection, leaves: Sequence[LeafAddress], owner: str) -> None:
    numbers = sorted({leaf.extent for leaf in leaves})
    rows = [(vault.fonds.id, number, owner, ARITY) for number in numbers]
    file.executemany("INSERT OR IGNORE INTO extents (fonds_id, number, owner, next_leaf) VALUES (?, ?, ?, ?)", rows)


def _add_customers(
    vault: Vault, file: sqlite3.Connection, random: Random, count: int, change: int
) -> list[tuple[str, str]]:
    leaves = _leaves(vault, 0, count)
    _add_extents(vault, file, leaves, "many-customers")
    known, rows = list[tuple[str, str]](), []
    for place, (leaf, keys) in enumerate(zip(leaves, _keys(vault, leaves), strict=True)):
        customer_id = id_from_bytes(random.randbytes(16))
        name = company_of(random)
        sealed = seal_fields(
            keys.metadata_key,
            {"name": name, "note": ""},
            subject_id=customer_id,
            field_set="customer",
            revision=1,
            nonce=random.randbytes(12),
        )
        rows.append(
            (
                customer_id,
                vault.fonds.id,
                f"K-{900_000 + place:06d}",
                leaf.extent,
                leaf.leaf,
                sealed,
                _stamp(0),
                change + place,
            )
        )
        known.append((customer_id, name))
    file.executemany(
        "INSERT INTO customers (id, fonds_id, number, extent, leaf, sealed_profile, revision, created_at, change,"
        " state) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, 'live')",
        rows,
    )
    return known


def _add_batch(
    vault: Vault,
    file: sqlite3.Connection,
    random: Random,
    many: Many,
    customers: Sequence[tuple[str, str]],
    start: int,
    size: int,
    change: int,
) -> None:
    leaves = _leaves(vault, len(customers) + ARITY + start, size)
    _add_extents(vault, file, leaves, "many-records")
    records, versions, descriptions = [], [], []
    for place, (leaf, keys) in enumerate(zip(leaves, _keys(vault, leaves), strict=True), start):
        record_id, object_id = id_from_bytes(random.randbytes(16)), id_from_bytes(random.randbytes(16))
        at = place * (15 * 365 * 86_400 // many.count)
        received = _stamp(at)
        year = int(received[:4])
        number = f"{year}-{500_000 + place:06d}"
        description, file_name, name = said_of(random, year)
        customer = customers[random.randrange(len(customers))][0] if random.random() < 0.66 else None
        filed = random.random() < 0.8
        class_code = CLASSES[random.randrange(len(CLASSES))]
        said = seal_fields(
            keys.metadata_key,
            description_values(description),
            subject_id=record_id,
            field_set="description",
            revision=1,
            nonce=random.randbytes(12),
        )
        size_bytes = random.randrange(20_000, 3_000_000)
        content = seal_fields(
            keys.metadata_key,
            {
                "file_name": file_name,
                "media_type": "application/pdf",
                "size_bytes": size_bytes,
                "sha256": random.randbytes(32).hex(),
            },
            subject_id=record_id,
            field_set="content",
            revision=1,
            nonce=random.randbytes(12),
        )
        records.append(
            (
                record_id, vault.fonds.id, number, class_code, customer, "filed" if filed else "received", received,
                received if filed else None, change + place - start,
            )
        )  # fmt: skip
        versions.append(
            (
                record_id, vault.fonds.id, object_id, f"records/{object_id[:2]}/{object_id}", leaf.extent, leaf.leaf,
                size_bytes, size_bytes + 1000, random.randbytes(32), object_id, content, received,
                _stamp(at + 86_400 * 36_500),
            )
        )  # fmt: skip
        descriptions.append((record_id, vault.fonds.id, leaf.extent, leaf.leaf, said, received))
        if len(many.names) < 5000 and name:
            many.names.append(name)
        if place % 197 == 0:
            many.numbers.append(number)
    file.executemany(
        "INSERT INTO records (id, fonds_id, number, class_code, customer_id, state, received_at, received_by, filed_at,"
        " filed_by, current_ordinal, current_revision, change)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'operator', ?, 'operator', 1, 1, ?)",
        records,
    )
    file.executemany(
        "INSERT INTO versions (record_id, ordinal, fonds_id, object_id, object_key, extent, leaf, size_bytes,"
        " sealed_size_bytes, sealed_sha256, part_count, part_size_bytes, header_length, frame_length, version_id,"
        " sealed_content, created_at, created_by, lock_mode, lock_until)"
        " VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 400, 262144, ?, ?, ?, 'operator', 'GOVERNANCE', ?)",
        versions,
    )
    file.executemany(
        "INSERT INTO descriptions (record_id, revision, ordinal, fonds_id, extent, leaf, sealed, created_at,"
        " created_by) VALUES (?, 1, 1, ?, ?, ?, ?, ?, 'operator')",
        descriptions,
    )


def _stamp(seconds: int) -> str:
    """As the catalogue keeps a time."""
    at = datetime(2011, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{at:%Y-%m-%d %H:%M:%S}.000000"
