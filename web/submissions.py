"""Forms that make something new, sent twice: the second one is told what the first one made.

Rule 1: a form carries a fresh token; what was made under it is remembered by this process, the newest thousand of them.
Rule 2: it is a courtesy, not a guard: another process makes it a second time. So it serves only where doing it twice
does no harm; what destroys has its own guards in the vault.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

REMEMBERED_MAX: Final = 1000


@dataclass(slots=True)
class _Made:
    turn: Lock = field(default_factory=Lock)
    what: str | None = None


class Submissions:
    """What forms have made, by their tokens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: OrderedDict[str, _Made] = OrderedDict()

    def once(self, token: str, deed: Callable[[], str]) -> str:
        """What the deed gave when it was done for this token, now or before. A deed that fails may be tried again."""
        if not token:
            return deed()
        with self._lock:
            made = self._made.setdefault(token, _Made())
            self._made.move_to_end(token)
            while len(self._made) > REMEMBERED_MAX:
                self._made.popitem(last=False)
        with made.turn:
            if made.what is None:
                made.what = deed()
            return made.what
