"""What is derived from a version: its text, a picture of its first page, and what a parser found, each sealed under
the version's leaf.

Rule 1: it dies with the version's key, and its row with the destruction's transaction.
Rule 2: it can be made again at any time: it is not in the store, a restored catalogue has none, and makes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vault.errors import NotReadable
from vault.ids import RecordId
from vault.previews import PAGES_MAX, Parsed, Unreadable, unreadable

PASSING: Final = (Unreadable.TOOK_TOO_LONG.value, Unreadable.GAVE_UP.value)
"""Reasons that may lie with the machine, and not with the file: it is looked into again."""
PARSERS: Final = 2
"""The generation of parsers: what earlier ones derived is derived again."""
TEXT_FIELDS: Final = "derived-text"
"""What the sealed text is called, for the seal."""
FOUND_FIELDS: Final = "derived-found"
"""The same of what was found."""
ACTIVE: Final = ("macro", "launch", "script", "sends-data", "embedded-file", "attachment")
"""What of a file would act where it is opened, or is a file inside it; the gravest first."""
THUMBNAIL_BYTES_MAX: Final = 64 * 1024
TEXT_CHARACTERS_MAX: Final = 20_000
"""Of a file so much is kept and looked for: the index that has it is in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What was derived of one version; ``reason`` says why nothing could be, one of ``Unreadable``, else it is empty.

    ``number`` orders what was derived: who follows it sees what came since.
    """

    record_id: RecordId
    ordinal: int
    number: int
    parsers: int
    reason: str
    sealed_text: bytes | None = field(repr=False)
    sealed_thumbnail: bytes | None = field(repr=False)
    sealed_found: bytes | None = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a parser found in a file: ``pages`` 0 where they are not counted; ``active`` codes of ``ACTIVE``;
    ``searched`` whether it was searched to its end for those."""

    pages: int = 0
    active: tuple[str, ...] = ()
    searched: bool = False

    def values(self) -> dict[str, Any]:
        """As it is sealed."""
        return {"pages": self.pages, "active": list(self.active), "searched": self.searched}


def checked_found(facts: Mapping[str, Any]) -> Found:
    """What a parser says that it found, or what was sealed of it, within bounds. Raises ``NotReadable``."""
    pages, active, searched = facts.get("pages"), facts.get("active"), facts.get("searched")
    if type(pages) is not int or not 0 <= pages <= PAGES_MAX or not isinstance(searched, bool):
        raise _nonsense()
    if not isinstance(active, list) or not all(each in ACTIVE for each in active):
        raise _nonsense()
    return Found(pages=pages, active=tuple(each for each in ACTIVE if each in active), searched=searched)


def checked_reason(facts: Mapping[str, Any]) -> str:
    """Why a parser says that nothing could be derived; "" where something was. Raises ``NotReadable``."""
    reason = facts.get("reason", "")
    if reason != "" and reason not in list(Unreadable):
        raise _nonsense()
    return str(reason)


def checked_parts(parsed: Parsed) -> tuple[str, bytes]:
    """The text and the picture as a parser gave them. Raises ``NotReadable``."""
    length = parsed.facts.get("thumbnail_bytes")
    if not isinstance(length, int) or not 0 <= length <= min(THUMBNAIL_BYTES_MAX, len(parsed.body)):
        raise _nonsense()
    small = parsed.body[:length]
    if small and not (small.startswith(b"RIFF") and small[8:12] == b"WEBP"):
        raise _nonsense()
    try:
        return parsed.body[length:].decode("utf-8")[:TEXT_CHARACTERS_MAX], small
    except UnicodeDecodeError as exc:
        raise _nonsense() from exc


def _nonsense() -> NotReadable:
    return unreadable(Unreadable.GAVE_UP)
