"""The one way from a shelf to the database: runs prebuilt statements inside one transaction.

Rule 1: only errors of the vault come out (``faults.py``).
Rule 2: once a statement has failed, the transaction is lost: what follows is refused and nothing of it is kept.
PostgreSQL works so; SQLite would go on, and a workflow that relied on it would break on the other database.
Rule 3: once the transaction has ended, nothing runs: on a connection that others share it would run in theirs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue.faults import translated
from storage.catalogue.prepared import Prepared, prepared
from vault.errors import CatalogueBroken, StrongroomError

Answer = TypeVar("Answer")
Values = Mapping[str, Any]
NOTHING: Values = {}


class Rows:
    """Statements of one transaction. With SQLite's ``driver`` they are prepared and run by it; whoever ``defers`` runs
    ``at_end`` when the transaction commits."""

    __slots__ = ("_connection", "_defers", "_dialect", "_driver", "at_end", "failure", "on_postgres")

    def __init__(
        self, connection: Connection, driver: sqlite3.Connection | None = None, *, defers: bool = False
    ) -> None:
        self._connection: Connection | None = connection
        self._driver = driver
        self._dialect = connection.dialect
        self.failure: StrongroomError | None = None
        self._defers = defers
        self.at_end: list[tuple[Executable, Values]] = []
        self.on_postgres = self._dialect.name == "postgresql"

    def all(self, statement: Executable, values: Values = NOTHING) -> Sequence[Row[Any]]:
        """Every row of a query."""
        connection = self._open()
        try:
            if (known := self._prepared(statement, values)) is None:
                return connection.execute(statement, values).fetchall()
            cursor = self._run_prepared(known, values)
            make = known.rows(cursor)
            return [make(data) for data in cursor]
        except (SQLAlchemyError, sqlite3.Error, StrongroomError) as error:
            raise self._fail(error) from error

    def first(self, statement: Executable, values: Values = NOTHING) -> Row[Any] | None:
        """The only row of a query, or None."""
        connection = self._open()
        try:
            if (known := self._prepared(statement, values)) is None:
                return connection.execute(statement, values).first()
            cursor = self._run_prepared(known, values)
            data = cursor.fetchone()
            row = None if data is None else known.rows(cursor)(data)
            # A statement that was not read to its end keeps its locks.
            cursor.close()
            return row
        except (SQLAlchemyError, sqlite3.Error, StrongroomError) as error:
            raise self._fail(error) from error

    def run(self, statement: Executable, values: Values = NOTHING) -> int:
        """Changes rows; gives how many were changed."""
        connection = self._open()
        try:
            if (known := self._prepared(statement, values)) is None:
                return connection.execute(statement, values).rowcount
            return self._run_prepared(known, values).rowcount
        except (SQLAlchemyError, sqlite3.Error, StrongroomError) as error:
            raise self._fail(error) from error

    def run_many(self, statement: Executable, many: Sequence[Values]) -> None:
        """Runs one statement for each of many values; with none it does nothing."""
        if not many:
            return
        try:
            self._open().execute(statement, many)
        except SQLAlchemyError as error:
            raise self._fail(error) from error

    def run_at_end(self, statement: Executable, values: Values) -> None:
        """Changes rows last of all: with the commit, where whoever commits sends both in one message (``postgres.py``).

        What others wait for as long as this transaction lasts is taken so for the shortest time. Elsewhere it is done
        at once.
        """
        if self._defers:
            self._open()
            self.at_end.append((statement, values))
        else:
            self.run(statement, values)

    def run_waiting(self) -> None:
        """Runs what was to be run at the end now, for whoever has to see it before."""
        waiting, self.at_end = self.at_end, []
        for statement, values in waiting:
            self.run(statement, values)

    def with_connection(self, question: Callable[[Connection], Answer]) -> Answer:
        """Asks something that only a connection can answer (which tables there are)."""
        try:
            return question(self._open())
        except SQLAlchemyError as error:
            raise self._fail(error) from error

    def require_unfailed(self) -> None:
        """Raises ``CatalogueBroken`` after a failure that the caller did not let through."""
        if self.failure is not None:
            raise CatalogueBroken(
                "a statement of this transaction has failed; leave it and begin another"
            ) from self.failure

    def end(self) -> None:
        """Nothing runs from here on."""
        self._connection = self._driver = None

    def _fail(self, error: SQLAlchemyError | sqlite3.Error | StrongroomError) -> StrongroomError:
        self.failure = error if isinstance(error, StrongroomError) else translated(error)
        return self.failure

    def _prepared(self, statement: Executable, values: Values) -> Prepared | None:
        return None if self._driver is None else prepared(statement, tuple(values), self._dialect)

    def _run_prepared(self, known: Prepared, values: Values) -> sqlite3.Cursor:
        assert self._driver is not None  # noqa: S101 - nothing is prepared without it
        return self._driver.execute(known.text, known.parameters(values))

    def _open(self) -> Connection:
        if self._connection is None:
            raise CatalogueBroken("this transaction of the catalogue has ended; begin another")
        self.require_unfailed()
        return self._connection
