"""Messages to webhooks: the queue of those that wait, and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows
from storage.catalogue.webhooks import webhooks
from vault.ids import DeliveryId, WebhookId
from vault.webhooks import Delivery, DeliveryState

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook_id", Text, ForeignKey("webhooks.id"), nullable=False),
    Column("number", Counted),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Counted, nullable=False),
    Column("next_try_at", UtcDateTime, nullable=False),
    Column("status", Counted),
    Column("failure", Text),
    Column("ended_at", UtcDateTime),
    Column("waits_since", UtcDateTime),
    one_of("state", DeliveryState),
    CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended_at"),
    CheckConstraint("tries >= 0", name="tries"),
    UniqueConstraint("webhook_id", "number"),
    Index("ix_deliveries_state_next_try_at", "state", "next_try_at"),
    Index("ix_deliveries_webhook_id_at_id", "webhook_id", "at", "id"),
)

_its_id: BindParameter[str] = bindparam("its_id")
_its_webhook: BindParameter[str] = bindparam("its_webhook")
_WAITS = deliveries.c.state == DeliveryState.WAITING.value
_ADD = insert(deliveries)
_ONE = select(deliveries).where(deliveries.c.id == _its_id)
_NEWEST = (
    select(deliveries)
    .where(deliveries.c.webhook_id == _its_webhook)
    .order_by(deliveries.c.at.desc(), deliveries.c.id.desc())
    .limit(bindparam("at_most"))
)
_now: BindParameter[datetime] = bindparam("now", type_=UtcDateTime)
_DUE = (
    select(deliveries)
    .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
    .where(
        _WAITS,
        deliveries.c.next_try_at <= _now,
        or_(webhooks.c.rests_until.is_(None), webhooks.c.rests_until <= _now),
    )
    .order_by(deliveries.c.next_try_at, deliveries.c.id)
    .limit(bindparam("at_most"))
)
_CLAIM = (
    update(deliveries)
    .where(deliveries.c.id == _its_id, _WAITS, deliveries.c.tries == bindparam("before"))
    .values(tries=deliveries.c.tries + 1, next_try_at=bindparam("until"))
)
_SENT = (
    update(deliveries)
    .where(deliveries.c.id == _its_id, _WAITS)
    .values(state=DeliveryState.SENT.value, status=bindparam("answered"), failure=None, ended_at=bindparam("now"))
)
_FAILED = (
    update(deliveries)
    .where(deliveries.c.id == _its_id, _WAITS)
    .values(status=bindparam("answered"), failure=bindparam("why"), next_try_at=bindparam("until"))
)
_GIVE_UP_ALL = (
    update(deliveries)
    .where(deliveries.c.webhook_id == _its_webhook, _WAITS)
    .values(state=DeliveryState.GIVEN_UP.value, failure=bindparam("why"), ended_at=bindparam("now"))
)
_GIVE_UP_OLD = _GIVE_UP_ALL.where(deliveries.c.waits_since <= bindparam("waiting_since", type_=UtcDateTime))
_WAIT_AGAIN = (
    update(deliveries)
    .where(deliveries.c.id == _its_id, deliveries.c.state == DeliveryState.GIVEN_UP.value)
    .values(state=DeliveryState.WAITING.value, tries=0, next_try_at=_now, waits_since=_now, ended_at=None)
)
_WAITING = select(func.count().label("count")).select_from(deliveries).where(_WAITS)
_FORGET = delete(deliveries).where(deliveries.c.ended_at < bindparam("moment", type_=UtcDateTime))


class SqlDeliveryShelf:
    """``vault.shelves.DeliveryShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            self._rows.run_many(_ADD, [_values(each) for each in deliveries])

    def get(self, delivery_id: DeliveryId) -> Delivery | None:
        row = self._rows.first(_ONE, {"its_id": delivery_id})
        return None if row is None else _delivery(row)

    def newest(self, webhook_id: WebhookId, *, limit: int) -> Sequence[Delivery]:
        return [_delivery(row) for row in self._rows.all(_NEWEST, {"its_webhook": webhook_id, "at_most": limit})]

    def due(self, *, now: datetime, limit: int) -> Sequence[Delivery]:
        return [_delivery(row) for row in self._rows.all(_DUE, {"now": now, "at_most": limit})]

    def claim(self, delivery_id: DeliveryId, *, tries: int, until: datetime) -> bool:
        return self._rows.run(_CLAIM, {"its_id": delivery_id, "before": tries, "until": until}) == 1

    def sent(self, delivery_id: DeliveryId, *, status: int, at: datetime) -> None:
        self._rows.run(_SENT, {"its_id": delivery_id, "answered": status, "now": at})

    def failed(self, delivery_id: DeliveryId, *, status: int | None, failure: str, next_try_at: datetime) -> None:
        values = {"its_id": delivery_id, "answered": status, "why": failure, "until": next_try_at}
        self._rows.run(_FAILED, values)

    def give_up_old(self, webhook_id: WebhookId, *, waiting_since: datetime, failure: str, at: datetime) -> int:
        values = {"its_webhook": webhook_id, "waiting_since": waiting_since, "why": failure, "now": at}
        return self._rows.run(_GIVE_UP_OLD, values)

    def give_up_all(self, webhook_id: WebhookId, *, failure: str, at: datetime) -> int:
        return self._rows.run(_GIVE_UP_ALL, {"its_webhook": webhook_id, "why": failure, "now": at})

    def wait_again(self, delivery_id: DeliveryId, *, at: datetime) -> bool:
        return self._rows.run(_WAIT_AGAIN, {"its_id": delivery_id, "now": at}) == 1

    def waiting(self) -> int:
        row = self._rows.first(_WAITING)
        return 0 if row is None else int(row[0])

    def forget_before(self, moment: datetime) -> int:
        return self._rows.run(_FORGET, {"moment": moment})


def _values(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "number": delivery.number,
        "event": delivery.event,
        "subject": delivery.subject,
        "at": delivery.at,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "next_try_at": delivery.next_try_at,
        "status": delivery.status,
        "failure": delivery.failure,
        "ended_at": delivery.ended_at,
        "waits_since": delivery.waits_since,
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=DeliveryId(row.id),
        webhook_id=WebhookId(row.webhook_id),
        number=row.number,
        event=row.event,
        subject=row.subject,
        at=row.at,
        state=DeliveryState(row.state),
        tries=row.tries,
        next_try_at=row.next_try_at,
        status=row.status,
        failure=row.failure,
        ended_at=row.ended_at,
        waits_since=row.waits_since,
    )
