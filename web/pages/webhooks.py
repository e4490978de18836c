"""Webhooks: which addresses outside are told of what, and what became of each message."""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput
from vault.ids import DeliveryId, WebhookId
from vault.webhooks import EVENTS, checked_events
from vault.workflows import webhooks
from web.forms import text_of
from web.problems import describe
from web.site import Visit

EVENT_PREFIX: Final = "event-"


async def list_webhooks(visit: Visit) -> Response:
    """Every webhook, and a form for another one."""
    return await _list(visit)


async def add_webhook(visit: Visit) -> Response:
    """Adds one, and shows its secret, once."""
    names = frozenset(name.removeprefix(EVENT_PREFIX) for name in visit.form if name.startswith(EVENT_PREFIX))
    try:
        secret, _ = await visit.site.call(
            webhooks.add, visit.vault, visit.actor, url=text_of(visit.form, "url"), events=checked_events(names)
        )
    except InvalidInput as error:
        return await _list(visit, error=describe(visit, error), error_field=error.field)
    return await _list(visit, secret=secret)


async def show_webhook(visit: Visit) -> Response:
    """One webhook with its newest messages."""
    view, deliveries = await visit.site.call(webhooks.show, visit.vault, visit.actor, _id(visit))
    return visit.site.templates.page(visit, "webhook.html", view=view, deliveries=deliveries)


async def test_webhook(visit: Visit) -> Response:
    """Has a test message sent."""
    await visit.site.call(webhooks.test, visit.vault, visit.actor, _id(visit))
    return _to_webhook(visit)


async def resend_message(visit: Visit) -> Response:
    """Has a message sent again that was given up."""
    delivery_id = DeliveryId(visit.parameter("delivery"))
    await visit.site.call(webhooks.resend, visit.vault, visit.actor, _id(visit), delivery_id)
    return _to_webhook(visit)


async def end_webhook(visit: Visit) -> Response:
    """Ends one, at once."""
    await visit.site.call(webhooks.end, visit.vault, visit.actor, _id(visit))
    return RedirectResponse(visit.path("webhooks"), 303)


async def _list(
    visit: Visit, *, secret: str | None = None, error: str | None = None, error_field: str | None = None
) -> Response:
    return visit.site.templates.page(
        visit,
        "webhooks.html",
        status=400 if error else 201 if secret else 200,
        views=await visit.site.call(webhooks.list_webhooks, visit.vault, visit.actor),
        events=sorted(event.value for event in EVENTS),
        prefix=EVENT_PREFIX,
        secret=secret,
        values=visit.form,
        error=error,
        error_field=error_field,
    )


def _id(visit: Visit) -> WebhookId:
    return WebhookId(visit.parameter("webhook"))


def _to_webhook(visit: Visit) -> Response:
    return RedirectResponse(visit.path("webhook", webhook=_id(visit)), 303)
