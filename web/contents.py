"""Contents of records as answers: as what they go out, ranges, and streams that break when they cannot be whole.

Rule 1: nothing of a record runs in our origin: contents go out as attachments, PDF and common raster images as what
they are, everything else of no particular type. What is looked at are pages that were drawn anew (``previews``).
Rule 2: the first block is fetched before the headers go out, so what is wrong by then is an answer of its own. A
failure after that breaks the connection: a short body with a polite end would look like the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vault.errors import Broken, StrongroomError
from vault.records import ContentFacts
from web.problems import RangeNotSatisfiable, answer_error
from web.ranges import Span, asked_span
from web.site import Site, Visit

OPAQUE: Final = "application/octet-stream"
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
STALLED_S: Final = 120.0

SANDBOX: Final = "default-src 'none'; sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"


class AnswerBrokenOff(Exception):
    """The answer could not be sent whole; the connection is closed so that the client knows."""


def media_type_of(content: ContentFacts) -> str:
    """The type under which contents go out."""
    kind = content.media_type.partition(";")[0].strip().lower()
    return kind if kind == "application/pdf" or kind in PICTURES else OPAQUE


def disposition(file_name: str) -> str:
    """Content-Disposition (RFC 6266) with the name in UTF-8 (RFC 8187) and a plain one for old clients."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%/;' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def content_headers(content: ContentFacts, *, etag: str) -> dict[str, str]:
    """The headers that every answer with, or about, contents has."""
    return {
        "Content-Type": media_type_of(content),
        "Content-Disposition": disposition(content.file_name),
        "Content-Security-Policy": SANDBOX,
        "X-Frame-Options": "SAMEORIGIN",
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }


def span_of(visit: Visit, *, etag: str, size_bytes: int) -> Span | None:
    """The span that the request asks for. Raises ``RangeNotSatisfiable``."""
    headers = visit.request.headers
    return asked_span(headers.get("range"), headers.get("if-range"), etag=etag, size_bytes=size_bytes)


def answer_unsatisfiable(visit: Visit, error: RangeNotSatisfiable, size_bytes: int) -> Response:
    """416, with the size (RFC 9110, 15.5.17)."""
    response = answer_error(visit, error)
    response.headers["Content-Range"] = f"bytes */{size_bytes}"
    return response


def answer_head(headers: dict[str, str], size_bytes: int) -> Response:
    """The answer to HEAD: what GET would say of the whole."""
    return Response(status_code=200, headers={**headers, "Content-Length": str(size_bytes)})


def answer_content(
    site: Site, blocks: Iterator[bytes], span: Span | None, *, size_bytes: int, headers: dict[str, str]
) -> Response:
    """The answer to GET, its first block already fetched; ``blocks`` are those of the span. Blocking."""
    length = span.length if span is not None else size_bytes
    first = _next_block(blocks)
    if first is not None and len(first) == length:
        # One block is all: what follows it is looked at, and the store's connection given back, in the same thread.
        first += _next_block(blocks) or b""
    complete = {**headers, "Content-Length": str(length)}
    if span is not None:
        complete["Content-Range"] = span.content_range(size_bytes)
    return ContentResponse(site, blocks, first, length, 206 if span is not None else 200, complete)


def _next_block(blocks: Iterator[bytes]) -> bytes | None:
    return next(blocks, None)


def _close(blocks: Iterator[bytes]) -> None:
    close: Callable[[], None] | None = getattr(blocks, "close", None)
    if close is not None:
        close()


class ContentResponse(Response):
    """Streams blocks, the next one being fetched while one is sent, until the client has all or is gone."""

    def __init__(
        self,
        site: Site,
        blocks: Iterator[bytes],
        first: bytes | None,
        length: int,
        status: int,
        headers: dict[str, str],
    ) -> None:
        self.status_code = status
        self.background = None
        self.body = b""
        self.raw_headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        self._site = site
        self._blocks = blocks
        self._first = first
        self._length = length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it (ASGI). Raises ``AnswerBrokenOff`` when the blocks end early or the client stalls; what is broken
        goes on as it is, for somebody has to look."""
        if self._first is not None and len(self._first) == self._length:
            await self._send_at_once(self._first, send)
            return
        pending: asyncio.Future[bytes | None] | None = None
        block, sent = self._first, 0
        try:
            async with _departure(receive) as gone:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                while block:
                    sent += len(block)
                    whole = sent >= self._length
                    if not whole:
                        pending = asyncio.ensure_future(self._site.call(_next_block, self._blocks))
                    async with asyncio.timeout(STALLED_S):
                        await send({"type": "http.response.body", "body": block, "more_body": not whole})
                    if whole:
                        break
                    if gone.done() or pending is None:
                        raise AnswerBrokenOff("the client is gone")
                    block = await pending
                if sent != self._length:
                    raise AnswerBrokenOff(f"{sent} bytes came where {self._length} were announced")
                if self._length == 0:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            raise AnswerBrokenOff("the client takes nothing any more") from None
        except Broken:
            raise
        except StrongroomError as ended:
            raise AnswerBrokenOff(ended.code) from ended
        finally:
            if pending is not None:
                await asyncio.wait([pending])
                if not pending.cancelled():
                    pending.exception()
            await self._site.call(_close, self._blocks)

    async def _send_at_once(self, whole: bytes, send: Send) -> None:
        """All of it is here: nothing is fetched beside it, and nobody has to be watched."""
        try:
            async with asyncio.timeout(STALLED_S):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": whole, "more_body": False})
        except TimeoutError:
            raise AnswerBrokenOff("the client takes nothing any more") from None


@asynccontextmanager
async def _departure(receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
    """Done once the client is gone."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    waiting = asyncio.ensure_future(wait())
    try:
        yield waiting
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
