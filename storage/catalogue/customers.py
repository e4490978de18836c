"""Customers: a number and a sealed profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    select,
)

from storage.catalogue.counters import next_value
from storage.catalogue.fonds import fonds, fonds_column, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.rows import Rows
from vault.customers import Customer, CustomerState
from vault.ids import CustomerId, FondsId

AT_ONCE: Final = 500

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    *leaf_columns(),
    Column("sealed_profile", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("change", Counted, nullable=False, unique=True),
    Column("state", Text, nullable=False, server_default="live"),
    UniqueConstraint("fonds_id", "number"),
    Index("ix_customers_number_id", "number", "id"),
    Index("uq_customers_leaf", "fonds_id", "extent", "leaf", unique=True),
    CheckConstraint("revision >= 1", name="revision"),
    one_of("state", CustomerState),
)

FIRST: Final = ""

_ADD = insert(customers).values(
    # Both must name the same fonds; a tree of another one gives NULL, which the column refuses.
    fonds_id=select(fonds.c.id)
    .where(fonds.c.id == bindparam("its_fonds"), fonds.c.tree_id == bindparam("its_tree"))
    .scalar_subquery()
)
_ALL = select(customers, fonds.c.tree_id).join(fonds, fonds.c.id == customers.c.fonds_id)
_GET = _ALL.where(customers.c.id == bindparam("its_id"))
_GET_SHARED = _GET.with_for_update(read=True, of=customers)
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_MANY = _ALL.where(customers.c.id.in_(_wanted))
_BY_NUMBER = _ALL.where(customers.c.fonds_id == bindparam("its_fonds"), customers.c.number == bindparam("its_number"))
_PAGE = _ALL.where(customers.c.number > bindparam("after")).order_by(customers.c.number).limit(bindparam("at_most"))
_CHANGED_SINCE = (
    _ALL.where(customers.c.change > bindparam("after_change")).order_by(customers.c.change).limit(bindparam("at_most"))
)


def customer_of(row: Row[Any]) -> Customer:
    """The customer of a row that was joined with its fonds."""
    return Customer(
        id=CustomerId(row.id),
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        profile_leaf=leaf_of(row),
        sealed_profile=row.sealed_profile,
        revision=row.revision,
        created_at=row.created_at,
        change=row.change,
        state=CustomerState(row.state),
    )


class SqlCustomerShelf:
    """``vault.shelves.CustomerShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def next_number(self, fonds_id: FondsId) -> str:
        return f"K-{next_value(self._rows, f'customer/{fonds_id}'):06d}"

    def add(self, customer: Customer) -> None:
        self._rows.run(
            _ADD,
            {
                "id": customer.id,
                "its_fonds": customer.fonds_id,
                "number": customer.number,
                "sealed_profile": customer.sealed_profile,
                "revision": customer.revision,
                "created_at": customer.created_at,
                "change": customer.change,
                "state": customer.state.value,
                **leaf_values(customer.profile_leaf),
            },
        )

    def get(self, customer_id: CustomerId, *, shared: bool = False) -> Customer | None:
        row = self._rows.first(_GET_SHARED if shared else _GET, {"its_id": customer_id})
        return None if row is None else customer_of(row)

    def many(self, customer_ids: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        return {
            CustomerId(row.id): customer_of(row)
            for start in range(0, len(customer_ids), AT_ONCE)
            for row in self._rows.all(_MANY, {"wanted": customer_ids[start : start + AT_ONCE]})
        }

    def by_number(self, fonds_id: FondsId, number: str) -> Customer | None:
        row = self._rows.first(_BY_NUMBER, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else customer_of(row)

    def page(self, *, after: str | None = None, limit: int = 50) -> Sequence[Customer]:
        values = {"after": FIRST if after is None else after, "at_most": limit}
        return [customer_of(row) for row in self._rows.all(_PAGE, values)]

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Customer]:
        rows = self._rows.all(_CHANGED_SINCE, {"after_change": change, "at_most": limit})
        return [customer_of(row) for row in rows]
