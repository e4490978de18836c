"""The mirror of holds: S3 legal holds follow the catalogue, in the background.

The catalogue's hold counts from the moment it is placed; the store's is a second fence, against whoever has the store's
credentials. What differs is found by query, set, read back, and recorded; so a run that was cut off is gone on with.

Rule 1: what is to be held goes before what is to be freed.
Rule 2: one object that is gone does not keep the others from being held; it stays on the list, and the doctor names it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.errors import StrongroomError, Unavailable
from vault.holds import MirrorStep
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.workflows.vault import Vault

WINDOW: Final = timedelta(seconds=60)
AT_ONCE: Final = 10_000
RECORDED_AT_ONCE: Final = 200
THREADS: Final = 4

Told = Callable[[int, int], None]
"""Is told how many of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What a run did: versions held and freed, those that could not be, and how many still wait (these included)."""

    held: int
    freed: int
    left: int
    waiting: int


def mirror_now(vault: Vault, actor: Actor, *, told: Told = lambda done, of: None, dry_run: bool = False) -> Mirrored:
    """Mirrors all that can be. Raises ``NotAllowed``, ``StoreUnavailable``, ``CatalogueUnavailable``."""
    actor.require(Action.SEE_HOLDS)
    if dry_run:
        with vault.catalogue.read() as tx:
            return Mirrored(held=0, freed=0, left=0, waiting=tx.holds.mirror_lag())
    return mirror(vault, told=told)


def mirror_holds(vault: Vault) -> Outcome:
    """The duty: one bounded run."""
    run = mirror(vault, window=WINDOW)
    return Outcome.of("holds-mirrored", held=run.held, freed=run.freed, left=run.left, waiting=run.waiting)


def mirror(
    vault: Vault,
    *,
    told: Told = lambda done, of: None,
    window: timedelta | None = None,
    recorded_at_once: int = RECORDED_AT_ONCE,
) -> Mirrored:
    """Sets the legal holds that differ, for no longer than ``window``.

    Raises ``StoreUnavailable``, ``CatalogueUnavailable``; what was set before is recorded then.
    """
    started, held, freed = vault.now(), 0, 0
    given_up: set[tuple[str, int]] = set()
    with vault.catalogue.read() as tx:
        waiting = total = tx.holds.mirror_lag()
    while waiting > len(given_up) and (window is None or vault.now() - started < window):
        with vault.catalogue.read() as tx:
            listed = tx.holds.to_mirror(limit=AT_ONCE + len(given_up))
        steps = [step for step in listed if (step.record_id, step.ordinal) not in given_up]
        for chunk in _in_chunks(vault, steps, recorded_at_once):
            _record(vault, chunk.confirmed)
            given_up |= {(step.record_id, step.ordinal) for step in chunk.refused}
            held += sum(step.held for step in chunk.confirmed)
            freed += sum(not step.held for step in chunk.confirmed)
            told(held + freed, max(total, held + freed))
            if chunk.failure is not None:
                raise chunk.failure
            if window is not None and vault.now() - started >= window:
                break
        with vault.catalogue.read() as tx:
            waiting = tx.holds.mirror_lag()
    return Mirrored(held=held, freed=freed, left=len(given_up), waiting=waiting)


@dataclass(slots=True, kw_only=True)
class _Chunk:
    """What came of some steps; ``failure`` says that the store is away."""

    confirmed: list[MirrorStep] = field(default_factory=list)
    refused: list[MirrorStep] = field(default_factory=list)
    failure: Unavailable | None = None


def _in_chunks(vault: Vault, steps: Sequence[MirrorStep], size: int) -> Iterator[_Chunk]:
    """Sets many at once; while some are recorded, the next are under way."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="mirroring") as pool:
        underway: deque[list[tuple[MirrorStep, Future[None]]]] = deque()
        for start in range(0, len(steps), size):
            some = steps[start : start + size]
            underway.append([(step, pool.submit(_set_one, vault, step)) for step in some])
            if len(underway) > 1:
                yield _settled(underway.popleft())
        while underway:
            yield _settled(underway.popleft())


def _set_one(vault: Vault, step: MirrorStep) -> None:
    vault.store.set_legal_hold(step.key, step.version_id, held=step.held)


def _settled(underway: Sequence[tuple[MirrorStep, Future[None]]]) -> _Chunk:
    chunk = _Chunk()
    for step, future in underway:
        if chunk.failure is not None and future.cancel():
            continue
        try:
            future.result()
            chunk.confirmed.append(step)
        except Unavailable as exc:
            chunk.failure = exc
        except StrongroomError:
            chunk.refused.append(step)
    return chunk


def _record(vault: Vault, steps: Sequence[MirrorStep]) -> None:
    if not steps:
        return
    with vault.catalogue.write() as tx:
        tx.holds.mirrored(steps)
        detail: Detail = {"held": sum(step.held for step in steps), "freed": sum(not step.held for step in steps)}
        tx.audit.append(vault.entry(CLOCK_ID, Event.HOLDS_MIRRORED, vault.vault_id, detail))
