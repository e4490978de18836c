"""Which version of the tables a database has, and bringing it up to date.

Rule 1: a database that is newer than the program is refused: an older program would not know its rules.
Rule 2: whoever migrates looks again once nobody else can: of two that start at once, the second finds nothing to do.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Text, column, inspect, select, table

from vault.errors import CatalogueBroken

REVISIONS: Final = tuple(f"{number:04d}" for number in range(1, 31))
"""Every revision that this program knows, oldest first. Kept here so that a start need not load Alembic."""

MIGRATIONS: Final = Path(__file__).with_name("migrations")
VERSION_TABLE: Final = "alembic_version"


_VERSIONS: Final = select(column("version_num", Text)).select_from(table(VERSION_TABLE))


class SchemaState(StrEnum):
    """How a database stands to the program."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"


def schema_state(connection: Connection) -> SchemaState:
    """Raises ``CatalogueBroken`` when the database is newer than the program, or is not a catalogue."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return SchemaState.EMPTY
    found = [row[0] for row in connection.execute(_VERSIONS)]
    if not found:
        return SchemaState.EMPTY
    if len(found) > 1 or found[0] not in REVISIONS:
        raise CatalogueBroken(
            f"the catalogue was made by a newer version of Strongroom (its schema is {', '.join(sorted(found))},"
            f" this one knows up to {REVISIONS[-1]}); start that version, or restore a backup made by this one"
        )
    return SchemaState.CURRENT if found[0] == REVISIONS[-1] else SchemaState.BEHIND


def upgrade(connection: Connection) -> None:
    """Brings the database to the newest revision, inside the transaction that is open on the connection."""
    # Loaded only when there is something to do: it takes a good part of a command's start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
