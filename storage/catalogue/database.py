"""The catalogue as one object: ``open_catalogue(url)``.

Rule 1: opening does not touch the schema. ``migrate()`` brings it up to date, ``check_schema()`` tells how it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from storage.catalogue.rows import Rows
from storage.catalogue.schema import SchemaState, schema_state, upgrade
from storage.catalogue.sqlite import SqliteDatabase
from storage.catalogue.transaction import SqlTransaction
from vault.errors import SettingsWrong
from vault.shelves import Transaction


class Database(Protocol):
    """What SQLite and PostgreSQL do differently."""

    def writing(self) -> AbstractContextManager[Rows]: ...

    def reading(self) -> AbstractContextManager[Rows]: ...

    def migrating(self) -> AbstractContextManager[Connection]: ...

    def turn(self, name: str) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class SqlCatalogue:
    """``vault.shelves.Catalogue`` in SQL. Every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One durable transaction: when the block has been left without an error, all of it is on the disk.

        It does not nest, and the block must not wait for another thread that writes.
        """
        with self._database.writing() as rows:
            yield SqlTransaction(rows)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent snapshot; writing through it raises ``CatalogueBroken``."""
        with self._database.reading() as rows:
            yield SqlTransaction(rows)

    def turn(self, name: str) -> AbstractContextManager[None]:
        """A turn among all processes of this catalogue, for what two must not change at once outside of it.

        The block takes no other turn and no transaction. Raises ``CatalogueUnavailable``.
        """
        return self._database.turn(name)

    def check_schema(self) -> SchemaState:
        """How the tables stand to this program. Raises ``CatalogueBroken`` when they are newer than it."""
        with self._database.reading() as rows:
            return rows.with_connection(schema_state)

    def migrate(self) -> bool:
        """Brings the tables up to date; False when there was nothing to do. Two at once do no harm."""
        if self.check_schema() is SchemaState.CURRENT:
            return False
        with self._database.migrating() as connection:
            if schema_state(connection) is SchemaState.CURRENT:
                return False
            upgrade(connection)
            return True

    @contextmanager
    def maintain(self) -> Iterator[Connection]:
        """A transaction of the database itself, beside which nobody writes: for loading a backup."""
        with self._database.migrating() as connection:
            yield connection

    def close(self) -> None:
        """Waits for the writer at work and closes every connection."""
        self._database.close()


def open_catalogue(url: str) -> SqlCatalogue:
    """The catalogue at ``sqlite:///PATH`` or ``postgresql+psycopg://...``. Raises ``SettingsWrong``."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsWrong("the catalogue's address is not a database URL; write sqlite:///PATH") from None
    if parsed.get_backend_name() == "sqlite":
        return SqlCatalogue(SqliteDatabase(parsed))
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        # Its driver is a fifth of a start: loaded only where it is used.
        from storage.catalogue.postgres import PostgresDatabase

        return SqlCatalogue(PostgresDatabase(parsed.set(drivername="postgresql+psycopg")))
    raise SettingsWrong("the catalogue is kept in sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE")


def migrate(url: str) -> bool:
    """Opens the catalogue at ``url``, brings its tables up to date and closes it."""
    with closing(open_catalogue(url)) as catalogue:
        return catalogue.migrate()
