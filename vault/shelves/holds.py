"""The shelf of matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from vault.holds import Coverage, Matter, MatterRef, MirrorStep, ScopeItem
from vault.ids import CustomerId, FondsId, MatterId, RecordId


class HoldShelf(Protocol):
    """Matters and what they hold. A matter holds until it is released."""

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """``H-2026-0001``, never given twice."""
        ...

    def add(self, matter: Matter) -> None: ...

    def update(self, matter: Matter) -> None:
        """Replaces what of a matter may change; the database refuses one person for both steps of a release."""
        ...

    def get(self, matter_id: MatterId, *, for_update: bool = False) -> Matter | None: ...

    def by_number(self, fonds_id: FondsId, number: str) -> Matter | None: ...

    def page(self, fonds_id: FondsId, *, before: str | None = None, limit: int = 50) -> Sequence[Matter]:
        """Newest first, by number; ``before`` is the number of the last one of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Matter]: ...

    def add_items(self, items: Iterable[ScopeItem]) -> None:
        """Adds to scopes; what a matter names already stays as it is."""
        ...

    def scope_of(
        self, matter_id: MatterId, *, after: tuple[str, str] | None = None, limit: int = 500
    ) -> Sequence[ScopeItem]:
        """By (kind, subject); ``after`` is the key of the last one of the page before."""
        ...

    def items_between(self, since: int, to: int) -> Sequence[ScopeItem]:
        """What was added to any scope after change number ``since``, up to ``to``."""
        ...

    def of_records(self, record_ids: Iterable[RecordId]) -> Mapping[RecordId, Sequence[MatterRef]]:
        """The matters that hold these records, by number; records that nothing holds are left out."""
        ...

    def of_customers(self, customer_ids: Iterable[CustomerId]) -> Mapping[CustomerId, Sequence[MatterRef]]:
        """The matters that name these customers, in the same way."""
        ...

    def queries_in_force(self, fonds_id: FondsId) -> Sequence[tuple[Matter, ScopeItem]]:
        """The queries of matters that hold, by number."""
        ...

    def coverage(self, matter_id: MatterId) -> Coverage:
        """What is in a matter's scope, counted."""
        ...

    def to_mirror(self, *, limit: int = 10_000) -> Sequence[MirrorStep]:
        """Versions whose legal hold in the store is not what it should be; those that are to be held first."""
        ...

    def mirror_lag(self) -> int:
        """How many versions ``to_mirror`` would give without a limit."""
        ...

    def mirrored(self, steps: Sequence[MirrorStep]) -> None:
        """Keeps what the store confirmed; where somebody else kept something meanwhile, it is not known any more."""
        ...

    def doubt_mirror(self) -> None:
        """No legal hold in the store counts as confirmed: of a catalogue, or a store, that was restored."""
        ...
