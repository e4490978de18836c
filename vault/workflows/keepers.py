"""How the keepers of the root stand, for whoever may see the state of the vault."""

from __future__ import annotations

from vault.errors import CatalogueBroken
from vault.keepers import KeepersView, keeper_view
from vault.permissions import Action, Actor
from vault.workflows.vault import Vault


def show_keepers(vault: Vault, actor: Actor) -> KeepersView:
    """How each keeper stands. Raises ``NotAllowed``, ``KeeperUnavailable``."""
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        tree = tx.trees.get(vault.fonds.id)
    if tree is None:
        raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")
    return KeepersView(
        generation=tree.generation,
        keepers=[keeper_view(each, tree.generation) for each in vault.keys.standing()],
    )
