"""Webhooks, and the messages that go to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import DeliveryId, WebhookId
from vault.webhooks import Delivery, Webhook


class WebhookShelf(Protocol):
    def add(self, webhook: Webhook) -> None: ...

    def get(self, webhook_id: WebhookId) -> Webhook | None: ...

    def all(self) -> Sequence[Webhook]:
        """Newest first, ended ones included."""
        ...

    def live(self) -> Sequence[Webhook]: ...

    def queued(self, webhook_id: WebhookId, *, before: int, to: int) -> bool:
        """Says that the log is queued up to an entry; False when somebody else has queued from there meanwhile."""
        ...

    def rest(self, webhook_id: WebhookId, *, until: datetime, failures: int) -> None:
        """Nothing is sent there until then, after so many failed tries in a row."""
        ...

    def wake(self, webhook_id: WebhookId) -> None:
        """It rests no longer, as if nothing had failed."""
        ...

    def end(self, webhook_id: WebhookId, *, at: datetime) -> bool: ...


class DeliveryShelf(Protocol):
    def add(self, deliveries: Sequence[Delivery]) -> None: ...

    def get(self, delivery_id: DeliveryId) -> Delivery | None: ...

    def newest(self, webhook_id: WebhookId, *, limit: int) -> Sequence[Delivery]: ...

    def due(self, *, now: datetime, limit: int) -> Sequence[Delivery]:
        """Waiting ones whose time has come, of webhooks that do not rest, the longest waiting first."""
        ...

    def claim(self, delivery_id: DeliveryId, *, tries: int, until: datetime) -> bool:
        """Counts a try and keeps others off until then; False when somebody has it, or it does not wait."""
        ...

    def sent(self, delivery_id: DeliveryId, *, status: int, at: datetime) -> None: ...

    def failed(self, delivery_id: DeliveryId, *, status: int | None, failure: str, next_try_at: datetime) -> None:
        """It waits for its next try."""
        ...

    def give_up_old(self, webhook_id: WebhookId, *, waiting_since: datetime, failure: str, at: datetime) -> int:
        """Gives up those that wait since then or longer; how many."""
        ...

    def give_up_all(self, webhook_id: WebhookId, *, failure: str, at: datetime) -> int: ...

    def wait_again(self, delivery_id: DeliveryId, *, at: datetime) -> bool:
        """A given-up one waits anew; False when it is none."""
        ...

    def waiting(self) -> int:
        """How many wait."""
        ...

    def forget_before(self, moment: datetime) -> int: ...
