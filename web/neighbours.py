"""The fonds that one process serves, and in which of them a browser is signed in.

Rule 1: nobody is told of a fonds in which their browser has no session that lasts: neither its name nor that it is
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vault.errors import StrongroomError
from vault.workflows import fonds
from web.remembered import Remembered

if TYPE_CHECKING:
    from web.site import Site

LASTS: Final = timedelta(seconds=15)
UNNAMED: Final = "Strongroom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another fonds in which the browser is signed in: what it is called, and where its first page is."""

    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What the fonds of a page is called, empty where nobody has named it, and where else its visitor may go."""

    name: str
    others: Sequence[Elsewhere]


NOWHERE: Final = Whereabouts(name="", others=())


class Neighbours:
    """Sites of one process, by their prefix. Each knows of the others by the same object."""

    def __init__(self) -> None:
        self._names: Mapping[str, tuple[Site, Remembered[str]]] = {}

    def join(self, site: Site) -> None:
        """One more site, or another in the place of one."""
        # Replaced as a whole: readers are other threads.
        self._names = {**self._names, site.prefix: (site, Remembered(LASTS))}

    def beside(self, site: Site) -> Sequence[Site]:
        """The other sites, the first fonds's first."""
        return [each for prefix, (each, _) in sorted(self._names.items()) if prefix != site.prefix]

    def any(self) -> Site | None:
        """One of the sites, if there is any."""
        return next((site for site, _ in self._names.values()), None)

    def name_of(self, site: Site) -> str:
        """What the fonds of a site is called, by its code where it has no name; the first may have neither."""
        known = self._names.get(site.prefix)
        return known[1].get(site.vault.now(), lambda: _find_name(site))[1] if known is not None else ""


def _find_name(site: Site) -> str:
    with suppress(StrongroomError):
        if name := fonds.name_of(site.vault):
            return name
    return site.prefix.rpartition("/")[2]
