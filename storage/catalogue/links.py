"""Links and the uses taken of them.

Rule 1: a use, and every byte of it, is taken by one UPDATE that carries its own condition: of many at once on the last
one, exactly one changes a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, fonds_of_tree, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.objects import leaf_columns
from storage.catalogue.records import limits_of, records, seen_by
from storage.catalogue.rows import Rows
from vault.ids import LinkId, PersonId, RecordId, UseId
from vault.links import Link, Use

links = Table(
    "links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    Column("ordinal", Counted, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("uses_max", Counted, nullable=False),
    Column("uses_taken", Counted, nullable=False),
    Column("pass_code_hash", Text, nullable=False),
    fonds_column(),
    *leaf_columns(),
    Column("sealed_note", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", UtcDateTime),
    ForeignKeyConstraint(["record_id", "ordinal"], ["versions.record_id", "versions.ordinal"]),
    ForeignKeyConstraint(["record_id", "fonds_id"], ["records.id", "records.fonds_id"]),
    CheckConstraint("uses_max >= 1", name="uses_max"),
    CheckConstraint("uses_taken >= 0 AND uses_taken <= uses_max", name="uses_taken"),
    Index("ix_links_created_at_id", "created_at", "id"),
    Index("ix_links_record_id_created_at_id", "record_id", "created_at", "id"),
)

uses = Table(
    "uses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("link_id", Text, ForeignKey("links.id"), nullable=False, index=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("bytes_max", Counted, nullable=False),
    Column("bytes_sent", Counted, nullable=False),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
    CheckConstraint("bytes_sent >= 0 AND bytes_sent <= bytes_max", name="bytes_sent"),
)

_ADD = insert(links).values(fonds_id=fonds_of_tree())
_ALL = select(links, fonds.c.tree_id).join(fonds, fonds.c.id == links.c.fonds_id)
_GET = _ALL.where(links.c.id == bindparam("its_id"))
_REVOKE = (
    update(links)
    .where(links.c.id == bindparam("its_id"), links.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_TAKE_USE = (
    update(links)
    .where(
        links.c.id == bindparam("its_id"),
        links.c.revoked_at.is_(None),
        links.c.expires_at > bindparam("now"),
        links.c.uses_taken < links.c.uses_max,
    )
    .values(uses_taken=links.c.uses_taken + 1)
)
_GIVE_BACK = update(links).where(links.c.id == bindparam("its_id")).values(uses_taken=links.c.uses_taken - 1)

_ADD_USE = insert(uses)
_USE = select(uses).where(uses.c.token_sha256 == bindparam("its_token"))
_RESERVE = (
    update(uses)
    .where(uses.c.id == bindparam("its_id"), uses.c.bytes_sent + bindparam("count", type_=Counted) <= uses.c.bytes_max)
    .values(bytes_sent=uses.c.bytes_sent + bindparam("count", type_=Counted))
)
_RELEASE = (
    update(uses)
    .where(uses.c.id == bindparam("its_id"))
    .values(bytes_sent=uses.c.bytes_sent - bindparam("count", type_=Counted))
)
_END_USE = delete(uses).where(uses.c.id == bindparam("its_id"), uses.c.bytes_sent == 0).returning(uses.c.link_id)


@cache
def _page(limits: frozenset[str], *, of_record: bool, follows: bool) -> Select[Any]:
    statement = _ALL
    if limits:
        statement = statement.join(records, records.c.id == links.c.record_id).where(*seen_by(limits))
    if of_record:
        statement = statement.where(links.c.record_id == bindparam("its_record"))
    if follows:
        before = tuple_(bindparam("before_at", type_=UtcDateTime), bindparam("before_id", type_=Text))
        statement = statement.where(tuple_(links.c.created_at, links.c.id) < before)
    return statement.order_by(links.c.created_at.desc(), links.c.id.desc()).limit(bindparam("at_most"))


def link_of(row: Row[Any]) -> Link:
    """The link of a row that was joined with its fonds."""
    return Link(
        id=LinkId(row.id),
        record_id=RecordId(row.record_id),
        ordinal=row.ordinal,
        expires_at=row.expires_at,
        uses_max=row.uses_max,
        uses_taken=row.uses_taken,
        pass_code_hash=row.pass_code_hash,
        leaf=leaf_of(row),
        sealed_note=row.sealed_note,
        created_at=row.created_at,
        created_by=PersonId(row.created_by),
        revoked_at=row.revoked_at,
    )


def _require_count(count: int) -> None:
    if count < 0:
        raise ValueError("a count of bytes is not negative")


class SqlLinkShelf:
    """``vault.shelves.LinkShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, link: Link) -> None:
        self._rows.run(
            _ADD,
            {
                "id": link.id,
                "record_id": link.record_id,
                "ordinal": link.ordinal,
                "expires_at": link.expires_at,
                "uses_max": link.uses_max,
                "uses_taken": link.uses_taken,
                "pass_code_hash": link.pass_code_hash,
                "sealed_note": link.sealed_note,
                "created_at": link.created_at,
                "created_by": link.created_by,
                "revoked_at": link.revoked_at,
                **leaf_values(link.leaf),
            },
        )

    def get(self, link_id: LinkId) -> Link | None:
        row = self._rows.first(_GET, {"its_id": link_id})
        return None if row is None else link_of(row)

    def page(
        self,
        *,
        record_id: RecordId | None = None,
        classes: frozenset[str] | None = None,
        restricted_in: frozenset[str] | None = None,
        before: tuple[datetime, LinkId] | None = None,
        limit: int = 50,
    ) -> Sequence[Link]:
        values: dict[str, object] = {"at_most": limit}
        if record_id is not None:
            values["its_record"] = record_id
        if before is not None:
            values["before_at"], values["before_id"] = before
        limits, seen = limits_of(classes, restricted_in)
        statement = _page(limits, of_record=record_id is not None, follows=before is not None)
        return [link_of(row) for row in self._rows.all(statement, {**values, **seen})]

    def revoke(self, link_id: LinkId, *, now: datetime) -> bool:
        return self._rows.run(_REVOKE, {"its_id": link_id, "now": now}) == 1

    def take_use(self, link_id: LinkId, *, now: datetime) -> bool:
        return self._rows.run(_TAKE_USE, {"its_id": link_id, "now": now}) == 1

    def add_use(self, use: Use) -> None:
        self._rows.run(
            _ADD_USE,
            {
                "id": use.id,
                "link_id": use.link_id,
                "token_sha256": use.token_sha256,
                "taken_at": use.taken_at,
                "expires_at": use.expires_at,
                "bytes_max": use.bytes_max,
                "bytes_sent": use.bytes_sent,
            },
        )

    def use(self, token_sha256: bytes) -> Use | None:
        row = self._rows.first(_USE, {"its_token": token_sha256})
        if row is None:
            return None
        return Use(
            id=UseId(row.id),
            link_id=LinkId(row.link_id),
            token_sha256=row.token_sha256,
            taken_at=row.taken_at,
            expires_at=row.expires_at,
            bytes_max=row.bytes_max,
            bytes_sent=row.bytes_sent,
        )

    def reserve_bytes(self, use_id: UseId, count: int) -> bool:
        _require_count(count)
        return self._rows.run(_RESERVE, {"its_id": use_id, "count": count}) == 1

    def release_bytes(self, use_id: UseId, count: int) -> None:
        _require_count(count)
        self._rows.run(_RELEASE, {"its_id": use_id, "count": count})

    def return_use(self, use_id: UseId) -> bool:
        row = self._rows.first(_END_USE, {"its_id": use_id})
        if row is None:
            return False
        return self._rows.run(_GIVE_BACK, {"its_id": row.link_id}) == 1
