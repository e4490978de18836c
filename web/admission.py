"""How much of one kind runs at once in this process (uploads, password hashes): first come, first served.

An upload that waits is not read: it holds a socket's buffers, no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vault.errors import Overloaded

WAITING_MAX = 1000


class Admission:
    """So many places, and a line before them."""

    def __init__(self, places: int, *, waiting_max: int = WAITING_MAX) -> None:
        self._places = asyncio.Semaphore(places)
        self._waiting_max = waiting_max
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a place, in order. Raises ``Overloaded`` when too many wait already."""
        if self._waiting >= self._waiting_max:
            raise Overloaded(f"{self._waiting_max} wait in line already; try again later", retry_after_s=30)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()
