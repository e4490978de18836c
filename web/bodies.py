"""Bytes of requests: read chunk by chunk as they arrive, and pumped into the vault without ever touching a disk.

Rule 1: a body is read in the order: limit checked, place taken, bytes read. What waits is not read.
Rule 2: chunks are collected into part buffers; one thread hop a part. At most ``parts_in_flight`` parts are under way
for an upload, and one is being collected, so memory is bounded whatever the file's size.
Rule 3: a client that is gone, silent for too long, or so slow that it is as good as silent, leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import ClientDisconnect, Request

from vault.errors import InvalidInput, TooLarge
from vault.workflows.intake import Receipt, Receiving
from web.incoming import INCOMING_KEY, Incoming
from web.problems import ClientTooSlow
from web.site import BODY_READ_KEY, Site

FORM_BYTES_MAX: Final = 64 * 1024
SMALL_BYTES: Final = 1024 * 1024
"""Bodies announced to be at most this long are read first and stored in one thread hop."""
FIRST_BUFFER_BYTES: Final = 64 * 1024
AHEAD_BYTES: Final = 2 * 1024 * 1024
"""What is taken ahead of a body that is being read: for a narrower window the kernel's work costs more than all else of
receiving (with 64 KiB 1.0 against 0.3 CPU s/GiB)."""
PROGRESS_BYTES: Final = 16 * 1024
"""What has to come, or all of it, for the client's patience to begin anew: a trickle would hold a place for ever."""


class RequestBody:
    """The body of one request; ``bytes_read`` counts what came."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._scope = request.scope
        self._incoming: Incoming = request.scope[INCOMING_KEY]
        self._clock = asyncio.get_running_loop().time
        self._begun = False
        self._ended = False
        self._pieces: deque[bytes] = deque()
        self._ahead_bytes = 0
        self._target: memoryview | None = None
        self.bytes_read = 0
        self._waiting_since: float | None = None
        self._waited_s = 0.0
        self._progress_bytes = 0

    async def read(self) -> bytes:
        """The next piece, empty at the end. Raises ``ClientDisconnect``."""
        while not self._pieces:
            if not await self._more():
                return b""
        piece = self._pieces.popleft()
        self._ahead_bytes -= len(piece)
        return piece

    async def fill(self, target: memoryview) -> int:
        """Fills ``target``; fewer bytes only at the body's end. Gives their number. Raises ``ClientDisconnect``.

        What comes while this waits is put there at once, and nobody woken for it before all of it is there.
        """
        self._target = target
        try:
            while self._pieces and self._target:
                piece = self._pieces.popleft()
                self._ahead_bytes -= len(piece)
                if rest := self._put(piece):
                    self._pieces.appendleft(rest)
                    self._ahead_bytes += len(rest)
            while self._target and await self._more():
                pass
            return len(target) - len(self._target)
        finally:
            self._target = None

    def end(self) -> None:
        """Nothing more is read."""
        if self._begun:
            self._incoming.end(self._pieces)

    async def _more(self) -> bool:
        """Waits for what comes next; False when nothing does."""
        if self._ended:
            return False
        self._waiting_since = self._clock()
        if self._begun:
            more = await self._incoming.changed()
        else:
            # The first message comes the server's own way, which also tells a client that waits to go on.
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            self._begun, more = True, message.get("more_body", False)
            self._incoming.begin(self)
            if first := message.get("body", b""):
                self.take(first, in_place=False)
        self._waited_s += self._clock() - self._waiting_since
        self._waiting_since = None
        if not more:
            self._ended = self._scope[BODY_READ_KEY] = True
        return more or bool(self._pieces)

    def room(self) -> memoryview | None:
        """Where what comes next is wanted (``Incoming``)."""
        return self._target

    def take(self, piece: bytes, *, in_place: bool) -> None:
        """A piece came (``Incoming``)."""
        self.bytes_read += len(piece)
        self._progress_bytes += len(piece)
        if self._progress_bytes >= PROGRESS_BYTES:
            self._progress_bytes, self._waited_s = 0, 0.0
            if self._waiting_since is not None:
                self._waiting_since = self._clock()
        if self._target:
            if in_place:
                self._target, piece = self._target[len(piece) :], b""
            else:
                piece = self._put(piece)
            if self._target:
                return
        if piece:
            self._pieces.append(piece)
            self._ahead_bytes += len(piece)
            if self._ahead_bytes > AHEAD_BYTES:
                self._incoming.pause()
        self._incoming.wake()

    def _put(self, piece: bytes) -> bytes:
        """Puts a piece where it is wanted, as far as it fits; gives the rest."""
        target = self._target or memoryview(b"")
        count = min(len(piece), len(target))
        target[:count] = piece if count == len(piece) else piece[:count]
        self._target = target[count:]
        return piece[count:]

    def waited_s(self) -> float:
        """How long the client has been waited for since its last progress; time that we took does not count."""
        waiting_s = self._clock() - self._waiting_since if self._waiting_since is not None else 0.0
        return self._waited_s + waiting_s


@asynccontextmanager
async def open_body(request: Request, *, idle_s: float) -> AsyncIterator[RequestBody]:
    """The body of a request, watched: raises ``ClientTooSlow`` when its client made no progress for ``idle_s``.

    One timer for the whole body looks after it; a timeout for each chunk would cost more than the chunk.
    """
    loop = asyncio.get_running_loop()
    body = RequestBody(request)
    try:
        async with asyncio.timeout(None) as patience:

            def look() -> None:
                waited_s = body.waited_s()
                if waited_s >= idle_s:
                    patience.reschedule(loop.time())
                else:
                    timers[0] = loop.call_later(idle_s - waited_s, look)

            timers = [loop.call_later(idle_s, look)]
            try:
                yield body
            finally:
                timers[0].cancel()
                body.end()
    except TimeoutError:
        if not patience.expired():
            raise
        raise ClientTooSlow(
            f"next to nothing came for {idle_s:g} seconds, {body.bytes_read} bytes in all; nothing was stored; "
            "send it again"
        ) from None


def announced_bytes(request: Request) -> int | None:
    """What Content-Length says, None without one. Raises ``InvalidInput``."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput("Content-Length is not a number", field="Content-Length")
    return int(text)


def require_length(request: Request, bytes_max: int) -> int | None:
    """What Content-Length says. Raises ``TooLarge`` when it is more than ``bytes_max``, before a byte is read."""
    announced = announced_bytes(request)
    if announced is not None and announced > bytes_max:
        raise TooLarge(f"{announced} bytes were announced; at most {bytes_max} are accepted here")
    return announced


async def read_whole(request: Request, *, bytes_max: int, idle_s: float) -> bytes:
    """A whole short body. Raises ``TooLarge``, ``ClientTooSlow``."""
    require_length(request, bytes_max)
    collected = bytearray()
    async with open_body(request, idle_s=idle_s) as body:
        while chunk := await body.read():
            if len(collected) + len(chunk) > bytes_max:
                raise TooLarge(f"the request's body is longer than {bytes_max} bytes")
            collected += chunk
    return bytes(collected)


class Pump:
    """Collects the chunks of one file into parts for a ``Receiving``. Use ``pumping`` to make one."""

    def __init__(self, site: Site, receiving: Receiving, *, size_hint: int | None) -> None:
        self._site = site
        self._receiving = receiving
        self._part_size = receiving.part_size_bytes
        self._bytes_max = site.vault.limits.upload_bytes_max
        self._in_flight_max = site.vault.limits.parts_in_flight
        hint = FIRST_BUFFER_BYTES if size_hint is None else max(size_hint, 1)
        self._view = memoryview(bytearray(min(hint, self._part_size)))
        self._filled = 0
        self._size_bytes = 0
        self._outstanding: deque[tuple[Future[None], memoryview]] = deque()
        self._spare: list[memoryview] = []
        self.receipt: Receipt | None = None

    async def write(self, data: bytes | memoryview) -> None:
        """Takes a chunk of any size. Raises what ``Receiving.accept`` and its futures raise."""
        rest = memoryview(data)
        self._grow_by(len(rest))
        while rest:
            if self._filled == len(self._view):
                await self._make_room()
            count = min(len(rest), len(self._view) - self._filled)
            self._view[self._filled : self._filled + count] = rest[:count]
            self._filled += count
            rest = rest[count:]

    async def draw(self, body: RequestBody) -> bool:
        """Takes as much of a body as there is room for, uncopied; False at its end. Raises as ``write``."""
        if self._filled == len(self._view):
            await self._make_room()
        room = min(len(self._view) - self._filled, self._bytes_max + 1 - self._size_bytes)
        count = await body.fill(self._view[self._filled : self._filled + room])
        self._grow_by(count)
        self._filled += count
        return count == room

    async def finish(self) -> Receipt:
        """Sends the last part and waits for the acknowledgement."""
        self._accept(final=True)
        while self._outstanding:
            await self._settle_oldest()
        self.receipt = await self._site.call(self._receiving.finish)
        return self.receipt

    async def abandon(self) -> None:
        """Gives up, once no thread works on a part any more."""
        # Whatever became of them is of no interest any more.
        await asyncio.gather(*(asyncio.wrap_future(future) for future, _ in self._outstanding), return_exceptions=True)
        await self._site.call(self._receiving.abandon)

    def _grow_by(self, count: int) -> None:
        self._size_bytes += count
        if self._size_bytes > self._bytes_max:
            raise TooLarge(f"the file is longer than {self._bytes_max} bytes; nothing was stored")

    async def _make_room(self) -> None:
        if self._filled < self._part_size:
            grown = memoryview(bytearray(min(2 * len(self._view), self._part_size)))
            grown[: self._filled] = self._view
            self._view = grown
            return
        self._accept(final=False)
        if len(self._outstanding) >= self._in_flight_max:
            await self._settle_oldest()
        self._view = self._spare.pop() if self._spare else memoryview(bytearray(self._part_size))
        self._filled = 0

    def _accept(self, *, final: bool) -> None:
        future = self._receiving.accept(self._view[: self._filled], final=final)
        self._outstanding.append((future, self._view))

    async def _settle_oldest(self) -> None:
        future, view = self._outstanding[0]
        await asyncio.wrap_future(future)
        self._outstanding.popleft()
        self._spare.append(view)


@asynccontextmanager
async def pumping(site: Site, begin: Callable[[], Receiving], *, size_hint: int | None) -> AsyncIterator[Pump]:
    """A pump for one file; left without a receipt, the upload is abandoned."""
    pump = Pump(site, await site.call(begin), size_hint=size_hint)
    try:
        yield pump
    finally:
        if pump.receipt is None:
            await asyncio.shield(pump.abandon())


def store_whole(begin: Callable[[], Receiving], content: bytes) -> Receipt:
    """Stores a file that is in memory already; blocking."""
    with begin() as receiving:
        receiving.accept(content, final=True).result()
        return receiving.finish()


async def receive_raw(site: Site, request: Request, begin: Callable[[], Receiving]) -> Receipt:
    """Stores the request's body as one file. Raises ``TooLarge``, before a byte is read where a length is announced."""
    announced = require_length(request, site.vault.limits.upload_bytes_max)
    async with site.uploads.place():
        if announced is not None and announced <= SMALL_BYTES:
            content = await read_whole(request, bytes_max=SMALL_BYTES, idle_s=site.client_idle_s)
            return await site.call(store_whole, begin, content)
        async with (
            pumping(site, begin, size_hint=announced) as pump,
            open_body(request, idle_s=site.client_idle_s) as body,
        ):
            while await pump.draw(body):
                pass
            return await pump.finish()
