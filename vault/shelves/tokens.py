"""API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId, TokenId
from vault.tokens import ApiToken


class TokenShelf(Protocol):
    def add(self, token: ApiToken) -> None: ...

    def by_digest(self, token_sha256: bytes) -> ApiToken | None: ...

    def of_person(self, person_id: PersonId) -> Sequence[ApiToken]:
        """Newest first, revoked ones included."""
        ...

    def used(self, token_id: TokenId, *, at: datetime) -> None: ...

    def revoke(self, token_id: TokenId, *, person_id: PersonId, at: datetime) -> bool: ...

    def revoke_all(self, person_id: PersonId, *, at: datetime) -> int: ...
