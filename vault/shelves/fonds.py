"""The shelf of fonds."""

from __future__ import annotations

from typing import Protocol

from vault.fonds import Fonds


class FondsShelf(Protocol):
    def add(self, fonds: Fonds) -> None: ...

    def first(self) -> Fonds | None:
        """The only fonds, until several are supported."""
        ...
