"""Customers: added, found, listed. A customer's profile is sealed under leaf 0 of the customer's first extent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vault.audit import Event
from vault.customers import Customer, Profile
from vault.errors import Conflict, KeyDestroyed, NotFound
from vault.ids import CustomerId, could_be_key
from vault.permissions import Action, Actor
from vault.workflows import allocation, descriptions, outbox
from vault.workflows.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """A customer with what is known of them: nothing any more, once their keys are destroyed."""

    customer: Customer
    profile: Profile


def add_customer(vault: Vault, actor: Actor, profile: Profile) -> CustomerView:
    """Adds a customer and gives them an extent of the key tree. Raises ``NotAllowed``, ``StoreUnavailable``."""
    actor.require(Action.ADD_CUSTOMER)
    view = _try_add(vault, actor, profile)
    if view is None:
        allocation.with_block(vault)
        view = _try_add(vault, actor, profile)
    if view is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    outbox.send_customer(vault, view.customer)
    return view


def find_customer(vault: Vault, actor: Actor, key: str) -> CustomerView:
    """The customer with an id or a number. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(Action.LIST_CUSTOMERS)
    customer = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            customer = tx.customers.by_number(vault.fonds.id, key) or tx.customers.get(CustomerId(key))
    if customer is None:
        raise NotFound("there is no such customer; look the number up in the list")
    return customer_view(vault, customer)


def list_customers(vault: Vault, actor: Actor, *, after: str | None = None, limit: int = 50) -> Sequence[CustomerView]:
    """A page of customers by number; ``after`` is the last number of the page before. Raises ``NotAllowed``."""
    actor.require(Action.LIST_CUSTOMERS)
    with vault.catalogue.read() as tx:
        customers = tx.customers.page(after=after, limit=limit)
    return [customer_view(vault, customer) for customer in customers]


def customer_view(vault: Vault, customer: Customer) -> CustomerView:
    """Opens a customer's profile; a destroyed one's is empty. The caller has authorised."""
    try:
        profile = descriptions.open_profile(
            vault,
            customer.profile_leaf,
            customer.sealed_profile,
            customer_id=customer.id,
            revision=customer.revision,
        )
    except KeyDestroyed:
        profile = Profile(name="")
    return CustomerView(customer=customer, profile=profile)


def _try_add(vault: Vault, actor: Actor, profile: Profile) -> CustomerView | None:
    customer_id = CustomerId(vault.new_id())
    with vault.catalogue.write() as tx:
        leaf = allocation.issue_leaf(vault, tx, customer_id)
        if leaf is None:
            return None
        customer = Customer(
            id=customer_id,
            fonds_id=vault.fonds.id,
            number=tx.customers.next_number(vault.fonds.id),
            profile_leaf=leaf,
            sealed_profile=descriptions.seal_profile(vault, leaf, profile, customer_id=customer_id, revision=1),
            revision=1,
            created_at=vault.now(),
            change=tx.records.next_change(),
        )
        tx.customers.add(customer)
        outbox.put_customer(vault, tx, customer)
        tx.audit.append(vault.entry(actor.person_id, Event.CUSTOMER_ADDED, customer.id, {"number": customer.number}))
    return CustomerView(customer=customer, profile=profile)
