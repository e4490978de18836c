"""People and one's own profile, described."""

from __future__ import annotations

from typing import Final

from vault.people import LANGUAGES
from web.api.operations import Operation
from web.api.shapes import MOMENT, TEXT, WHOLE, YES_NO, Schema, asked, ref, shape

SCHEMAS: Final[dict[str, Schema]] = {
    "Profile": shape({"login": TEXT, "name": TEXT, "language": TEXT}),
    "ProfileChange": asked({"name": TEXT, "language": {"type": "string", "enum": list(LANGUAGES)}}),
    "Person": shape(
        {
            "id": TEXT,
            "login": TEXT,
            "name": TEXT,
            "roles": {"type": "array", "items": TEXT},
            "active": YES_NO,
            "second_factor": YES_NO,
            "sessions": WHOLE,
            "created_at": MOMENT,
        }
    ),
    "People": shape({"people": {"type": "array", "items": ref("Person")}}),
    "NewReset": asked({"drops_factors": YES_NO}),
    "Reset": shape({"url": TEXT}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-profile": Operation(
        tag="profile", summary="Your own profile", answers={200: ("Profile", "Profile")}, problems=(404,)
    ),
    "api-change-profile": Operation(
        tag="profile",
        summary="Change your own name or language; what is left out stays",
        answers={200: ("Changed", "Profile")},
        body="ProfileChange",
        problems=(404,),
        oneself=True,
    ),
    "api-people": Operation(tag="people", summary="Everybody, with their state", answers={200: ("People", "People")}),
    "api-person": Operation(
        tag="people", summary="One person", answers={200: ("The person", "Person")}, problems=(404,)
    ),
    "api-deactivate": Operation(
        tag="people",
        summary="Shut somebody out, at once.",
        answers={204: ("Deactivated", None)},
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-reactivate": Operation(
        tag="people",
        summary="Let somebody in again.",
        answers={204: ("Reactivated", None)},
        problems=(404,),
        proof=True,
    ),
    "api-end-sessions": Operation(
        tag="people",
        summary="End all sessions of somebody.",
        answers={204: ("Ended", None)},
        problems=(404,),
        proof=True,
    ),
    "api-reset": Operation(
        tag="people",
        summary="Make a one-time address by which somebody chooses a new password.",
        answers={201: ("Made; `url` is the address to send", "Reset")},
        body="NewReset",
        problems=(404, 409),
        proof=True,
        once=True,
        secret=True,
    ),
}
