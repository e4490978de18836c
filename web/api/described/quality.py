"""Data quality, described."""

from __future__ import annotations

from typing import Final

from vault.quality import DAYS_MAX, STALE_AFTER_DAYS, Flaw, WorkList
from vault.workflows.duplicates import ASKED_MAX
from web.api.operations import LIMIT, Operation, query
from web.api.shapes import MAYBE_TEXT, TEXT, YES_NO, Schema, asked, choice, many, ref, shape, text, whole

_TWIN: Final[Schema] = shape({"id": TEXT, "number": TEXT})

SCHEMAS: Final[dict[str, Schema]] = {
    "WorkLists": shape({"lists": many(choice(WorkList))}),
    "WorkPage": shape(
        {
            "records": many(shape({"record": ref("Record"), "flaws": many(choice(Flaw)), "twins": many(_TWIN)})),
            "next": MAYBE_TEXT,
            "complete": YES_NO,
        }
    ),
    "TwinsAsked": asked({"records": many(text(low=1, high=64), minItems=1, maxItems=ASKED_MAX)}, "records"),
    "Twins": shape({"records": many(shape({"id": TEXT, "twins": many(_TWIN)}))}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-quality": Operation(
        tag="records",
        summary="The work lists of data quality that have something",
        answers={200: ("Them", "WorkLists")},
    ),
    "api-work": Operation(
        tag="records",
        summary="A page of a work list: missing fields, stale records, contradicting dates, twins; newest first",
        answers={200: ("A page", "WorkPage")},
        query=(
            query("flaw", "Only this flaw", choice(Flaw)),
            query("class", "Only this class (its code)"),
            query("days", "Of `stale`: received so many days ago", whole(0, DAYS_MAX, usually=STALE_AFTER_DAYS)),
            query("before", "`next` of the page before"),
            LIMIT,
        ),
        problems=(404,),
    ),
    "api-twins": Operation(
        tag="records",
        summary="Other records with the same bytes, of each of some records; those without one are left out",
        answers={200: ("Those that have twins", "Twins")},
        body="TwinsAsked",
    ),
}
