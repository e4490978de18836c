"""Keepers as people see them: how each stands to the root in force.

Rule 1: a destruction is proven when every keeper is; one that is away, or was lost, is not known to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vault.ports import KeeperStanding

LOST: Final = "removed while out of reach"
"""What is said of a keeper that was removed and may still hold a root."""


class Standing(StrEnum):
    """How a keeper stands to the root in force."""

    PROVEN = "proven"
    """It has this root, and none that was to be destroyed."""
    HOLDS_OLDER = "holds-older"
    """It has this root, and older ones that are not destroyed yet."""
    BEHIND = "behind"
    AWAY = "away"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperView:
    """One keeper. ``generations_behind`` is None where nobody knows; ``older`` counts roots yet to be destroyed."""

    name: str
    standing: Standing
    generations_behind: int | None
    older: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepersView:
    """The generation in force by the catalogue, and every keeper, the lost ones last."""

    generation: int
    keepers: Sequence[KeeperView]

    @property
    def single(self) -> bool:
        """Whether losing one keeper loses everything."""
        return sum(each.standing is not Standing.LOST for each in self.keepers) == 1

    @property
    def all_proven(self) -> bool:
        """Whether no keeper is known, or may be feared, to have what was destroyed."""
        return all(each.standing is Standing.PROVEN for each in self.keepers)


def keeper_view(each: KeeperStanding, generation: int) -> KeeperView:
    """One keeper beside the generation in force."""
    standing, behind = Standing.PROVEN, 0 if each.has_root else None
    if not each.answers:
        standing, behind = Standing.LOST if each.text == LOST else Standing.AWAY, None
    elif not each.has_root:
        newest = max((root.generation for root in each.still_held if root.promoted), default=0)
        standing, behind = Standing.BEHIND, generation - newest
    elif each.still_held:
        standing = Standing.HOLDS_OLDER
    return KeeperView(
        name=each.name,
        standing=standing,
        generations_behind=behind,
        older=len(each.still_held),
        text=each.text,
    )
