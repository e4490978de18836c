"""Loads a dump into a catalogue that is empty, in one transaction: a load that was cut short left nothing.

Rule 1: while a dump is loaded and led forward, the triggers of the catalogue are off (they forbid what a restore has to
do: version ids of objects that were put back, extents that are closed). They are on again when the transaction commits.
Rule 2: foreign keys and checks stay on all the while.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, insert, inspect, text

from storage.backup.copytext import lines_of, rows_of
from storage.backup.dump import PASSING, DumpReader, copy_from, require_known_tables
from storage.catalogue.schema import MIGRATIONS, REVISIONS
from storage.catalogue.tables import metadata
from vault.errors import CatalogueBroken, SealBroken

_BATCH = 1000


def load_sqlite_file(chunks: Iterable[bytes], target: Path) -> None:
    """Writes a dump of SQLite to its file, which becomes the catalogue."""
    with target.open("xb", buffering=0) as file:
        target.chmod(0o600)
        for chunk in chunks:
            file.write(chunk)


def load_postgres_dump(chunks: Iterable[bytes], connection: Connection) -> None:
    """Loads a dump of PostgreSQL into either database, which has no tables yet, and brings it to this revision.

    Raises ``SealBroken`` (a cut dump), ``CatalogueBroken`` (made by a newer version).
    """
    tables = DumpReader(chunks).tables()
    name, _, pieces = next(tables, ("", [], iter(())))
    revision = "".join(lines_of(pieces))
    if name != "alembic_version" or revision not in REVISIONS:
        raise CatalogueBroken(f"the dump was made by a newer version of Strongroom (schema {revision}); use that one")
    upgrade_to(connection, revision)
    with rules_off(connection):
        present = _present(connection)
        for table in reversed(metadata.sorted_tables):
            if table.name in present:
                connection.execute(table.delete())
        on_postgres = connection.dialect.name == "postgresql"
        for name, columns, pieces in tables:
            require_known_tables(name)
            if on_postgres:
                _copy_in(connection, name, columns, pieces)
            else:
                _insert(connection, metadata.tables[name], columns, pieces)
    set_sequences(connection)
    upgrade_to(connection, "head")


def forget_who_was_there(connection: Connection) -> None:
    """Empties the tables of ``PASSING`` (dump.py, rule 2)."""
    for name in sorted(PASSING):
        connection.execute(metadata.tables[name].delete())


def set_sequences(connection: Connection) -> None:
    """Sets PostgreSQL's sequences behind the numbers that were loaded. SQLite has none."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
        ).scalar()
        if sequence is not None:
            newest = connection.execute(text(f"SELECT max({column.name}) FROM {table.name}")).scalar()  # noqa: S608 - names of our own tables
            connection.execute(
                text("SELECT setval(CAST(:sequence AS regclass), :next, false)"),
                {"sequence": sequence, "next": (newest or 0) + 1},
            )


@contextmanager
def rules_off(connection: Connection) -> Iterator[None]:
    """Triggers are off for the block, inside the transaction that is open."""
    kept = _switch_off(connection)
    yield
    # Not in a finally: after an error the transaction is lost, and the rules are back with it.
    _switch_on(connection, kept)


def _switch_off(connection: Connection) -> list[str]:
    """Triggers off. Gives the commands that bring SQLite's back."""
    if connection.dialect.name == "postgresql":
        for name in sorted(_present(connection)):
            connection.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
        return []
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")).all()
    for row in rows:
        connection.execute(text(f'DROP TRIGGER "{row.name}"'))
    return [str(row.sql) for row in rows]


def _switch_on(connection: Connection, kept: list[str]) -> None:
    if connection.dialect.name == "postgresql":
        for name in sorted(_present(connection)):
            connection.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))
    for command in kept:
        connection.exec_driver_sql(command)


def _present(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def upgrade_to(connection: Connection, revision: str) -> None:
    """Brings the tables to a revision."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _copy_in(connection: Connection, name: str, columns: list[str], pieces: Iterator[bytes]) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise CatalogueBroken("this connection is not one to PostgreSQL")
    try:
        with driver.cursor() as cursor, cursor.copy(copy_from(name, columns)) as copying:
            for piece in pieces:
                copying.write(piece)
    except psycopg.Error as exc:
        # Not the driver's message: it repeats the row.
        raise SealBroken(
            f"the rows of {name} in the dump cannot be loaded ({exc.sqlstate}); take another backup"
        ) from None


def _insert(connection: Connection, table: Table, columns: list[str], pieces: Iterator[bytes]) -> None:
    rows: Iterator[dict[str, Any]] = rows_of(pieces, table, columns)
    while batch := list(islice(rows, _BATCH)):
        connection.execute(insert(table), batch)
