"""Which resumable uploads somebody adds to in this process: one request at a time.

Rule 1: whoever comes while another adds is refused, unless that one's client has been silent: its line may be dead, and
its client the one who asks now. Then it is told to stop, keeps what it has, and makes room.
Other processes are told by the catalogue, which counts a piece only where the upload was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from vault.errors import UploadBusy

SILENT_S: Final = 2.0
MAKES_ROOM_WITHIN_S: Final = 20.0


class Adding:
    """One request that adds to an upload."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self._waited_s: Callable[[], float] | None = None
        self._stop: asyncio.Timeout | None = None

    @asynccontextmanager
    async def waiting(self, waited_s: Callable[[], float]) -> AsyncIterator[None]:
        """While it waits for its client: ``waited_s`` says for how long already. Raises ``UploadBusy`` when told to
        stop."""
        try:
            async with asyncio.timeout(None) as self._stop:
                self._waited_s = waited_s
                yield
        except TimeoutError:
            raise UploadBusy("another request took this upload over; ask where it is, and go on from there") from None
        finally:
            self._waited_s = self._stop = None

    def make_room(self) -> bool:
        """Stops it where its client is silent; False where it is not."""
        if self._waited_s is None or self._stop is None or self._waited_s() < SILENT_S:
            return False
        self._stop.reschedule(asyncio.get_running_loop().time())
        return True


class Underway:
    """The uploads of a process that are being added to, by id."""

    def __init__(self) -> None:
        self._adding: dict[str, Adding] = {}

    @asynccontextmanager
    async def adding(self, upload_id: str) -> AsyncIterator[Adding]:
        """The turn of one request. Raises ``UploadBusy``."""
        other = self._adding.get(upload_id)
        if other is not None and other.make_room():
            try:
                await asyncio.wait_for(other.left.wait(), MAKES_ROOM_WITHIN_S)
            except TimeoutError:
                other = None  # it is still there: refused below
        if upload_id in self._adding:
            raise UploadBusy("another request is adding to this upload; ask where it is, and go on from there")
        mine = self._adding[upload_id] = Adding()
        try:
            yield mine
        finally:
            del self._adding[upload_id]
            mine.left.set()
