"""Disposal lists, described."""

from __future__ import annotations

from typing import Final

from vault.disposal import ITEMS_MAX, Decision, ListState, Part
from vault.disposition import Ground
from vault.records import REASON_MAX_CHARACTERS, RecordState
from vault.workflows.reviewing import CHOICES
from web.api.operations import AFTER, BEFORE, LIMIT, Operation, query
from web.api.shapes import (
    DATE,
    MAYBE_DATE,
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
    page,
    ref,
    shape,
    text,
    whole,
)

_REASON: Final = text(low=1, high=REASON_MAX_CHARACTERS)
_CODE: Final = text(low=1, high=64)
RECORDS: Final = many(_CODE, minItems=1, maxItems=ITEMS_MAX)
_LIST: Final[dict[str, Schema]] = {
    "id": TEXT,
    "number": TEXT,
    "class": TEXT,
    "rule_version": WHOLE,
    "ground": choice(Ground),
    "state": choice(ListState),
    "automatic": YES_NO,
    "proposed_by": TEXT,
    "proposed_at": MOMENT,
    "approvers": WHOLE,
    "supervisors": WHOLE,
    "due_until": MAYBE_DATE,
    "approved_at": MAYBE_MOMENT,
    "window_until": MAYBE_MOMENT,
    "executed_at": MAYBE_MOMENT,
    "destruction": MAYBE_TEXT,
    "closed_at": MAYBE_MOMENT,
    "change": WHOLE,
    "decisions": shape({each.value: WHOLE for each in Decision}),
}

SCHEMAS: Final[dict[str, Schema]] = {
    "DisposalList": shape(_LIST),
    "DisposalLists": page("lists", "DisposalList"),
    "DisposalListView": shape(
        {
            **_LIST,
            **dict.fromkeys(("reason", "place", "method", "remarks", "cancelled"), TEXT),
            "opinion": MAYBE_TEXT,
            "untold_customers": WHOLE,
            "signatures": many(shape({"person": TEXT, "part": choice(Part), "step": WHOLE, "at": MOMENT})),
            "next_signature": {
                "anyOf": [shape({"part": choice(Part), "step": WHOLE, "title": MAYBE_TEXT}), {"type": "null"}]
            },
        }
    ),
    "DisposalItem": shape(
        {
            "record_id": TEXT,
            "number": TEXT,
            "decision": choice(Decision),
            "permanent": YES_NO,
            "listed": YES_NO,
            "decided_by": MAYBE_TEXT,
            "decided_at": MAYBE_MOMENT,
            "reason": TEXT,
            "until": MAYBE_DATE,
            "class": MAYBE_TEXT,
            "cause": MAYBE_TEXT,
            "due_on": MAYBE_DATE,
        }
    ),
    "DisposalItems": page("items", "DisposalItem"),
    "DueRecord": shape(
        {"record_id": TEXT, "number": TEXT, "class": TEXT, "state": choice(RecordState), "due_on": MAYBE_DATE}
    ),
    "DueRecords": shape({"records": many(ref("DueRecord"))}),
    "TransferPage": page("records", "DueRecord"),
    "MadeLists": shape({"lists": many(shape({"id": TEXT, "number": TEXT}))}),
    "DueClass": asked({"class": _CODE}, "class"),
    "FiledInError": asked({"records": RECORDS, "reason": _REASON}, "records", "reason"),
    "Review": asked(
        {
            "decision": choice(CHOICES),
            "records": RECORDS,
            "reason": text(high=REASON_MAX_CHARACTERS),
            "until": DATE,
            "class": _CODE,
            "trigger_on": DATE,
        },
        "decision",
    ),
    "Objection": asked({"records": RECORDS, "reason": _REASON, "until": DATE}, "records", "reason"),
    "ListSignature": asked({"part": choice(Part), "change": whole(0, 10**15)}, "part", "change"),
    "Cancellation": asked({"reason": _REASON}, "reason"),
}
_VIEW: Final = ("The list as it is now", "DisposalListView")

OPERATIONS: Final[dict[str, Operation]] = {
    "api-lists": Operation(
        tag="disposal",
        summary="Disposal lists, newest first",
        answers={200: ("A page", "DisposalLists")},
        query=(query("state", "Only this state", choice(ListState)), BEFORE, LIMIT),
    ),
    "api-preview-list": Operation(
        tag="disposal",
        summary="What would be listed of a class; changes nothing",
        answers={200: ("Records", "DueRecords")},
        body="DueClass",
        problems=(404, 409),
    ),
    "api-propose-list": Operation(
        tag="disposal",
        summary="List what of a class is due; no list where nothing is",
        answers={201: ("Lists", "MadeLists")},
        body="DueClass",
        problems=(404, 409),
        once=True,
    ),
    "api-propose-error": Operation(
        tag="disposal",
        summary="List records of one class that should never have been filed",
        answers={201: ("The list", "MadeLists")},
        body="FiledInError",
        problems=(404, 409),
        once=True,
    ),
    "api-list": Operation(tag="disposal", summary="One list, by id or number", answers={200: _VIEW}, problems=(404,)),
    "api-list-items": Operation(
        tag="disposal",
        summary="What stands, or stood, on a list",
        answers={200: ("A page", "DisposalItems")},
        query=(AFTER, LIMIT),
        problems=(404,),
    ),
    "api-review": Operation(
        tag="disposal",
        summary="Decide on records of a list; on all that are pending where `records` is left out",
        answers={200: _VIEW},
        body="Review",
        problems=(404, 409),
        once=True,
    ),
    "api-object": Operation(
        tag="disposal",
        summary="Record an objection: these records leave the list, whoever signed it",
        answers={200: _VIEW},
        body="Objection",
        problems=(404, 409),
        once=True,
    ),
    "api-sign": Operation(
        tag="disposal",
        summary="Sign a list in the part that is next, with its `change` as you looked at it",
        answers={200: _VIEW},
        body="ListSignature",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-cancel-list": Operation(
        tag="disposal",
        summary="Cancel an open list; what is still due is listed anew",
        answers={200: _VIEW},
        body="Cancellation",
        problems=(404, 409),
        once=True,
    ),
    "api-transfers": Operation(
        tag="disposal",
        summary="Records that are to be handed over",
        answers={200: ("A page", "TransferPage")},
        query=(AFTER, LIMIT),
    ),
}
