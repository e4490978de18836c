"""The catalogue in PostgreSQL: for several machines.

Rule 1: writers run in READ COMMITTED; whatever has to be stable is locked by a statement (``FOR UPDATE``, or an UPDATE
with its condition). Readers run in a read-only snapshot.
Rule 2: a commit is answered when it is on the disk (``synchronous_commit=on``), whatever the server's default is.
Rule 3: a connection that went stale while it was idle is replaced before use; one that breaks in a transaction ends it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, Executable, QueuePool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from storage.catalogue.faults import translated
from storage.catalogue.rows import Rows, Values

CONNECT_LIMIT_S: Final = 5
STATEMENT_LIMIT_MS: Final = 30_000
LOCK_LIMIT_MS: Final = 10_000
IDLE_IN_TRANSACTION_LIMIT_MS: Final = 60_000
MIGRATION_LOCK_LIMIT_MS: Final = 60_000
CONNECTIONS_KEPT: Final = 8
CONNECTIONS_MORE: Final = 24
CONNECTION_WAIT_S: Final = 30.0
IDLE_TRUSTED_S: Final = 5.0
TURN_LIMIT_MS: Final = 300_000
TURNS: Final = 0x5475_726E  # "Turn": the first half of the number of a turn
MIGRATION_LOCK: Final = 0x5374_726F_6E67  # "Strong": one number for all who migrate

_OPTIONS: Final = {
    "timezone": "UTC",
    "statement_timeout": str(STATEMENT_LIMIT_MS),
    "lock_timeout": str(LOCK_LIMIT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_LIMIT_MS),
    "synchronous_commit": "on",
}
_WRITING: Final = {"default_transaction_isolation": r"read\ committed"}
_READING: Final = {"default_transaction_isolation": r"repeatable\ read", "default_transaction_read_only": "on"}


class PostgresDatabase:
    """One PostgreSQL database. Every method may be called from any thread."""

    def __init__(self, url: URL) -> None:
        self._writer_engine = _engine(url, _OPTIONS | _WRITING)
        self._reader_engine = _engine(url, _OPTIONS | _READING)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """One durable transaction."""
        with _connected(self._writer_engine) as connection:
            rows = Rows(connection, defers=True)
            try:
                yield rows
                rows.require_unfailed()
            finally:
                rows.end()
            _commit(connection, rows.at_end)

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """One snapshot."""
        with _connected(self._reader_engine) as connection:
            rows = Rows(connection)
            try:
                yield rows
            finally:
                rows.end()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that one process at a time has."""
        try:
            with self._writer_engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_LOCK_LIMIT_MS}"))
                connection.execute(text(f"SET LOCAL statement_timeout = {MIGRATION_LOCK_LIMIT_MS}"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                yield connection
        except SQLAlchemyError as error:
            raise translated(error) from error

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """A turn among all who share the database; one that dies gives it back with its connection."""
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
        try:
            with self._writer_engine.begin() as connection:
                connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {TURN_LIMIT_MS}"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:class, :key)"), {"class": TURNS, "key": key})
                yield
        except SQLAlchemyError as error:
            raise translated(error) from error

    def close(self) -> None:
        """Closes every connection."""
        self._writer_engine.dispose()
        self._reader_engine.dispose()


def _commit(connection: Connection, last: Sequence[tuple[Executable, Values]]) -> None:
    """Runs the last statements and commits. They travel with the commit: nobody who waits for what they lock waits for
    this process to be given the processor in between."""
    try:
        if not last:
            connection.commit()
            return
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine is psycopg's
        with driver.pipeline():
            for statement, values in last:
                connection.execute(statement, values)
            connection.commit()
    except SQLAlchemyError as error:
        raise translated(error) from error
    except psycopg.Error as error:
        raise translated(DBAPIError(None, None, error)) from error


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    """A connection of the pool; whatever is open on it is rolled back when it returns there."""
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise translated(error) from error
    try:
        yield connection
    finally:
        connection.close()


def _engine(url: URL, options: dict[str, str]) -> Engine:
    given = url.query.get("options", "")
    asked = [given] if isinstance(given, str) else list(given)
    settings = " ".join([*asked, *(f"-c {name}={value}" for name, value in options.items())])
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_LIMIT_S, "options": settings.strip()}
    engine = create_engine(
        url.difference_update_query(["options"]),
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=CONNECTIONS_KEPT,
        max_overflow=CONNECTIONS_MORE,
        pool_timeout=CONNECTION_WAIT_S,
        pool_use_lifo=True,
        connect_args=arguments,
    )

    @event.listens_for(engine, "checkin")
    def note_idle(_driver: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def replace_stale(driver: Any, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        # A ping at every checkout would cost as much as a statement; under load nothing is idle that long.
        idle_since = entry.info.get("idle_since")
        if idle_since is not None and time.monotonic() - idle_since > IDLE_TRUSTED_S and not _answers(engine, driver):
            raise DisconnectionError

    return engine


def _answers(engine: Engine, driver: Any) -> bool:
    try:
        return engine.dialect.do_ping(driver)
    except engine.dialect.loaded_dbapi.Error:
        return False
