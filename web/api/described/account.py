"""One's own account, described."""

from __future__ import annotations

from typing import Final

from vault.people import PASSWORD_MAX_CHARACTERS
from web.api.operations import Operation
from web.api.shapes import MOMENT, TEXT, WHOLE, YES_NO, Schema, asked, many, secret, shape, text

SCHEMAS: Final[dict[str, Schema]] = {
    "PasswordChange": asked(
        {name: secret(text(low=1, high=PASSWORD_MAX_CHARACTERS)) for name in ("old", "new")}, "old", "new"
    ),
    "Ended": shape({"ended": WHOLE}),
    "Factors": shape(
        {
            "authenticator": YES_NO,
            "recovery_codes": WHOLE,
            "passkeys": many(shape({"id": TEXT, "name": TEXT, "created_at": MOMENT})),
        }
    ),
    "Enrolment": shape({"uri": TEXT, "secret": TEXT}),
    "Code": asked({"code": secret(text(low=1, high=64))}, "code"),
    "RecoveryCodes": shape({"recovery_codes": many(TEXT)}),
    "PasskeyName": asked({"name": text(low=1, high=200)}, "name"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-change-password": Operation(
        tag="profile",
        summary="Change your password; every other session of yours ends",
        answers={204: ("Changed", None)},
        body="PasswordChange",
        problems=(429,),
        proof=True,
        oneself=True,
    ),
    "api-end-other-sessions": Operation(
        tag="sessions",
        summary="End all your sessions but this one",
        answers={200: ("How many ended", "Ended")},
        oneself=True,
    ),
    "api-factors": Operation(
        tag="profile",
        summary="What you prove yourself by; a passkey is added in a browser",
        answers={200: ("Factors", "Factors")},
        problems=(404,),
        oneself=True,
    ),
    "api-begin-authenticator": Operation(
        tag="profile",
        summary="Make a secret for an authenticator app; it counts once a code of it was shown",
        answers={201: ("The secret", "Enrolment")},
        problems=(404, 409),
        proof=True,
        oneself=True,
        once=True,
        secret=True,
    ),
    "api-confirm-authenticator": Operation(
        tag="profile",
        summary="Show the first code; recovery codes come in this answer only, where they are new",
        answers={201: ("Confirmed", "RecoveryCodes")},
        body="Code",
        problems=(404, 409, 429),
        proof=True,
        oneself=True,
        once=True,
        secret=True,
    ),
    "api-remove-authenticator": Operation(
        tag="profile",
        summary="Take the authenticator app away",
        answers={204: ("Removed", None)},
        problems=(404, 409),
        proof=True,
        oneself=True,
    ),
    "api-recovery-codes": Operation(
        tag="profile",
        summary="Make new recovery codes; the old ones are worth nothing from then on",
        answers={201: ("The codes, shown once", "RecoveryCodes")},
        problems=(404, 409),
        proof=True,
        oneself=True,
        once=True,
        secret=True,
    ),
    "api-rename-passkey": Operation(
        tag="profile",
        summary="Give a passkey of yours another name",
        answers={204: ("Renamed", None)},
        body="PasskeyName",
        problems=(404, 409),
        oneself=True,
    ),
    "api-remove-passkey": Operation(
        tag="profile",
        summary="Take a passkey of yours away",
        answers={204: ("Removed", None)},
        problems=(404, 409),
        proof=True,
        oneself=True,
    ),
}
