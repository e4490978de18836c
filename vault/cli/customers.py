"""``strongroom customer``: the customers whose records are kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click

from vault.cli.documents import customer_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import local, plain, plain_lines, table
from vault.customers import Profile
from vault.permissions import Actor
from vault.workflows import customers
from vault.workflows.customers import CustomerView
from vault.workflows.vault import Vault

LIMIT = 50
PAGE = 100


@click.command("add")
@click.argument("name")
@click.option("--note", default="", help="What else there is to say.")
@speaking
@pass_invocation
def add(invocation: Invocation, name: str, note: str) -> None:
    """Add a customer; the vault gives the number."""
    profile = Profile.checked(name=name, note=note)
    with invocation.acting() as (vault, actor):
        view = customers.add_customer(vault, actor, profile)
    invocation.speech.data(customer_document(view), [f"{view.customer.number}  {plain(view.profile.name)}"])


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@speaking
@pass_invocation
def list_customers(invocation: Invocation, limit: int, everything: bool) -> None:
    """List customers by number."""
    with invocation.acting() as (vault, actor):
        every = _pages(vault, actor)
        views = list(every if everything else islice(every, limit + 1))
    more = not everything and len(views) > limit
    views = views[:limit] if more else views
    rows = [(view.customer.number, local(view.customer.created_at), view.profile.name) for view in views]
    invocation.speech.data(
        {"customers": [customer_document(view) for view in views], "more": more},
        table(("NUMBER", "SINCE", "NAME"), rows) if rows else (),
    )
    if not rows:
        invocation.speech.talk("no customers")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit or --all to see them")


def _pages(vault: Vault, actor: Actor) -> Iterator[CustomerView]:
    after: str | None = None
    while page := customers.list_customers(vault, actor, after=after, limit=PAGE):
        yield from page
        after = page[-1].customer.number


@click.command("show")
@click.argument("customer")
@speaking
@pass_invocation
def show(invocation: Invocation, customer: str) -> None:
    """Show a customer (by number or id)."""
    with invocation.acting() as (vault, actor):
        view = customers.find_customer(vault, actor, customer)
    invocation.speech.data(customer_document(view), _lines(view))


def _lines(view: CustomerView) -> Iterator[str]:
    yield f"{view.customer.number}  {plain(view.profile.name)}"
    yield f"  id     {view.customer.id}"
    yield f"  since  {local(view.customer.created_at)}"
    if view.profile.note:
        yield from (
            f"  {'note' if place == 0 else '':5}  {line}" for place, line in enumerate(plain_lines(view.profile.note))
        )
