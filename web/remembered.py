"""A figure that is dear to find out: found out seldom, and shown with its age.

Rule 1: one thread at a time finds it out; who comes meanwhile waits, so that a crowd does not ask all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """The last answer to one question, for so long."""

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._lock = Lock()
        self._found: tuple[datetime, T] | None = None

    def get(self, now: datetime, find: Callable[[], T]) -> tuple[datetime, T]:
        """The answer, and when it was found out."""
        with self._lock:
            if self._found is None or not timedelta() <= now - self._found[0] < self._lasts:
                self._found = (now, find())
            return self._found
