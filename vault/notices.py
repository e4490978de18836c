"""Notices of destruction: who is told that records are to be destroyed, what they are told, and when they were (R8).

    waiting -> told       somebody was told, by a channel, and from then on may object
       \\-> dropped        there is nothing any more to tell them of: objected, or the list was cancelled

Rule 1: where the class says so, an approved list has one notice to the staff and one to each customer whose records
stand on it. The staff's is told by being there; a customer's waits until it was told.
Rule 2: the objection window begins when the last customer was told, not before; nothing of the list dies until then.
Rule 3: a notice names records by their numbers, never by title: it outlives them. What it says is sealed under the
list's own leaf, in Chinese and in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from vault.classes import RecordClass
from vault.errors import InvalidInput
from vault.ids import CustomerId, ListId, NoticeId, PersonId

REMARK_MAX_CHARACTERS: Final = 200


class Audience(StrEnum):
    """Who is told."""

    STAFF = "staff"
    CUSTOMER = "customer"


class NoticeState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    TOLD = "told"
    DROPPED = "dropped"


class Channel(StrEnum):
    """By which way somebody was told. ``PAGES``: it stands in the vault's own pages."""

    PAGES = "pages"
    MAIL = "mail"
    POST = "post"
    PHONE = "phone"
    IN_PERSON = "in-person"
    PUBLISHED = "published"


BY_PEOPLE: Final = (Channel.MAIL, Channel.POST, Channel.PHONE, Channel.IN_PERSON, Channel.PUBLISHED)
"""What a person may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWords:
    """What a notice says, and how it went out: sealed."""

    text_zh: str
    text_en: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice. ``sealed`` opens to ``NoticeWords`` under its list's leaf; ``record_count`` is as it was made."""

    id: NoticeId
    list_id: ListId
    audience: Audience
    customer_id: CustomerId | None
    state: NoticeState
    record_count: int
    sealed: bytes = field(repr=False)
    revision: int
    made_at: datetime
    channel: Channel | None
    told_by: PersonId | None
    told_at: datetime | None
    change: int


def notice_words(
    *, audience: Audience, rule: RecordClass, list_number: str, numbers: Sequence[str], not_before: date | None
) -> NoticeWords:
    """What a notice says, in both languages; ``not_before`` where the last of the records is not due yet."""
    named = ", ".join(numbers)
    days, law = rule.objection_days, rule.mandate
    by = not_before.isoformat() if not_before is not None else ""
    zh = [
        f"销毁通知（处置清单 {list_number}）",
        f"类别“{rule.title_zh}”的下列 {len(numbers)} 件档案保管期限届满，拟予销毁：{named}。",
        f"保管期限依据：{law}。" if law else "",
        f"不早于 {by} 销毁。" if by else "",
        _zh_window(audience, days),
        "销毁后无法恢复，任何备份亦然。",
    ]
    en = [
        f"Notice of destruction (disposal list {list_number})",
        (
            f'The retention period of these {len(numbers)} records of class "{rule.title_en}" is over, and they are to '
            f"be destroyed: {named}."
        ),
        f"The period is set by: {law}." if law else "",
        f"They are destroyed on {by} at the earliest." if by else "",
        _en_window(audience, days),
        "What is destroyed cannot be brought back, by any backup.",
    ]
    return NoticeWords(text_zh="\n".join(filter(None, zh)), text_en="\n".join(filter(None, en)))


def checked_remark(text: str) -> str:
    """What is said of how somebody was told; may be empty. Raises ``InvalidInput``."""
    clean = text.strip()
    if len(clean) > REMARK_MAX_CHARACTERS or (clean and not clean.isprintable()):
        raise InvalidInput(
            f"remark is longer than {REMARK_MAX_CHARACTERS} characters, or more than a line", field="remark"
        )
    return clean


def _zh_window(audience: Audience, days: int) -> str:
    if audience is Audience.STAFF:
        return f"所涉客户均获告知后，异议期为 {days} 天。" if days else "认为仍应保存的，请即提出。"
    return f"如有异议，请在收到本通知之日起 {days} 天内提出。" if days else "如有异议，请即提出。"


def _en_window(audience: Audience, days: int) -> str:
    if audience is Audience.STAFF:
        told = f"Objections may be made for {days} days once all customers concerned were told."
        return told if days else "Whoever thinks that they are needed still says so at once."
    told = f"You may object within {days} days from the day on which you receive this notice."
    return told if days else "If you object, say so at once."
