"""Webhooks over the API: added, looked at, tried, ended."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput
from vault.ids import DeliveryId, WebhookId
from vault.webhooks import Delivery, checked_events
from vault.workflows import webhooks
from vault.workflows.webhooks import WebhookView
from web.api.paging import limit_of, moment
from web.forms import text_of
from web.site import Visit

JSON = dict[str, Any]


async def list_webhooks(visit: Visit) -> Response:
    """Every webhook, newest first."""
    views = await visit.site.call(webhooks.list_webhooks, visit.vault, visit.actor)
    return JSONResponse({"webhooks": [_webhook_json(view) for view in views]})


async def add_webhook(visit: Visit) -> Response:
    """Adds one; its secret is in this answer and nowhere else."""
    given = visit.json.get("events")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise InvalidInput("events must be a list of texts", field="events")
    secret, view = await visit.site.call(
        webhooks.add,
        visit.vault,
        visit.actor,
        url=text_of(visit.json, "url"),
        events=checked_events(frozenset(given)),
    )
    return JSONResponse({**_webhook_json(view), "secret": secret}, 201)


async def show_webhook(visit: Visit) -> Response:
    """One webhook."""
    view, _ = await visit.site.call(webhooks.show, visit.vault, visit.actor, _id(visit), limit=1)
    return JSONResponse(_webhook_json(view))


async def end_webhook(visit: Visit) -> Response:
    """Ends one, at once."""
    await visit.site.call(webhooks.end, visit.vault, visit.actor, _id(visit))
    return Response(status_code=204)


async def test_webhook(visit: Visit) -> Response:
    """Has a test message sent."""
    delivery = await visit.site.call(webhooks.test, visit.vault, visit.actor, _id(visit))
    return JSONResponse(_message_json(delivery), 202)


async def list_messages(visit: Visit) -> Response:
    """A webhook's newest messages, and what became of each."""
    _, found = await visit.site.call(webhooks.show, visit.vault, visit.actor, _id(visit), limit=limit_of(visit))
    return JSONResponse({"messages": [_message_json(each) for each in found]})


async def resend_message(visit: Visit) -> Response:
    """Has a message sent again that was given up."""
    delivery_id = DeliveryId(visit.parameter("message"))
    delivery = await visit.site.call(webhooks.resend, visit.vault, visit.actor, _id(visit), delivery_id)
    return JSONResponse(_message_json(delivery), 202)


def _id(visit: Visit) -> WebhookId:
    return WebhookId(visit.parameter("webhook"))


def _webhook_json(view: WebhookView) -> JSON:
    webhook = view.webhook
    return {
        "id": webhook.id,
        "url": view.url,
        "events": sorted(event.value for event in webhook.events),
        "live": webhook.is_live,
        "created_by": webhook.created_by,
        "created_at": moment(webhook.created_at),
        "ended_at": moment(webhook.ended_at),
    }


def _message_json(delivery: Delivery) -> JSON:
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "number": delivery.number,
        "event": delivery.event,
        "subject": delivery.subject,
        "at": moment(delivery.at),
        "state": delivery.state.value,
        "tries": delivery.tries,
        "next_try_at": moment(delivery.next_try_at) if delivery.ended_at is None else None,
        "status": delivery.status,
        "failure": delivery.failure,
        "ended_at": moment(delivery.ended_at),
    }
