"""What the catalogue keeps of notices of destruction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from vault.ids import FondsId, ListId, NoticeId
from vault.notices import Notice


class NoticeShelf(Protocol):
    """Notices of destruction. The database executes no list, and begins no window, while one of its notices waits."""

    def add(self, made: Iterable[Notice]) -> None:
        """Notices of a list that is proposed or approved."""
        ...

    def update(self, notice: Notice) -> None:
        """Settles one that waited; the database refuses a second time."""
        ...

    def get(self, notice_id: NoticeId) -> Notice | None: ...

    def of_list(self, list_id: ListId) -> Sequence[Notice]:
        """The staff's first, then by customer."""
        ...

    def waiting(self, list_id: ListId) -> int:
        """How many of a list wait."""
        ...

    def drop_waiting(self, list_id: ListId, *, change: int) -> None:
        """There is nothing to tell any more."""
        ...

    def between(self, since: int, to: int) -> Sequence[Notice]:
        """What changed after change number ``since``, up to ``to``."""
        ...

    def page(
        self,
        fonds_id: FondsId,
        *,
        only_waiting: bool = False,
        only_staff: bool = False,
        classes: frozenset[str] | None = None,
        before: Notice | None = None,
        limit: int = 50,
    ) -> Sequence[Notice]:
        """Newest first, behind ``before``; of lists of these classes, None for every class."""
        ...
