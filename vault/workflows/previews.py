"""Looking at a record page by page: each look is an opening, with its gates, and bears who looked, when, and its entry.

Rule 1: the gates are asked and the entry is committed before a byte is unsealed (``retrieval.open_version``).
Rule 2: bytes are unsealed in the pieces that a parser asks for, in memory only; nothing of a page is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vault import previews
from vault.audit import Event
from vault.errors import InvalidInput, KeyDestroyed
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.previews import FileKind, PageImage, Unreadable
from vault.workflows import descriptions
from vault.workflows.retrieval import OPENING_LIFETIME, Opening, open_version
from vault.workflows.vault import Vault

ENTRIES_LOOKED_AT: Final = 200
LOOKED_FURTHER_BACK: Final = timedelta(minutes=1)
"""The opening looked at the clock a moment earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a page bears: who looks at it, when, and the number of the log's entry."""

    name: str
    person_id: str
    at: datetime
    entry: int

    def lines(self, who: str) -> Sequence[str]:
        """As it is drawn."""
        return (who, f"{self.at:%Y-%m-%d %H:%M} UTC", f"#{self.entry}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What of a version can be looked at: so many pages, all images or all text; and the proportions of one of them."""

    page: int
    pages: int
    width: int
    height: int
    is_text: bool
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A page of text."""

    text: str = field(repr=False)
    pages: int
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """An opened version as a parser is given it."""

    opening: Opening

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        return self.opening.size_bytes

    def read(self, start: int, length: int) -> bytes:
        """Some of them. Raises as ``Opening.stream``."""
        return b"".join(self.opening.stream(start, length))


def look_at(
    vault: Vault,
    actor: Actor,
    key: RecordId | str,
    page: int = 1,
    *,
    ordinal: int | None = None,
    purpose: str,
    words: str = "",
) -> Look:
    """How much there is to look at, and what a page (the last one, where there are fewer) is like.

    Raises as ``open_version``, and ``NotReadable`` with the reason.
    """
    opening = open_version(vault, actor, key, ordinal=ordinal, purpose=purpose, words=words)
    mark = _mark(vault, actor, opening, purpose)
    said = _parse(vault, opening, "survey", page=page - 1)
    pages = previews.checked_pages(said)
    width, height = previews.checked_size(said)
    return Look(
        page=min(page, pages),
        pages=pages,
        width=width,
        height=height,
        is_text=previews.is_text(_kind(opening)),
        mark=mark,
    )


def draw_page(
    vault: Vault,
    actor: Actor,
    key: RecordId | str,
    page: int,
    *,
    width: int,
    ordinal: int | None = None,
    purpose: str,
    words: str = "",
) -> PageImage:
    """A page (from 1) as an image so many pixels wide, with the watermark of whoever looks.

    Raises as ``open_version``; ``InvalidInput`` (width); ``NotReadable``.
    """
    actor.require(Action.OPEN_RECORD)
    if not previews.WIDTH_MIN_PIXELS <= width <= previews.WIDTH_MAX_PIXELS:
        raise InvalidInput(
            f"a page is {previews.WIDTH_MIN_PIXELS} to {previews.WIDTH_MAX_PIXELS} pixels wide", field="width"
        )
    opening = open_version(vault, actor, key, ordinal=ordinal, purpose=purpose, words=words)
    if previews.is_text(_kind(opening)):
        raise previews.unreadable(Unreadable.NO_SUCH_PAGE)
    mark = _mark(vault, actor, opening, purpose)
    # Where the machine has no font for a name, its owner's id stands there.
    marks = {"mark": mark.lines(mark.name), "mark_plain": mark.lines(mark.person_id)}
    return previews.checked_image(_parse(vault, opening, "page", page=page - 1, width=width, **marks))


def read_passage(
    vault: Vault,
    actor: Actor,
    key: RecordId | str,
    page: int,
    *,
    ordinal: int | None = None,
    purpose: str,
    words: str = "",
) -> Passage:
    """A page (from 1) of text. Raises as ``open_version``, and ``NotReadable``."""
    opening = open_version(vault, actor, key, ordinal=ordinal, purpose=purpose, words=words)
    if not previews.is_text(_kind(opening)):
        raise previews.unreadable(Unreadable.NO_SUCH_PAGE)
    mark = _mark(vault, actor, opening, purpose)
    said = _parse(vault, opening, "passage", page=page - 1)
    return Passage(
        text=previews.checked_text(said.body),
        pages=previews.checked_pages(said),
        mark=mark,
    )


def _parse(vault: Vault, opening: Opening, do: str, **more: Any) -> previews.Parsed:
    if opening.size_bytes == 0:
        raise previews.unreadable(Unreadable.EMPTY)
    return vault.parsers.parse({"do": do, "kind": _kind(opening).value, **more}, OpenedFile(opening=opening))


def _kind(opening: Opening) -> FileKind:
    kind = previews.kind_of(opening.content.media_type, opening.content.file_name)
    if kind is None:
        raise previews.unreadable(Unreadable.UNSUPPORTED)
    return kind


def _mark(vault: Vault, actor: Actor, opening: Opening, purpose: str) -> Mark:
    """The watermark, asked for right behind the opening: its entry is of that, or of the one which stood then."""
    now = vault.now()
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
        entries = tx.audit.page(
            subject=opening.record.id,
            actor=actor.person_id,
            event=Event.RECORD_OPENED,
            since=now - OPENING_LIFETIME - LOOKED_FURTHER_BACK,
            limit=ENTRIES_LOOKED_AT,
        )
    name = str(actor.person_id)
    if person is not None:
        try:
            name = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id).name
        except KeyDestroyed:
            name = str(actor.person_id)
    wanted = (opening.version.ordinal, purpose)
    numbers = [each.number for each in entries if _told(each.entry.detail) == wanted]
    return Mark(name=name, person_id=str(actor.person_id), at=now, entry=numbers[0] if numbers else 0)


def _told(detail: Any) -> tuple[object, object]:
    return detail.get("ordinal"), detail.get("purpose")
