"""The body of a request that adds to a resumable upload: cut into pieces as it comes, each stored and then counted.

Rule 1: what counts is what is durable. While one piece is stored, the next is received: two buffers, no more.
Rule 2: a body that breaks off leaves what came of it, counted; one with a checksum counts as a whole or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

from starlette.requests import ClientDisconnect

from vault.errors import OffsetWrong, StrongroomError, TooLarge, UploadBusy
from vault.uploads import Piece, require_checksum
from vault.workflows import staging, uploads
from vault.workflows.uploads import OpenUpload
from web.bodies import RequestBody, open_body
from web.problems import ClientTooSlow
from web.site import Visit
from web.tus import Checksum
from web.underway import Adding

_BROKEN_OFF: Final = (ClientDisconnect, ClientTooSlow, UploadBusy)


class Pieces:
    """Receives the pieces of one request; ``at`` is where the upload goes on afterwards."""

    def __init__(self, visit: Visit, opened: OpenUpload, checksum: Checksum, adding: Adding) -> None:
        self._visit = visit
        self._opened = opened
        self._checksum = checksum
        self._adding = adding
        self._part_size = visit.vault.limits.part_size_bytes
        self._received = opened.upload.offset_bytes
        self._storing: Future[Piece] | None = None
        self._uncounted: list[Piece] = []
        self._spare: list[memoryview] = []
        self._filling = memoryview(b"")
        self.at = opened.upload.offset_bytes

    async def receive(self) -> None:
        """Receives the whole body. Raises ``ChecksumWrong``, ``TooLarge``, ``OffsetWrong`` where another process was
        first, what storing raises; ``ClientDisconnect``, ``ClientTooSlow``, ``UploadBusy`` for what broke off."""
        site = self._visit.site
        try:
            try:
                async with open_body(self._visit.request, idle_s=site.client_idle_s) as body:
                    await self._draw(body)
            except _BROKEN_OFF:
                if not self._checksum.is_announced:
                    await self._store(self._came())
                    await self._settle()
                raise
            await self._settle()
            require_checksum(self._checksum.fits)
            # Not ours to delete from here on: when the catalogue's answer is lost, they may count.
            pieces, self._uncounted = self._uncounted, []
            if pieces:
                await self._count(pieces)
        finally:
            await self._forget_uncounted()

    async def _draw(self, body: RequestBody) -> None:
        self._body = body
        total = self._opened.upload.size_bytes
        while (wanted := min(self._part_size, total - self._received)) > 0:
            self._filling = self._spare.pop()[:wanted] if self._spare else memoryview(bytearray(wanted))
            async with self._adding.waiting(body.waited_s):
                count = await body.fill(self._filling)
            await self._store(count)
            if count < wanted:
                return
        async with self._adding.waiting(body.waited_s):
            if await body.read():
                raise TooLarge(f"the upload was announced to have {total} bytes; more are not taken")

    def _came(self) -> int:
        """How much of the piece that is being filled came before it broke off."""
        before = self._received - self._opened.upload.offset_bytes
        return min(max(self._body.bytes_read - before, 0), len(self._filling))

    async def _store(self, count: int) -> None:
        """Begins to store what was filled, once the piece before it is stored and counted."""
        filled, self._filling = self._filling[:count], memoryview(b"")
        self._checksum.take(filled)
        await self._settle()
        if not count:
            return
        vault = self._visit.vault
        self._storing = vault.pool.submit(uploads.stage, vault, self._opened, self._received, filled)
        self._storing.add_done_callback(lambda _: None)
        self._buffer = filled
        self._received += count

    async def _settle(self) -> None:
        storing, self._storing = self._storing, None
        if storing is None:
            return
        piece = await asyncio.wrap_future(storing)
        if len(self._buffer) == self._part_size:
            self._spare.append(self._buffer)
        if self._checksum.is_announced:
            self._uncounted.append(piece)
        else:
            await self._count([piece])

    async def _count(self, pieces: Sequence[Piece]) -> None:
        if not await self._visit.site.call(uploads.count_pieces, self._visit.vault, pieces):
            raise OffsetWrong("another request added to this upload meanwhile; ask where it is, and send from there")
        self.at = pieces[-1].start_bytes + pieces[-1].size_bytes

    async def _forget_uncounted(self) -> None:
        pieces, self._uncounted = self._uncounted, []
        if pieces:
            try:
                await self._visit.site.call(staging.forget_pieces, self._visit.vault, self._opened.upload.id, pieces)
            except StrongroomError:
                return  # They count for nothing, and go when the upload does.
