"""Records, described."""

from __future__ import annotations

from typing import Final

from vault.disposition import Standing
from vault.filingreports import Property, Verdict, Way
from vault.gates import PURPOSES
from vault.records import RecordState
from web.api.operations import BEFORE, LIMIT, Operation, header, query
from web.api.shapes import (
    MAYBE_DATE,
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MAYBE_WHOLE,
    MOMENT,
    SHA256,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    choice,
    page,
    ref,
    shape,
)
from web.openings import WORDS_HEADER

_RECORD: Final[dict[str, Schema]] = {
    "id": TEXT,
    "number": TEXT,
    "class": TEXT,
    "state": TEXT,
    "customer": {"anyOf": [ref("Customer"), {"type": "null"}]},
    "title": MAYBE_TEXT,
    "dated_on": MAYBE_DATE,
    "place": MAYBE_TEXT,
    "note": MAYBE_TEXT,
    "file_name": MAYBE_TEXT,
    "media_type": MAYBE_TEXT,
    "size_bytes": MAYBE_WHOLE,
    "sha256": MAYBE_TEXT,
    "version": WHOLE,
    "received_at": MOMENT,
    "filed_at": MAYBE_MOMENT,
    "trigger_on": MAYBE_DATE,
    "due_on": MAYBE_DATE,
}
_DESCRIPTION: Final[dict[str, Schema]] = {"title": TEXT, "dated_on": MAYBE_DATE, "place": TEXT, "note": TEXT}
_VERSION = query("version", "The version; the current one when absent", {"type": "integer", "minimum": 1})
_PURPOSE = query("purpose", "What for; it goes into the log", {"type": "string", "enum": list(PURPOSES)}, required=True)
_WORDS = header(
    WORDS_HEADER, "base64url of UTF-8: what it is opened for, in words; sensitive and important records ask for them"
)
_UPLOAD_HEADERS: Final = (
    header(
        "Strongroom-Metadata",
        "base64url of a JSON object (schema Metadata). What people type travels here, never in an address.",
        required=True,
    ),
    header("Idempotency-Key", "Doing it again under the same key gives the same receipt, `replayed`"),
    header("Repr-Digest", "`sha-256=:base64:` of the file; anything else is refused (RFC 9530)"),
    header("Content-Digest", "The same as Repr-Digest"),
)
_RECEIPTS: Final = {
    201: ("Stored: durable from here on", "Receipt"),
    200: ("Stored earlier, under this key", "Receipt"),
}
_CONTENT: Final = {
    200: ("The whole", "application/octet-stream"),
    206: ("The range asked for", "application/octet-stream"),
}

_VERDICT: Final[Schema] = choice(Verdict)
_EXAMINATION: Final[dict[str, Schema]] = {
    "version": WHOLE,
    "verdicts": shape({each.value: _VERDICT for each in Property}),
    "findings": {
        "type": "array",
        "items": shape(
            {"property": choice(Property), "code": TEXT, "verdict": _VERDICT, "facts": {"type": "object"}, "text": TEXT}
        ),
    },
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Metadata": asked(
        {**_DESCRIPTION, "file_name": TEXT, "class": TEXT, "customer": TEXT, "reason": TEXT}, "file_name", "class"
    ),
    "Receipt": shape(
        {"id": TEXT, "number": TEXT, "version": WHOLE, "size_bytes": WHOLE, "sha256": SHA256, "replayed": YES_NO}
    ),
    "Record": shape(_RECORD),
    "RecordPage": page("records", "Record"),
    "Version": shape(
        {
            "version": WHOLE,
            "file_name": TEXT,
            "media_type": TEXT,
            "size_bytes": WHOLE,
            "sha256": SHA256,
            "created_at": MOMENT,
            "created_by": TEXT,
            "lock": shape({"mode": TEXT, "retain_until": MOMENT}),
        }
    ),
    "Description": shape(
        {
            "revision": WHOLE,
            "version": WHOLE,
            **_DESCRIPTION,
            "reason": TEXT,
            "created_at": MOMENT,
            "created_by": TEXT,
        }
    ),
    "Entry": shape({"number": WHOLE, "at": MOMENT, "actor": TEXT, "event": TEXT, "detail": {"type": "object"}}),
    "Verdict": shape(
        {
            "standing": {"type": "string", "enum": [each.value for each in Standing]},
            "keep_until": MAYBE_DATE,
            "may_destroy": YES_NO,
            "reasons": {
                "type": "array",
                "items": shape({"code": TEXT, "values": {"type": "object"}, "text": TEXT}),
            },
        }
    ),
    "RecordStory": shape(
        {
            **_RECORD,
            "verdict": ref("Verdict"),
            "versions": {"type": "array", "items": ref("Version")},
            "descriptions": {"type": "array", "items": ref("Description")},
            "entries": {"type": "array", "items": ref("Entry")},
        }
    ),
    "Search": asked({"text": TEXT, "limit": WHOLE}, "text"),
    "Found": shape(
        {"records": {"type": "array", "items": ref("Record")}, "complete": YES_NO, "indexed": WHOLE, "full": YES_NO}
    ),
    "Correction": asked({**_DESCRIPTION, "reason": TEXT}, "reason"),
    "Filing": asked({"class": TEXT, "trigger_on": MAYBE_DATE, "reason": TEXT}),
    "FilingAsked": asked({"class": TEXT, "trigger_on": MAYBE_DATE}),
    "Examination": shape(_EXAMINATION),
    "FilingReports": shape(
        {
            "reports": {
                "type": "array",
                "items": shape(
                    {
                        "number": WHOLE,
                        "filed_by": TEXT,
                        "filed_at": MOMENT,
                        "way": choice(Way),
                        "address": TEXT,
                        "reason": TEXT,
                        **_EXAMINATION,
                    }
                ),
            }
        }
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-records": Operation(
        tag="records",
        summary="Records, newest first",
        answers={200: ("A page", "RecordPage")},
        query=(
            query("class", "Only this class (its code)"),
            query("customer", "Only this customer (id or number)"),
            query("state", "Only this state", {"type": "string", "enum": [state.value for state in RecordState]}),
            BEFORE,
            LIMIT,
        ),
        problems=(404,),
    ),
    "api-create-record": Operation(
        tag="records",
        summary="Store a file as a new record; the body is the file",
        answers=_RECEIPTS,
        headers=_UPLOAD_HEADERS,
        problems=(408, 409, 413, 415, 422),
    ),
    "api-find": Operation(
        tag="records",
        summary="Find records by words of titles, names, numbers",
        answers={200: ("What was found", "Found")},
        body="Search",
    ),
    "api-record": Operation(
        tag="records",
        summary="One record with its story, by id or file number",
        answers={200: ("The record", "RecordStory")},
        problems=(404,),
    ),
    "api-content": Operation(
        tag="records",
        summary="Open a version: its bytes, whole or a range",
        answers=_CONTENT,
        query=(_PURPOSE, _VERSION),
        headers=(
            _WORDS,
            header("Range", "One range of bytes"),
            header("If-Range", "The ETag that the range belongs to"),
        ),
        problems=(404, 416),
    ),
    "api-correct": Operation(
        tag="records",
        summary="Store a file as a record's next version; the original stays. Metadata needs `reason`",
        answers=_RECEIPTS,
        headers=_UPLOAD_HEADERS,
        problems=(404, 408, 409, 413, 415, 422),
    ),
    "api-revise": Operation(
        tag="records",
        summary="Correct what is said of a record; `reason` is needed, fields left out stay as they are",
        answers={201: ("Corrected", "RecordStory")},
        body="Correction",
        problems=(404, 409),
        once=True,
    ),
    "api-file": Operation(
        tag="records",
        summary="File a record: class confirmed, trigger known, lock extended. `reason` where a property failed",
        answers={200: ("Filed", "RecordStory")},
        body="Filing",
        problems=(404, 409),
        once=True,
    ),
    "api-examine-filing": Operation(
        tag="records",
        summary="What is found about a record's four properties if it is filed like that; nothing is changed",
        answers={200: ("What was found", "Examination")},
        body="FilingAsked",
        problems=(404, 409),
    ),
    "api-filing-reports": Operation(
        tag="records",
        summary="What was found whenever a record was filed, newest first",
        answers={200: ("The reports", "FilingReports")},
        problems=(404,),
    ),
}
