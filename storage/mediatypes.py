"""Tells a file's media type by its content first and its name second.

It decides what a page may show, never what is stored: an unknown type is ``application/octet-stream`` and is stored all
the same.
"""

from __future__ import annotations

import codecs
import mimetypes
from typing import Final

import puremagic

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
    if not head:
        return ""
    try:
        matches = puremagic.magic_string(head)
    except puremagic.PureError:
        return ""
    # Weak matches (one or two bytes of signature) are worse than none.
    best = matches[0] if matches else None
    return best.mime_type if best is not None and best.mime_type and len(best.byte_match or b"") >= 3 else ""


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
