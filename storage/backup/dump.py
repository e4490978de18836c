"""Dumps of the catalogue, taken while the vault works, and loaded again.

SQLite: the database's own online backup, in one step: that is one read snapshot beside the writers (write-ahead log).
PostgreSQL: COPY of every table in one REPEATABLE READ snapshot, through the driver that the vault has anyway. Not
``pg_dump``: that has to be on the application's machine, no older than the server, and would carry tables and triggers
as they were; here the migrations make those, so a dump is loaded at the revision that it names and brought up to date
from there. It also loads into SQLite, which is how a drill opens it without a second server.

Rule 1: a dump is one moment of the catalogue. What is personal in it is sealed as in the catalogue itself; it holds no
root key. It does hold hashes of passwords and opaque columns: keep it from strangers all the same.
Rule 2: sessions, API tokens, one-time links, signs of life and counted guesses are not dumped from PostgreSQL, and
dropped when a dump is loaded: a copy must not sign anybody in, nor bring a revoked token back. What is derived from
versions is made anew.

    strongroom catalogue 1 | LF
    { "table", "columns" } | LF | ( length:u32 | COPY text )* | 0:u32          for every table
    { "end", "tables" } | LF
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from storage.catalogue.tables import metadata
from vault.errors import CatalogueBroken, CatalogueUnavailable, SealBroken, SettingsWrong

FIRST_LINE: Final = b"strongroom catalogue 1\n"
PASSING: Final = frozenset(
    {
        *("sessions", "challenges", "api_tokens", "resets", "invitations", "invitation_groups", "processes"),
        *("attempts", "uploads", "upload_pieces", "derived", "kept_answers", "job_turns"),
    }
)
"""Tables that say who is here just now, what is under way, or what is derived from the rest."""

_LENGTH = struct.Struct(">I")
_PIECE_BYTES: Final = 1 << 20
_LINE_MAX: Final = 1 << 16


def is_sqlite(database_url: str) -> bool:
    """Whether a catalogue is a SQLite file."""
    return make_url(database_url).get_backend_name() == "sqlite"


def sqlite_path(database_url: str) -> Path:
    """The file of a SQLite catalogue."""
    database = make_url(database_url).database
    if not database:
        raise SettingsWrong("the catalogue needs a file: sqlite:///PATH")
    return Path(database)


def dump_sqlite(source: Path, target: Path) -> None:
    """Copies the catalogue as it is in one moment to a file that is not there yet."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            target.chmod(0o600)
            # All pages in one step: one read snapshot. In several steps it would begin anew whenever somebody writes.
            live.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as exc:
        raise CatalogueUnavailable(f"the catalogue could not be copied ({exc}); try again") from exc


def dump_postgres(database_url: str) -> Iterator[bytes]:
    """The dump of a PostgreSQL catalogue, piece by piece, from one snapshot."""
    with _postgres(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield FIRST_LINE
        tables = [("alembic_version", ["version_num"])] + [
            (table.name, [column.name for column in table.columns])
            for table in metadata.sorted_tables
            if table.name not in PASSING
        ]
        for name, columns in tables:
            yield json.dumps({"table": name, "columns": columns}).encode() + b"\n"
            with cursor.copy(_copy_to(name, columns)) as rows:
                piece = bytearray()
                for row in rows:
                    piece += row
                    if len(piece) >= _PIECE_BYTES:
                        yield _LENGTH.pack(len(piece)) + bytes(piece)
                        piece.clear()
                if piece:
                    yield _LENGTH.pack(len(piece)) + bytes(piece)
            yield _LENGTH.pack(0)
        yield json.dumps({"end": True, "tables": len(tables)}).encode() + b"\n"


class DumpReader:
    """Reads a dump of PostgreSQL: its tables one after the other, each as pieces of COPY text.

    Raises ``SealBroken`` where it is cut or is something else.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = bytearray()

    def tables(self) -> Iterator[tuple[str, list[str], Iterator[bytes]]]:
        """(table, columns, pieces); the pieces are to be read before the next table is asked for."""
        if self._line() != FIRST_LINE.rstrip():
            raise SealBroken("this is no dump of a catalogue; take another backup")
        count = 0
        while True:
            head = self._json()
            if "end" in head:
                if head.get("tables") != count:
                    raise SealBroken("the dump of the catalogue does not have all its tables; take another backup")
                # Read to its end also where it goes on: whoever gives the chunks checks their digest there.
                if self._rest or sum(map(len, self._chunks)):
                    raise SealBroken("bytes follow the dump of the catalogue; take another backup")
                return
            count += 1
            yield str(head.get("table")), [str(column) for column in head.get("columns", [])], self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        while length := _LENGTH.unpack(self._take(_LENGTH.size))[0]:
            yield self._take(length)

    def _json(self) -> dict[str, Any]:
        try:
            head = json.loads(self._line())
        except ValueError as exc:
            raise SealBroken("the dump of the catalogue is damaged; take another backup") from exc
        if not isinstance(head, dict):
            raise SealBroken("the dump of the catalogue is damaged; take another backup")
        return head

    def _line(self) -> bytes:
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > _LINE_MAX:
                raise SealBroken("the dump of the catalogue is damaged; take another backup")
            self._more()
        return self._take(end + 1)[:-1]

    def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._more()
        taken = bytes(memoryview(self._rest)[:count])
        del self._rest[:count]
        return taken

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise SealBroken("the dump of the catalogue is cut short; take another backup")
        self._rest += chunk


def libpq_address(url: URL) -> str:
    """The address of a database as the driver's own library has it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def copy_from(name: str, columns: list[str]) -> sql.Composed:
    """The command that takes COPY text in."""
    return sql.SQL("COPY {} ({}) FROM STDIN").format(_table(name), _columns(columns))


def _copy_to(name: str, columns: list[str]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) TO STDOUT").format(_table(name), _columns(columns))


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _columns(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join([sql.Identifier(column) for column in columns])


@contextmanager
def _postgres(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        # UTF8 and UTC whatever the server's defaults are: the dump is read by others. No limit on a statement's time.
        options = "-c timezone=UTC -c client_encoding=UTF8 -c statement_timeout=0"
        with psycopg.connect(libpq_address(make_url(database_url)), options=options) as connection:
            yield connection
    except psycopg.Error as exc:
        raise CatalogueUnavailable(
            f"the catalogue could not be copied ({exc.sqlstate or 'no answer'}); try again"
        ) from exc


def require_known_tables(name: str) -> None:
    """Raises ``CatalogueBroken`` for a table that this program does not know."""
    if name != "alembic_version" and name not in metadata.tables:
        raise CatalogueBroken(f"the dump holds a table {name!r} that this version of Strongroom does not know")
