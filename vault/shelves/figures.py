"""The shelf of figures: how much there is of what, for the first page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from vault.ids import FondsId
from vault.records import RecordState


class FigureShelf(Protocol):
    def records_in(self, state: RecordState, *, classes: frozenset[str] | None, limit: int) -> int:
        """How many records are in a state, counted no further than ``limit``."""
        ...

    def records_due(self, class_codes: Sequence[str], today: date, *, limit: int) -> int:
        """How many filed records of these classes are past their period, counted no further than ``limit``."""
        ...

    def kept_by_class(self, fonds_id: FondsId) -> Sequence[tuple[str, int, int]]:
        """(class, versions, bytes) of what is not destroyed, in any order. It looks at every version."""
        ...
