"""The way from the root's secret to a leaf's, where destruction has left pages (FORMAT.md 2.3).

Rule 1: above a page everything has a page: the way down opens pages first, then derives, never the other way round.
Rule 2: a page that has to be there and is not is an error, never a lazy node: deleting rows fails closed.
Rule 3: what opens under one root is one state of the tree, whole. So pages need no generation in them, and a reader
that keeps opened pages never has to forget one before the next root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Final

from vault.errors import InvalidInput, KeyDestroyed, SealBroken
from vault.ports import Buffer
from vault.seal.keytree import ARITY, EXTENT_LEVEL, LeafAddress, walk
from vault.seal.pages import ROOT, ChildState, Page, Place, open_page
from vault.seal.secrets import Secret

FIRST_GENERATION: Final = 1
"""A tree's first root is lazy. Every later one has a page."""

CACHED_PAGES: Final = 4096

LoadPage = Callable[[int, int], Buffer | None]
"""Gives the sealed page of a level and a number in it, or None where there is none; all from one snapshot."""


def find_leaf(root: Secret, address: LeafAddress, load_page: LoadPage, *, rooted: bool) -> Secret:
    """The secret of one leaf. ``rooted`` says that the root has a page, as every root but a tree's first one has.

    Raises ``KeyDestroyed`` when the leaf, or a node above it, was destroyed; ``SealBroken`` when a page is missing or
    is not the one that the page above it names.
    """

    def opened(node: Secret, place: Place) -> Page:
        return load_and_open(node, load_page, tree_id=address.tree_id, place=place)

    return _descend(root, address, opened, rooted=rooted)


class TreeReader:
    """Finds leaves under one root of one tree, keeping opened pages above the extents (2 KiB each, secrets among them).

    Bound to one generation: throw it away when the root changes. It may be used by several threads. A page that is
    kept is not loaded again, so a row that is deleted later is noticed by the next reader.
    """

    def __init__(
        self,
        root: Secret,
        *,
        tree_id: bytes,
        generation: int,
        load_page: LoadPage,
        cached_pages: int = CACHED_PAGES,
    ) -> None:
        self.tree_id = tree_id
        self.generation = generation
        self._root = root
        self._load_page = load_page
        self._cached_pages = cached_pages
        self._cache: dict[Place, Page] = {}
        self._lock = Lock()

    def leaf(self, address: LeafAddress) -> Secret:
        """The secret of one leaf. Raises as ``find_leaf``, and ``InvalidInput`` for a leaf of another tree."""
        if address.tree_id != self.tree_id:
            raise InvalidInput(f"leaf {address} is another tree's", field="leaf")
        return _descend(self._root, address, self._opened, rooted=self.generation > FIRST_GENERATION)

    def _opened(self, node: Secret, place: Place) -> Page:
        page = self._cache.get(place)
        if page is None:
            page = load_and_open(node, self._load_page, tree_id=self.tree_id, place=place)
            if place.level < EXTENT_LEVEL:
                self._keep(place, page)
        return page

    def _keep(self, place: Place, page: Page) -> None:
        with self._lock:
            while self._cache and len(self._cache) >= self._cached_pages:
                # The oldest goes: the root's page comes back with the next walk, for the price of one page.
                del self._cache[next(iter(self._cache))]
            if self._cached_pages:
                self._cache[place] = page


def walk_pages(root: Secret, load_page: LoadPage, *, tree_id: bytes, rooted: bool) -> Iterator[tuple[Place, Page]]:
    """Opens every page that the root reaches, parents first. Other pages are of no use and may be dropped.

    Raises ``SealBroken`` at the first one that is missing or does not open: the pages before it are sound.
    """
    waiting = [(ROOT, root)] if rooted else []
    while waiting:
        place, node = waiting.pop()
        page = load_and_open(node, load_page, tree_id=tree_id, place=place)
        yield place, page
        waiting += [(place.child(digit), page.secret(digit)) for digit in reversed(page.digits(ChildState.PAGE))]


def load_and_open(node: Secret, load_page: LoadPage, *, tree_id: bytes, place: Place) -> Page:
    """The page of a node that must have one. Raises ``SealBroken`` when it is missing or does not open."""
    sealed = load_page(place.level, place.number)
    if sealed is None:
        raise SealBroken(f"key page {place} is missing though its parent names it; restore the pages from the store")
    return open_page(node, sealed, tree_id=tree_id, place=place)


def _descend(root: Secret, address: LeafAddress, opened: Callable[[Secret, Place], Page], *, rooted: bool) -> Secret:
    node, number, paged = root, 0, rooted
    digits = address.digits
    for level, digit in enumerate(digits):
        if not paged:
            return walk(node, digits[level:])
        page = opened(node, Place(level, number))
        state = page.state(digit)
        if state is ChildState.DEAD:
            raise KeyDestroyed(
                f"the key of leaf {address} is destroyed; nothing that was sealed under it opens any more"
            )
        node, number, paged = page.secret(digit), number * ARITY + digit, state is ChildState.PAGE
    return node
