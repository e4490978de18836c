"""The shelf of extents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.fonds import Extent
from vault.ids import FondsId


class ExtentShelf(Protocol):
    """Extents and the blocks that they are taken from. Both calls take row locks, so that no leaf is issued twice."""

    def issue_leaf(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        """Takes the next leaf of the owner's newest extent: (extent number, leaf 0..63); None when all are issued."""
        ...

    def add_extent(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        """Takes the next extent of the newest reserved block for the owner and issues its leaf 0; None when no block
        has an extent left (then reserve one and try again)."""
        ...

    def add_block(self, fonds_id: FondsId, block: int, *, first_extent: int, extent_count: int) -> None:
        """Records a block that was reserved in the store. Raises ``AlreadyExists``."""
        ...

    def newest_block(self, fonds_id: FondsId) -> int | None:
        """The highest block number recorded."""
        ...

    def retire_all(self, fonds_id: FondsId) -> None:
        """No further leaf of any extent, and no extent of any block, is taken: of a catalogue that was restored."""
        ...

    def retire(self, fonds_id: FondsId, number: int, owner: str) -> None:
        """Takes down an extent that was found in use, all leaves of it as issued."""
        ...

    def of_owner(self, fonds_id: FondsId, owner: str) -> Sequence[Extent]: ...
