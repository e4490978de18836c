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

    def answer(self, within_s: float) -> frozenset[str]:
        """The duties that were called for since the last answer; waits for one at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung or self._ends, timeout=within_s)
            rung = frozenset(self._rung)
            self._rung.clear()
            return rung
