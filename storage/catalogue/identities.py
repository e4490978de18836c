"""Identities at the outside provider, found by a keyed index; and which of its groups are groups here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.identities import GroupMapping, Identity
from vault.ids import PersonId

identities = Table(
    "identities",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("subject_index", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("bound_by", Text, nullable=False),
    Column("bound_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    CheckConstraint("length(subject_index) = 32", name="subject_index"),
)

group_mappings = Table(
    "group_mappings",
    metadata,
    Column("provided", Text, primary_key=True),
    Column("group_code", Text, ForeignKey("groups.code"), primary_key=True),
    Column("mapped_by", Text, nullable=False),
    Column("mapped_at", UtcDateTime, nullable=False),
    CheckConstraint("length(provided) BETWEEN 1 AND 200", name="provided"),
)

_ADD = insert(identities)
_BY_SUBJECT = select(identities).where(identities.c.subject_index == bindparam("its_index"))
_OF = select(identities).where(identities.c.person_id == bindparam("its_person"))
_ALL = select(identities).order_by(identities.c.bound_at, identities.c.person_id)
_USED = (
    update(identities)
    .where(identities.c.person_id == bindparam("its_person"), identities.c.subject_index == bindparam("its_index"))
    .values(last_used_at=bindparam("at"))
)
_REMOVE = delete(identities).where(identities.c.person_id == bindparam("its_person"))

_MAP = insert(group_mappings)
_MAPPINGS = select(group_mappings).order_by(group_mappings.c.provided, group_mappings.c.group_code)
_UNMAP = delete(group_mappings).where(
    group_mappings.c.provided == bindparam("its_provided"), group_mappings.c.group_code == bindparam("its_group")
)


class SqlIdentityShelf:
    """``vault.shelves.IdentityShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, identity: Identity) -> None:
        self._rows.run(
            _ADD,
            {
                "person_id": identity.person_id,
                "subject_index": identity.subject_index,
                "sealed": identity.sealed,
                "bound_by": identity.bound_by,
                "bound_at": identity.bound_at,
                "last_used_at": identity.last_used_at,
            },
        )

    def by_subject(self, subject_index: bytes) -> Identity | None:
        row = self._rows.first(_BY_SUBJECT, {"its_index": subject_index})
        return None if row is None else _identity_of(row)

    def of_person(self, person_id: PersonId) -> Identity | None:
        row = self._rows.first(_OF, {"its_person": person_id})
        return None if row is None else _identity_of(row)

    def all(self) -> Sequence[Identity]:
        return [_identity_of(row) for row in self._rows.all(_ALL)]

    def used(self, person_id: PersonId, subject_index: bytes, *, at: datetime) -> bool:
        return self._rows.run(_USED, {"its_person": person_id, "its_index": subject_index, "at": at}) == 1

    def remove(self, person_id: PersonId) -> bool:
        return self._rows.run(_REMOVE, {"its_person": person_id}) == 1

    def map_group(self, mapping: GroupMapping) -> None:
        self._rows.run(
            _MAP,
            {
                "provided": mapping.provided,
                "group_code": mapping.group,
                "mapped_by": mapping.mapped_by,
                "mapped_at": mapping.mapped_at,
            },
        )

    def mappings(self) -> Sequence[GroupMapping]:
        return [
            GroupMapping(
                provided=row.provided,
                group=row.group_code,
                mapped_by=PersonId(row.mapped_by),
                mapped_at=row.mapped_at,
            )
            for row in self._rows.all(_MAPPINGS)
        ]

    def unmap_group(self, provided: str, group: str) -> bool:
        return self._rows.run(_UNMAP, {"its_provided": provided, "its_group": group}) == 1


def _identity_of(row: Row[Any]) -> Identity:
    return Identity(
        person_id=PersonId(row.person_id),
        subject_index=row.subject_index,
        sealed=row.sealed,
        bound_by=PersonId(row.bound_by),
        bound_at=row.bound_at,
        last_used_at=row.last_used_at,
    )
