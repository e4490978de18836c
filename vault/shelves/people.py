"""The shelf of people, invitations and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId
from vault.people import Invitation, Person


class PersonShelf(Protocol):
    def any(self) -> bool: ...

    def add(self, person: Person) -> None:
        """Raises ``AlreadyExists`` when the sign-in name is taken."""
        ...

    def get(self, person_id: PersonId, *, for_update: bool = False) -> Person | None: ...

    def by_login_index(self, login_index: bytes) -> Person | None: ...

    def all(self) -> Sequence[Person]: ...

    def add_invitation(self, invitation: Invitation) -> None: ...

    def invitation(self, token_sha256: bytes) -> Invitation | None: ...

    def use_invitation(self, token_sha256: bytes, *, now: datetime) -> bool:
        """Marks an unused, unexpired invitation as used; False when it is neither."""
        ...

    def withdraw_invitations(self, *, now: datetime) -> None:
        """Marks every unused invitation as used."""
        ...

    def update(self, person: Person) -> None:
        """Replaces profile, sign-in name, password and state. Raises ``AlreadyExists``."""
        ...
