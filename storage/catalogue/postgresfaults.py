"""Errors of PostgreSQL, as the vault's (the rules stand in ``faults.py``)."""

from __future__ import annotations

import re
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from storage.catalogue.faults import AWAY, FULL, LOCKED, NO_SCHEMA, READ_ONLY
from vault.errors import AlreadyExists, CatalogueBroken, CatalogueUnavailable, StrongroomError

REFUSED: Final = (
    "the catalogue's server refuses the vault; nothing acknowledged is lost; see that the database is there, that user "
    "and password are right (STRONGROOM_CATALOGUE_URL) and that it takes more connections; if it just starts, try again"
)
# At the door the driver has a server's words and no SQLSTATE; they name databases and users, so they are not repeated.
_AT_THE_DOOR: Final = re.compile(r"(?:FATAL|致命错误):")


def of_postgres(error: DBAPIError) -> StrongroomError | None:
    """The vault's error for one of the driver; None for what is none of it."""
    cause = error.orig
    if not isinstance(cause, psycopg.Error):
        return None
    state = cause.sqlstate or ""
    primary = cause.diag.message_primary or type(cause).__name__
    if cause.diag.message_detail:
        cause.args = (primary,)
        error.args = (f"({type(cause).__name__}) {primary}",)
    if isinstance(cause, psycopg.errors.UniqueViolation):
        return AlreadyExists(f"it exists already ({cause.diag.constraint_name})")
    if isinstance(cause, psycopg.IntegrityError):
        return CatalogueBroken(f"a rule of the catalogue was broken: {primary}")
    if state == "53100":
        return CatalogueUnavailable(FULL, retry_after_s=60)
    if state in ("55P03", "57014", "40001", "40P01"):
        return CatalogueUnavailable(f"{LOCKED} ({state})")
    if state == "25006":
        return CatalogueBroken(READ_ONLY)
    if state in ("42P01", "42703"):
        return CatalogueBroken(NO_SCHEMA)
    if isinstance(cause, psycopg.OperationalError) or error.connection_invalidated:
        refuses = state[:2] == "28" or state == "3D000" or _AT_THE_DOOR.search(str(cause))
        return CatalogueUnavailable(REFUSED if refuses else AWAY)
    return CatalogueBroken(f"the catalogue cannot do that ({type(cause).__name__} {state})")
