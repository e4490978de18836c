"""Permission reviews, described."""

from __future__ import annotations

from typing import Final

from vault.accessreviews import DAYS_MAX, DAYS_USUAL, ItemKind, Ruling
from web.api.operations import Operation
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
    ref,
    shape,
    text,
    whole,
)

_KEY: Final = text(low=1, high=64)
_PERSON: Final = shape({"person_id": TEXT, "name": MAYBE_TEXT})
_ABOUT: Final[dict[str, Schema]] = {
    "number": TEXT,
    "state": choice(("open", "closed")),
    "started_at": MOMENT,
    "ends_at": MOMENT,
    "closed_at": MAYBE_MOMENT,
}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": WHOLE}

SCHEMAS: Final[dict[str, Schema]] = {
    "PermissionReview": shape(_ABOUT),
    "PermissionReviews": shape({"reviews": many(shape({**_ABOUT, "counts": _COUNTS}))}),
    "PermissionReviewReport": shape(
        {
            **_ABOUT,
            "started_by": _PERSON,
            "reviewers": many(_PERSON),
            "counts": _COUNTS,
            "items": many(ref("PermissionReviewItem")),
        }
    ),
    "PermissionReviewItem": shape(
        {
            "item": WHOLE,
            "kind": choice(ItemKind),
            "group": TEXT,
            "person_id": MAYBE_TEXT,
            "name": MAYBE_TEXT,
            "role": MAYBE_TEXT,
            "class": MAYBE_TEXT,
            "given_at": MOMENT,
            "last_used_at": MAYBE_MOMENT,
            "ruling": choice(Ruling),
            "decided_by": MAYBE_TEXT,
            "decided_by_name": MAYBE_TEXT,
            "decided_at": MAYBE_MOMENT,
        }
    ),
    "NewPermissionReview": asked(
        {
            "reviewers": many(_KEY, minItems=1, maxItems=100),
            "groups": many(_KEY, maxItems=1000),
            "days": whole(1, DAYS_MAX, usually=DAYS_USUAL),
        },
        "reviewers",
    ),
    "PermissionDecision": asked(
        {"decision": choice(("keep", "revoke")), "items": many(whole(1, 1_000_000), minItems=1, maxItems=1000)},
        "decision",
        "items",
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-reviews": Operation(
        tag="permission reviews",
        summary="Permission reviews, the newest first: every one, or those in which you are named",
        answers={200: ("Reviews", "PermissionReviews")},
    ),
    "api-start-review": Operation(
        tag="permission reviews",
        summary="Begin a review of some groups, of all where none is named; what nobody keeps is taken back",
        answers={201: ("Begun", "PermissionReview")},
        body="NewPermissionReview",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-show-review": Operation(
        tag="permission reviews",
        summary="One review with its items, each with its last use: the report",
        answers={200: ("The review", "PermissionReviewReport")},
        problems=(404,),
    ),
    "api-decide-review": Operation(
        tag="permission reviews",
        summary="Keep items, or take them back at once",
        answers={200: ("Decided", "PermissionReview")},
        body="PermissionDecision",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
}
