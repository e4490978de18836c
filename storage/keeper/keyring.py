"""Leaf keys from the roots that a keeper holds. The promoted root of a tree is read once and stays in this process."""

from __future__ import annotations

from threading import Lock

from vault.errors import NotFound
from vault.ports import RootKeeper
from vault.seal.keytree import LeafAddress, LeafKeys, leaf_keys, leaf_secret
from vault.seal.secrets import Secret


class Keyring:
    """Keeps the ``LeafKeySource`` promise of ``vault.ports``."""

    def __init__(self, keeper: RootKeeper) -> None:
        self._keeper = keeper
        self._roots: dict[bytes, Secret] = {}
        self._mutex = Lock()

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf. Raises ``KeeperUnavailable``, ``NotFound``."""
        return leaf_keys(leaf_secret(self._root(address.tree_id), address))

    def _root(self, tree_id: bytes) -> Secret:
        with self._mutex:
            root = self._roots.get(tree_id)
            if root is None:
                root = self._roots[tree_id] = newest_root(self._keeper, tree_id)
            return root


def newest_root(keeper: RootKeeper, tree_id: bytes) -> Secret:
    """The promoted root of the highest generation. Raises ``NotFound``, ``KeeperUnavailable``, ``SealBroken``."""
    promoted = [held for held in keeper.held(tree_id) if held.promoted]
    if not promoted:
        raise NotFound(
            f"the keeper {keeper.name} has no root of this vault; restore its folder from its copy, or open the vault "
            "with another keeper"
        )
    newest = max(promoted, key=lambda held: held.generation)
    return keeper.root(tree_id, newest.generation, newest.attempt)
