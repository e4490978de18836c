"""Webhooks: added, tried, ended; what became of their messages. Who sends them is ``deliveries``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from vault.audit import Detail, Event
from vault.errors import Conflict, KeyDestroyed, NotFound, SealBroken
from vault.ids import DeliveryId, WebhookId
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.webhooks import (
    SECRET_BYTES,
    SECRET_PREFIX,
    TEST,
    WEBHOOKS_MAX,
    Delivery,
    DeliveryState,
    Webhook,
)
from vault.workflows import descriptions
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

SEND_WEBHOOKS: Final = "send-webhooks"
SHOWN_MAX: Final = 50
ENDED: Final = "ended"
_FIELD_SET: Final = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A webhook as those who tend them see it; ``url`` is empty when it does not open."""

    webhook: Webhook
    url: str
    newest: Delivery | None


def add(vault: Vault, actor: Actor, *, url: str, events: frozenset[Event]) -> tuple[str, WebhookView]:
    """A webhook, and its secret, shown once. It is told what happens from now on.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``InvalidInput`` for an address that is not to be reached, ``Conflict``
    when there are fifty.
    """
    actor.require(Action.TEND_WEBHOOKS)
    require_fresh(vault, actor)
    kept_url = vault.webhook_sending.check(url)
    webhook_id = WebhookId(vault.new_id())
    secret = SECRET_PREFIX + base64.b64encode(vault.randomness.token_bytes(SECRET_BYTES)).decode("ascii")
    sealed = descriptions.seal(
        vault,
        vault.house,
        {"url": kept_url, "secret": secret},
        subject=webhook_id,
        field_set=_FIELD_SET,
        revision=1,
    )
    with vault.catalogue.write() as tx:
        if len(tx.webhooks.live()) >= WEBHOOKS_MAX:
            raise Conflict(f"there are {WEBHOOKS_MAX} webhooks; end one that is not used")
        detail: Detail = {"events": ",".join(sorted(event.value for event in events))}
        number = tx.audit.append_numbered(vault.entry(actor.person_id, Event.WEBHOOK_ADDED, webhook_id, detail))
        webhook = Webhook(
            id=webhook_id,
            sealed=sealed,
            events=events,
            created_by=actor.person_id,
            created_at=vault.now(),
            ended_at=None,
            queued_to=number,
            rests_until=None,
            failures=0,
        )
        tx.webhooks.add(webhook)
    return secret, WebhookView(webhook=webhook, url=kept_url, newest=None)


def list_webhooks(vault: Vault, actor: Actor) -> Sequence[WebhookView]:
    """Every webhook, newest first. Raises ``NotAllowed``."""
    actor.require(Action.TEND_WEBHOOKS)
    with vault.catalogue.read() as tx:
        found = [(each, next(iter(tx.deliveries.newest(each.id, limit=1)), None)) for each in tx.webhooks.all()]
    return [WebhookView(webhook=each, url=_url(vault, each), newest=newest) for each, newest in found]


def show(
    vault: Vault, actor: Actor, webhook_id: WebhookId, *, limit: int = SHOWN_MAX
) -> tuple[WebhookView, Sequence[Delivery]]:
    """A webhook and its newest messages. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.TEND_WEBHOOKS)
    with vault.catalogue.read() as tx:
        webhook = _found(tx, webhook_id)
        newest = tx.deliveries.newest(webhook_id, limit=limit)
    view = WebhookView(webhook=webhook, url=_url(vault, webhook), newest=next(iter(newest), None))
    return view, newest


def end(vault: Vault, actor: Actor, webhook_id: WebhookId) -> None:
    """Ends a webhook at once; what waits for it is given up. Raises ``NotAllowed``, ``NotFound``, ``Conflict``."""
    actor.require(Action.TEND_WEBHOOKS)
    now = vault.now()
    with vault.catalogue.write() as tx:
        _found(tx, webhook_id)
        if not tx.webhooks.end(webhook_id, at=now):
            raise Conflict("this webhook was ended already; there is nothing to do")
        dropped = tx.deliveries.give_up_all(webhook_id, failure=ENDED, at=now)
        tx.audit.append(vault.entry(actor.person_id, Event.WEBHOOK_ENDED, webhook_id, {"dropped": dropped}))


def test(vault: Vault, actor: Actor, webhook_id: WebhookId) -> Delivery:
    """Puts a message of the type ``test`` into the queue. Raises ``NotAllowed``, ``NotFound``, ``Conflict``."""
    actor.require(Action.TEND_WEBHOOKS)
    now = vault.now()
    delivery = Delivery(
        id=DeliveryId(vault.new_id()),
        webhook_id=webhook_id,
        number=None,
        event=TEST,
        subject=webhook_id,
        at=now,
        state=DeliveryState.WAITING,
        tries=0,
        next_try_at=now,
        waits_since=now,
    )
    with vault.catalogue.write() as tx:
        _require_live(_found(tx, webhook_id))
        tx.webhooks.wake(webhook_id)
        tx.deliveries.add([delivery])
        tx.audit.append(vault.entry(actor.person_id, Event.WEBHOOK_TESTED, webhook_id))
    vault.bell.ring(SEND_WEBHOOKS)
    return delivery


def resend(vault: Vault, actor: Actor, webhook_id: WebhookId, delivery_id: DeliveryId) -> Delivery:
    """Puts a message that was given up into the queue again, under the same id.

    Raises ``NotAllowed``, ``NotFound``, ``Conflict``.
    """
    actor.require(Action.TEND_WEBHOOKS)
    now = vault.now()
    with vault.catalogue.write() as tx:
        _require_live(_found(tx, webhook_id))
        delivery = tx.deliveries.get(delivery_id)
        if delivery is None or delivery.webhook_id != webhook_id:
            raise NotFound("there is no such message; look at those of the webhook")
        if not tx.deliveries.wait_again(delivery_id, at=now):
            raise Conflict("this message was not given up; it is sent, or waits")
        tx.webhooks.wake(webhook_id)
        tx.audit.append(vault.entry(actor.person_id, Event.WEBHOOK_RESENT, webhook_id, {"number": delivery.number}))
    vault.bell.ring(SEND_WEBHOOKS)
    return replace(delivery, state=DeliveryState.WAITING, tries=0, next_try_at=now, waits_since=now, ended_at=None)


def opened(vault: Vault, webhook: Webhook) -> tuple[str, str]:
    """(address, secret) of a webhook. Raises ``SealBroken``, ``KeyDestroyed``, ``KeeperUnavailable``."""
    values = descriptions.unseal(
        vault, vault.house, webhook.sealed, subject=webhook.id, field_set=_FIELD_SET, revision=1
    )
    return str(values["url"]), str(values["secret"])


def _found(tx: Transaction, webhook_id: WebhookId) -> Webhook:
    webhook = tx.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("there is no such webhook; look it up in the list")
    return webhook


def _require_live(webhook: Webhook) -> None:
    if not webhook.is_live:
        raise Conflict("this webhook was ended; add another one")


def _url(vault: Vault, webhook: Webhook) -> str:
    try:
        return opened(vault, webhook)[0]
    except (KeyDestroyed, SealBroken):
        return ""
