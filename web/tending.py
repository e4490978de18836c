"""Threads that tend an open vault while it is served: upkeep, and the search index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import structlog
from structlog.contextvars import bind_contextvars

from vault.errors import StrongroomError
from vault.ids import FondsCode
from vault.workflows import indexing, upkeep
from vault.workflows.vault import Vault
from web.frontdoor import places_of

UPKEEP_EVERY_S: Final = 15.0
INDEX_EVERY_S: Final = 0.4
INDEX_AGAIN_S: Final = 15.0
GRACE_S: Final = 5.0
"""How long the end waits for steps that are under way, from when it was told."""

log = structlog.get_logger("strongroom.web")


class Tending:
    """The threads of one vault. What they log names a further fonds by its code."""

    def __init__(self, vault: Vault, code: FondsCode | None) -> None:
        self.vault = vault
        self.stopping = threading.Event()
        self._code = code
        self._threads: list[threading.Thread] = []
        self._until = 0.0

    def start(self, name: str, do: Callable[[], None]) -> None:
        """Does something in a thread of its own, which ends once ``stopping`` is set."""

        def run() -> None:
            if self._code is not None:
                bind_contextvars(fonds=self._code)
            do()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def tell(self) -> None:
        """Tells the threads to end, and waits for none: whoever ends several vaults tells all of them first."""
        if not self.stopping.is_set():
            self._until = time.monotonic() + GRACE_S
            self.stopping.set()
            self.vault.bell.end()

    def end(self) -> None:
        """Ends them. A step that waits for a part that is away may be left alone: each may be done again."""
        self.tell()
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))


@contextmanager
def tended(vault: Vault, code: FondsCode | None = None) -> Iterator[Tending]:
    """Upkeep runs, and the index follows the catalogue, for the duration of the block."""
    tending = Tending(vault, code)
    try:
        _start_upkeep(tending)
        tending.start("index", lambda: _follow_index(tending))
        yield tending
    finally:
        tending.end()


def _start_upkeep(tending: Tending) -> None:
    """Threads that run what is due: one for all, and one for each duty that may last, so that nothing waits for it."""
    vault, stopping = tending.vault, tending.stopping
    together = frozenset(job.name for job in upkeep.duties(vault) if not job.aside)

    def look_after() -> None:
        said: dict[str, str] = {}
        starting = True
        while not stopping.is_set():
            _run_due(vault, said, only=together, starting=starting)
            starting = False
            stopping.wait(UPKEEP_EVERY_S)

    def look_aside(name: str) -> None:
        said: dict[str, str] = {}
        rung = False
        while not stopping.is_set():
            _run_due(vault, said, only=frozenset({name}), rung=rung)
            rung = vault.bell.answer(name, UPKEEP_EVERY_S)

    tending.start("upkeep", look_after)
    for job in upkeep.duties(vault):
        if job.aside:
            tending.start(job.name, partial(look_aside, job.name))


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


def _follow_index(tending: Tending) -> None:
    """Keeps the search index up to the catalogue."""
    stopping = tending.stopping
    while not stopping.is_set():
        try:
            indexing.keep_following(tending.vault, stopping.wait, every_s=INDEX_EVERY_S)
        except StrongroomError as error:
            log.warning("index-waits", code=error.code, message=error.message)
            stopping.wait(INDEX_AGAIN_S)
        except Exception as exc:  # noqa: BLE001 - a defect in it; pages say that the index is behind
            log.error("unexpected", job="index", type=type(exc).__qualname__, places=places_of(exc))
            stopping.wait(INDEX_AGAIN_S)
