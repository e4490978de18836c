"""The shelf of destructions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from vault.destruction import Batch, Scope, Targets
from vault.fonds import Fonds
from vault.ids import BatchId, CustomerId, FondsId, ObjectId, RecordId


class BatchShelf(Protocol):
    """Destruction batches. A record, and a customer, is in one at most."""

    def scope(self, fonds: Fonds, targets: Targets, *, for_update: bool = False) -> Scope:
        """Everything that belongs to the targets. ``for_update`` locks customers, extents and records, in this order.

        Records that a batch has already are among the candidates; what does not exist is left out.
        """
        ...

    def add(self, batch: Batch, *, record_ids: Sequence[RecordId], customer_ids: Iterable[CustomerId]) -> None:
        """Raises ``AlreadyExists`` when the generation, or one of the records or customers, has a batch."""
        ...

    def get(self, batch_id: BatchId) -> Batch | None: ...

    def of_record(self, record_id: RecordId) -> Batch | None: ...

    def page(self, fonds_id: FondsId, *, before: int | None = None, limit: int = 50) -> Sequence[Batch]:
        """Newest first, by generation; ``before`` is the generation of the last one of the page before."""
        ...

    def unfinished(self, fonds_id: FondsId) -> Sequence[Batch]:
        """Batches that are not effective, oldest first."""
        ...

    def records(self, batch_id: BatchId, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, RecordId]]:
        """(position from 1, record), by position."""
        ...

    def customers(self, batch_id: BatchId) -> Sequence[CustomerId]: ...

    def erase(self, batch: Batch) -> None:
        """Its records and customers -> ``erasing``; no further leaf is issued in the customers' extents.

        Raises ``CatalogueBroken`` when one of them makes no such transition.
        """
        ...

    def promote(self, batch_id: BatchId) -> bool:
        """``erasing`` -> ``promoted``; False when it was not ``erasing``."""
        ...

    def finish(self, batch: Batch, *, at: datetime) -> bool:
        """``promoted`` -> ``effective``, its records and customers -> ``destroyed``; False when it was not."""
        ...

    def ciphertext_due(self, *, now: datetime, after: str = "", limit: int = 200) -> Sequence[RecordId]:
        """Destroyed records whose locks have lapsed and whose sealed bytes may still be in the store, by id."""
        ...

    def objects_of(self, record_id: RecordId) -> Sequence[tuple[ObjectId, str]]:
        """Every object that a record has, or had an upload for: (object id, key)."""
        ...

    def ciphertext_left(self, *, after: str = "", limit: int = 200) -> Sequence[RecordId]:
        """Records of any batch whose sealed bytes may still be in the store, locked or not, by id."""
        ...

    def ciphertext_deleted(self, record_id: RecordId, *, at: datetime) -> None: ...
