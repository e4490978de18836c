"""Duplicates are found inside one scope, and told to those who may see them."""

from __future__ import annotations

import pytest

from tests.support.vault import add_bytes
from vault.customers import Profile
from vault.errors import NotFound
from vault.ids import PersonId, RecordId
from vault.permissions import Actor, Role
from vault.workflows import customers, duplicates
from vault.workflows.vault import Vault


def twins(vault: Vault, actor: Actor, record_id: RecordId) -> list[RecordId]:
    return [each.id for each in duplicates.twins_of(vault, actor, record_id)]


def test_the_same_bytes_of_one_owner_are_told_and_those_of_another_are_not(vault: Vault, actor: Actor) -> None:
    one, other = (
        customers.add_customer(vault, actor, Profile.checked(name=name)).customer.id for name in ("one", "other")
    )
    first = add_bytes(vault, actor, b"the very same", customer_id=one).record_id
    second = add_bytes(vault, actor, b"the very same", customer_id=one, class_code="voucher").record_id
    add_bytes(vault, actor, b"not the same", customer_id=one)
    others = add_bytes(vault, actor, b"the very same", customer_id=other).record_id
    house = add_bytes(vault, actor, b"the very same").record_id
    again = add_bytes(vault, actor, b"the very same").record_id
    add_bytes(vault, actor, b"the very same", class_code="voucher")
    assert twins(vault, actor, first) == [second]
    assert twins(vault, actor, second) == [first]
    assert twins(vault, actor, others) == []
    assert twins(vault, actor, house) == [again]


def test_a_twin_that_does_not_exist_for_somebody_is_not_told(vault: Vault, actor: Actor) -> None:
    owner = customers.add_customer(vault, actor, Profile.checked(name="owner")).customer.id
    theirs = add_bytes(vault, actor, b"twins", customer_id=owner).record_id
    hidden = add_bytes(vault, actor, b"twins", customer_id=owner, class_code="voucher").record_id
    reader = Actor(person_id=PersonId("reader"), roles=frozenset(), class_roles=frozenset({(Role.READER, "contract")}))
    assert twins(vault, actor, theirs) == [hidden]
    assert twins(vault, reader, theirs) == []
    with pytest.raises(NotFound):
        twins(vault, reader, hidden)
