"""Notices of destruction, described."""

from __future__ import annotations

from typing import Final

from vault.notices import BY_PEOPLE, REMARK_MAX_CHARACTERS, Audience, Channel, NoticeState
from web.api.described.matters import NAMED_MAX
from web.api.operations import BEFORE, LIMIT, Operation, query
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    asked,
    choice,
    many,
    maybe,
    page,
    ref,
    shape,
    text,
)

_NOTICE: Final[dict[str, Schema]] = {
    "id": TEXT,
    "list": TEXT,
    "audience": choice(Audience),
    "customer": MAYBE_TEXT,
    "records": WHOLE,
    "state": choice(NoticeState),
    "made_at": MOMENT,
    "channel": maybe(choice(Channel)),
    "told_at": MAYBE_MOMENT,
    "told_by": MAYBE_TEXT,
    "remark": TEXT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Notice": shape(_NOTICE),
    "NoticeWithWords": shape({**_NOTICE, "text_zh": TEXT, "text_en": TEXT}),
    "NoticePage": page("notices", "Notice"),
    "Notices": shape({"notices": many(ref("Notice"))}),
    "Told": asked(
        {
            "channel": choice(sorted(BY_PEOPLE)),
            "customers": many(text(low=1, high=64), minItems=1, maxItems=NAMED_MAX),
            "remark": text(high=REMARK_MAX_CHARACTERS),
        },
        "channel",
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-notices": Operation(
        tag="notices",
        summary="Notices of destruction, newest first; whoever may not see disposal lists sees those to the staff",
        answers={200: ("A page", "NoticePage")},
        query=(query("state", "Only those that wait", choice(("waiting",))), BEFORE, LIMIT),
        problems=(404,),
    ),
    "api-notice": Operation(
        tag="notices",
        summary="One notice, with what it says in both languages",
        answers={200: ("The notice", "NoticeWithWords")},
        problems=(404,),
    ),
    "api-notices-of-list": Operation(
        tag="notices",
        summary="All notices of a disposal list",
        answers={200: ("Notices", "Notices")},
        problems=(404,),
    ),
    "api-tell": Operation(
        tag="notices",
        summary="Say that customers were told of a list, all that wait where `customers` is left out",
        answers={200: ("All notices of the list", "Notices")},
        body="Told",
        problems=(404, 409),
        once=True,
    ),
}
