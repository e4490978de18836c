"""The one way from a shelf to the database: runs prebuilt statements inside one transaction.

Rule 1: only errors of the vault come out (``faults.py``).
Rule 2: once a statement has failed, the transaction is lost: what follows is refused and nothing of it is kept.
PostgreSQL works so; SQLite would go on, and a workflow that relied on it would break on the other database.
Rule 3: once the transaction has ended, nothing runs: on a connection that others share it would run in theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Row
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue.faults import translated
from vault.errors import CatalogueBroken, StrongroomError

Answer = TypeVar("Answer")
Values = Mapping[str, Any]
NOTHING: Values = {}


class Rows:
    """Statements of one transaction."""

    __slots__ = ("_connection", "failure", "on_postgres")

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection
        self.failure: StrongroomError | None = None
        self.on_postgres = connection.dialect.name == "postgresql"

    def all(self, statement: Executable, values: Values = NOTHING) -> Sequence[Row[Any]]:
        """Every row of a query."""
        try:
            return self._execute(statement, values).fetchall()
        except SQLAlchemyError as error:
            raise self._fail(error) from error

    def first(self, statement: Executable, values: Values = NOTHING) -> Row[Any] | None:
        """The only row of a query, or None."""
        try:
            return self._execute(statement, values).first()
        except SQLAlchemyError as error:
            raise self._fail(error) from error

    def run(self, statement: Executable, values: Values = NOTHING) -> int:
        """Changes rows; gives how many were changed."""
        try:
            return self._execute(statement, values).rowcount
        except SQLAlchemyError as error:
            raise self._fail(error) from error

    def run_many(self, statement: Executable, many: Sequence[Values]) -> None:
        """Runs one statement for each of many values; with none it does nothing."""
        if not many:
            return
        try:
            self._open().execute(statement, many)
        except SQLAlchemyError as error:
            raise self._fail(error) from error

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
        self._connection = None

    def _fail(self, error: SQLAlchemyError) -> StrongroomError:
        self.failure = translated(error)
        return self.failure

    def _execute(self, statement: Executable, values: Values) -> CursorResult[Any]:
        return self._open().execute(statement, values)

    def _open(self) -> Connection:
        if self._connection is None:
            raise CatalogueBroken("this transaction of the catalogue has ended; begin another")
        self.require_unfailed()
        return self._connection
