"""Recent searches: what somebody looked for lately, to look for it again.

Rule 1: they are sealed under the leaf of whom they belong to; nobody else sees them, or that there are any.
Rule 2: whoever does not want them kept switches them off: what was kept goes at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vault.ids import FondsId, PersonId

RECENT_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSearches:
    """One person's row; ``sealed`` opens to ``RecentSearches``."""

    fonds_id: FondsId
    person_id: PersonId
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentSearches:
    """What one person looked for, newest first, and whether it is kept at all."""

    words: tuple[str, ...] = ()
    are_kept: bool = True

    def with_search(self, words: str) -> RecentSearches:
        """After one more search; the same words stand there once."""
        if not self.are_kept:
            return self
        return replace(self, words=(words, *(each for each in self.words if each != words))[:RECENT_MAX])
