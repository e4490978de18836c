"""The shelf of identities at the outside provider, and of what its groups are here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.identities import GroupMapping, Identity
from vault.ids import PersonId


class IdentityShelf(Protocol):
    def add(self, identity: Identity) -> None:
        """Raises ``AlreadyExists`` where the person has one, or the subject is somebody's."""
        ...

    def by_subject(self, subject_index: bytes) -> Identity | None: ...

    def of_person(self, person_id: PersonId) -> Identity | None: ...

    def all(self) -> Sequence[Identity]: ...

    def used(self, person_id: PersonId, subject_index: bytes, *, at: datetime) -> bool:
        """False when that subject is no longer theirs; else it stays so until the transaction ends."""
        ...

    def remove(self, person_id: PersonId) -> bool: ...

    def map_group(self, mapping: GroupMapping) -> None:
        """Raises ``AlreadyExists``."""
        ...

    def mappings(self) -> Sequence[GroupMapping]: ...

    def unmap_group(self, provided: str, group: str) -> bool: ...
