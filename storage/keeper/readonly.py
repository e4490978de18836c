"""A keeper that cannot be changed, for drills, the doctor, rebuilds and whoever opens an older catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from vault.errors import NotAllowed
from vault.ports import HeldRoot, KeeperState, RootKeeper
from vault.seal.secrets import Secret


class ReadOnlyKeeper:
    """Keeps the ``RootKeeper`` promise, except that every change raises ``NotAllowed``."""

    def __init__(self, keeper: RootKeeper) -> None:
        self._keeper = keeper

    @property
    def name(self) -> str:
        """The name of the keeper inside."""
        return self._keeper.name

    def held(self, tree_id: bytes) -> Sequence[HeldRoot]:
        """What the keeper inside holds."""
        return self._keeper.held(tree_id)

    def root(self, tree_id: bytes, generation: int, attempt: bytes) -> Secret:
        """One root."""
        return self._keeper.root(tree_id, generation, attempt)

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """Raises ``NotAllowed``."""
        self._refuse()

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """Raises ``NotAllowed``."""
        self._refuse()

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """Raises ``NotAllowed``."""
        self._refuse()

    def trees(self) -> Iterable[bytes]:
        """The trees of the keeper inside."""
        return self._keeper.trees()

    def describe(self) -> KeeperState:
        """What the keeper inside says."""
        return self._keeper.describe()

    def _refuse(self) -> NoReturn:
        raise NotAllowed(
            f"the keeper {self.name} is open for reading only here; nothing was changed. Only the vault itself, opened "
            "with its own catalogue, changes keepers"
        )
