"""Notices of destruction as values of a register; what they say stands there sealed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vault.ids import CustomerId, ListId, NoticeId, PersonId
from vault.notices import Audience, Channel, Notice, NoticeState


def notice_values(notice: Notice) -> dict[str, Any]:
    """A notice as a register has it."""
    return {
        "id": notice.id,
        "list": notice.list_id,
        "audience": notice.audience.value,
        "customer": notice.customer_id,
        "state": notice.state.value,
        "records": notice.record_count,
        "sealed": base64.b64encode(notice.sealed).decode("ascii"),
        "revision": notice.revision,
        "made_at": notice.made_at.isoformat(),
        "channel": notice.channel.value if notice.channel else None,
        "told_by": notice.told_by,
        "told_at": notice.told_at.isoformat() if notice.told_at else None,
        "change": notice.change,
    }


def notice_of(values: Mapping[str, Any]) -> Notice:
    """The notice of ``notice_values``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
    return Notice(
        id=NoticeId(values["id"]),
        list_id=ListId(values["list"]),
        audience=Audience(values["audience"]),
        customer_id=CustomerId(values["customer"]) if values["customer"] else None,
        state=NoticeState(values["state"]),
        record_count=values["records"],
        sealed=base64.b64decode(values["sealed"]),
        revision=values["revision"],
        made_at=datetime.fromisoformat(values["made_at"]),
        channel=Channel(values["channel"]) if values["channel"] else None,
        told_by=PersonId(values["told_by"]) if values["told_by"] else None,
        told_at=datetime.fromisoformat(values["told_at"]) if values["told_at"] else None,
        change=values["change"],
    )
