"""Webhooks. Address and secret are sealed; events are codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.audit import Event
from vault.ids import PersonId, WebhookId
from vault.webhooks import Webhook

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("events", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("queued_to", Counted, nullable=False),
    Column("rests_until", UtcDateTime),
    Column("failures", Counted, nullable=False, server_default="0"),
    CheckConstraint("length(events) > 0", name="events"),
    CheckConstraint("queued_to >= 0", name="queued_to"),
)

_its_id: BindParameter[str] = bindparam("its_id")
_ADD = insert(webhooks)
_ONE = select(webhooks).where(webhooks.c.id == _its_id)
_ALL = select(webhooks).order_by(webhooks.c.created_at.desc(), webhooks.c.id)
_LIVE = _ALL.where(webhooks.c.ended_at.is_(None))
_QUEUED = (
    update(webhooks)
    .where(webhooks.c.id == _its_id, webhooks.c.queued_to == bindparam("before"), webhooks.c.ended_at.is_(None))
    .values(queued_to=bindparam("up_to"))
)
_REST = (
    update(webhooks)
    .where(webhooks.c.id == _its_id)
    .values(rests_until=bindparam("until"), failures=bindparam("so_many"))
)
_END = update(webhooks).where(webhooks.c.id == _its_id, webhooks.c.ended_at.is_(None)).values(ended_at=bindparam("now"))

_EVENTS = {event.value: event for event in Event}


class SqlWebhookShelf:
    """``vault.shelves.WebhookShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, webhook: Webhook) -> None:
        self._rows.run(
            _ADD,
            {
                "id": webhook.id,
                "sealed": webhook.sealed,
                "events": ",".join(sorted(event.value for event in webhook.events)),
                "created_by": webhook.created_by,
                "created_at": webhook.created_at,
                "ended_at": webhook.ended_at,
                "queued_to": webhook.queued_to,
                "rests_until": webhook.rests_until,
                "failures": webhook.failures,
            },
        )

    def get(self, webhook_id: WebhookId) -> Webhook | None:
        row = self._rows.first(_ONE, {"its_id": webhook_id})
        return None if row is None else _webhook(row)

    def all(self) -> Sequence[Webhook]:
        return [_webhook(row) for row in self._rows.all(_ALL)]

    def live(self) -> Sequence[Webhook]:
        return [_webhook(row) for row in self._rows.all(_LIVE)]

    def queued(self, webhook_id: WebhookId, *, before: int, to: int) -> bool:
        return self._rows.run(_QUEUED, {"its_id": webhook_id, "before": before, "up_to": to}) == 1

    def rest(self, webhook_id: WebhookId, *, until: datetime, failures: int) -> None:
        self._rows.run(_REST, {"its_id": webhook_id, "until": until, "so_many": failures})

    def wake(self, webhook_id: WebhookId) -> None:
        self._rows.run(_REST, {"its_id": webhook_id, "until": None, "so_many": 0})

    def end(self, webhook_id: WebhookId, *, at: datetime) -> bool:
        return self._rows.run(_END, {"its_id": webhook_id, "now": at}) == 1


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=WebhookId(row.id),
        sealed=row.sealed,
        # An event that this version does not have is one that does not happen.
        events=frozenset(_EVENTS[name] for name in row.events.split(",") if name in _EVENTS),
        created_by=PersonId(row.created_by),
        created_at=row.created_at,
        ended_at=row.ended_at,
        queued_to=row.queued_to,
        rests_until=row.rests_until,
        failures=row.failures,
    )
