"""Ranges of bytes (RFC 9110, 14): one span, or the whole.

A header with several ranges, another unit or bad syntax is ignored, as the RFC allows (14.2); a span that lies outside
is refused with the size, so that the client can ask again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from web.problems import RangeNotSatisfiable

_SPAN: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``length`` bytes from offset ``start``."""

    start: int
    length: int

    def content_range(self, size_bytes: int) -> str:
        """The Content-Range of an answer with this span."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size_bytes}"


def asked_span(range_header: str | None, if_range: str | None, *, etag: str, size_bytes: int) -> Span | None:
    """The span to send, None for the whole. Raises ``RangeNotSatisfiable``.

    If-Range (13.1.5) must name the strong ETag; a date never matches, for we send no Last-Modified.
    """
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _SPAN.fullmatch(range_header)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size_bytes)
        start = size_bytes - length
    else:
        start = int(first)
        end = min(int(last) if last else size_bytes - 1, size_bytes - 1)
        if last and int(last) < start:
            return None
        length = end - start + 1
    if length <= 0 or start >= size_bytes:
        raise RangeNotSatisfiable(f"the range lies outside the file's {size_bytes} bytes")
    return Span(start=start, length=length)
