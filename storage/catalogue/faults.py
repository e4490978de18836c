"""Errors of the databases, as the vault's.

Rule 1: away, busy, locked, slow or full is ``CatalogueUnavailable``: trying again may succeed. A taken name is
``AlreadyExists``. Every other rule that was broken is ``CatalogueBroken``: somebody has to look.
Rule 2: no value of a row gets into a message. PostgreSQL puts whole rows into the detail of an error, so the detail is
taken off the cause as well.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vault.errors import AlreadyExists, CatalogueBroken, CatalogueUnavailable, StrongroomError

FULL: Final = "the disk of the catalogue is full; nothing acknowledged is lost; free some space and try again"
LOCKED: Final = "the catalogue is locked by another writer for too long; try again"
AWAY: Final = "the catalogue's database does not answer; nothing acknowledged is lost; try again"
READ_ONLY: Final = (
    "the catalogue cannot be written here: in a reading transaction, or where the file or the server is read-only"
)
NO_SCHEMA: Final = "the catalogue's tables are missing or of another version; bring its schema up to date"

_SQLITE_UNIQUE: Final = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}
)
_SQLITE_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def translated(error: SQLAlchemyError | sqlite3.Error) -> StrongroomError:
    """The vault's error for one of SQLAlchemy or of the SQLite driver."""
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if isinstance(error, PoolTimeout):
        return CatalogueUnavailable("all connections to the catalogue are in use; try again")
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return _of_sqlite(error.orig)
        # The driver is a fifth of a start; where the catalogue is SQLite, it is never loaded.
        from storage.catalogue.postgresfaults import of_postgres

        told = of_postgres(error)
        if told is not None:
            return told
    if isinstance(error, StatementError) and isinstance(error.orig, StrongroomError):
        return error.orig
    return CatalogueBroken(f"the catalogue cannot do that ({type(error).__name__})")


def _of_sqlite(cause: sqlite3.Error) -> StrongroomError:
    code = getattr(cause, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if code in _SQLITE_UNIQUE:
        return AlreadyExists(f"it exists already ({cause})")
    if isinstance(cause, sqlite3.IntegrityError):
        return CatalogueBroken(f"a rule of the catalogue was broken: {cause}")
    if primary == sqlite3.SQLITE_FULL:
        return CatalogueUnavailable(FULL, retry_after_s=60)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogueUnavailable(LOCKED)
    if primary == sqlite3.SQLITE_READONLY:
        return CatalogueBroken(READ_ONLY)
    if primary in _SQLITE_BROKEN:
        return CatalogueBroken(f"the catalogue's file is damaged ({cause}); restore it or rebuild it from the store")
    if primary == sqlite3.SQLITE_ERROR:
        return CatalogueBroken(f"{NO_SCHEMA} ({cause})")
    if isinstance(cause, sqlite3.OperationalError):
        return CatalogueUnavailable(f"the catalogue's file cannot be read or written ({cause}); try again")
    return CatalogueBroken(f"the catalogue cannot do that ({type(cause).__name__})")
