"""Versions and descriptions of records: written once, never changed; only a version's lock may be set again.

Rule 1: a leaf has one version at most, and no other intent, customer or person has it. Descriptions and links lie under
their record's leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    false,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, fonds_of_tree, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.objects import leaf_columns, lock_of, object_columns, object_of, object_values
from storage.catalogue.periods import SqlPeriods
from storage.catalogue.records import AT_ONCE, records
from vault.classes import FOR_EVER
from vault.errors import NotFound
from vault.ids import ObjectId, PersonId, RecordId
from vault.objects import Lock
from vault.records import DescriptionRevision, Version

PAGE: Final = 1000

versions = Table(
    "versions",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("ordinal", Counted, primary_key=True, autoincrement=False),
    fonds_column(),
    *object_columns(),
    Column("version_id", Text, nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("legal_hold", Boolean, server_default=false()),
    Column("hold_turn", Counted, nullable=False, server_default="0"),
    ForeignKeyConstraint(["record_id", "fonds_id"], ["records.id", "records.fonds_id"]),
    CheckConstraint("ordinal >= 1", name="ordinal"),
    CheckConstraint("length(sealed_sha256) = 32", name="sealed_sha256"),
    Index("uq_versions_leaf", "fonds_id", "extent", "leaf", unique=True),
    Index("ix_versions_lock_until", "lock_until"),
    Index(
        "ix_versions_legal_hold",
        "record_id",
        "ordinal",
        sqlite_where=text("legal_hold IS NOT FALSE"),
        postgresql_where=text("legal_hold IS NOT FALSE"),
    ),
)

descriptions = Table(
    "descriptions",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("revision", Counted, primary_key=True, autoincrement=False),
    Column("ordinal", Counted, nullable=False),
    fonds_column(),
    *leaf_columns(),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    ForeignKeyConstraint(["record_id", "fonds_id"], ["records.id", "records.fonds_id"]),
    ForeignKeyConstraint(["record_id", "ordinal"], ["versions.record_id", "versions.ordinal"]),
    CheckConstraint("revision >= 1", name="revision"),
)

_ADD_VERSION = insert(versions).values(fonds_id=fonds_of_tree())
_VERSIONS = select(versions, fonds.c.tree_id).join(fonds, fonds.c.id == versions.c.fonds_id)
_OF_RECORD = _VERSIONS.where(versions.c.record_id == bindparam("its_record")).order_by(versions.c.ordinal)
_VERSION = _VERSIONS.where(
    versions.c.record_id == bindparam("its_record"), versions.c.ordinal == bindparam("its_ordinal")
)
_OF_OBJECT = _VERSIONS.where(versions.c.object_id == bindparam("its_object"))
_SET_LOCK = (
    update(versions)
    .where(versions.c.record_id == bindparam("its_record"), versions.c.ordinal == bindparam("its_ordinal"))
    .values(lock_mode=bindparam("its_mode"), lock_until=bindparam("its_until"))
)
# EXISTS, not a join: SQLite then walks the versions by their locks and stops early, instead of sorting every record.
_TO_RENEW = (
    _VERSIONS.where(
        versions.c.lock_until < bindparam("lapsing_before"),
        exists().where(
            records.c.id == versions.c.record_id,
            or_(
                records.c.state == "received",
                and_(records.c.state == "filed", or_(records.c.due_on.is_(None), records.c.due_on == FOR_EVER)),
            ),
        ),
    )
    .order_by(versions.c.lock_until, versions.c.record_id, versions.c.ordinal)
    .limit(bindparam("at_most"))
)
# A date against a time: PostgreSQL takes the date's midnight in the session's zone, which is UTC; SQLite compares the
# texts, of which the date's is the beginning of the time's.
_TO_EXTEND = (
    _VERSIONS.add_columns(records.c.due_on)
    .join(records, records.c.id == versions.c.record_id)
    .where(
        records.c.state == "filed",
        versions.c.lock_until < records.c.due_on,
        records.c.due_on < FOR_EVER,
        tuple_(versions.c.record_id, versions.c.ordinal)
        > tuple_(bindparam("after_record", type_=Text), bindparam("after_ordinal", type_=Counted)),
    )
    .order_by(versions.c.record_id, versions.c.ordinal)
    .limit(bindparam("at_most"))
)
_ALL_AFTER = (
    _VERSIONS.join(records, records.c.id == versions.c.record_id)
    .where(
        records.c.state != "destroyed",
        tuple_(versions.c.record_id, versions.c.ordinal)
        > tuple_(bindparam("after_record", type_=Text), bindparam("after_ordinal", type_=Counted)),
    )
    .order_by(versions.c.record_id, versions.c.ordinal)
    .limit(PAGE)
)
_ADD_DESCRIPTION = insert(descriptions).values(fonds_id=fonds_of_tree())
_DESCRIPTIONS = (
    select(descriptions, fonds.c.tree_id)
    .join(fonds, fonds.c.id == descriptions.c.fonds_id)
    .where(descriptions.c.record_id == bindparam("its_record"))
    .order_by(descriptions.c.revision)
)
_DESCRIPTION = _DESCRIPTIONS.where(descriptions.c.revision == bindparam("its_revision"))
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_CURRENT_VERSIONS = _VERSIONS.join(
    records, and_(records.c.id == versions.c.record_id, records.c.current_ordinal == versions.c.ordinal)
).where(records.c.id.in_(_wanted))
_CURRENT_DESCRIPTIONS = (
    select(descriptions, fonds.c.tree_id)
    .join(fonds, fonds.c.id == descriptions.c.fonds_id)
    .join(
        records,
        and_(records.c.id == descriptions.c.record_id, records.c.current_revision == descriptions.c.revision),
    )
    .where(records.c.id.in_(_wanted))
)


def version_of(row: Row[Any]) -> Version:
    """The version of a row that was joined with its fonds."""
    return Version(
        record_id=RecordId(row.record_id),
        ordinal=row.ordinal,
        object=object_of(row),
        version_id=row.version_id,
        lock=lock_of(row),
        sealed_content=row.sealed_content,
        created_at=row.created_at,
        created_by=PersonId(row.created_by),
        legal_hold=row.legal_hold,
    )


def description_of(row: Row[Any]) -> DescriptionRevision:
    """The revision of a row that was joined with its fonds."""
    return DescriptionRevision(
        record_id=RecordId(row.record_id),
        revision=row.revision,
        ordinal=row.ordinal,
        leaf=leaf_of(row),
        sealed=row.sealed,
        created_at=row.created_at,
        created_by=PersonId(row.created_by),
    )


class SqlRecordShelf(SqlPeriods):
    """``vault.shelves.RecordShelf`` in SQL."""

    __slots__ = ()

    def add_version(self, version: Version) -> None:
        self._rows.run(
            _ADD_VERSION,
            {
                "record_id": version.record_id,
                "ordinal": version.ordinal,
                "version_id": version.version_id,
                "sealed_content": version.sealed_content,
                "created_at": version.created_at,
                "created_by": version.created_by,
                "legal_hold": version.legal_hold,
                **object_values(version.object, version.lock),
            },
        )

    def version(self, record_id: RecordId, ordinal: int) -> Version | None:
        row = self._rows.first(_VERSION, {"its_record": record_id, "its_ordinal": ordinal})
        return None if row is None else version_of(row)

    def versions(self, record_id: RecordId) -> Sequence[Version]:
        return [version_of(row) for row in self._rows.all(_OF_RECORD, {"its_record": record_id})]

    def version_of_object(self, object_id: ObjectId) -> Version | None:
        row = self._rows.first(_OF_OBJECT, {"its_object": object_id})
        return None if row is None else version_of(row)

    def set_lock(self, record_id: RecordId, ordinal: int, lock: Lock) -> None:
        changed = self._rows.run(
            _SET_LOCK,
            {
                "its_record": record_id,
                "its_ordinal": ordinal,
                "its_mode": lock.mode.value,
                "its_until": lock.retain_until,
            },
        )
        if changed != 1:
            raise NotFound(f"record {record_id} has no version {ordinal}")

    def locks_to_renew(self, *, lapsing_before: datetime, limit: int = 500) -> Sequence[Version]:
        rows = self._rows.all(_TO_RENEW, {"lapsing_before": lapsing_before, "at_most": limit})
        return [version_of(row) for row in rows]

    def locks_to_extend(self, *, after: tuple[str, int] = ("", 0), limit: int = 500) -> Sequence[tuple[Version, date]]:
        values = {"after_record": after[0], "after_ordinal": after[1], "at_most": limit}
        return [(version_of(row), row.due_on) for row in self._rows.all(_TO_EXTEND, values)]

    def add_description(self, revision: DescriptionRevision) -> None:
        self._rows.run(
            _ADD_DESCRIPTION,
            {
                "record_id": revision.record_id,
                "revision": revision.revision,
                "ordinal": revision.ordinal,
                "sealed": revision.sealed,
                "created_at": revision.created_at,
                "created_by": revision.created_by,
                **leaf_values(revision.leaf),
            },
        )

    def description(self, record_id: RecordId, revision: int) -> DescriptionRevision | None:
        row = self._rows.first(_DESCRIPTION, {"its_record": record_id, "its_revision": revision})
        return None if row is None else description_of(row)

    def descriptions(self, record_id: RecordId) -> Sequence[DescriptionRevision]:
        return [description_of(row) for row in self._rows.all(_DESCRIPTIONS, {"its_record": record_id})]

    def current(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, tuple[Version, DescriptionRevision]]:
        found_versions: dict[RecordId, Version] = {}
        found_descriptions: dict[RecordId, DescriptionRevision] = {}
        for start in range(0, len(record_ids), AT_ONCE):
            chunk = {"wanted": record_ids[start : start + AT_ONCE]}
            found_versions |= {
                RecordId(row.record_id): version_of(row) for row in self._rows.all(_CURRENT_VERSIONS, chunk)
            }
            found_descriptions |= {
                RecordId(row.record_id): description_of(row) for row in self._rows.all(_CURRENT_DESCRIPTIONS, chunk)
            }
        return {
            record_id: (version, found_descriptions[record_id])
            for record_id, version in found_versions.items()
            if record_id in found_descriptions
        }

    def all_versions(self) -> Iterator[Version]:
        after = ("", 0)
        while rows := self._rows.all(_ALL_AFTER, {"after_record": after[0], "after_ordinal": after[1]}):
            yield from map(version_of, rows)
            after = (rows[-1].record_id, rows[-1].ordinal)
