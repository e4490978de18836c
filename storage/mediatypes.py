"""Tells a file's media type by its content first and its name second.

It decides what a page may show, never what is stored: an unknown type is ``application/octet-stream`` and is stored all
the same.

This runs where the keys of leaves are, and not in a parser process (``storage.parsing``), because it parses nothing: it
compares a file's first bytes with signatures and asks whether they are characters, in work that their number bounds.
"""

from __future__ import annotations

import codecs
import mimetypes
from collections.abc import Iterator
from typing import Final

import puremagic
from puremagic.main import PureMagic, max_foot

UNKNOWN: Final = "application/octet-stream"

_BY_NAME_ONLY: Final = frozenset({"text/csv", "text/markdown", "text/html", "text/css", "image/svg+xml", "text/xml"})


def media_type_of(head: bytes, file_name: str) -> str:
    """The media type of a file that begins with ``head`` (some kilobytes)."""
    by_content = _by_content(head)
    if by_content:
        return by_content
    by_name = mimetypes.guess_type(file_name, strict=True)[0] or ""
    if _is_text(head):
        # Plain text has no signature; a name may say more of it, but cannot make an image or a program of it.
        return by_name if by_name.startswith("text/") or by_name in _BY_NAME_ONLY else "text/plain"
    return by_name if by_name and not by_name.startswith(("text/", "image/")) else UNKNOWN


def _by_content(head: bytes) -> str:
    """The type of the longest signature that is in ``head``; "" for none, or one of one or two bytes."""
    foot = head[-max_foot:]
    found = [
        (rank, row)
        for start, rows in _ROWS.items()
        for rank, row in rows.get(_piece(head, foot, start, 1), ())
        if _piece(head, foot, start, len(row.byte_match)) == row.byte_match
    ]
    matches = [(len(row.byte_match), -rank, row.mime_type) for rank, row in found]
    matches += [match for _, row in found for match in _followed(row, head, foot)]
    length, _, kind = max(matches, default=(0, 0, ""))
    return kind if length >= 3 else ""


def _followed(row: PureMagic, head: bytes, foot: bytes) -> Iterator[tuple[int, int, str]]:
    """Signatures that say more where another one was found."""
    for more in puremagic.multi_part_dict.get(row.byte_match, ()):
        length = len(more.byte_match)
        if _piece(head, foot, more.offset, length) == more.byte_match:
            longer = more.offset - row.offset if more.offset >= 0 else len(row.byte_match)
            yield longer + length, -_SIGNATURES, more.mime_type


def _piece(head: bytes, foot: bytes, start: int, length: int) -> bytes:
    """What stands at a place, counted from the end where it is negative."""
    if start >= 0:
        return head[start : start + length]
    return foot[start:][:length] if -start <= len(foot) else b""


def _by_place() -> dict[int, dict[bytes, list[tuple[int, PureMagic]]]]:
    places: dict[int, dict[bytes, list[tuple[int, PureMagic]]]] = {}
    for rank, row in enumerate((*puremagic.magic_header_array, *puremagic.magic_footer_array)):
        places.setdefault(row.offset, {}).setdefault(row.byte_match[:1], []).append((rank, row))
    return places


_SIGNATURES: Final = len(puremagic.magic_header_array) + len(puremagic.magic_footer_array)
_ROWS: Final = _by_place()
"""puremagic's signatures by place and first byte: its own search compares each of the 1,400 with every file."""


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            # Where the head was cut out of a longer file, its last character may be cut too.
            text = codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < 4096)
        except UnicodeDecodeError:
            continue
        return all(character >= " " or character in "\t\r\n\f" for character in text)
    return False
