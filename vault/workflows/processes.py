"""Processes: each says that it is alive, and which generation of keys it serves."""

from __future__ import annotations

from contextlib import suppress

from vault.errors import KeepersBehind, KeeperUnavailable
from vault.workflows.vault import Vault


def beat(vault: Vault) -> None:
    """Says that this process is alive, and confirms the catalogue's generation of keys, to which it goes first.

    Where the keepers do not answer it stays at the generation that it serves, and says so; what cannot be told is 0.
    """
    generation = 0
    for ask in (vault.keys.renew, vault.keys.generation):
        with suppress(KeeperUnavailable, KeepersBehind):
            generation = ask()
            break
    with vault.catalogue.write() as tx:
        tx.processes.beat(vault.process_id, description=vault.description, now=vault.now(), generation=generation)


def unconfirmed(vault: Vault, generation: int) -> list[str]:
    """The processes that may still have keys of an older generation, as text; those known to be dead do not count."""
    with vault.catalogue.read() as tx:
        behind = tx.processes.behind(generation)
    return [
        f"process {process_id}, last seen {seen_at.isoformat(timespec='seconds')}"
        for process_id, description, seen_at in behind
        if not vault.is_gone(description)
    ]
