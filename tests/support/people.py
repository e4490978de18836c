"""Who acts in tests: the one place that knows which roles somebody needs for what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from vault.ids import PersonId
from vault.people import OPERATOR_ID
from vault.permissions import Actor, Role
from vault.workflows.groups import actor_of
from vault.workflows.vault import Vault

FOUNDER: Final = frozenset({Role.SECURITY, Role.OFFICER, Role.RECORDS})
"""The roles of somebody in ``vault.groups.FOUNDING``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving(Actor):
    """Somebody who proves at every step that it is them, whatever a clock in the hand says."""

    def proved_within(self, span: timedelta, *, now: datetime) -> bool:
        return True


def somebody(name: str, *roles: Role) -> Actor:
    """Somebody of these roles, a founder where none is named, who proves at every step that it is them."""
    return Proving(person_id=PersonId(name), roles=frozenset(roles) or FOUNDER)


def acting(vault: Vault, person_id: PersonId) -> Actor:
    """Somebody as they act now, by their groups, who proves at every step that it is them."""
    with vault.catalogue.read() as tx:
        actor = actor_of(tx, person_id, vault.fonds.id)
    return Proving(**{field.name: getattr(actor, field.name) for field in fields(actor)})


def everything() -> Actor:
    """Somebody who may do everything that a role permits, also after the first person exists."""
    return Actor(person_id=OPERATOR_ID, roles=frozenset(Role))
