"""The shelf of certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from vault.certificates import Certificate
from vault.destruction import Batch
from vault.ids import CertificateId, FondsId, RecordId
from vault.seal.keytree import LeafAddress


class CertificateShelf(Protocol):
    """Certificates of destruction. A generation of the keys has one at most."""

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """``C-2026-0001``, never given twice."""
        ...

    def add(self, certificate: Certificate) -> None:
        """Raises ``AlreadyExists`` when its generation has one."""
        ...

    def complete(self, certificate: Certificate) -> bool:
        """Replaces a pending one by the same with the log's proof; False when it is not pending (any more)."""
        ...

    def get(self, certificate_id: CertificateId) -> Certificate | None: ...

    def by_number(self, fonds_id: FondsId, number: str) -> Certificate | None: ...

    def of_batch(self, batch: Batch) -> Certificate | None: ...

    def page(
        self, fonds_id: FondsId, *, before: tuple[datetime, str] | None = None, limit: int = 50
    ) -> Sequence[Certificate]:
        """Newest first, by (issued_at, id); ``before`` is the key of the last one of the page before."""
        ...

    def pending(self, fonds_id: FondsId, *, limit: int = 50) -> Sequence[Certificate]:
        """Those that wait for the log's proof, oldest first."""
        ...

    def due(self, fonds_id: FondsId, *, after: int = 0, limit: int = 50) -> Sequence[Batch]:
        """Effective batches that destroyed something and have none, by generation, from behind ``after``."""
        ...

    def count_due(self, fonds_id: FondsId) -> int:
        """How many ``due`` would give without a limit."""
        ...

    def keep_titles(self, fonds_id: FondsId, leaf: LeafAddress, sealed: Mapping[RecordId, bytes]) -> None:
        """Titles of records that are being destroyed, sealed under the register's leaf."""
        ...

    def titles(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, tuple[LeafAddress, bytes]]:
        """What ``keep_titles`` kept, by record."""
        ...
