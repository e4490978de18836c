"""Whether whoever runs this process can unlock a keeper themselves, whatever somebody else's key process serves."""

from __future__ import annotations

from storage.keeper.configured import configured_keepers
from storage.keeper.custody import attempt_of, state_of
from storage.keeper.settings import KeeperSettings
from vault.fonds import Fonds
from vault.ports import Randomness
from vault.shelves import Catalogue


def require_unlocked(settings: KeeperSettings, catalogue: Catalogue, fonds: Fonds, randomness: Randomness) -> None:
    """Opens the root in force in this process, and lets go of it. Changes nothing.

    Raises ``KeeperUnavailable``, ``KeepersBehind``, ``SettingsWrong`` where no keeper opens with what was given.
    """
    keepers = configured_keepers(settings, randomness, read_only=True)
    with catalogue.read() as tx:
        state = state_of(tx, fonds)
    keepers.root(fonds.tree_id, state.generation, attempt_of(state, keepers))
