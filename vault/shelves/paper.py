"""The shelf of paper originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from vault.ids import FondsId, RecordId
from vault.paper import Paper


class PaperShelf(Protocol):
    """Paper originals. A record has one at most."""

    def add(self, paper: Paper) -> None:
        """Raises ``AlreadyExists`` when its record has one."""
        ...

    def update(self, paper: Paper) -> None:
        """Replaces what of it may change; the database refuses any change of one that was destroyed."""
        ...

    def of_record(self, record_id: RecordId) -> Paper | None: ...

    def of_records(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, Paper]:
        """By record; those without paper are left out."""
        ...

    def in_box(self, fonds_id: FondsId, box: str, *, after: str = "", limit: int = 500) -> Sequence[Paper]:
        """What is, or was, in a box, by id."""
        ...
