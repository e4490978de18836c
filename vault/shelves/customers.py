"""The shelf of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from vault.customers import Customer
from vault.ids import CustomerId, FondsId


class CustomerShelf(Protocol):
    def next_number(self, fonds_id: FondsId) -> str:
        """``K-000001``, never given twice."""
        ...

    def add(self, customer: Customer) -> None: ...

    def get(self, customer_id: CustomerId, *, shared: bool = False) -> Customer | None:
        """``shared`` keeps a destruction of the customer waiting until this transaction has ended."""
        ...

    def many(self, customer_ids: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        """Customers by their ids; those that are not there are left out."""
        ...

    def by_number(self, fonds_id: FondsId, number: str) -> Customer | None: ...

    def page(self, *, after: str | None = None, limit: int = 50) -> Sequence[Customer]:
        """By number; ``after`` is the last number of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Customer]: ...
