"""How long others wait for a provider that does not answer: not at all.

Rule 1: once somebody waited for no answer, whoever asks within the next seconds is told so at once.
Rule 2: after that one asks, and everybody else is told at once until that one was answered.
So a provider that hangs keeps one thread of the server waiting, however many people want to be signed in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from vault.errors import ProviderUnavailable

PAUSE_S: Final = 5.0
WAITED_S: Final = 0.5
"""A refusal that comes sooner keeps nobody waiting, and the next one asks again."""


class Patience:
    """Of all who ask one provider. Any thread may use it."""

    def __init__(self, away: str) -> None:
        self._away = away
        self._turn = Lock()
        self._failed_at: float | None = None
        self._trying = False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around one question, which raises ``ProviderUnavailable`` when nothing answers, as this does."""
        with self._turn:
            trying = self._failed_at is not None
            if self._failed_at is not None and (self._trying or time.monotonic() - self._failed_at < PAUSE_S):
                raise ProviderUnavailable(self._away)
            self._trying = self._trying or trying
        began, answered = time.monotonic(), False
        try:
            yield
            answered = True
        finally:
            with self._turn:
                now = time.monotonic()
                if answered or now - began >= WAITED_S:
                    self._failed_at = None if answered else now
                if trying:
                    self._trying = False
