"""Groups, what they grant, and who is in them.

Rule 1: nobody is of two administrations: a membership carries its group's (the foreign key says that it is that one),
and one person has one row with any at most.
Rule 2: a group of an administration grants it, on every class, and nothing else; nobody is added by themselves.
Rule 3: grants and memberships are added and removed, never changed; the log knows those of before.
Rule 4: a membership that follows the provider is its mapper's adding, so nobody comes in by a mapping of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    text,
)

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import UtcDateTime, metadata, one_of
from storage.catalogue.people import people
from storage.catalogue.rows import Rows
from vault.groups import Grant, Group, Membership
from vault.ids import FondsId, PersonId
from vault.permissions import ABOUT_RECORDS, ADMINISTRATIONS, Role

_NONE = ""
_IN_ONE = "administration <> ''"

groups = Table(
    "groups",
    metadata,
    Column("code", Text, primary_key=True),
    Column("administration", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("code", "administration"),
    one_of("administration", (_NONE, *sorted(ADMINISTRATIONS))),
)

grants = Table(
    "grants",
    metadata,
    Column("group_code", Text, primary_key=True),
    fonds_column(primary_key=True),
    Column("role", Text, primary_key=True),
    Column("class_code", Text, primary_key=True),
    Column("administration", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["group_code", "administration"], ["groups.code", "groups.administration"]),
    one_of("role", sorted(ADMINISTRATIONS | ABOUT_RECORDS)),
    CheckConstraint(
        f"(administration = '' AND role IN ({', '.join(repr(str(role)) for role in sorted(ABOUT_RECORDS))}))"
        " OR (role = administration AND class_code = '*')",
        name="administration",
    ),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_code", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True, index=True),
    Column("administration", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("provided", Text, nullable=False, server_default=_NONE),
    ForeignKeyConstraint(["group_code", "administration"], ["groups.code", "groups.administration"]),
    CheckConstraint("added_by <> person_id", name="two_people"),
    Index(
        "uq_memberships_administration",
        "person_id",
        unique=True,
        sqlite_where=text(_IN_ONE),
        postgresql_where=text(_IN_ONE),
    ),
)

_ADD = insert(groups)
_ALL = select(groups).order_by(groups.c.code)
_GET = select(groups).where(groups.c.code == bindparam("its_code"))
_GET_FOR_UPDATE = _GET.with_for_update()
_GRANT = insert(grants)
_GRANTS = select(grants).where(grants.c.fonds_id == bindparam("its_fonds")).order_by(
    grants.c.group_code, grants.c.role, grants.c.class_code
)  # fmt: skip
_REVOKE = delete(grants).where(
    grants.c.group_code == bindparam("its_group"),
    grants.c.fonds_id == bindparam("its_fonds"),
    grants.c.role == bindparam("its_role"),
    grants.c.class_code == bindparam("its_class"),
)
_JOIN = insert(memberships)
_MEMBERS = select(memberships).order_by(memberships.c.group_code, memberships.c.added_at, memberships.c.person_id)
_LEAVE = delete(memberships).where(
    memberships.c.group_code == bindparam("its_group"), memberships.c.person_id == bindparam("its_person")
)
_HELD = (
    select(memberships.c.person_id, grants.c.role, grants.c.class_code)
    .join(grants, grants.c.group_code == memberships.c.group_code)
    .where(grants.c.fonds_id == bindparam("its_fonds"))
)
_HELD_BY = _HELD.where(memberships.c.person_id == bindparam("its_person"))
_HELD_BY_ALL = _HELD.join(people, people.c.id == memberships.c.person_id).where(people.c.active)


class SqlGroupShelf:
    """``vault.shelves.GroupShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, group: Group) -> None:
        self._rows.run(
            _ADD,
            {
                "code": group.code,
                "administration": _written(group.administration),
                "created_by": group.created_by,
                "created_at": group.created_at,
            },
        )

    def all(self) -> Sequence[Group]:
        return [_group_of(row) for row in self._rows.all(_ALL)]

    def get(self, code: str, *, for_update: bool = False) -> Group | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_code": code})
        return None if row is None else _group_of(row)

    def grant(self, group: Group, grant: Grant) -> None:
        self._rows.run(
            _GRANT,
            {
                "group_code": grant.group,
                "fonds_id": grant.fonds_id,
                "role": grant.role.value,
                "class_code": grant.class_code,
                "administration": _written(group.administration),
                "granted_by": grant.granted_by,
                "granted_at": grant.granted_at,
            },
        )

    def grants(self, fonds_id: FondsId) -> Sequence[Grant]:
        return [
            Grant(
                group=row.group_code,
                fonds_id=FondsId(row.fonds_id),
                role=Role(row.role),
                class_code=row.class_code,
                granted_by=PersonId(row.granted_by),
                granted_at=row.granted_at,
            )
            for row in self._rows.all(_GRANTS, {"its_fonds": fonds_id})
        ]

    def revoke(self, group: str, fonds_id: FondsId, role: Role, class_code: str) -> bool:
        values = {"its_group": group, "its_fonds": fonds_id, "its_role": role.value, "its_class": class_code}
        return self._rows.run(_REVOKE, values) == 1

    def join(self, group: Group, membership: Membership) -> None:
        self._rows.run(
            _JOIN,
            {
                "group_code": membership.group,
                "person_id": membership.person_id,
                "administration": _written(group.administration),
                "added_by": membership.added_by,
                "added_at": membership.added_at,
                "provided": membership.provided,
            },
        )

    def memberships(self) -> Sequence[Membership]:
        return [
            Membership(
                group=row.group_code,
                person_id=PersonId(row.person_id),
                added_by=PersonId(row.added_by),
                added_at=row.added_at,
                provided=row.provided,
            )
            for row in self._rows.all(_MEMBERS)
        ]

    def leave(self, group: str, person_id: PersonId) -> bool:
        return self._rows.run(_LEAVE, {"its_group": group, "its_person": person_id}) == 1

    def held_by(self, person_id: PersonId, fonds_id: FondsId) -> Sequence[tuple[Role, str]]:
        rows = self._rows.all(_HELD_BY, {"its_person": person_id, "its_fonds": fonds_id})
        return [(Role(row.role), row.class_code) for row in rows]

    def held_by_all(self, fonds_id: FondsId) -> Sequence[tuple[PersonId, Role, str]]:
        rows = self._rows.all(_HELD_BY_ALL, {"its_fonds": fonds_id})
        return [(PersonId(row.person_id), Role(row.role), row.class_code) for row in rows]


def _written(administration: Role | None) -> str:
    return _NONE if administration is None else administration.value


def _group_of(row: Row[Any]) -> Group:
    return Group(
        code=row.code,
        administration=None if row.administration == _NONE else Role(row.administration),
        created_by=PersonId(row.created_by),
        created_at=row.created_at,
    )
