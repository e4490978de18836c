"""What a destruction would take: records with what decides over them, and the leaves and extents of the key tree.

Rule 1: asked for update, customers and records are locked first, in this order and each by id, and read then; so what
was looked at is what is destroyed. Matters are read in the same transaction, behind the tree's row: placing takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, and_, bindparam, exists, func, or_, select, text, union

from storage.catalogue.customers import customer_of, customers
from storage.catalogue.extents import extents
from storage.catalogue.fonds import fonds
from storage.catalogue.holds import SqlHoldShelf
from storage.catalogue.intents import intents
from storage.catalogue.links import links
from storage.catalogue.records import record_of, records
from storage.catalogue.rows import Rows
from storage.catalogue.uploads import uploads
from storage.catalogue.versions import versions
from vault.customers import Customer
from vault.destruction import Candidate, Scope, Targets
from vault.fonds import Fonds
from vault.ids import CustomerId, RecordId
from vault.seal.destruction import Doomed
from vault.seal.keytree import LeafAddress

AT_ONCE: Final = 500
"""Ids a statement."""

_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_NAMED = records.c.id.in_(_wanted)
_OF_CUSTOMERS = records.c.customer_id.in_(_wanted)

_links_of = select(func.count()).where(links.c.record_id == records.c.id).correlate(records).scalar_subquery()
_CANDIDATES = (
    select(
        records,
        func.count(versions.c.ordinal).label("version_count"),
        func.sum(versions.c.size_bytes).label("size_bytes"),
        func.sum(versions.c.sealed_size_bytes).label("sealed_size_bytes"),
        func.max(versions.c.lock_until).label("locked_until"),
        _links_of.label("link_count"),
    )
    .join(versions, versions.c.record_id == records.c.id)
    .group_by(records.c.id)
    .order_by(records.c.id)
)
_LOCK = select(records.c.id).order_by(records.c.id).with_for_update(key_share=True)
_LOCK_CUSTOMERS = (
    select(customers.c.id).where(customers.c.id.in_(_wanted)).order_by(customers.c.id).with_for_update(key_share=True)
)
_LOCK_EXTENTS = (
    select(extents.c.number).where(extents.c.owner.in_(_wanted)).order_by(extents.c.number).with_for_update()
)
_GET_CUSTOMERS = (
    select(customers, fonds.c.tree_id)
    .join(fonds, fonds.c.id == customers.c.fonds_id)
    .where(customers.c.id.in_(_wanted))
    .order_by(customers.c.number)
)
_EXTENTS = select(extents.c.number).where(extents.c.fonds_id == bindparam("its_fonds"), extents.c.owner.in_(_wanted))
_OPEN_INTENTS = select(intents.c.record_id, intents.c.customer_id).where(text("intents.state IN ('open', 'sealed')"))
# Leaves of uploads that were given up, or staged, have or had bytes in the store: they die with their record.
_LEAVES = union(
    select(versions.c.extent, versions.c.leaf).where(versions.c.record_id.in_(_wanted)),
    select(intents.c.extent, intents.c.leaf).where(intents.c.record_id.in_(_wanted)),
    select(uploads.c.extent, uploads.c.leaf).where(uploads.c.record_id.in_(_wanted)),
)


_LEAVES_ELSEWHERE = union(
    *(
        select(table.c.extent, table.c.leaf)
        .join(records, records.c.id == table.c.record_id)
        .where(
            _OF_CUSTOMERS,
            ~exists().where(
                extents.c.fonds_id == table.c.fonds_id,
                extents.c.number == table.c.extent,
                extents.c.owner == records.c.customer_id,
            ),
        )
        for table in (versions, intents, uploads)
    )
)
_STRANGERS = (
    select(records.c.id, records.c.number)
    .join(versions, versions.c.record_id == records.c.id)
    .join(extents, and_(extents.c.fonds_id == versions.c.fonds_id, extents.c.number == versions.c.extent))
    .where(
        extents.c.owner.in_(_wanted),
        or_(records.c.customer_id.is_(None), records.c.customer_id != extents.c.owner),
        records.c.state.in_(["received", "filed"]),
    )
)


class SqlCandidates:
    """The part of ``vault.shelves.BatchShelf`` that looks; ``batches.py`` has the one that changes."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def scope(self, fonds: Fonds, targets: Targets, *, for_update: bool = False) -> Scope:
        if for_update and self._rows.on_postgres:
            self._lock(targets)
        found_customers = self._customers(targets)
        open_intents = self._rows.all(_OPEN_INTENTS)
        busy_records = {row.record_id for row in open_intents}
        busy_customers = {row.customer_id for row in open_intents}
        candidates = {each.record.id: each for each in self._candidates(targets, busy_records)}
        tree = fonds.tree_id
        whole = {
            row.number
            for chunk in _chunks(targets.customers)
            for row in self._rows.all(_EXTENTS, {"wanted": chunk, "its_fonds": fonds.id})
        }
        leaves = {
            LeafAddress(tree_id=tree, extent=row.extent, leaf=row.leaf)
            for statement, wanted in ((_LEAVES, targets.records), (_LEAVES_ELSEWHERE, targets.customers))
            for chunk in _chunks(wanted)
            for row in self._rows.all(statement, {"wanted": chunk})
            if row.extent not in whole
        }
        strangers = {
            row.number
            for chunk in _chunks(targets.customers)
            for row in self._rows.all(_STRANGERS, {"wanted": chunk})
            if row.id not in candidates
        }
        return Scope(
            candidates=[candidates[record_id] for record_id in sorted(candidates)],
            customers=found_customers,
            doomed=Doomed(leaves=leaves, extents=whole),
            strangers=sorted(strangers),
            busy_customers=frozenset(CustomerId(each) for each in targets.customers & busy_customers),
            customer_matters=SqlHoldShelf(self._rows).of_customers(targets.customers),
        )

    def _customers(self, targets: Targets) -> list[Customer]:
        return [
            customer_of(row)
            for chunk in _chunks(targets.customers)
            for row in self._rows.all(_GET_CUSTOMERS, {"wanted": chunk})
        ]

    def _candidates(self, targets: Targets, busy: set[str]) -> Iterator[Candidate]:
        for condition, wanted in ((_NAMED, targets.records), (_OF_CUSTOMERS, targets.customers)):
            statement = _CANDIDATES.where(condition)
            for chunk in _chunks(wanted):
                rows = self._rows.all(statement, {"wanted": chunk})
                held = SqlHoldShelf(self._rows).of_records(RecordId(row.id) for row in rows)
                for row in rows:
                    yield Candidate(
                        record=record_of(row),
                        version_count=row.version_count,
                        size_bytes=int(row.size_bytes),
                        sealed_size_bytes=int(row.sealed_size_bytes),
                        locked_until=row.locked_until,
                        link_count=row.link_count,
                        has_open_intent=row.id in busy,
                        matters=tuple(held.get(row.id, ())),
                    )

    def _lock(self, targets: Targets) -> None:
        for chunk in _chunks(targets.customers):
            self._rows.all(_LOCK_CUSTOMERS, {"wanted": chunk})
        for chunk in _chunks(targets.customers):
            self._rows.all(_LOCK_EXTENTS, {"wanted": chunk})
        for condition, wanted in ((_OF_CUSTOMERS, targets.customers), (_NAMED, targets.records)):
            for chunk in _chunks(wanted):
                self._rows.all(_LOCK.where(condition), {"wanted": chunk})


def _chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
