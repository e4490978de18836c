"""Threads that tend an open vault while it is served: upkeep, and the search index."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from vault.errors import StrongroomError
from vault.workflows import indexing, upkeep
from vault.workflows.vault import Vault
from web.frontdoor import places_of

UPKEEP_EVERY_S: Final = 15.0
INDEX_EVERY_S: Final = 0.4
INDEX_AGAIN_S: Final = 15.0
GRACE_S: Final = 5.0
"""How long the end of the block waits for a step that is under way."""

log = structlog.get_logger("strongroom.web")


@contextmanager
def tended(vault: Vault) -> Iterator[None]:
    """Upkeep runs, and the index follows the catalogue, for the duration of the block."""
    with running_upkeep(vault), following_index(vault):
        yield


@contextmanager
def running_upkeep(vault: Vault, *, every_s: float = UPKEEP_EVERY_S) -> Iterator[None]:
    """Threads that run what is due, for the duration of the block: one for all, and one for each duty that may last, so
    that nothing waits for it."""
    stopping = threading.Event()
    together = frozenset(job.name for job in upkeep.duties(vault) if not job.aside)

    def look_after() -> None:
        said: dict[str, str] = {}
        starting = True
        while not stopping.is_set():
            _run_due(vault, said, only=together, starting=starting)
            starting = False
            stopping.wait(every_s)

    def look_aside(name: str) -> None:
        said: dict[str, str] = {}
        rung = False
        while not stopping.is_set():
            _run_due(vault, said, only=frozenset({name}), rung=rung)
            rung = vault.bell.answer(name, every_s)

    threads = [
        threading.Thread(target=look_after, name="upkeep", daemon=True),
        *(
            threading.Thread(target=look_aside, args=(job.name,), name=job.name, daemon=True)
            for job in upkeep.duties(vault)
            if job.aside
        ),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        vault.bell.end()
        # A step that waits for a part that is away may be left alone: each may be done again.
        until = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _run_due(
    vault: Vault, said: dict[str, str], *, only: frozenset[str], starting: bool = False, rung: bool = False
) -> None:
    try:
        for run in upkeep.run_due(vault, only=only, starting=starting, rung=rung):
            outcome = run.outcome.text if run.outcome is not None else ""
            if run.unexpected is not None:
                kind, places = type(run.unexpected).__qualname__, places_of(run.unexpected)
                log.error("unexpected", job=run.job, type=kind, places=places)
            if said.get(run.job) != outcome:  # what came of a duty as it did the last time is no news
                said[run.job] = outcome
                log.info("upkeep", job=run.job, outcome=outcome)
    except StrongroomError as error:
        log.warning("upkeep-failed", code=error.code, message=error.message)


@contextmanager
def following_index(vault: Vault, *, every_s: float = INDEX_EVERY_S) -> Iterator[None]:
    """A thread that keeps the search index up to the catalogue, for the duration of the block."""
    stopping = threading.Event()

    def follow() -> None:
        while not stopping.is_set():
            try:
                indexing.keep_following(vault, stopping.wait, every_s=every_s)
            except StrongroomError as error:
                log.warning("index-waits", code=error.code, message=error.message)
                stopping.wait(INDEX_AGAIN_S)
            except Exception as exc:  # noqa: BLE001 - a defect in it; pages say that the index is behind
                log.error("unexpected", job="index", type=type(exc).__qualname__, places=places_of(exc))
                stopping.wait(INDEX_AGAIN_S)

    thread = threading.Thread(target=follow, name="index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(GRACE_S)
