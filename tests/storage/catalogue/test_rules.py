"""Rules that the database keeps by itself, whoever writes to it, shown by SQL around the shelves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from storage.catalogue.database import SqlCatalogue
from storage.catalogue.tables import metadata
from tests.storage.catalogue.samples import NOW, Home, entry
from vault.errors import AlreadyExists, CatalogueBroken
from vault.records import IntentState
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction

PERSONAL = ("title", "name", "note", "reason", "place", "file_name", "media_type", "login", "email", "text")


@contextmanager
def raw(url: str) -> Iterator[Connection]:
    """A connection that knows nothing of the shelves."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.execute(text("PRAGMA foreign_keys=ON"))
            yield connection
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def filled(catalogue: SqlCatalogue) -> Home:
    """A fonds with a row in every table that is guarded; no attempt changes it."""
    home = Home.make(catalogue)
    link = home.keep_link()
    with catalogue.write() as tx:
        tx.intents.add(home.intent(tx))
        tx.audit.append(entry(link.record_id))
        tx.people.add(home.person(tx))
        tx.openings.add(link.created_by, link.record_id, 1, "reading", at=NOW)
    return home


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE audit_entries SET actor = 'somebody'",
        "UPDATE audit_entries SET number = number + 1000000",
        "DELETE FROM audit_entries",
        "UPDATE descriptions SET sealed = sealed",
        "DELETE FROM descriptions",
        "DELETE FROM versions",
        "DELETE FROM records",
        "DELETE FROM extents",
        "DELETE FROM blocks",
        "DELETE FROM fonds",
        "DELETE FROM counters",
        "UPDATE counters SET value = value - 1 WHERE value > 0",
        "UPDATE extents SET next_leaf = next_leaf - 1 WHERE next_leaf > 0",
        "UPDATE extents SET next_leaf = 65",
        "UPDATE extents SET owner = 'house2'",
        "UPDATE blocks SET next_extent = first_extent WHERE next_extent > first_extent",
        "UPDATE blocks SET next_extent = first_extent + extent_count + 1",
        "UPDATE fonds SET generation = -1",
        "UPDATE fonds SET vault_id = 'another'",
        "UPDATE records SET state = 'lost', change = change + 1000000",
        "UPDATE records SET current_ordinal = 0, change = change + 1000000",
        "UPDATE records SET filed_at = received_at, change = change + 1000000 WHERE state = 'received'",
        "UPDATE records SET customer_id = 'nobody', change = change + 1000000",
        "UPDATE intents SET state = 'committed' WHERE state = 'open'",
        "UPDATE intents SET state = 'lost'",
        "UPDATE intents SET leaf = 64",
        "UPDATE intents SET record_id = 'another'",
        "UPDATE links SET uses_taken = uses_max + 1",
        "UPDATE links SET uses_taken = -1",
        "UPDATE groups SET administration = 'everything' WHERE code = 'security'",
        "UPDATE groups SET code = 'other' WHERE code = 'readers'",
        "DELETE FROM groups WHERE code = 'readers'",
        "UPDATE versions SET lock_mode = 'NONE'",
    ],
)
def test_the_database_refuses(filled: Home, url: str, attempt: str) -> None:
    with pytest.raises(IntegrityError), raw(url) as connection:
        assert connection.execute(text(attempt)).rowcount > 0, "an attempt on nothing would show nothing"


def test_only_the_lock_columns_of_a_version_can_be_written(filled: Home, url: str) -> None:
    free = {"lock_mode", "lock_until", "legal_hold", "hold_turn"}
    for column in metadata.tables["versions"].columns:
        kind = column.type.python_type if column.name != "created_at" else None
        other = {int: f"{column.name} + 1", str: f"{column.name} || 'x'", bytes: "lower('other')"}.get(kind or str)
        if column.name in free:
            continue
        if kind is bytes:
            other = "'other'" if url.startswith("postgresql") else "x'00'"
        if kind is None:
            other = "'2001-01-01 00:00:00.000000'"
        with pytest.raises(IntegrityError, match="only the lock"), raw(url) as connection:
            connection.execute(text(f"UPDATE versions SET {column.name} = {other}"))
    with raw(url) as connection:
        connection.execute(text("UPDATE versions SET lock_mode = 'COMPLIANCE'"))


def test_postgres_refuses_to_truncate_what_is_kept(filled: Home, url: str) -> None:
    if not url.startswith("postgresql"):
        return  # SQLite has no TRUNCATE
    for table in ("audit_entries", "records", "versions", "descriptions", "extents", "blocks", "fonds", "counters"):
        with pytest.raises(IntegrityError, match="never"), raw(url) as connection:
            connection.execute(text(f"TRUNCATE {table} CASCADE"))


def test_an_audit_entry_cannot_be_replaced(filled: Home, url: str) -> None:
    if not url.startswith("sqlite"):
        return  # PostgreSQL has no INSERT OR REPLACE
    with pytest.raises(IntegrityError, match="never changed"), raw(url) as connection:
        connection.execute(
            text(
                "INSERT OR REPLACE INTO audit_entries SELECT number, at, 'x', event, subject, detail FROM audit_entries"
            )
        )


def keep_under(tx: Transaction, home: Home, leaf: LeafAddress) -> None:
    """A new record with another object, under a leaf."""
    record = home.record(tx)
    tx.records.add(record)
    tx.records.add_version(home.version(tx, record, object=replace(home.object(tx), leaf=leaf)))


def test_a_leaf_never_gets_two_versions(catalogue: SqlCatalogue, home: Home) -> None:
    _, version = home.keep()
    with pytest.raises(AlreadyExists, match="leaf"), catalogue.write() as tx:
        keep_under(tx, home, version.object.leaf)
    with pytest.raises(CatalogueBroken, match="leaf"), catalogue.write() as tx:
        tx.intents.add(home.intent(tx, object=replace(home.object(tx), leaf=version.object.leaf)))


def test_an_intents_leaf_is_its_own_versions_only(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        intent = home.intent(tx)
        tx.intents.add(intent)
    with pytest.raises(AlreadyExists, match="leaf"), catalogue.write() as tx:
        tx.intents.add(home.intent(tx, object=replace(home.object(tx), leaf=intent.object.leaf)))
    with pytest.raises(CatalogueBroken, match="leaf"), catalogue.write() as tx:
        keep_under(tx, home, intent.object.leaf)
    with pytest.raises(CatalogueBroken, match="leaf"), catalogue.write() as tx:
        tx.customers.add(home.customer(tx, profile_leaf=intent.object.leaf))
    with pytest.raises(CatalogueBroken, match="leaf"), catalogue.write() as tx:
        tx.people.add(home.person(tx, profile_leaf=intent.object.leaf))
    with catalogue.write() as tx:
        tx.intents.seal(intent.id, object=intent.object, sealed_content=b"c")
        record = home.record(tx, id=intent.record_id)
        tx.records.add(record)
        tx.records.add_version(home.version(tx, record, object=intent.object))
        tx.intents.settle(intent.id, IntentState.COMMITTED)


def test_no_column_has_a_name_that_promises_personal_data(url: str) -> None:
    engine = create_engine(url)
    found = inspect(engine)
    columns = {
        f"{table}.{column['name']}": column for table in found.get_table_names() for column in found.get_columns(table)
    }
    engine.dispose()
    words = {name: set(name.split(".")[1].split("_")) for name in columns}
    suspects = {name for name, parts in words.items() if parts & set(PERSONAL) and "sealed" not in parts}
    # A counter's name, a code of why nothing was derived, a keyed digest, what classes are called: not persons.
    known = {"counters.name", "derived.reason", "people.login_index", "schedules.title_en", "schedules.title_zh"}
    assert suspects == known
    for name, column in columns.items():
        if name.split(".")[1].startswith("sealed") and not name.endswith("size_bytes"):
            assert str(column["type"]) in ("BLOB", "BYTEA"), name
