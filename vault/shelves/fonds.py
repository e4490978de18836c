"""The shelf of fonds."""

from __future__ import annotations

from typing import Protocol

from vault.fonds import Fonds
from vault.ids import FondsId


class FondsShelf(Protocol):
    def add(self, fonds: Fonds) -> None: ...

    def first(self) -> Fonds | None:
        """The fonds of this catalogue; each has one of its own."""
        ...

    def name(self, fonds_id: FondsId, sealed_name: bytes) -> None:
        """Keeps what its company is called, under a change number of its own."""
        ...

    def named(self) -> int:
        """The change number of the last name; 0 before."""
        ...
