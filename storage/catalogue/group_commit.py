"""Many writers, one sync of the disk: group commit on the single writing connection that SQLite allows.

The life of a write:
1. The writer waits for its turn, first come first served.
2. The first of a group begins the transaction (BEGIN IMMEDIATE); every writer works inside a savepoint of its own.
3. A writer that fails rolls back to its savepoint; the others of the group keep theirs.
4. A writer that is done hands the open transaction to the next one waiting, if there is one and the group is neither
   full nor old; otherwise it commits for all.
5. Everybody in the group waits for that one COMMIT, and is answered by what became of it.

Rule 1: nobody returns from ``transaction`` before the COMMIT that holds their work has succeeded; one that failed
fails every one of its group.
Rule 2: whatever interrupts a writer (also KeyboardInterrupt), its turn is passed on, and a group whose savepoints are
in doubt is never committed.
Rule 3: a writer's block must not wait for another thread that writes: it would wait for its own turn to end.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue.faults import LOCKED, translated
from storage.catalogue.rows import Rows
from vault.errors import CatalogueUnavailable, StrongroomError

GROUP_MAX: Final = 64
GROUP_WINDOW_S: Final = 0.005
WAIT_LIMIT_S: Final = 30.0
LOCK_LIMIT_S: Final = 15.0
POLL_S: Final = 0.001
RETRY_AFTER_S: Final = 5
IN_DOUBT: Final = "the catalogue was interrupted while it wrote; look up what became of this before you try again"


class _Turn:
    """One writer's place in the queue; the lock is held until the turn is given."""

    __slots__ = ("given", "signal")

    def __init__(self) -> None:
        self.given = False
        self.signal = threading.Lock()
        self.signal.acquire()


class _Group:
    """Writers whose work one COMMIT makes durable."""

    __slots__ = ("began", "clean", "done", "error", "size")

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.size = 0
        self.clean = True
        self.done = threading.Event()
        self.error: StrongroomError | None = None


class GroupCommit:
    """Serialises the writers of a process and commits them in groups. Every method may be called from any thread."""

    def __init__(
        self, connect: Callable[[], Connection], *, group_max: int = GROUP_MAX, group_window_s: float = GROUP_WINDOW_S
    ) -> None:
        self._connect = connect
        self._group_max = group_max
        self._group_window_s = group_window_s
        self._mutex = threading.Lock()
        self._queue: deque[_Turn] = deque()
        self._busy = False
        # What follows belongs to whoever has the turn.
        self._holder: int | None = None
        self._connection: Connection | None = None
        self._driver: sqlite3.Connection | None = None
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """A writer's block. Raises ``CatalogueUnavailable`` when its turn, the file's lock or the commit fails."""
        if self._holder == threading.get_ident():
            raise RuntimeError("this thread is inside a write() already; a write() does not nest")
        turn = _Turn()
        try:
            self._take(turn)
            group = self._join()
            with self._savepoint(group) as rows:
                yield rows
        finally:
            self._leave(turn)
        group.done.wait()
        if group.error is not None:
            raise CatalogueUnavailable(
                group.error.message, retry_after_s=group.error.retry_after_s or RETRY_AFTER_S
            ) from group.error

    def close(self) -> None:
        """Closes the connection once nobody writes."""
        turn = _Turn()
        try:
            self._take(turn)
            self._disconnect()
        finally:
            self._leave(turn)

    def _take(self, turn: _Turn) -> None:
        with self._mutex:
            if self._busy:
                self._queue.append(turn)
            else:
                self._busy = turn.given = True
        if not turn.given and not turn.signal.acquire(timeout=WAIT_LIMIT_S):
            with self._mutex:
                if not turn.given:
                    self._queue.remove(turn)
                    raise CatalogueUnavailable(LOCKED)
        self._holder = threading.get_ident()

    def _leave(self, turn: _Turn) -> None:
        with self._mutex:
            if not turn.given:
                if turn in self._queue:
                    self._queue.remove(turn)
                return
        self._holder = None
        self._pass_on()

    def _pass_on(self) -> None:
        """Gives the turn, and the open transaction with it, to the next; or commits and gives the turn up."""
        with self._mutex:
            group = self._group
            if self._queue and (group is None or self._may_grow(group)):
                following = self._queue.popleft()
                following.given = True
                following.signal.release()
                return
            if group is None:
                self._busy = False
                return
        try:
            self._finish(group)
        finally:
            self._pass_on()

    def _may_grow(self, group: _Group) -> bool:
        age_s = time.monotonic() - group.began
        return group.clean and group.size < self._group_max and age_s < self._group_window_s

    def _join(self) -> _Group:
        """The open group, or a new one with a new transaction."""
        if self._group is None:
            try:
                self._begin()
            except (sqlite3.Error, SQLAlchemyError) as error:
                self._disconnect()
                raise translated(error) from error
            self._group = _Group()
        return self._group

    def _begin(self) -> None:
        """BEGIN IMMEDIATE, asking again each millisecond while another process writes.

        SQLite's own waiting sleeps up to 100 ms a time: a process that commits group after group would starve others.
        """
        if self._driver is None:
            self._connection = self._connect()
            driver = self._connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the engine is SQLite's
            self._driver = driver
        give_up_at = time.monotonic() + LOCK_LIMIT_S
        while True:
            try:
                self._driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(POLL_S)
            else:
                return

    @contextmanager
    def _savepoint(self, group: _Group) -> Iterator[Rows]:
        """One writer's part of the group: kept when the block ends well, undone when not."""
        assert self._connection is not None  # noqa: S101 - the group has begun on it
        rows = Rows(self._connection, self._driver)
        group.clean = False
        self._step(group, "SAVEPOINT writer")
        try:
            yield rows
            rows.require_unfailed()
            self._step(group, "RELEASE writer")
            group.size += 1
            group.clean = True
        finally:
            rows.end()
            if not group.clean and group.error is None:
                self._undo(group, rows.failure)

    def _undo(self, group: _Group, failure: StrongroomError | None) -> None:
        """Back to the savepoint; where SQLite has rolled back everything by itself (disk full), the group is lost."""
        assert self._driver is not None  # noqa: S101 - the group has begun on it
        if not self._driver.in_transaction:
            group.error = failure or CatalogueUnavailable(IN_DOUBT)
            return
        self._step(group, "ROLLBACK TO writer")
        self._step(group, "RELEASE writer")
        group.clean = True

    def _step(self, group: _Group, command: str) -> None:
        """Runs a command on the open transaction; if that fails, the whole group is lost."""
        assert self._driver is not None  # noqa: S101 - the group has begun on it
        try:
            # Outside of the transaction the command would begin one of its own.
            if not self._driver.in_transaction:
                raise sqlite3.OperationalError("the transaction was rolled back by SQLite")
            self._driver.execute(command)
        except sqlite3.Error as error:
            group.error = translated(error)
            raise group.error from error

    def _finish(self, group: _Group) -> None:
        """Commits the group, or rolls it back, and tells everybody in it."""
        outcome: StrongroomError | None = group.error or CatalogueUnavailable(IN_DOUBT)
        try:
            if group.error is None and group.clean and self._driver is not None:
                if group.size:
                    self._driver.execute("COMMIT")
                else:
                    self._driver.rollback()
                outcome = None
        except sqlite3.Error as error:
            outcome = translated(error)
        finally:
            self._group = None
            if outcome is not None:
                self._disconnect()
            group.error = outcome
            group.done.set()

    def _disconnect(self) -> None:
        """Drops the connection, and with it whatever is open on it; the next group makes another."""
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            connection.invalidate()
            connection.close()
