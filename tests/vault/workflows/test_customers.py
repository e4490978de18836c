"""Customers: numbered, sealed, found again."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from vault.audit import Event
from vault.customers import NAME_MAX_CHARACTERS, NOTE_MAX_CHARACTERS, Profile
from vault.errors import InvalidInput, NotAllowed, NotFound
from vault.ids import PersonId
from vault.permissions import Actor, Role
from vault.records import Description
from vault.workflows import customers, intake, retrieval
from vault.workflows.intake import Filing
from vault.workflows.vault import Vault


def test_a_customer_is_found_by_number_and_by_id(vault: Vault, actor: Actor) -> None:
    added = customers.add_customer(vault, actor, Profile.checked(name=" 李雷 ", note="一行\n二行"))
    assert added.profile == Profile(name="李雷", note="一行\n二行")
    for key in (added.customer.id, added.customer.number):
        assert customers.find_customer(vault, actor, key) == added
    with pytest.raises(NotFound):
        customers.find_customer(vault, actor, "K-999999")


def test_a_customers_name_is_neither_in_the_catalogue_nor_in_the_log(vault: Vault, actor: Actor) -> None:
    marked = "markedcustomername"
    customer = customers.add_customer(vault, actor, Profile.checked(name=marked, note=marked)).customer
    with vault.catalogue.read() as tx:
        entries = tx.audit.page(subject=customer.id)
        waiting = [body for _, _, body in tx.outbox.pending()]
    assert [each.entry.event for each in entries] == [Event.CUSTOMER_ADDED]
    assert marked not in repr(entries)
    assert marked.encode() not in customer.sealed_profile
    assert waiting
    assert not any(marked.encode() in body for body in waiting)


def test_customers_added_at_once_have_numbers_and_addresses_of_their_own(vault: Vault, actor: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(customers.add_customer, vault, actor, Profile.checked(name=f"Customer {n}")) for n in range(24)
        ]
        added = [future.result() for future in futures]
    assert len({view.customer.number for view in added}) == 24
    assert len({view.customer.profile_leaf for view in added}) == 24
    assert {view.customer.profile_leaf.leaf for view in added} == {0}


def test_the_list_pages_by_number(vault: Vault, actor: Actor) -> None:
    for number in range(3):
        customers.add_customer(vault, actor, Profile.checked(name=f"Paged {number}"))
    seen: list[str] = []
    after = None
    while page := customers.list_customers(vault, actor, after=after, limit=2):
        assert len(page) <= 2
        seen += [view.customer.number for view in page]
        after = seen[-1]
    assert seen == sorted(set(seen))
    assert seen == [view.customer.number for view in customers.list_customers(vault, actor, limit=1000)]


def test_a_customers_records_are_sealed_under_addresses_of_the_customer(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile.checked(name="Han Meimei")).customer
    filing = Filing(
        class_code="identity",
        customer_id=customer.id,
        description=Description.checked(title="Passport"),
        file_name="passport.pdf",
    )
    leaves = []
    for _ in range(66):  # an extent has 64 leaves, and the profile took the first
        with intake.begin(vault, actor, filing) as receiving:
            receipt = intake.receive_from(vault, receiving, io.BytesIO(b"x").readinto)
        leaves.append(retrieval.show(vault, actor, receipt.record_id).versions[0].version.object.leaf)
    assert len(set(leaves)) == 66
    assert customer.profile_leaf not in leaves
    with vault.catalogue.read() as tx:
        extents = {extent.number for extent in tx.extents.of_owner(vault.fonds.id, customer.id)}
    assert {leaf.extent for leaf in leaves} == extents
    assert len(extents) == 2
    story = retrieval.show(vault, actor, receipt.record_id)
    assert story.view.customer is not None
    assert story.view.customer.profile.name == "Han Meimei"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * (NAME_MAX_CHARACTERS + 1)),
        ("name", "a\nb"),
        ("name", "a\0b"),
        ("name", "\ud800"),
        ("note", "x" * (NOTE_MAX_CHARACTERS + 1)),
        ("note", "\ud800"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused_naming_the_field(field: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Profile.checked(**{"name": "Li Lei", field: text})
    assert refused.value.field == field


def test_a_reader_looks_and_adds_nobody(vault: Vault, actor: Actor) -> None:
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    nobody = Actor(person_id=PersonId("nobody"), roles=frozenset())
    customers.list_customers(vault, reader)
    with pytest.raises(NotAllowed):
        customers.add_customer(vault, reader, Profile.checked(name="x"))
    for call in (
        lambda: customers.list_customers(vault, nobody),
        lambda: customers.find_customer(vault, nobody, "K-000001"),
    ):
        with pytest.raises(NotAllowed):
            call()
