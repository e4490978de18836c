"""Readers of live leaves beside running destructions, as a piece of work that tests and benchmarks share."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from storage.keeper import keystart
from storage.keeper.custody import Custody
from storage.keeper.keyclient import KeyClient
from storage.keeper.several import KeeperGroup
from tests.support.histories import History
from tests.support.mortal import KEEPERS
from tests.support.vault import staff
from vault.destruction import Targets
from vault.ports import KeyCustody
from vault.seal.keytree import LeafAddress, leaf_keys, leaf_secret
from vault.workflows import destruction

READERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBeside:
    """What came of it: reads of live leaves, batches beside them, and every answer that was wrong."""

    reads: int
    batches: int
    wrong: tuple[str, ...]


def read_beside_batches(life: History, *, reads: int, batches: int) -> ReadBeside:
    """Destroys records one by one while others are read: by this process's custody, by another one, by key process."""
    vault = life.vault
    life.ingest(2 * batches)
    with vault.catalogue.read() as tx:
        leaves = {each: tx.records.versions(each)[0].object.leaf for each in life.live}
    doomed = sorted(leaves)[:batches]
    kept = [leaves[each] for each in sorted(leaves)[batches:]]
    keepers = KeeperGroup([life.place.keeper(name) for name in KEEPERS])
    another = Custody(vault.catalogue, keepers, vault.fonds, vault.randomness)
    expected = {leaf: leaf_keys(leaf_secret(life.first_root, leaf)) for leaf in kept}
    counted, wrong, ended, mutex = [0], [], threading.Event(), threading.Lock()

    def read(number: int) -> None:
        chance, custody = random.Random(number), custodies[number % len(custodies)]
        while not ended.is_set() or counted[0] < reads:
            leaf: LeafAddress = chance.choice(kept)
            try:
                (answer,) = custody.many_leaf_keys([leaf])
            except Exception as exc:  # noqa: BLE001 - whatever it is, it is a false error
                wrong.append(repr(exc))
                return
            if answer != expected[leaf]:
                wrong.append(f"{leaf.text}: {answer!r}")
                return
            with mutex:
                counted[0] += 1

    settings = life.place.settings()
    process = keystart.key_settings(settings.keepers(), database_url=settings.database_url)
    # It keeps no leaf's keys: each is asked for, every time.
    with KeyClient(process, kept_leaves=0) as asking, ThreadPoolExecutor(READERS) as pool:
        custodies: list[KeyCustody] = [vault.keys, another, asking]
        readers = [pool.submit(read, number) for number in range(READERS)]
        try:
            for record_id in doomed:
                targets = Targets(records=frozenset({record_id}))
                destruction.destroy(vault, staff(vault), targets, alone=True, error=True)
        finally:
            ended.set()
        for reader in readers:
            reader.result()
    return ReadBeside(reads=counted[0], batches=vault.keys.generation() - 1, wrong=tuple(wrong))
