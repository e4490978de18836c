"""Paper originals, described."""

from __future__ import annotations

from typing import Final

from vault.paper import (
    WEIGHT_MAX_GRAMS,
    WITNESSES_MAX,
    WITNESSES_MIN,
    WORDS_MAX_CHARACTERS,
    PaperMethod,
    PaperState,
)
from web.api.operations import Operation, query
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MAYBE_WHOLE,
    TEXT,
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

_BOX: Final = text(low=1, high=40)
_LINE: Final = text(low=1, high=WORDS_MAX_CHARACTERS)

SCHEMAS: Final[dict[str, Schema]] = {
    "Paper": shape(
        {
            "record_id": TEXT,
            "record": TEXT,
            "box": TEXT,
            "state": choice(PaperState),
            "place": TEXT,
            "method": maybe(choice(PaperMethod)),
            "weight_grams": MAYBE_WHOLE,
            "vendor": TEXT,
            "witnesses": many(TEXT),
            "destroyed_by": MAYBE_TEXT,
            "destroyed_at": MAYBE_MOMENT,
        }
    ),
    "Papers": shape({"papers": many(ref("Paper"))}),
    "PaperPlace": asked({"box": _BOX, "place": text(high=WORDS_MAX_CHARACTERS)}, "box"),
    "PaperDestruction": asked(
        {
            "method": choice(PaperMethod),
            "weight_grams": whole(1, WEIGHT_MAX_GRAMS),
            "vendor": _LINE,
            "witnesses": many(_LINE, minItems=WITNESSES_MIN, maxItems=WITNESSES_MAX),
        },
        "method",
        "weight_grams",
        "vendor",
        "witnesses",
    ),
}
_PAPER: Final = ("The paper", "Paper")

OPERATIONS: Final[dict[str, Operation]] = {
    "api-paper": Operation(tag="paper", summary="A record's paper original", answers={200: _PAPER}, problems=(404,)),
    "api-keep-paper": Operation(
        tag="paper",
        summary="Say in which box a record's paper original is, or that it was moved",
        answers={201: _PAPER},
        body="PaperPlace",
        problems=(404, 409),
        once=True,
    ),
    "api-destroy-paper": Operation(
        tag="paper",
        summary="Say how the paper of a destroyed record was destroyed",
        answers={200: _PAPER},
        body="PaperDestruction",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-box": Operation(
        tag="paper",
        summary="What is, or was, in a box",
        answers={200: ("By record", "Papers")},
        query=(query("box", "The box's number", _BOX, required=True),),
    ),
}
