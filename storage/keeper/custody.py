"""The custody of one fonds's root: keys of leaves from the root in force, and the next root while a batch is planned.

Rule 1: it serves one generation, whose root it got from a keeper by the attempt that the catalogue names.
Rule 2: a page that does not open is looked up once more, root and pages in one snapshot, before it is called broken: a
batch may just have been committed.
Rule 3: a planned root leaves only to keepers, and is forgotten with the next generation, whichever that is.
Limit: Python cannot wipe memory. A process that renewed no longer uses older roots; whoever read its memory before may.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Final

from storage.keeper.several import KeeperGroup
from vault.destruction import UNKNOWN_ATTEMPT, TreeState
from vault.errors import (
    CatalogueBroken,
    CatalogueOlder,
    Conflict,
    KeepersBehind,
    KeeperUnavailable,
    KeyDestroyed,
    NotFound,
    SealBroken,
    StrongroomError,
)
from vault.fonds import Fonds
from vault.ports import HeldRoot, KeeperStanding, Randomness
from vault.seal.destruction import Doomed, plan_destruction
from vault.seal.increments import Increment
from vault.seal.keytree import LeafAddress, LeafKeys, leaf_keys
from vault.seal.secrets import Secret
from vault.seal.tree import FIRST_GENERATION, LoadPage, TreeReader, find_leaf
from vault.shelves import Catalogue, Transaction

TRIES: Final = 8
"""How often the newest generation is followed while one batch after another is committed."""

PLANNED_MAX: Final = 4
"""Batches that may be planned at once; all but one of them are overtaken."""


class Custody:
    """Keeps the ``KeyCustody`` promise of ``vault.ports``, in this process."""

    def __init__(self, catalogue: Catalogue, keepers: KeeperGroup, fonds: Fonds, randomness: Randomness) -> None:
        self._catalogue = catalogue
        self._keepers = keepers
        self._fonds = fonds
        self._randomness = randomness
        self._mutex = Lock()
        self._serving: _Serving | None = None
        self._planned: dict[bytes, Secret] = {}

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf."""
        if address.tree_id != self._fonds.tree_id:
            raise NotFound("this key tree is not of this vault's fonds")
        serving = self._current()
        try:
            return leaf_keys(serving.reader.leaf(address))
        except SealBroken:
            return self._looked_up_again(address)

    def many_leaf_keys(
        self, addresses: Sequence[LeafAddress], *, keep: bool = True
    ) -> list[LeafKeys | StrongroomError]:
        """The keys of many leaves, or what each one's error is."""
        return [self._leaf_keys_or_error(address) for address in addresses]

    def _leaf_keys_or_error(self, address: LeafAddress) -> LeafKeys | StrongroomError:
        try:
            return self.leaf_keys(address)
        except (KeyDestroyed, NotFound, SealBroken) as exc:
            return exc

    def generation(self) -> int:
        """The generation that it serves."""
        return self._current().state.generation

    def renew(self) -> int:
        """Goes to the catalogue's generation."""
        for _ in range(TRIES):
            with self._catalogue.read() as tx:
                state = self._state(tx)
            try:
                return self._serve(state).state.generation
            except NotFound:
                # Two batches on, this root may be destroyed already; then the catalogue has moved on, too.
                continue
        raise self._without_root(state)

    def plan(self, doomed: Doomed) -> Increment:
        """Computes the next batch."""
        for _ in range(TRIES):
            with self._catalogue.read() as tx:
                state = self._state(tx)
                try:
                    serving = self._serve(state)
                except NotFound:
                    continue
                plan = plan_destruction(
                    serving.root, state.head, doomed, self._loader(tx), self._randomness.token_bytes
                )
            with self._mutex:
                while len(self._planned) >= PLANNED_MAX:
                    del self._planned[next(iter(self._planned))]
                self._planned[plan.increment.attempt] = plan.new_root
            return plan.increment
        raise self._without_root(state)

    def stage(self, increment: Increment) -> None:
        """Keeps the root of a planned increment durably."""
        self.stage_planned(increment.generation, increment.attempt)

    def stage_planned(self, generation: int, attempt: bytes) -> None:
        """``stage``, for a caller that has only the increment's name."""
        with self._mutex:
            root = self._planned.get(attempt)
        if root is None:
            raise Conflict("this batch was not planned here, or another one was planned since; plan it again")
        self._keepers.stage(self._fonds.tree_id, generation, attempt, root)

    @property
    def served(self) -> int | None:
        """The generation that it serves, None where nothing was asked yet; asks nobody."""
        serving = self._serving
        return serving.state.generation if serving is not None else None

    @property
    def has_plans(self) -> bool:
        """Whether a planned root is here that may still be staged."""
        return bool(self._planned)

    def promote(self, generation: int, attempt: bytes) -> None:
        """Puts a staged root in force."""
        self._keepers.promote(self._fonds.tree_id, generation, attempt)

    def destroy_others(self, generation: int, attempt: bytes) -> int:
        """Destroys every older generation, and every other attempt at this one."""
        return self._keepers.destroy_others(self._fonds.tree_id, generation, attempt)

    def standing(self) -> Sequence[KeeperStanding]:
        """How each keeper stands to the catalogue's root."""
        with self._catalogue.read() as tx:
            state = self._state(tx)
        return self._keepers.standing(state.tree_id, state.generation, self._attempt(state))

    def _current(self) -> _Serving:
        serving = self._serving
        if serving is None:
            self.renew()
            serving = self._serving
        if serving is None:
            raise KeeperUnavailable("no root could be read; see what the keepers say, then try again")
        return serving

    def _serve(self, state: TreeState) -> _Serving:
        """Reads the root of a state, unless it is served already; never goes back. Raises ``NotFound``."""
        serving = self._serving
        if serving is not None and serving.state == state:
            return serving
        attempt = self._attempt(state)
        with self._mutex:
            root = self._planned.get(attempt)
        if root is None:
            root = self._keepers.root(state.tree_id, state.generation, attempt)
        reader = TreeReader(root, tree_id=state.tree_id, generation=state.generation, load_page=self._load_page)
        made = _Serving(state, root, reader)
        with self._mutex:
            if self._serving is None or self._serving.state.generation < state.generation:
                self._serving = made
                self._planned.clear()
        return made

    def _looked_up_again(self, address: LeafAddress) -> LeafKeys:
        for _ in range(TRIES):
            with self._catalogue.read() as tx:
                state = self._state(tx)
                try:
                    serving = self._serve(state)
                except NotFound:
                    continue
                rooted = state.generation > FIRST_GENERATION
                return leaf_keys(find_leaf(serving.root, address, self._loader(tx), rooted=rooted))
        raise self._without_root(state)

    def _load_page(self, level: int, number: int) -> bytes | None:
        with self._catalogue.read() as tx:
            return tx.trees.page(self._fonds.id, level, number)

    def _loader(self, tx: Transaction) -> LoadPage:
        return lambda level, number: tx.trees.page(self._fonds.id, level, number)

    def _state(self, tx: Transaction) -> TreeState:
        return state_of(tx, self._fonds)

    def _attempt(self, state: TreeState) -> bytes:
        return attempt_of(state, self._keepers)

    def _without_root(self, state: TreeState) -> KeepersBehind:
        return KeepersBehind(
            f"no keeper that answers has generation {state.generation} of this vault; bring back the keepers"
        )


class _Serving:
    """What one generation's keys come from."""

    __slots__ = ("reader", "root", "state")

    def __init__(self, state: TreeState, root: Secret, reader: TreeReader) -> None:
        self.state = state
        self.root = root
        self.reader = reader


def state_of(tx: Transaction, fonds: Fonds) -> TreeState:
    """Where a fonds's tree stands. Raises ``CatalogueBroken``."""
    state = tx.trees.get(fonds.id)
    if state is None:
        raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")
    return state


def attempt_of(state: TreeState, keepers: KeeperGroup) -> bytes:
    """The attempt of a tree's root; of a first one that the catalogue never learnt, the promoted one's."""
    if state.attempt != UNKNOWN_ATTEMPT:
        return state.attempt
    promoted = [held.attempt for held in keepers.held(state.tree_id) if held.promoted and held.generation == 1]
    return promoted[0] if promoted else UNKNOWN_ATTEMPT


def require_belonging(catalogue: Catalogue, keepers: KeeperGroup, fonds: Fonds) -> None:
    """Compares the catalogue with the keepers, when it is opened (the table of DESIGN 5). Changes nothing.

    Raises ``CatalogueOlder``, ``KeepersBehind``, ``KeeperUnavailable``.
    """
    while True:
        with catalogue.read() as tx:
            before = state_of(tx, fonds)
        held = keepers.held(fonds.tree_id)
        with catalogue.read() as tx:
            state = state_of(tx, fonds)
        # Another process may just carry out a batch: what it committed between the two looks is looked at again.
        if state == before:
            break
    _require_belonging(state, attempt_of(state, keepers), held)


def _require_belonging(state: TreeState, attempt: bytes, held: Sequence[HeldRoot]) -> None:
    newest = max((root.generation for root in held if root.promoted), default=0)
    if newest > state.generation:
        raise CatalogueOlder(
            f"this catalogue is of generation {state.generation}, and records were destroyed since (the keepers are at "
            f"{newest}): it is an older copy. Nothing was changed. Lead it forward with `strongroom restore`, or open "
            "the newer catalogue"
        )
    if any((root.generation, root.attempt) == (state.generation, attempt) for root in held):
        return
    if any(root.promoted and root.generation == state.generation for root in held):
        raise CatalogueOlder(
            f"the keepers have another generation {state.generation} in force than this catalogue names: it is of "
            "another copy of this vault. Nothing was changed. Open the copy that went on, or restore its backup"
        )
    raise KeepersBehind(
        f"this catalogue is of generation {state.generation}, and no keeper that answers has its root (the newest in "
        f"force is {newest}). Nothing was changed. Bring back the keeper that has it, or restore its folder from the "
        "copy made since; an older copy of a keeper does not open this catalogue"
    )
