"""Records with what is said of them, sealed, in bulk: what the search index is filled from.

Rule 1: one question gives record, current version and current description together, and only the columns that a search
needs: at a million records each column counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Text, and_, bindparam, func, select, tuple_

from storage.catalogue.fonds import fonds
from storage.catalogue.metadata import UtcDateTime
from storage.catalogue.records import records
from storage.catalogue.versions import SqlRecordShelf, descriptions, versions
from vault.ids import CustomerId, RecordId
from vault.records import RecordState
from vault.seal.keytree import LeafAddress
from vault.shelves.records import Described

_NEWEST = select(func.max(records.c.change))


@cache
def _described(*, follows: bool, older: bool) -> Select[Any]:
    """By change number behind one, or newest first (behind a key, when ``older``)."""
    statement = (
        select(
            records.c.id,
            records.c.number,
            records.c.class_code,
            records.c.customer_id,
            records.c.state,
            records.c.received_at,
            records.c.change,
            records.c.current_ordinal,
            records.c.current_revision,
            and_(records.c.restricted_by.is_not(None), records.c.restriction_lifted_by.is_(None)).label("restricted"),
            versions.c.sealed_content,
            versions.c.extent.label("content_extent"),
            versions.c.leaf.label("content_leaf"),
            descriptions.c.sealed,
            descriptions.c.extent.label("said_extent"),
            descriptions.c.leaf.label("said_leaf"),
            fonds.c.tree_id,
            records.c.trigger_on,
            records.c.filed_at,
        )
        .join(fonds, fonds.c.id == records.c.fonds_id)
        .outerjoin(
            versions, and_(versions.c.record_id == records.c.id, versions.c.ordinal == records.c.current_ordinal)
        )
        .outerjoin(
            descriptions,
            and_(descriptions.c.record_id == records.c.id, descriptions.c.revision == records.c.current_revision),
        )
        .limit(bindparam("at_most"))
    )
    if follows:
        return statement.where(records.c.change > bindparam("after_change")).order_by(records.c.change)
    if older:
        before = tuple_(bindparam("before_at", type_=UtcDateTime), bindparam("before_id", type_=Text))
        statement = statement.where(tuple_(records.c.received_at, records.c.id) < before)
    return statement.order_by(records.c.received_at.desc(), records.c.id.desc())


class SqlDescribedRecords(SqlRecordShelf):
    """``vault.shelves.RecordShelf`` with what the search index asks."""

    __slots__ = ()

    def newest_change(self) -> int:
        row = self._rows.first(_NEWEST)
        return 0 if row is None or row[0] is None else int(row[0])

    def described_since(self, change: int, *, limit: int) -> Sequence[Described]:
        rows = self._rows.all(_described(follows=True, older=False), {"after_change": change, "at_most": limit})
        return [_of(row) for row in rows]

    def described_before(self, before: tuple[datetime, RecordId] | None, *, limit: int) -> Sequence[Described]:
        values: dict[str, object] = {"at_most": limit}
        if before is not None:
            values["before_at"], values["before_id"] = before
        return [_of(row) for row in self._rows.all(_described(follows=False, older=before is not None), values)]


def _of(row: Row[Any]) -> Described:
    (
        record_id, number, class_code, customer_id, state, received_at, change, ordinal, revision, restricted,
        content, content_extent, content_leaf, said, said_extent, said_leaf, tree_id,
        trigger_on, filed_at,
    ) = tuple(row)  # fmt: skip
    leaf = None if said is None else LeafAddress(tree_id=tree_id, extent=said_extent, leaf=said_leaf)
    is_same = content_extent == said_extent and content_leaf == said_leaf
    if content is None or is_same:
        leaf_of_content = None if content is None else leaf
    else:
        leaf_of_content = LeafAddress(tree_id=tree_id, extent=content_extent, leaf=content_leaf)
    return Described(
        RecordId(record_id),
        number,
        class_code,
        None if customer_id is None else CustomerId(customer_id),
        RecordState(state),
        received_at,
        change,
        ordinal,
        revision,
        bool(restricted),
        content,
        leaf_of_content,
        said,
        leaf,
        trigger_on,
        filed_at,
    )
