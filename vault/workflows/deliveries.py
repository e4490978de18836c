"""Messages to webhooks: queued from the log, sent, tried again, given up.

1. What the log tells of since a webhook was last looked at, and it wants, becomes messages; in the same transaction the
   webhook is marked as queued up to there.
2. A message whose time has come is claimed (its try counted, nobody else takes it for ``LEASE``), signed and posted.
3. Answered 2xx it is sent. Otherwise it waits longer each time, and its webhook rests, longer each time in a row.
4. What waits for three days when a try fails is given up, whatever was tried of it; the log tells how many.

Rule 1: killed between 2 and 3, a message is sent again under the same id; none is lost.
Rule 2: a webhook that does not open is as good as one whose receiver is away.
Rule 3: one receiver that is away keeps no other waiting: after a failure its webhook rests, and the others' messages
are asked for anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.errors import InvalidInput, KeyDestroyed, ReceiverUnavailable, SealBroken
from vault.ids import DeliveryId, WebhookId
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.webhooks import (
    GIVEN_UP_AFTER,
    KEPT,
    Delivery,
    DeliveryState,
    Webhook,
    pause_after,
    signed_headers,
)
from vault.workflows.vault import Vault
from vault.workflows.webhooks import SEND_WEBHOOKS, opened

LEASE: Final = timedelta(minutes=2)
LOOKED_AT_ONCE: Final = 1000
SENT_AT_ONCE: Final = 200


def send_webhooks(vault: Vault) -> Outcome:
    """The duty of upkeep: queues what happened, sends what is due."""
    with vault.catalogue.read() as tx:
        live = tx.webhooks.live()
    for webhook in live:
        while _queue(vault, webhook):
            with vault.catalogue.read() as tx:
                webhook = tx.webhooks.get(webhook.id) or webhook
    sent = failed = 0
    # What failed rests beyond this moment, what was sent is out: each look finds others, or fewer than it may.
    now = vault.now()
    few = False
    while not few and sent < SENT_AT_ONCE:
        with vault.catalogue.read() as tx:
            due = tx.deliveries.due(now=now, limit=SENT_AT_ONCE)
        few = len(due) < SENT_AT_ONCE
        resting: set[WebhookId] = set()
        for delivery in due:
            told = None if delivery.webhook_id in resting else _claimed(vault, delivery)
            if told is None:
                continue
            if _send(vault, told, delivery):
                sent += 1
            else:
                failed += 1
                resting.add(delivery.webhook_id)
    with vault.catalogue.write() as tx:
        tx.deliveries.forget_before(vault.now() - KEPT)
        waiting = tx.deliveries.waiting()
    if not few:
        vault.bell.ring(SEND_WEBHOOKS)
    return Outcome.of("webhooks-sent", sent=sent, failed=failed, waiting=waiting)


def _queue(vault: Vault, webhook: Webhook) -> bool:
    """Makes messages of the next entries of the log; whether there may be more."""
    with vault.catalogue.read() as tx:
        entries = tx.audit.between(webhook.queued_to + 1, webhook.queued_to + LOOKED_AT_ONCE)
    if not entries:
        return False
    now = vault.now()
    wanted = [
        Delivery(
            id=DeliveryId(vault.new_id()),
            webhook_id=webhook.id,
            number=each.number,
            event=each.entry.event.value,
            subject=each.entry.subject,
            at=each.entry.at,
            state=DeliveryState.WAITING,
            tries=0,
            next_try_at=now,
            waits_since=now,
        )
        for each in entries
        if each.entry.event in webhook.events
    ]
    with vault.catalogue.write() as tx:
        if not tx.webhooks.queued(webhook.id, before=webhook.queued_to, to=entries[-1].number):
            return False
        tx.deliveries.add(wanted)
    return len(entries) == LOOKED_AT_ONCE


def _claimed(vault: Vault, delivery: Delivery) -> Webhook | None:
    """The webhook of a message that is ours to try; None when somebody else has it, or it does not wait any more."""
    with vault.catalogue.write() as tx:
        if not tx.deliveries.claim(delivery.id, tries=delivery.tries, until=vault.now() + LEASE):
            return None
        return tx.webhooks.get(delivery.webhook_id)


def _send(vault: Vault, webhook: Webhook, delivery: Delivery) -> bool:
    """One try; whether the receiver took the message."""
    body = delivery.payload(vault.vault_id)
    status: int | None = None
    failure = "refused"
    try:
        url, secret = opened(vault, webhook)
        headers = signed_headers(delivery.message_id, body, secret, at=vault.now())
        status = vault.webhook_sending.send(url, headers, body)
    except (ReceiverUnavailable, SealBroken, KeyDestroyed) as exc:
        failure = exc.code
    except InvalidInput:
        failure = "not-to-be-reached"
    now = vault.now()
    with vault.catalogue.write() as tx:
        if status is not None and 200 <= status < 300:
            tx.deliveries.sent(delivery.id, status=status, at=now)
            tx.webhooks.wake(webhook.id)
            return True
        next_try_at = now + pause_after(delivery.tries)
        tx.deliveries.failed(delivery.id, status=status, failure=failure, next_try_at=next_try_at)
        tx.webhooks.rest(webhook.id, until=now + pause_after(webhook.failures), failures=webhook.failures + 1)
        count = tx.deliveries.give_up_old(webhook.id, waiting_since=now - GIVEN_UP_AFTER, failure=failure, at=now)
        if count:
            detail: Detail = {"count": count, "failure": failure}
            tx.audit.append(vault.entry(CLOCK_ID, Event.WEBHOOK_GIVEN_UP, webhook.id, detail))
    return False
