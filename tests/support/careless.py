"""A control for the collector: two batches that share their secrets, because their randomness begins anew each time."""

from __future__ import annotations

import random
from dataclasses import replace

from storage.keeper.custody import Custody
from storage.keeper.several import KeeperGroup
from tests.support.histories import History
from tests.support.mortal import KEEPERS
from tests.support.vault import staff
from vault.destruction import Targets
from vault.seal.keytree import LeafAddress
from vault.workflows import destruction


class Repeating:
    """Randomness that begins anew for every batch."""

    def __init__(self) -> None:
        self._source = random.Random(4711)

    def token_bytes(self, count: int) -> bytes:
        """The same again, for each new one."""
        return self._source.randbytes(count)


def found_where_secrets_repeat(life: History) -> set[LeafAddress]:
    """Destroys two records in two such batches; gives what the collector finds of the second with the final keepers."""
    vault, actor = life.vault, staff(life.vault)
    keepers = KeeperGroup([life.place.keeper(name) for name in KEEPERS])
    first, second = list(life.live)[:2]
    with vault.catalogue.read() as tx:
        leaf = tx.records.versions(second)[0].object.leaf
    for record_id in (first, second):
        careless = Custody(vault.catalogue, keepers, vault.fonds, Repeating())
        targets = Targets(records=frozenset({record_id}))
        destruction.destroy(replace(vault, keys=careless), actor, targets, alone=True, error=True)
        life.snapshot()
    thief = life.collector()
    for root in life.held_roots():
        thief.learn_root(root)
    return thief.found_among(life.secrets({leaf}))
