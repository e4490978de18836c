"""Webhooks, described."""

from __future__ import annotations

from typing import Final

from vault.webhooks import EVENTS, DeliveryState
from web.api.operations import LIMIT, Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MAYBE_WHOLE,
    MOMENT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    choice,
    many,
    ref,
    shape,
    text,
)

_WEBHOOK: Final[dict[str, Schema]] = {
    "id": TEXT,
    "url": TEXT,
    "events": many(TEXT),
    "live": YES_NO,
    "created_by": TEXT,
    "created_at": MOMENT,
    "ended_at": MAYBE_MOMENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Webhook": shape(_WEBHOOK),
    "MadeWebhook": shape({**_WEBHOOK, "secret": TEXT}),
    "Webhooks": shape({"webhooks": many(ref("Webhook"))}),
    "NewWebhook": asked(
        {
            "url": text(low=1, high=1000),
            "events": many(choice(sorted(event.value for event in EVENTS)), minItems=1, maxItems=len(EVENTS)),
        },
        "url",
        "events",
    ),
    "Message": shape(
        {
            "id": TEXT,
            "message_id": TEXT,
            "number": MAYBE_WHOLE,
            "event": TEXT,
            "subject": TEXT,
            "at": MOMENT,
            "state": choice(DeliveryState),
            "tries": WHOLE,
            "next_try_at": MAYBE_MOMENT,
            "status": MAYBE_WHOLE,
            "failure": MAYBE_TEXT,
            "ended_at": MAYBE_MOMENT,
        }
    ),
    "Messages": shape({"messages": many(ref("Message"))}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-webhooks": Operation(
        tag="webhooks", summary="Webhooks, newest first", answers={200: ("Webhooks", "Webhooks")}
    ),
    "api-add-webhook": Operation(
        tag="webhooks",
        summary="Tell an address of events from now on; the secret is in this answer only.",
        answers={201: ("Added", "MadeWebhook")},
        body="NewWebhook",
        problems=(409,),
        proof=True,
        once=True,
        secret=True,
    ),
    "api-webhook": Operation(
        tag="webhooks", summary="One webhook", answers={200: ("The webhook", "Webhook")}, problems=(404,)
    ),
    "api-end-webhook": Operation(
        tag="webhooks",
        summary="End a webhook, at once; what waits for it is given up",
        answers={204: ("Ended", None)},
        problems=(404, 409),
    ),
    "api-test-webhook": Operation(
        tag="webhooks",
        summary="Send a message of the type `test`",
        answers={202: ("It waits to be sent", "Message")},
        problems=(404, 409),
        once=True,
    ),
    "api-messages": Operation(
        tag="webhooks",
        summary="A webhook's newest messages, and what became of each",
        answers={200: ("Messages", "Messages")},
        query=(LIMIT,),
        problems=(404,),
    ),
    "api-resend-message": Operation(
        tag="webhooks",
        summary="Send a message again that was given up",
        answers={202: ("It waits to be sent", "Message")},
        problems=(404, 409),
        once=True,
    ),
}
