"""The shelf of links and their uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import LinkId, RecordId, UseId
from vault.links import Link, Use


class LinkShelf(Protocol):
    def add(self, link: Link) -> None: ...

    def get(self, link_id: LinkId) -> Link | None: ...

    def page(
        self,
        *,
        record_id: RecordId | None = None,
        classes: frozenset[str] | None = None,
        restricted_in: frozenset[str] | None = None,
        before: tuple[datetime, LinkId] | None = None,
        limit: int = 50,
    ) -> Sequence[Link]:
        """Newest first, by (created_at, id); ``classes`` and ``restricted_in`` as in ``RecordFilter``."""
        ...

    def revoke(self, link_id: LinkId, *, now: datetime) -> bool:
        """False when it was revoked before."""
        ...

    def take_use(self, link_id: LinkId, *, now: datetime) -> bool:
        """One more use, atomically: only while not revoked, not expired, and below ``uses_max``."""
        ...

    def add_use(self, use: Use) -> None: ...

    def use(self, token_sha256: bytes) -> Use | None: ...

    def reserve_bytes(self, use_id: UseId, count: int) -> bool:
        """Adds to ``bytes_sent`` unless that would pass ``bytes_max``; False then."""
        ...

    def release_bytes(self, use_id: UseId, count: int) -> None:
        """Gives back what was reserved and provably never left."""
        ...

    def return_use(self, use_id: UseId) -> bool:
        """Gives the use back to its link and ends it, if nothing is reserved under it; False otherwise."""
        ...
