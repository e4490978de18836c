"""API tokens, described."""

from __future__ import annotations

from typing import Final

from vault.permissions import Action
from vault.tokens import TOKEN_LIFETIME_MAX
from web.api.operations import Operation
from web.api.shapes import MAYBE_MOMENT, MOMENT, TEXT, YES_NO, Schema, asked, ref, shape

_TOKEN: Final[dict[str, Schema]] = {
    "id": TEXT,
    "name": TEXT,
    "scopes": {"type": "array", "items": TEXT},
    "created_at": MOMENT,
    "expires_at": MOMENT,
    "last_used_at": MAYBE_MOMENT,
    "live": YES_NO,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Token": shape(_TOKEN),
    "MadeToken": shape({**_TOKEN, "token": TEXT}),
    "Tokens": shape({"tokens": {"type": "array", "items": ref("Token")}}),
    "NewToken": asked(
        {
            "name": TEXT,
            "scopes": {
                "type": "array",
                "items": {"type": "string", "enum": [action.value for action in Action]},
                "minItems": 1,
            },
            "days": {"type": "integer", "minimum": 1, "maximum": TOKEN_LIFETIME_MAX.days, "default": 90},
        },
        "name",
        "scopes",
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-tokens": Operation(
        tag="tokens",
        summary="Your API tokens, newest first",
        answers={200: ("Tokens", "Tokens")},
        oneself=True,
    ),
    "api-create-token": Operation(
        tag="tokens",
        summary="Make an API token for some of what you may do; it is shown in this answer only.",
        answers={201: ("Made", "MadeToken")},
        body="NewToken",
        problems=(409,),
        proof=True,
        oneself=True,
        once=True,
        secret=True,
    ),
    "api-revoke-token": Operation(
        tag="tokens",
        summary="Revoke one of your tokens, at once",
        answers={204: ("Revoked", None)},
        problems=(404,),
        oneself=True,
    ),
}
