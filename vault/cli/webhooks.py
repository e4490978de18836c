"""``strongroom webhook``: addresses outside that are told what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.ids import DeliveryId, WebhookId
from vault.webhooks import EVENTS, checked_events
from vault.workflows import webhooks

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.webhooks import Delivery
    from vault.workflows.webhooks import WebhookView


@click.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    required=True,
    type=click.Choice(sorted(event.value for event in EVENTS)),
    help="What it is told; may be said several times.",
)
@speaking
@pass_invocation
def add(invocation: Invocation, url: str, events: tuple[str, ...]) -> None:
    """Tell URL of events from now on, and print the secret that messages are signed with, this once."""
    with invocation.acting(tends=True, fresh=True) as (vault, actor):
        secret, view = webhooks.add(vault, actor, url=url, events=checked_events(frozenset(events)))
    invocation.speech.data({**_document(view), "secret": secret}, [view.webhook.id, secret])
    invocation.speech.talk("the receiver checks messages with the secret (Standard Webhooks); it is not shown again")


@click.command("list")
@speaking
@pass_invocation
def list_webhooks(invocation: Invocation) -> None:
    """List webhooks, newest first, with what became of their last message."""
    with invocation.acting(tends=True) as (vault, actor):
        views = webhooks.list_webhooks(vault, actor)
    rows = [
        (
            view.webhook.id,
            "in force" if view.webhook.is_live else "ended",
            plain(view.url),
            _came_of(view.newest) if view.newest else "none yet",
            ", ".join(sorted(event.value for event in view.webhook.events)),
        )
        for view in views
    ]
    documents: list[JSON] = [_document(view) for view in views]
    invocation.speech.data(
        {"webhooks": documents}, table(("WEBHOOK", "STATE", "URL", "LAST", "TOLD"), rows) if rows else ()
    )
    if not rows:
        invocation.speech.talk("there is no webhook")


@click.command("show")
@click.argument("webhook")
@click.option("--limit", type=click.IntRange(1, 1000), default=webhooks.SHOWN_MAX, show_default=True)
@speaking
@pass_invocation
def show(invocation: Invocation, webhook: str, limit: int) -> None:
    """Show a webhook's newest messages, and what became of each."""
    with invocation.acting(tends=True) as (vault, actor):
        view, found = webhooks.show(vault, actor, WebhookId(webhook), limit=limit)
    rows = [(each.id, local(each.at), each.event, each.subject, str(each.tries), _came_of(each)) for each in found]
    documents: list[JSON] = [_message(each) for each in found]
    lines = table(("MESSAGE", "AT", "EVENT", "SUBJECT", "TRIES", "STATE"), rows) if rows else ()
    invocation.speech.data({**_document(view), "deliveries": documents}, lines)
    if not rows:
        invocation.speech.talk("nothing was sent yet")


@click.command("test")
@click.argument("webhook")
@speaking
@pass_invocation
def send_test(invocation: Invocation, webhook: str) -> None:
    """Put a message of the type `test` into the queue; a running server sends it at once, upkeep otherwise."""
    with invocation.acting(tends=True) as (vault, actor):
        delivery = webhooks.test(vault, actor, WebhookId(webhook))
    invocation.speech.data(_message(delivery), [delivery.id])


@click.command("resend")
@click.argument("webhook")
@click.argument("message")
@speaking
@pass_invocation
def resend(invocation: Invocation, webhook: str, message: str) -> None:
    """Send a message again that was given up."""
    with invocation.acting(tends=True) as (vault, actor):
        delivery = webhooks.resend(vault, actor, WebhookId(webhook), DeliveryId(message))
    invocation.speech.data(_message(delivery), [delivery.id])


@click.command("end")
@click.argument("webhook")
@speaking
@pass_invocation
def end(invocation: Invocation, webhook: str) -> None:
    """End a webhook, at once; what waits for it is given up."""
    with invocation.acting(tends=True) as (vault, actor):
        webhooks.end(vault, actor, WebhookId(webhook))
    invocation.speech.data({"ended": webhook}, ())
    invocation.speech.talk("ended")


def _came_of(delivery: Delivery) -> str:
    answered = f", {delivery.status}" if delivery.status is not None else ""
    why = f" ({delivery.failure})" if delivery.failure else ""
    return f"{delivery.state.value}{answered}{why}"


def _document(view: WebhookView) -> dict[str, JSON]:
    webhook = view.webhook
    return {
        "id": webhook.id,
        "url": view.url,
        "events": [*sorted(event.value for event in webhook.events)],
        "live": webhook.is_live,
        "created_at": iso(webhook.created_at),
        "created_by": webhook.created_by,
        "ended_at": iso(webhook.ended_at) if webhook.ended_at else None,
    }


def _message(delivery: Delivery) -> dict[str, JSON]:
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "number": delivery.number,
        "event": delivery.event,
        "subject": delivery.subject,
        "at": iso(delivery.at),
        "state": delivery.state.value,
        "tries": delivery.tries,
        "next_try_at": iso(delivery.next_try_at) if delivery.ended_at is None else None,
        "status": delivery.status,
        "failure": delivery.failure,
        "ended_at": iso(delivery.ended_at) if delivery.ended_at else None,
    }
