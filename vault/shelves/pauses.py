"""The shelf of pauses."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.disposal import Pause
from vault.ids import FondsId, PauseId, PersonId


class PauseShelf(Protocol):
    """Where automatic destruction stands."""

    def add(self, pause: Pause) -> None:
        """Raises ``AlreadyExists`` when one is open."""
        ...

    def open(self, fonds_id: FondsId, *, for_update: bool = False) -> Pause | None: ...

    def newest(self, fonds_id: FondsId) -> Pause | None: ...

    def resume(self, pause_id: PauseId, *, by: PersonId, at: datetime) -> bool:
        """False when it was resumed already."""
        ...

    def ran(self, fonds_id: FondsId, *, at: datetime) -> None:
        """Keeps when it last ran, by the clock of this machine."""
        ...

    def last_run(self, fonds_id: FondsId) -> datetime | None: ...

    def taken_since(self, fonds_id: FondsId, *, since: datetime) -> int:
        """How many records automatic lists took after then."""
        ...

    def living(self, fonds_id: FondsId) -> int:
        """How many records are neither destroyed nor about to be."""
        ...
