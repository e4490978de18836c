"""The shelf of rebuilt catalogues."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.fonds import Rebuild
from vault.ids import FondsId


class RebuildShelf(Protocol):
    """Catalogues made again from the store: until two people have confirmed the holds, nothing is destroyed."""

    def add(self, fonds_id: FondsId, *, at: datetime) -> None: ...

    def unconfirmed(self, fonds_id: FondsId, *, for_update: bool = False) -> Rebuild | None:
        """The oldest one whose holds are not confirmed by two people."""
        ...

    def confirm(self, rebuild: Rebuild) -> None:
        """Keeps who confirmed. The database refuses the same person twice."""
        ...
