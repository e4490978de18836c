"""The catalogue in one SQLite file: the default, for one machine.

Rule 1: a commit is on the disk before it is answered: write-ahead log, ``synchronous=FULL``.
Rule 2: what is deleted is overwritten (``secure_delete``), and nothing is sorted in files (``temp_store=MEMORY``).
Rule 3: the file is its owner's alone (0600); its log and index take the file's mode.
Rule 4: readers have connections of their own, in snapshots, and cannot write. Writers share one (``group_commit.py``).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue.faults import translated
from storage.catalogue.group_commit import GROUP_MAX, GroupCommit
from storage.catalogue.rows import Rows
from storage.catalogue.turns import FOLDER, FileTurns
from vault.errors import CatalogueUnavailable, SettingsWrong

BUSY_TIMEOUT_MS: Final = 10_000
READERS_KEPT: Final = 16
READERS_MAX: Final = 64
READER_WAIT_S: Final = 30.0
LOG_SIZE_LIMIT_BYTES: Final = 64 * 1024 * 1024

_CONNECT: Final = {"check_same_thread": False, "cached_statements": 512}
_ALWAYS: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    f"PRAGMA journal_size_limit={LOG_SIZE_LIMIT_BYTES}",
)


class SqliteDatabase:
    """One SQLite file. Every method may be called from any thread."""

    def __init__(self, url: URL, *, group_max: int = GROUP_MAX) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise SettingsWrong("the catalogue needs a file: sqlite:///PATH")
        self.path = Path(url.database)
        _make_private(self.path)
        self._writer_engine = _engine(url, for_reading=False)
        self._reader_engine = _engine(url, for_reading=True)
        self._turns = FileTurns(self.path.with_name(FOLDER))
        self._reader_places = BoundedSemaphore(READERS_MAX)
        self._idle_readers: deque[Connection] = deque()
        self._writers = GroupCommit(self._writer_engine.connect, group_max=group_max)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """One durable transaction, in a group with others."""
        with self._writers.transaction() as rows:
            yield rows

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """One snapshot."""
        if not self._reader_places.acquire(timeout=READER_WAIT_S):
            raise CatalogueUnavailable("all connections to the catalogue are in use; try again")
        try:
            with self._reader() as (connection, driver):
                rows = Rows(connection, driver)
                try:
                    yield rows
                finally:
                    rows.end()
        finally:
            self._reader_places.release()

    @contextmanager
    def _reader(self) -> Iterator[tuple[Connection, sqlite3.Connection]]:
        """A connection with a transaction begun; kept for the next reader when that could be ended."""
        try:
            connection = self._idle_readers.pop()
        except IndexError:
            try:
                connection = self._reader_engine.connect()
            except SQLAlchemyError as error:
                raise translated(error) from error
        driver = driver_of(connection)
        try:
            driver.execute("BEGIN")
        except sqlite3.Error as error:
            connection.close()
            raise translated(error) from error
        is_whole = False
        try:
            yield connection, driver
        finally:
            try:
                driver.rollback()
                connection.rollback()  # what SQLAlchemy began for a statement that is not prepared
                is_whole = True
            finally:
                if is_whole and len(self._idle_readers) < READERS_KEPT:
                    self._idle_readers.append(connection)
                else:
                    connection.close()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that no other process or thread writes beside."""
        try:
            with self._writer_engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
        except SQLAlchemyError as error:
            raise translated(error) from error

    def turn(self, name: str) -> AbstractContextManager[None]:
        """A turn among the processes that share the file."""
        return self._turns.turn(name)

    def close(self) -> None:
        """Closes every connection; the last one of all processes folds the log into the file."""
        self._writers.close()
        self._writer_engine.dispose()
        while self._idle_readers:
            self._idle_readers.pop().close()


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection under SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the engine is SQLite's
    return driver


def _engine(url: URL, *, for_reading: bool) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args=_CONNECT, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(driver: sqlite3.Connection, _record: object) -> None:
        # The driver begins no transaction by itself: readers say BEGIN above, writers in group_commit.py.
        driver.isolation_level = None
        _use_write_ahead_log(driver)
        for command in _ALWAYS:
            driver.execute(command)
        # A writer asks for the lock itself, at BEGIN (``GroupCommit``); after that it never waits.
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS if for_reading else 0}")
        if for_reading:
            driver.execute("PRAGMA query_only=ON")

    return engine


def _use_write_ahead_log(driver: sqlite3.Connection) -> None:
    """Sets the journal mode, which the file then keeps. SQLite does not wait here by itself for others who set it."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            mode = driver.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.005)
        else:
            if mode != "wal":
                raise SettingsWrong("the catalogue's folder cannot hold a write-ahead log; move it to a local disk")
            return


def _make_private(path: Path) -> None:
    """Creates the file, or narrows the mode of one that exists.

    A file that exists is not opened: closing any descriptor of it would drop the locks that SQLite holds on it in this
    process (fcntl(2), "advisory record locking").
    """
    try:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            path.chmod(0o600)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise SettingsWrong(f"the catalogue cannot be kept at {path} ({error.strerror}); choose another") from error
    except OSError as error:
        raise CatalogueUnavailable(f"the catalogue's file cannot be opened: {error.strerror}; try again") from error
