"""Who acts in tests: the one place that knows which roles somebody needs for what."""

from __future__ import annotations

from typing import Final

from vault.ids import PersonId
from vault.people import OPERATOR_ID
from vault.permissions import Actor, Role
from vault.workflows.groups import actor_of
from vault.workflows.vault import Vault

FOUNDER: Final = frozenset({Role.SECURITY, Role.OFFICER, Role.RECORDS})
"""The roles of somebody in ``vault.groups.FOUNDING``."""


def acting(vault: Vault, person_id: PersonId) -> Actor:
    """Somebody as they act now, by their groups."""
    with vault.catalogue.read() as tx:
        return actor_of(tx, person_id, vault.fonds.id)


def everything() -> Actor:
    """Somebody who may do everything that a role permits, also after the first person exists."""
    return Actor(person_id=OPERATOR_ID, roles=frozenset(Role))
