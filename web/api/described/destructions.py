"""Destructions, described."""

from __future__ import annotations

from typing import Final

from vault.destruction import BatchState
from web.api.described.execution import SEEN
from web.api.described.matters import NAMED_MAX
from web.api.operations import AFTER, BEFORE, LIMIT, Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MOMENT,
    SHA256,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    choice,
    many,
    page,
    shape,
    text,
)

_KEYS: Final = many(text(low=1, high=64), maxItems=NAMED_MAX)
_TARGETS: Final[dict[str, Schema]] = {"records": _KEYS, "customers": _KEYS, "filed_in_error": YES_NO}
_BATCH: Final[dict[str, Schema]] = {
    "id": TEXT,
    "generation": WHOLE,
    "state": choice(BatchState),
    "records": WHOLE,
    "customers": WHOLE,
    "requested_by": TEXT,
    "alone": YES_NO,
    "created_at": MOMENT,
    "effective_at": MAYBE_MOMENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Targets": asked(_TARGETS),
    "DestructionPreview": shape(
        {
            "records": many(
                shape(
                    {
                        "record_id": TEXT,
                        "number": TEXT,
                        "class": TEXT,
                        "versions": WHOLE,
                        "size_bytes": WHOLE,
                        "links": WHOLE,
                        "locked_until": MOMENT,
                    }
                )
            ),
            "customers": many(shape({"id": TEXT, "number": TEXT})),
            "versions": WHOLE,
            "size_bytes": WHOLE,
            "links": WHOLE,
            "ciphertext_until": MAYBE_MOMENT,
            "needs_two": YES_NO,
            "blockers": many(shape({"subject": TEXT, "code": TEXT, "message": TEXT})),
            "count": WHOLE,
            "seen": SHA256,
        }
    ),
    "NewDestruction": asked({**_TARGETS, "alone": YES_NO, **SEEN}, "seen", "count"),
    "Destruction": shape(_BATCH),
    "DestructionView": shape({**_BATCH, "waiting": many(TEXT)}),
    "DestructionPage": page("destructions", "Destruction"),
    "Stub": shape(
        {
            "record_id": TEXT,
            "number": TEXT,
            "class": TEXT,
            "locked_until": MAYBE_MOMENT,
            "deleted_at": MAYBE_MOMENT,
        }
    ),
    "StubPage": page("stubs", "Stub"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-preview-destruction": Operation(
        tag="destructions",
        summary="What would die, what stays, what stands against it; `seen` and `count` go into the destruction",
        answers={200: ("The preview", "DestructionPreview")},
        body="Targets",
        problems=(404, 409),
    ),
    "api-destroy": Operation(
        tag="destructions",
        summary="Destroy keys, for ever. Where two people could sign, propose a disposal list instead",
        answers={201: ("Committed; `state` says how far it came", "Destruction")},
        body="NewDestruction",
        problems=(404, 409, 410),
        proof=True,
        once=True,
    ),
    "api-destructions": Operation(
        tag="destructions",
        summary="Destructions, newest first",
        answers={200: ("A page", "DestructionPage")},
        query=(BEFORE, LIMIT),
    ),
    "api-destruction": Operation(
        tag="destructions",
        summary="How far a destruction came, and what it waits for",
        answers={200: ("The destruction", "DestructionView")},
        problems=(404,),
    ),
    "api-stubs": Operation(
        tag="destructions",
        summary="What is left of the records of a destruction",
        answers={200: ("A page", "StubPage")},
        query=(AFTER, LIMIT),
        problems=(404,),
    ),
    "api-confirm-holds": Operation(
        tag="destructions",
        summary="Confirm the holds of a rebuilt catalogue, as one of two people",
        answers={204: ("Confirmed", None)},
        problems=(404, 409),
        proof=True,
        once=True,
    ),
}
