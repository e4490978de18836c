"""Early warning, described."""

from __future__ import annotations

from typing import Final

from vault.watching import Sign
from web.api.operations import Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
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

SCHEMAS: Final[dict[str, Schema]] = {
    "Alarm": shape(
        {
            "alarm": TEXT,
            "sign": choice(Sign),
            "person_id": TEXT,
            "name": TEXT,
            "hour": MOMENT,
            "measure": WHOLE,
            "usual": WHOLE,
            "days": WHOLE,
            "raised_at": MOMENT,
            "settled_by": MAYBE_TEXT,
            "settled_at": MAYBE_MOMENT,
            "suspended": YES_NO,
        }
    ),
    "Suspended": shape({"alarm": TEXT, "person_id": TEXT, "name": TEXT, "by": TEXT, "at": MOMENT}),
    "Alarms": shape({"alarms": many(ref("Alarm")), "suspended": many(ref("Suspended"))}),
    "AlarmWords": asked({"words": text(low=1, high=1000)}, "words"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-alarms": Operation(
        tag="early warning",
        summary="Alarms, the newest first, and who is suspended",
        answers={200: ("Alarms, and who is suspended", "Alarms")},
    ),
    "api-settle-alarm": Operation(
        tag="early warning",
        summary="Say what an alarm was",
        answers={204: ("Settled", None)},
        body="AlarmWords",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-suspend-person": Operation(
        tag="early warning",
        summary="Let whom an alarm is about open nothing any more",
        answers={204: ("Suspended", None)},
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-lift-suspension": Operation(
        tag="early warning",
        summary="Let whom an alarm is about open records again",
        answers={204: ("Lifted", None)},
        body="AlarmWords",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
}
