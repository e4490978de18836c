"""Sessions: who is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId, SessionId
from vault.people import Person
from vault.sessions import Session


class SessionShelf(Protocol):
    def add(self, session: Session) -> None: ...

    def get(self, token_sha256: bytes) -> Session | None: ...

    def with_person(self, token_sha256: bytes) -> tuple[Session, Person] | None:
        """A session with the person whose it is: every request asks for both."""
        ...

    def of_person(self, person_id: PersonId) -> Sequence[Session]:
        """Newest first, those that are over included."""
        ...

    def touch(self, session_id: SessionId, *, seen_at: datetime) -> None: ...

    def renew(
        self, session_id: SessionId, *, token_sha256: bytes, of: bytes, stepped_up_at: datetime, seen_at: datetime
    ) -> bool:
        """Gives a session another token, once; False when its token is no longer the one named by ``of``."""
        ...

    def end(self, session_id: SessionId, *, person_id: PersonId) -> bool: ...

    def end_all(self, person_id: PersonId, *, but: SessionId | None = None) -> int: ...

    def end_expired(self, *, now: datetime) -> int: ...
