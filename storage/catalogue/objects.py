"""The columns of a sealed object and of its lock, the same for an intent and for the version that it becomes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, LargeBinary, Row, Text
from sqlalchemy.schema import SchemaItem

from storage.catalogue.fonds import leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, one_of
from storage.catalogue.rows import Values
from vault.ids import ObjectId
from vault.objects import Lock, LockMode
from vault.records import SealedObject


def leaf_columns() -> tuple[SchemaItem, ...]:
    """Columns of a leaf's address beside ``fonds_id``; the extent has to be one that was taken."""
    return (
        Column("extent", Counted, nullable=False),
        Column("leaf", Counted, nullable=False),
        CheckConstraint("leaf BETWEEN 0 AND 63", name="leaf"),
        ForeignKeyConstraint(["fonds_id", "extent"], ["extents.fonds_id", "extents.number"]),
    )


def object_columns() -> tuple[SchemaItem, ...]:
    """Columns of a sealed object and its lock."""
    return (
        Column("object_id", Text, nullable=False, unique=True),
        Column("object_key", Text, nullable=False, unique=True),
        *leaf_columns(),
        Column("size_bytes", Counted, nullable=False),
        Column("sealed_size_bytes", Counted, nullable=False),
        Column("sealed_sha256", LargeBinary, nullable=False),
        Column("part_count", Counted, nullable=False),
        Column("part_size_bytes", Counted, nullable=False),
        Column("header_length", Counted, nullable=False),
        Column("frame_length", Counted, nullable=False),
        Column("lock_mode", Text, nullable=False),
        Column("lock_until", UtcDateTime, nullable=False),
        one_of("lock_mode", LockMode),
        CheckConstraint(
            "size_bytes >= 0 AND sealed_size_bytes >= 0 AND part_count >= 0 AND part_size_bytes >= 0"
            " AND header_length >= 0 AND frame_length >= 0",
            name="sizes",
        ),
    )


def shape_values(sealed: SealedObject) -> Values:
    """What is known of an object only once it is sealed: sizes, digest and parts."""
    return {
        "size_bytes": sealed.size_bytes,
        "sealed_size_bytes": sealed.sealed_size_bytes,
        "sealed_sha256": sealed.sealed_sha256,
        "part_count": sealed.part_count,
        "part_size_bytes": sealed.part_size_bytes,
        "header_length": sealed.header_length,
        "frame_length": sealed.frame_length,
    }


def object_values(sealed: SealedObject, lock: Lock) -> Values:
    """An object and its lock as the values of their columns."""
    return {
        "object_id": sealed.object_id,
        "object_key": sealed.key,
        "lock_mode": lock.mode.value,
        "lock_until": lock.retain_until,
        **leaf_values(sealed.leaf),
        **shape_values(sealed),
    }


def object_of(row: Row[Any]) -> SealedObject:
    """The object of a row that was joined with its fonds."""
    return SealedObject(
        object_id=ObjectId(row.object_id),
        key=row.object_key,
        leaf=leaf_of(row),
        size_bytes=row.size_bytes,
        sealed_size_bytes=row.sealed_size_bytes,
        sealed_sha256=row.sealed_sha256,
        part_count=row.part_count,
        part_size_bytes=row.part_size_bytes,
        header_length=row.header_length,
        frame_length=row.frame_length,
    )


def lock_of(row: Row[Any]) -> Lock:
    """The lock of a row."""
    return Lock(mode=LockMode(row.lock_mode), retain_until=row.lock_until)
