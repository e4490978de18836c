"""Previews: what of a file can be looked at page by page, and why another one cannot.

Rule 1: nothing of a file is shown as it is: a page is an image that was drawn anew, or text; HTML and SVG are text.
Rule 2: a parser is a stranger: what it says of a file is bounded and looked at (``checked_...``) before it is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from vault.errors import NotReadable

PAGES_MAX: Final = 100_000
WIDTH_MIN_PIXELS: Final = 200
WIDTH_MAX_PIXELS: Final = 3000

IMAGES: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/bmp", "image/x-ms-bmp", "image/avif"}
)
_SIGNATURES: Final[Mapping[str, bytes]] = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_OFFICE_NAMES: Final = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".doc", ".xls", ".ppt")
_TEXT_TYPES: Final = frozenset(
    {"application/json", "application/xml", "application/javascript", "image/svg+xml", "application/xhtml+xml"}
)


class FileKind(StrEnum):
    """Which parser looks at a file."""

    PDF = "pdf"
    IMAGE = "image"
    OFFICE = "office"
    MAIL = "mail"
    TEXT = "text"


class Unreadable(StrEnum):
    """Why a file cannot be shown."""

    UNSUPPORTED = "unsupported"
    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    BOMB = "bomb"
    OLD_OFFICE = "old-office"
    NO_SUCH_PAGE = "no-such-page"
    TOOK_TOO_LONG = "took-too-long"
    GAVE_UP = "gave-up"

    @property
    def sentence(self) -> str:
        """What is said of it."""
        return _SENTENCES[self]


_SENTENCES: Final[Mapping[Unreadable, str]] = {
    Unreadable.UNSUPPORTED: "it cannot be previewed, because files of its kind are not looked into",
    Unreadable.ENCRYPTED: "it cannot be previewed, because it is encrypted or protected by a password",
    Unreadable.BROKEN: "it cannot be previewed, because it is broken, or not what its type says",
    Unreadable.EMPTY: "it cannot be previewed, because it is empty",
    Unreadable.TOO_LARGE: "it cannot be previewed, because what it holds is larger than a preview may be",
    Unreadable.BOMB: "it cannot be previewed, because it unpacks to far more than it is",
    Unreadable.OLD_OFFICE: "it cannot be previewed, because it is an old office format, or protected by a password",
    Unreadable.NO_SUCH_PAGE: "it cannot be previewed, because it has no such page",
    Unreadable.TOOK_TOO_LONG: "it cannot be previewed, because looking into it took too long",
    Unreadable.GAVE_UP: "it cannot be previewed, because its parser gave up on it",
}


class Source(Protocol):
    """The bytes of one file, for a parser that asks for pieces of it."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Exactly those. Raises what opening raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a parser said; nothing of it is believed yet."""

    facts: Mapping[str, Any]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageImage:
    """One page as an image, drawn anew."""

    media_type: str
    width: int
    height: int
    body: bytes = field(repr=False)


def kind_of(media_type: str, file_name: str) -> FileKind | None:
    """Which parser looks at a file of a type and name; None where none does."""
    kind = media_type.partition(";")[0].strip().lower()
    name = file_name.lower()
    if kind == "application/pdf":
        return FileKind.PDF
    if kind in IMAGES:
        return FileKind.IMAGE
    if kind == "message/rfc822" or name.endswith((".eml", ".mht")):
        return FileKind.MAIL
    if "officedocument" in kind or "opendocument" in kind or name.endswith(_OFFICE_NAMES):
        return FileKind.OFFICE
    if kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+xml", "+json")):
        return FileKind.TEXT
    return None


def checked_pages(parsed: Parsed) -> int:
    """How many pages a parser says that there are, within bounds. Raises ``NotReadable``."""
    pages = parsed.facts.get("pages")
    if not isinstance(pages, int) or not 1 <= pages <= PAGES_MAX:
        raise unreadable(Unreadable.BROKEN)
    return pages


def checked_image(parsed: Parsed) -> PageImage:
    """A page as a parser drew it, if it is an image at least by its first bytes. Raises ``NotReadable``."""
    media_type = parsed.facts.get("media_type")
    signature = _SIGNATURES.get(media_type) if isinstance(media_type, str) else None
    if signature is None or not parsed.body.startswith(signature):
        raise unreadable(Unreadable.GAVE_UP)
    width, height = checked_size(parsed)
    return PageImage(media_type=str(media_type), width=width, height=height, body=parsed.body)


def checked_size(parsed: Parsed) -> tuple[int, int]:
    """The width and height that a parser says a page has; 1 and 1 of text. Raises ``NotReadable``."""
    width, height = parsed.facts.get("width", 1), parsed.facts.get("height", 1)
    if not isinstance(width, int) or not isinstance(height, int) or not (0 < width < 2**24 and 0 < height < 2**24):
        raise unreadable(Unreadable.GAVE_UP)
    return width, height


def checked_text(body: bytes) -> str:
    """A passage as a parser gave it. Raises ``NotReadable``."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise unreadable(Unreadable.GAVE_UP) from exc


def is_text(kind: FileKind) -> bool:
    """Whether the pages of such files are text; otherwise they are images."""
    return kind not in (FileKind.PDF, FileKind.IMAGE)


def unreadable(reason: Unreadable) -> NotReadable:
    """The error that says why a file cannot be shown."""
    return NotReadable(reason.sentence, reason=reason.value)
