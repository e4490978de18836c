"""The shelf of what is derived from versions."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from vault.derived import Derived
from vault.ids import RecordId


class DerivedShelf(Protocol):
    def next_number(self) -> int:
        """The number of what is derived next, above every one before it."""
        ...

    def keep(self, derived: Derived) -> None:
        """Adds it, in place of what was derived of that version before."""
        ...

    def get(self, record_id: RecordId, ordinal: int) -> Derived | None: ...

    def known(
        self, record_ids: Sequence[RecordId], *, parsers: int, since: datetime
    ) -> AbstractSet[tuple[RecordId, int]]:
        """Of these records, the versions from which these parsers, or later ones, derived already, but for those that
        failed by something passing (``vault.derived.PASSING``) before ``since``."""
        ...

    def pictured(self, record_ids: Sequence[RecordId]) -> AbstractSet[tuple[RecordId, int]]:
        """Of these records, the versions that have a picture."""
        ...

    def since(self, number: int, *, limit: int = 500) -> Sequence[tuple[int, RecordId, int]]:
        """Number, record and ordinal of what was derived after a number, in that order."""
        ...
