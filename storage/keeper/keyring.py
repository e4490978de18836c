"""Leaf keys from the roots that a keeper holds. The root of a tree is read once and stays in this process."""

from __future__ import annotations

from threading import Lock

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
                root = self._roots[tree_id] = Secret(self._keeper.root(tree_id))
            return root
