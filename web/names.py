"""What people are called, for pages that name them: looked up when the first name is wanted, and kept for a minute.

Rule 1: whoever sees neither records nor the log nor people (``overview.TOLD_NAMES``) is told no name. Pages get them
from ``rendering`` and ask for none themselves. A name whose key is gone is forgotten within ``LASTS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vault.workflows import overview
from web.remembered import Remembered

if TYPE_CHECKING:
    from web.site import Visit

LASTS: Final = timedelta(minutes=1)


class Names:
    """The names of one process."""

    def __init__(self) -> None:
        self._known: Remembered[Mapping[str, str]] = Remembered(LASTS)

    def of(self, visit: Visit) -> Mapping[str, str]:
        """Names by id, for one visit; nothing is asked before one of them is."""
        return _Names(visit, self._known) if any(map(visit.may, overview.TOLD_NAMES)) else {}


class _Names(Mapping[str, str]):
    def __init__(self, visit: Visit, known: Remembered[Mapping[str, str]]) -> None:
        self._visit = visit
        self._known = known

    def _all(self) -> Mapping[str, str]:
        visit = self._visit
        _, found = self._known.get(visit.vault.now(), lambda: overview.names_of(visit.vault, visit.actor))
        return found

    def __getitem__(self, key: str) -> str:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
