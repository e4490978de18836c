"""The API's description (OpenAPI 3.1), made from the route table and the operations below.

Rule 1: every row of the API has an operation here, and every operation a row; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from vault.gates import PURPOSES
from vault.permissions import Action
from vault.records import RecordState
from web.api.schemas import SCHEMAS
from web.openings import WORDS_HEADER
from web.problems import PROBLEMS
from web.site import Audience, Body, Row, Visit

Described = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one row of the API does. ``answers`` maps a status to (description, schema name or media type or None)."""

    tag: str
    summary: str
    answers: Mapping[int, tuple[str, str | None]]
    query: tuple[Described, ...] = ()
    headers: tuple[Described, ...] = ()
    body: str | None = None
    problems: tuple[int, ...] = ()


def _parameter(
    name: str, where: str, description: str, schema: Described | None = None, *, required: bool = False
) -> Described:
    return {
        "name": name,
        "in": where,
        "description": description,
        "required": required,
        "schema": schema or {"type": "string"},
    }


def _query(name: str, description: str, schema: Described | None = None, *, required: bool = False) -> Described:
    return _parameter(name, "query", description, schema, required=required)


def _header(name: str, description: str, *, required: bool = False) -> Described:
    return _parameter(name, "header", description, required=required)


_LIMIT = _query("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
_BEFORE = _query("before", "Goes on where a page ended: its `next`")
_VERSION = _query("version", "The version; the current one when absent", {"type": "integer", "minimum": 1})
_PURPOSE = _query(
    "purpose", "What for; it goes into the log", {"type": "string", "enum": list(PURPOSES)}, required=True
)
_WORDS = _header(
    WORDS_HEADER, "base64url of UTF-8: what it is opened for, in words; sensitive and important records ask for them"
)
_UPLOAD_HEADERS: Final = (
    _header(
        "Strongroom-Metadata",
        "base64url of a JSON object (schema Metadata). What people type travels here, never in an address.",
        required=True,
    ),
    _header("Idempotency-Key", "Doing it again under the same key gives the same receipt, `replayed`"),
    _header("Repr-Digest", "`sha-256=:base64:` of the file; anything else is refused (RFC 9530)"),
    _header("Content-Digest", "The same as Repr-Digest"),
)
_RECEIPTS: Final = {
    201: ("Stored: durable from here on", "Receipt"),
    200: ("Stored earlier, under this key", "Receipt"),
}
_CONTENT: Final = {
    200: ("The whole", "application/octet-stream"),
    206: ("The range asked for", "application/octet-stream"),
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    "api-description": Operation(
        tag="api", summary="This description", answers={200: ("OpenAPI 3.1", "application/json")}
    ),
    "api-begin-session": Operation(
        tag="sessions",
        summary="Sign in; the token goes into `Authorization: Bearer`",
        answers={201: ("Signed in", "Session")},
        body="SignIn",
        problems=(401, 429),
    ),
    "api-end-session": Operation(tag="sessions", summary="Sign out", answers={204: ("Signed out", None)}),
    "api-step-up": Operation(
        tag="sessions",
        summary="Prove again that it is you: a code, or the password where there is none. The token changes",
        answers={201: ("Proved", "Session")},
        body="Proof",
        problems=(429,),
    ),
    "api-sessions": Operation(
        tag="sessions", summary="Where you are signed in", answers={200: ("Sessions", "Sessions")}
    ),
    "api-end-one-session": Operation(
        tag="sessions", summary="End one of your sessions", answers={204: ("Ended", None)}, problems=(404,)
    ),
    "api-profile": Operation(
        tag="profile", summary="Your own profile", answers={200: ("Profile", "Profile")}, problems=(404,)
    ),
    "api-change-profile": Operation(
        tag="profile",
        summary="Change your own name or language; what is left out stays",
        answers={200: ("Changed", "Profile")},
        body="ProfileChange",
        problems=(404,),
    ),
    "api-tokens": Operation(tag="tokens", summary="Your API tokens, newest first", answers={200: ("Tokens", "Tokens")}),
    "api-create-token": Operation(
        tag="tokens",
        summary="Make an API token for some of what you may do; it is shown in this answer only. Needs a fresh proof",
        answers={201: ("Made", "MadeToken")},
        body="NewToken",
        problems=(409,),
    ),
    "api-revoke-token": Operation(
        tag="tokens", summary="Revoke one of your tokens, at once", answers={204: ("Revoked", None)}, problems=(404,)
    ),
    "api-people": Operation(tag="people", summary="Everybody, with their state", answers={200: ("People", "People")}),
    "api-person": Operation(
        tag="people", summary="One person", answers={200: ("The person", "Person")}, problems=(404,)
    ),
    "api-deactivate": Operation(
        tag="people",
        summary="Shut somebody out, at once. Needs a fresh proof",
        answers={204: ("Deactivated", None)},
        problems=(404, 409),
    ),
    "api-reactivate": Operation(
        tag="people",
        summary="Let somebody in again. Needs a fresh proof",
        answers={204: ("Reactivated", None)},
        problems=(404,),
    ),
    "api-end-sessions": Operation(
        tag="people",
        summary="End all sessions of somebody. Needs a fresh proof",
        answers={204: ("Ended", None)},
        problems=(404,),
    ),
    "api-reset": Operation(
        tag="people",
        summary="Make a one-time address by which somebody chooses a new password. Needs a fresh proof",
        answers={201: ("Made; `url` is the address to send", "Reset")},
        body="NewReset",
        problems=(404, 409),
    ),
    "api-classes": Operation(tag="classes", summary="Every record class", answers={200: ("Classes", "Classes")}),
    "api-customers": Operation(
        tag="customers",
        summary="Customers, by number",
        answers={200: ("A page", "CustomerPage")},
        query=(_query("after", "Goes on where a page ended: its `next`"), _LIMIT),
    ),
    "api-add-customer": Operation(
        tag="customers", summary="Add a customer", answers={201: ("Added", "Customer")}, body="NewCustomer"
    ),
    "api-customer": Operation(
        tag="customers",
        summary="One customer, by id or number",
        answers={200: ("The customer", "Customer")},
        problems=(404,),
    ),
    "api-records": Operation(
        tag="records",
        summary="Records, newest first",
        answers={200: ("A page", "RecordPage")},
        query=(
            _query("class", "Only this class (its code)"),
            _query("customer", "Only this customer (id or number)"),
            _query("state", "Only this state", {"type": "string", "enum": [state.value for state in RecordState]}),
            _BEFORE,
            _LIMIT,
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
            _header("Range", "One range of bytes"),
            _header("If-Range", "The ETag that the range belongs to"),
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
    ),
    "api-file": Operation(
        tag="records",
        summary="File a record: class confirmed, trigger known, lock extended to the due date",
        answers={200: ("Filed", "RecordStory")},
        body="Filing",
        problems=(404, 409),
    ),
    "api-make-link": Operation(
        tag="links",
        summary="Make a link to the current version for somebody without an account",
        answers={201: ("Made; `url` is the address to send", "NewLink")},
        body="LinkTerms",
        problems=(404,),
    ),
    "api-links": Operation(
        tag="links", summary="Links, newest first", answers={200: ("A page", "LinkPage")}, query=(_BEFORE, _LIMIT)
    ),
    "api-revoke-link": Operation(
        tag="links", summary="Withdraw a link, at once", answers={204: ("Withdrawn", None)}, problems=(404,)
    ),
}


def describe(rows: tuple[Row, ...], server: str) -> Described:
    """The whole document for the rows below ``/api/``."""
    paths: dict[str, Described] = {}
    for row in rows:
        if row.path.startswith("/api/"):
            for method in row.methods:
                paths.setdefault(row.path, {})[method.lower()] = _operation(row, OPERATIONS[row.name])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom",
            "version": "1",
            "description": "A records vault. Errors are problem+json (RFC 9457) with a stable `code`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(row: Row, operation: Operation) -> Described:
    answers: dict[str, Described] = {}
    for status, (description, content) in operation.answers.items():
        answers[str(status)] = {"description": description, **_content(content)}
    statuses = {400, *operation.problems}
    if row.permission is not Audience.PUBLIC:
        statuses |= {401, 403}
    if row.name != "api-description":
        statuses |= {500, 503}
        for status in sorted(statuses):
            answers.setdefault(str(status), _problem(status))
    described: Described = {
        "operationId": row.name.removeprefix("api-"),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": answers,
        "security": [] if row.permission is Audience.PUBLIC else [{"session": []}],
    }
    if isinstance(row.permission, Action):
        described["description"] = f"Needs the permission `{row.permission.value}`."
    named = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    parameters = [
        *(_parameter(name, "path", "Id or number", required=True) for name in named),
        *operation.query,
        *operation.headers,
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"required": True, **_content(operation.body)}
    elif row.body is Body.RAW:
        described["requestBody"] = {"required": True, **_content("application/octet-stream")}
    return described


def _content(named: str | None) -> Described:
    if named is None:
        return {}
    if "/" in named:
        schema = {"type": "object"} if named.endswith("json") else {"type": "string", "format": "binary"}
        return {"content": {named: {"schema": schema}}}
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{named}"}}}}


def _problem(status: int) -> Described:
    codes = [code for code, problem in PROBLEMS.items() if problem.status == status]
    return {
        "description": "Problem: " + ", ".join(codes),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


async def describe_api(visit: Visit) -> Response:
    """The description as JSON."""
    return JSONResponse(describe(visit.site.rows, visit.base_url))
