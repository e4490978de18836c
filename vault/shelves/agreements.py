"""The shelf of the confidentiality agreement's versions and signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.agreements import AgreementSignature, AgreementVersion
from vault.ids import PersonId


class AgreementShelf(Protocol):
    def add(self, version: AgreementVersion) -> None:
        """Raises ``AlreadyExists`` when somebody else published that version meanwhile."""
        ...

    def newest(self) -> AgreementVersion | None: ...

    def versions(self) -> Sequence[AgreementVersion]:
        """Newest first."""
        ...

    def sign(self, signature: AgreementSignature) -> None:
        """Raises ``AlreadyExists`` when it was signed before."""
        ...

    def signature(self, version: int, person_id: PersonId) -> AgreementSignature | None: ...

    def signatures(self) -> Sequence[AgreementSignature]:
        """Every signature, newest version first, then by time."""
        ...
