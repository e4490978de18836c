"""Links, described."""

from __future__ import annotations

from typing import Final

from vault.links import LIFETIME_MAX, PASS_CODE_MAX_CHARACTERS, PASS_CODE_MIN_CHARACTERS, USES_MAX
from web.api.operations import BEFORE, LIMIT, Operation
from web.api.shapes import MAYBE_MOMENT, MOMENT, TEXT, WHOLE, YES_NO, Schema, asked, page, secret, shape, text

_LINK: Final[dict[str, Schema]] = {
    "id": TEXT,
    "record_id": TEXT,
    "record_number": TEXT,
    "version": WHOLE,
    "state": {"type": "string", "enum": ["open", "expired", "revoked", "used-up"]},
    "note": TEXT,
    "expires_at": MOMENT,
    "uses_max": WHOLE,
    "uses_taken": WHOLE,
    "pass_code": YES_NO,
    "created_at": MOMENT,
    "revoked_at": MAYBE_MOMENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "LinkTerms": asked(
        {
            "lifetime_s": {"type": "integer", "minimum": 60, "maximum": int(LIFETIME_MAX.total_seconds())},
            "uses_max": {"type": "integer", "minimum": 1, "maximum": USES_MAX},
            "pass_code": secret(text(low=PASS_CODE_MIN_CHARACTERS, high=PASS_CODE_MAX_CHARACTERS)),
            "note": TEXT,
        }
    ),
    "Link": shape(_LINK),
    "NewLink": shape({**_LINK, "url": TEXT}),
    "LinkPage": page("links", "Link"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-make-link": Operation(
        tag="links",
        summary="Make a link to the current version for somebody without an account",
        answers={201: ("Made; `url` is the address to send", "NewLink")},
        body="LinkTerms",
        problems=(404,),
        once=True,
        secret=True,
    ),
    "api-links": Operation(
        tag="links", summary="Links, newest first", answers={200: ("A page", "LinkPage")}, query=(BEFORE, LIMIT)
    ),
    "api-revoke-link": Operation(
        tag="links", summary="Withdraw a link, at once", answers={204: ("Withdrawn", None)}, problems=(404,)
    ),
}
