"""Computes a destruction batch: which secrets are replaced, and the pages that hold the new ones (FORMAT.md 2.4).

Pure: nothing is written, and nothing is destroyed until the old root is. A plan that is never carried out does no harm
while its root is forgotten.

Rule 1: every node on the way from what dies up to the root gets a secret of its own randomness, so nothing that is kept
leads from the new root to an old one.
Rule 2: what does not die keeps its secret. A live leaf has the same keys for ever.
Rule 3: destroying what is dead already is no error; the plan says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby

from vault.errors import InvalidInput
from vault.seal.increments import ATTEMPT_LENGTH, ChainHead, Increment
from vault.seal.keytree import ARITY, EXTENT_COUNT, EXTENT_LEVEL, LeafAddress
from vault.seal.pages import NONCE_LENGTH, ROOT, ChildState, Page, Place, seal_page
from vault.seal.secrets import Secret, TokenBytes, random_bytes
from vault.seal.tree import FIRST_GENERATION, LoadPage, load_and_open


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """Leaves, and whole extents, of one tree. A leaf of an extent that is named too goes with its extent."""

    leaves: AbstractSet[LeafAddress] = field(default_factory=frozenset)
    extents: AbstractSet[int] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.leaves or self.extents)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestructionPlan:
    """A batch, computed: the next root (for the keepers alone), its increment, and what comes of each address.

    ``already_dead`` were destroyed before. ``destroyed`` and ``already_dead`` are together all that was doomed.
    """

    new_root: Secret
    increment: Increment
    destroyed: Doomed
    already_dead: Doomed


def plan_destruction(
    root: Secret, head: ChainHead, doomed: Doomed, load_page: LoadPage, token_bytes: TokenBytes
) -> DestructionPlan:
    """Computes the batch that destroys ``doomed`` and leads from ``head`` to the next generation.

    With nothing doomed, or all of it dead, the root alone is replaced. Each page counts 2,145 bytes of memory: 10,000
    random leaves some 30 to 70 MB. Raises ``SealBroken`` when a page on the way is missing or does not open,
    ``InvalidInput`` for an address that is another tree's or out of range.
    """
    planner = _Planner(head.tree_id, doomed, load_page, token_bytes)
    new_root = planner.replace_root(root, paged=head.generation > FIRST_GENERATION)
    return DestructionPlan(
        new_root=new_root,
        increment=Increment(
            tree_id=head.tree_id,
            generation=head.generation + 1,
            attempt=random_bytes(token_bytes, ATTEMPT_LENGTH),
            predecessor=head.digest,
            pages=planner.pages,
            removed=frozenset(planner.removed),
        ),
        destroyed=Doomed(leaves=planner.dying_leaves, extents=planner.dying_extents),
        already_dead=Doomed(leaves=planner.dead_leaves, extents=planner.dead_extents),
    )


class _Planner:
    """One walk over everything doomed; gathers pages and what became of each address."""

    def __init__(self, tree_id: bytes, doomed: Doomed, load_page: LoadPage, token_bytes: TokenBytes) -> None:
        self._tree_id = tree_id
        self._load_page = load_page
        self._token_bytes = token_bytes
        self._whole = doomed.extents
        self._leaves: dict[int, list[LeafAddress]] = {}
        for extent in doomed.extents:
            if not 0 <= extent < EXTENT_COUNT:
                raise InvalidInput(f"extent {extent} is outside 0 to {EXTENT_COUNT - 1}", field="extent")
        for address in doomed.leaves:
            if address.tree_id != tree_id:
                raise InvalidInput(f"leaf {address} is another tree's", field="leaf")
            self._leaves.setdefault(address.extent, []).append(address)
        self.pages: dict[Place, bytes] = {}
        self.removed: set[Place] = set()
        self.dying_leaves: set[LeafAddress] = set()
        self.dying_extents: set[int] = set()
        self.dead_leaves: set[LeafAddress] = set()
        self.dead_extents: set[int] = set()

    def replace_root(self, root: Secret, *, paged: bool) -> Secret:
        """Plans the whole batch; gives the new root. The root has a page even when all under it is dead."""
        extents = sorted(self._whole | self._leaves.keys())
        page = self._page(ROOT, root, paged=paged)
        return self._written(ROOT, page.replaced(self._changes(ROOT, page, extents)))

    def _replace(self, place: Place, node: Secret, extents: Sequence[int], *, paged: bool) -> Secret | None:
        """The node's new secret; the old one itself when nothing under it changes; None when nothing under it lives."""
        page = self._page(place, node, paged=paged)
        if place.level == EXTENT_LEVEL:
            changes = self._dying_leaves(page, place.number)
        else:
            changes = self._changes(place, page, extents)
        if not changes:
            return node
        page = page.replaced(changes)
        if page.is_dead:
            if paged:
                self.removed.add(place)
            return None
        return self._written(place, page)

    def _changes(self, place: Place, page: Page, extents: Sequence[int]) -> dict[int, Secret | None]:
        """What becomes of the children of a node above the extents; ``extents`` are sorted and all under it."""
        changes: dict[int, Secret | None] = {}
        for digit, group in _by_child(place, extents):
            child, state = place.child(digit), page.state(digit)
            if state is ChildState.DEAD:
                self._note_dead(group)
            elif child.level == EXTENT_LEVEL and child.number in self._whole:
                changes[digit] = None
                self.dying_extents.add(child.number)
                if state is ChildState.PAGE:
                    self.removed.add(child)
            else:
                old = page.secret(digit)
                new = self._replace(child, old, group, paged=state is ChildState.PAGE)
                if new is not old:
                    changes[digit] = new
        return changes

    def _dying_leaves(self, page: Page, extent: int) -> dict[int, Secret | None]:
        changes: dict[int, Secret | None] = {}
        for address in self._leaves[extent]:
            if page.state(address.leaf) is ChildState.DEAD:
                self.dead_leaves.add(address)
            else:
                self.dying_leaves.add(address)
                changes[address.leaf] = None
        return changes

    def _note_dead(self, extents: Sequence[int]) -> None:
        for extent in extents:
            if extent in self._whole:
                self.dead_extents.add(extent)
            else:
                self.dead_leaves.update(self._leaves[extent])

    def _page(self, place: Place, node: Secret, *, paged: bool) -> Page:
        if not paged:
            return Page.of_lazy(node)
        return load_and_open(node, self._load_page, tree_id=self._tree_id, place=place)

    def _written(self, place: Place, page: Page) -> Secret:
        """Seals the page under a secret drawn for it."""
        secret = Secret.generate(self._token_bytes)
        nonce = random_bytes(self._token_bytes, NONCE_LENGTH)
        self.pages[place] = seal_page(secret, page, tree_id=self._tree_id, place=place, nonce=nonce)
        return secret


def _by_child(place: Place, extents: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Sorted extents under a node, by the digit of the child that they are under."""
    width = ARITY ** (EXTENT_LEVEL - place.level - 1)
    for number, group in groupby(extents, key=lambda extent: extent // width):
        yield number % ARITY, list(group)
