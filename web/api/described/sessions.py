"""Sessions, described."""

from __future__ import annotations

from typing import Final

from web.api.operations import Operation
from web.api.shapes import MOMENT, TEXT, YES_NO, Schema, asked, ref, secret, shape

SCHEMAS: Final[dict[str, Schema]] = {
    "SignIn": asked({"login": TEXT, "password": secret(TEXT), "code": secret(TEXT)}, "login", "password"),
    "Proof": asked({"code": secret(TEXT), "password": secret(TEXT)}),
    "SessionView": shape(
        {
            "id": TEXT,
            "kind": {"type": "string", "enum": ["browser", "program", "command-line"]},
            "address": TEXT,
            "agent": TEXT,
            "created_at": MOMENT,
            "seen_at": MOMENT,
            "expires_at": MOMENT,
            "current": YES_NO,
        }
    ),
    "Sessions": shape({"sessions": {"type": "array", "items": ref("SessionView")}}),
    "Session": shape(
        {
            "token": TEXT,
            "expires_at": MOMENT,
            "person": shape({"id": TEXT, "name": TEXT, "roles": {"type": "array", "items": TEXT}}),
        }
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-begin-session": Operation(
        tag="sessions",
        summary="Sign in; the token goes into `Authorization: Bearer`",
        answers={201: ("Signed in", "Session")},
        body="SignIn",
        problems=(401, 429),
    ),
    "api-end-session": Operation(
        tag="sessions",
        summary="Sign out",
        answers={204: ("Signed out", None)},
        oneself=True,
    ),
    "api-step-up": Operation(
        tag="sessions",
        summary="Prove again that it is you: a code, or the password where there is none. The token changes",
        answers={201: ("Proved", "Session")},
        body="Proof",
        problems=(429,),
        oneself=True,
    ),
    "api-sessions": Operation(
        tag="sessions",
        summary="Where you are signed in",
        answers={200: ("Sessions", "Sessions")},
        oneself=True,
    ),
    "api-end-one-session": Operation(
        tag="sessions",
        summary="End one of your sessions",
        answers={204: ("Ended", None)},
        problems=(404,),
        oneself=True,
    ),
}
