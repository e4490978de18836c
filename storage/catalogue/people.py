"""People and their invitations. Tokens are known by their SHA-256 only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, fonds_of_tree, leaf_of, leaf_values
from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.objects import leaf_columns
from storage.catalogue.rows import Rows
from vault.ids import PersonId
from vault.people import OPERATOR_ID, Invitation, Person

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login_index", LargeBinary, nullable=False, unique=True),
    fonds_column(),
    *leaf_columns(),
    Column("sealed_profile", LargeBinary, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("length(login_index) = 32", name="login_index"),
    Index("uq_people_leaf", "fonds_id", "extent", "leaf", unique=True),
)

invitations = Table(
    "invitations",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("invited_by", Text, nullable=False, server_default=OPERATOR_ID),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
)

invitation_groups = Table(
    "invitation_groups",
    metadata,
    Column("token_sha256", LargeBinary, ForeignKey("invitations.token_sha256"), primary_key=True),
    Column("group_code", Text, ForeignKey("groups.code"), primary_key=True),
)

_ANY = select(people.c.id).limit(1)
_ADD = insert(people).values(fonds_id=fonds_of_tree())
_ALL = select(people, fonds.c.tree_id).join(fonds, fonds.c.id == people.c.fonds_id)
_GET = _ALL.where(people.c.id == bindparam("its_id"))
# What refers to the person meanwhile (a session, an intent) need not wait: it would, holding what this waits for.
_GET_FOR_UPDATE = _GET.with_for_update(of=people, key_share=True)
_BY_LOGIN_INDEX = _ALL.where(people.c.login_index == bindparam("its_index"))
_UPDATE = (
    update(people)
    .where(people.c.id == bindparam("its_id"))
    .values({name: bindparam(name) for name in ("login_index", "sealed_profile", "password_hash", "active")})
)
_IN_ORDER = _ALL.order_by(people.c.created_at, people.c.id)

_ADD_INVITATION = insert(invitations)
_INVITATION = select(invitations).where(invitations.c.token_sha256 == bindparam("its_token"))
_ADD_GROUP = insert(invitation_groups)
_GROUPS = select(invitation_groups.c.group_code).where(invitation_groups.c.token_sha256 == bindparam("its_token"))
_USE_INVITATION = (
    update(invitations)
    .where(
        invitations.c.token_sha256 == bindparam("its_token"),
        invitations.c.used_at.is_(None),
        invitations.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
)
_WITHDRAW = update(invitations).where(invitations.c.used_at.is_(None)).values(used_at=bindparam("now"))


def person_of(row: Row[Any]) -> Person:
    """The person of a row that was joined with its fonds."""
    return Person(
        id=PersonId(row.id),
        login_index=row.login_index,
        profile_leaf=leaf_of(row),
        sealed_profile=row.sealed_profile,
        password_hash=row.password_hash,
        active=row.active,
        created_at=row.created_at,
    )


class SqlPersonShelf:
    """``vault.shelves.PersonShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def any(self) -> bool:
        return self._rows.first(_ANY) is not None

    def add(self, person: Person) -> None:
        self._rows.run(
            _ADD,
            {
                "id": person.id,
                "login_index": person.login_index,
                "sealed_profile": person.sealed_profile,
                "password_hash": person.password_hash,
                "active": person.active,
                "created_at": person.created_at,
                **leaf_values(person.profile_leaf),
            },
        )

    def update(self, person: Person) -> None:
        self._rows.run(
            _UPDATE,
            {
                "its_id": person.id,
                "login_index": person.login_index,
                "sealed_profile": person.sealed_profile,
                "password_hash": person.password_hash,
                "active": person.active,
            },
        )

    def get(self, person_id: PersonId, *, for_update: bool = False) -> Person | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": person_id})
        return None if row is None else person_of(row)

    def by_login_index(self, login_index: bytes) -> Person | None:
        row = self._rows.first(_BY_LOGIN_INDEX, {"its_index": login_index})
        return None if row is None else person_of(row)

    def all(self) -> Sequence[Person]:
        return [person_of(row) for row in self._rows.all(_IN_ORDER)]

    def add_invitation(self, invitation: Invitation) -> None:
        self._rows.run(
            _ADD_INVITATION,
            {
                "token_sha256": invitation.token_sha256,
                "expires_at": invitation.expires_at,
                "used_at": invitation.used_at,
                "invited_by": invitation.invited_by,
            },
        )
        self._rows.run_many(
            _ADD_GROUP,
            [{"token_sha256": invitation.token_sha256, "group_code": code} for code in sorted(invitation.groups)],
        )

    def invitation(self, token_sha256: bytes) -> Invitation | None:
        row = self._rows.first(_INVITATION, {"its_token": token_sha256})
        if row is None:
            return None
        return Invitation(
            token_sha256=row.token_sha256,
            groups=frozenset(each.group_code for each in self._rows.all(_GROUPS, {"its_token": token_sha256})),
            invited_by=PersonId(row.invited_by),
            expires_at=row.expires_at,
            used_at=row.used_at,
        )

    def use_invitation(self, token_sha256: bytes, *, now: datetime) -> bool:
        return self._rows.run(_USE_INVITATION, {"its_token": token_sha256, "now": now}) == 1

    def withdraw_invitations(self, *, now: datetime) -> None:
        self._rows.run(_WITHDRAW, {"now": now})
