"""The shelf of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.audit import Entry, Event, NumberedEntry


class AuditShelf(Protocol):
    def append(self, entry: Entry) -> None:
        """Writes an entry; its number is one above the highest, without gaps. Raises ``InvalidInput`` for what no log
        takes."""
        ...

    def append_numbered(self, entry: Entry) -> int:
        """The same for whoever has to know the number before the transaction ends; others wait longer meanwhile."""
        ...

    def page(
        self,
        *,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
        actor: str | None = None,
        event: Event | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[NumberedEntry]:
        """Newest first; ``since`` and ``until`` are both included."""
        ...

    def newest(self) -> int:
        """The highest number; 0 when there is no entry."""
        ...

    def between(self, first: int, last: int) -> Sequence[NumberedEntry]:
        """The entries with these numbers (both included) that are there, oldest first.

        Raises ``CatalogueBroken`` when a row is no entry.
        """
        ...

    def take_back(self, entries: Sequence[NumberedEntry]) -> None:
        """Entries that the published log has and this catalogue, which is being restored, has not."""
        ...
