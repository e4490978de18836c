"""The shelf of key trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from vault.destruction import TreeState
from vault.ids import FondsId
from vault.seal.pages import Place


class TreeShelf(Protocol):
    """Where each key tree stands, and its pages."""

    def add(self, fonds_id: FondsId, state: TreeState) -> None: ...

    def get(self, fonds_id: FondsId, *, for_update: bool = False) -> TreeState | None:
        """``for_update`` makes batches, and whatever else asks so, follow one another."""
        ...

    def advance(self, fonds_id: FondsId, state: TreeState) -> None:
        """Moves a tree on by one generation, to that of a batch on the shelf. Raises ``Conflict``."""
        ...

    def page(self, fonds_id: FondsId, level: int, number: int) -> bytes | None:
        """The sealed page of a node, or None where it has none."""
        ...

    def pages(self, fonds_id: FondsId) -> Iterator[tuple[Place, bytes]]:
        """Every page, by place."""
        ...

    def pages_of_generation(self, fonds_id: FondsId, generation: int) -> dict[Place, bytes]:
        """The pages that a generation wrote and none has replaced since."""
        ...

    def page_count(self, fonds_id: FondsId) -> int: ...

    def write_pages(
        self, fonds_id: FondsId, generation: int, pages: Mapping[Place, bytes], removed: Iterable[Place]
    ) -> None:
        """What a batch of this generation, which is on the shelf and ``erasing``, does to the pages."""
        ...
