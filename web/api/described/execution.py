"""Executing a disposal list and automatic expiry, described."""

from __future__ import annotations

from typing import Final

from vault.disposal import ListState, PauseCause
from vault.records import REASON_MAX_CHARACTERS
from web.api.operations import Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    SHA256,
    TEXT,
    WHOLE,
    Schema,
    asked,
    choice,
    many,
    maybe,
    ref,
    shape,
    text,
    whole,
)

_LEFT_OUT: Final = many(shape({"record_id": TEXT, "cause": TEXT}))
SEEN: Final[dict[str, Schema]] = {"seen": SHA256, "count": whole(0, 10**9)}
"""By these a destruction names what was looked at: its digest, and how many die."""

SCHEMAS: Final[dict[str, Schema]] = {
    "ExecutionPreview": shape(
        {
            "number": TEXT,
            "records": many(shape({"record_id": TEXT, "number": TEXT})),
            "left_out": _LEFT_OUT,
            "count": WHOLE,
            "seen": SHA256,
        }
    ),
    "Execution": asked(
        {**SEEN, **dict.fromkeys(("place", "method", "remarks"), text(high=REASON_MAX_CHARACTERS))}, "seen", "count"
    ),
    "Executed": shape(
        {
            "number": TEXT,
            "state": choice(ListState),
            "destruction": MAYBE_TEXT,
            "records": WHOLE,
            "left_out": _LEFT_OUT,
        }
    ),
    "Pause": shape(
        {
            "id": TEXT,
            "cause": choice(PauseCause),
            "measure": WHOLE,
            "living": WHOLE,
            "at": MOMENT,
            "resumed_by": MAYBE_TEXT,
            "resumed_at": MAYBE_MOMENT,
        }
    ),
    "Expiry": shape(
        {"classes": many(TEXT), "waiting": many(TEXT), "pause": maybe(ref("Pause")), "last_run": MAYBE_MOMENT}
    ),
    "Resumption": asked({"pause": text(low=1, high=64)}, "pause"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-preview-execution": Operation(
        tag="disposal",
        summary="What an execution would do now; `seen` and `count` go into the execution",
        answers={200: ("What would die, and what is left out", "ExecutionPreview")},
        problems=(404, 409),
    ),
    "api-execute": Operation(
        tag="disposal",
        summary="Execute an approved list: keys are destroyed, for ever",
        answers={201: ("Executed", "Executed")},
        body="Execution",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-expiry": Operation(
        tag="disposal", summary="Where automatic expiry stands", answers={200: ("Expiry", "Expiry")}
    ),
    "api-resume-expiry": Operation(
        tag="disposal",
        summary="Let automatic expiry go on after you looked at why it stopped",
        answers={200: ("Resumed", "Pause")},
        body="Resumption",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
}
