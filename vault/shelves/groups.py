"""The shelf of groups, what they grant and who is in them; the database keeps administrations apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.groups import Grant, Group, Membership
from vault.ids import FondsId, PersonId
from vault.permissions import Role


class GroupShelf(Protocol):
    def add(self, group: Group) -> None:
        """Raises ``AlreadyExists`` when the code is taken."""
        ...

    def all(self) -> Sequence[Group]: ...

    def get(self, code: str, *, for_update: bool = False) -> Group | None: ...

    def grant(self, group: Group, grant: Grant) -> None:
        """Raises ``AlreadyExists`` when it was given before."""
        ...

    def grants(self, fonds_id: FondsId) -> Sequence[Grant]:
        """By group, role and class."""
        ...

    def revoke(self, group: str, fonds_id: FondsId, role: Role, class_code: str) -> bool:
        """False when there was no such grant."""
        ...

    def join(self, group: Group, membership: Membership) -> None:
        """Raises ``AlreadyExists`` for a member, and for somebody of another administration."""
        ...

    def memberships(self) -> Sequence[Membership]:
        """By group, the oldest first."""
        ...

    def leave(self, group: str, person_id: PersonId) -> bool:
        """False when they were no member."""
        ...

    def held_by(self, person_id: PersonId, fonds_id: FondsId) -> Sequence[tuple[Role, str]]:
        """The roles of one person, each with its class."""
        ...

    def held_by_all(self, fonds_id: FondsId) -> Sequence[tuple[PersonId, Role, str]]:
        """The roles of every active person, each with its class."""
        ...
