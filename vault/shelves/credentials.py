"""What people prove themselves with beside a password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.credentials import Authenticator, Passkey
from vault.ids import PasskeyId, PersonId


class CredentialShelf(Protocol):
    """Authenticators, recovery codes and passkeys."""

    def authenticator(self, person_id: PersonId) -> Authenticator | None: ...

    def put_authenticator(self, authenticator: Authenticator) -> None:
        """Adds one, in place of one that is not confirmed. Raises ``AlreadyExists`` where one is."""
        ...

    def confirm_authenticator(self, person_id: PersonId, *, at: datetime) -> bool: ...

    def take_step(self, person_id: PersonId, step: int) -> bool:
        """Takes the code of a time step; False when that, or a later one, was taken before."""
        ...

    def remove_authenticator(self, person_id: PersonId) -> bool: ...

    def replace_recovery_codes(self, person_id: PersonId, digests: Sequence[bytes]) -> None: ...

    def take_recovery_code(self, person_id: PersonId, digest: bytes, *, now: datetime) -> bool: ...

    def recovery_codes_left(self, person_id: PersonId) -> int: ...

    def add_passkey(self, passkey: Passkey) -> None:
        """Raises ``AlreadyExists`` when the credential is known."""
        ...

    def passkey(self, passkey_id: PasskeyId) -> Passkey | None: ...

    def passkey_by_index(self, credential_index: bytes) -> Passkey | None: ...

    def passkeys(self, person_id: PersonId) -> Sequence[Passkey]:
        """Oldest first."""
        ...

    def reseal_passkey(self, passkey_id: PasskeyId, sealed: bytes) -> None: ...

    def passkey_used(self, passkey: Passkey, *, sign_count: int, at: datetime) -> bool:
        """Keeps the new count; False when somebody else was faster."""
        ...

    def remove_passkey(self, passkey_id: PasskeyId, *, person_id: PersonId) -> bool: ...

    def has_second_factor(self, person_id: PersonId) -> bool:
        """A confirmed authenticator, or a passkey."""
        ...
