"""Holds for tests and benchmarks: people, matters, and a hold against a destruction at the same moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.support.people import somebody
from tests.support.vault import add_bytes
from vault.destruction import Targets
from vault.errors import Conflict, KeyDestroyed
from vault.holds import HoldScope, MatterProfile
from vault.ids import MatterId, RecordId
from vault.permissions import Actor
from vault.records import RecordState
from vault.workflows import destruction, matters, placing
from vault.workflows.matters import MatterView
from vault.workflows.vault import Vault

STEPS = 20
PROFILE = MatterProfile.checked(title="Case 7", reason="A claim was filed", issuer="District court")


def officer(name: str) -> Actor:
    """Somebody who may place and release holds."""
    return somebody(name)


def place(vault: Vault, actor: Actor, *records: RecordId, **scope: object) -> MatterView:
    """A matter over records, or whatever ``HoldScope`` takes."""
    return placing.place_hold(vault, actor, PROFILE, HoldScope(records=frozenset(records), **scope))  # type: ignore[arg-type]


def release(vault: Vault, matter_id: MatterId) -> MatterView:
    """Both steps of a release, by two people."""
    matters.propose_release(vault, officer("one"), matter_id, "The claim was settled")
    return matters.release_hold(vault, officer("two"), matter_id)


@dataclass(slots=True, kw_only=True)
class Raced:
    """How often who came first; ``broken`` rounds had both, or neither."""

    held: int = 0
    destroyed: int = 0
    broken: int = 0


def race_hold_against_destruction(vault: Vault, actor: Actor, rounds: int) -> Raced:
    """Places a hold on a record and destroys it at the same moment, again and again, each time a fresh record.

    A destruction takes longer until it commits, so the hold is placed at another moment of it in each round.
    """
    told = Raced()
    started = time.monotonic()
    _destroy(vault, actor, add_bytes(vault, actor, b"to know how long it takes").record_id)
    takes_s = time.monotonic() - started
    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            record_id = add_bytes(vault, actor, b"round %d" % number).record_id
            together = threading.Barrier(2)
            wait_s = takes_s * (number % STEPS) / STEPS
            holding = pool.submit(_succeeds, together, partial(place, vault, actor, record_id), wait_s=wait_s)
            destroying = pool.submit(_succeeds, together, partial(_destroy, vault, actor, record_id))
            was_held, was_destroyed = holding.result(), destroying.result()
            told.held += was_held
            told.destroyed += was_destroyed
            told.broken += was_held == was_destroyed or not _is_as_told(vault, record_id, held=was_held)
    return told


def _destroy(vault: Vault, actor: Actor, record_id: RecordId) -> object:
    return destruction.destroy(vault, actor, Targets(records=frozenset({record_id})), alone=True, error=True)


def _succeeds(together: threading.Barrier, act: Callable[[], object], *, wait_s: float = 0) -> bool:
    together.wait()
    time.sleep(wait_s)
    try:
        act()
    except Conflict:
        return False
    return True


def _is_as_told(vault: Vault, record_id: RecordId, *, held: bool) -> bool:
    """A held record lives and opens; the other one is dead, and no matter in force names it."""
    with vault.catalogue.read() as tx:
        record, version = tx.records.get(record_id), tx.records.version(record_id, 1)
        is_named = bool(tx.holds.of_records([record_id]))
    if record is None or version is None:
        return False
    try:
        vault.leaf_keys(version.object.leaf)
        opens = True
    except KeyDestroyed:
        opens = False
    lives = record.state in (RecordState.RECEIVED, RecordState.FILED)
    return (opens, lives, is_named) == (held, held, held)
