"""The one ``MetaData`` of the catalogue, and the column types that both databases keep alike.

Rule 1: a time is aware on the way in and UTC on the way out, to the microsecond, and sorts as it passes.
Rule 2: a choice is a short text that a CHECK limits; what a column may hold is said by the database too.
Rule 3: text has no length in the schema (SQLite would not keep it), so that both databases take the same values.
Rule 4: nothing personal has a column in clear. What people typed, or what a file says, is sealed bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, Integer, MetaData
from sqlalchemy.types import TypeDecorator

from vault.errors import InvalidInput

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Counted = BigInteger().with_variant(Integer, "sqlite")
"""Whole numbers of 64 bits; SQLite numbers rows by itself only in a column of type INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time. PostgreSQL keeps it as ``timestamptz``, SQLite as text in UTC with six decimals, which sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInput("a time without a time zone cannot be kept; give an aware one")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, choices: type[StrEnum] | Iterable[str]) -> CheckConstraint:
    """The rule that a text column holds one of these choices."""
    listed = ", ".join(f"'{choice!s}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
