"""The bell: calls a duty of upkeep before its time, in the process in which somebody waits for it.

Rule 1: nothing depends on it. A duty that nobody rang for is done when it is due, and finds the same work.
"""

from __future__ import annotations

from threading import Condition


class Bell:
    """Rung by whoever asked for something, answered by whoever does the duties. Both from any thread."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._rung: set[str] = set()
        self._ends = False

    def ring(self, job: str) -> None:
        """Calls a duty by its name."""
        with self._changed:
            self._rung.add(job)
            self._changed.notify_all()

    def end(self) -> None:
        """Whoever waits goes home."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()

    def answer(self, job: str, within_s: float) -> bool:
        """Whether a duty was called for since the last answer; waits for that at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: job in self._rung or self._ends, timeout=within_s)
            is_rung = job in self._rung
            self._rung.discard(job)
            return is_rung
