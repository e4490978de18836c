"""The API's description (OpenAPI 3.1), made from the route table: each row of it carries its operation.

Rule 1: a row without an operation does not start, and an operation without a row fails a test; so neither lags.
Rule 2: what every row has in common (who may come, sizes, keys of idempotency, problems) is said here, once.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from starlette.responses import JSONResponse, Response

from vault.permissions import Action
from web.api.described import (
    accessreviews,
    account,
    agreements,
    alarms,
    borrowing,
    certificates,
    customers,
    destructions,
    disposal,
    execution,
    groups,
    keeping,
    links,
    log,
    matters,
    notices,
    paper,
    people,
    quality,
    records,
    restricting,
    schedules,
    sessions,
    tokens,
    training,
    uploads,
    webhooks,
)
from web.api.operations import Described, Operation, header, parameter
from web.api.shapes import TEXT, WHOLE, Schema, shape
from web.filings import KEY_HEADER
from web.problems import PROBLEMS
from web.site import Audience, Body, Row, Visit
from web.tus import PIECE_TYPE

_NOUNS: Final[tuple[ModuleType, ...]] = (
    sessions,
    people,
    account,
    tokens,
    groups,
    accessreviews,
    alarms,
    agreements,
    training,
    customers,
    records,
    quality,
    borrowing,
    restricting,
    paper,
    links,
    schedules,
    matters,
    disposal,
    execution,
    notices,
    destructions,
    certificates,
    keeping,
    uploads,
    log,
    webhooks,
)
_PROBLEM: Final[dict[str, Schema]] = {
    "Problem": shape(
        {
            "type": TEXT,
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "code": TEXT,
            "field": TEXT,
            "challenge": TEXT,
            "reference": TEXT,
        },
        optional=("field", "challenge", "reference"),
    )
}
SCHEMAS: Final[dict[str, Schema]] = _PROBLEM | {
    name: schema for noun in _NOUNS for name, schema in noun.SCHEMAS.items()
}
OPERATIONS: Final[dict[str, Operation]] = {
    "api-description": Operation(
        tag="api", summary="This description", answers={200: ("OpenAPI 3.1", "application/json")}
    ),
    **{name: operation for noun in _NOUNS for name, operation in noun.OPERATIONS.items()},
}
_KEY: Final = header(
    KEY_HEADER,
    "Sent again under the same key within a day, it is answered as the first time; nothing is done twice",
)
_ABOUT: Final = """\
A records vault. Errors are problem+json (RFC 9457) with a stable `code`.

Parameters of the query and fields of a body that are not described are refused by their name. Lists are paged by key:
`next` of a page is where the following one begins.

What asks for a fresh proof answers 403 with `insufficient_user_authentication` (RFC 9470) until whoever is signed in
has proved at `/api/v1/sessions/current/proof`, within five minutes, that it is them. An API token never can: these
deeds, and whatever tends one's own account, are out of its reach whatever its scope. They name no `token` under
`security`."""


def schema_of(name: str) -> Schema:
    """A schema of the description, by its name."""
    return SCHEMAS[name]


def describe(rows: tuple[Row, ...], server: str) -> Described:
    """The whole document for the rows of the API."""
    paths: dict[str, Described] = {}
    for row in rows:
        if row.operation is not None:
            for method in row.methods:
                paths.setdefault(row.path, {})[method.lower()] = _operation(row, row.operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": "The token of a session"},
                "token": {"type": "http", "scheme": "bearer", "description": "An API token; it names its scope"},
            },
        },
    }


def _operation(row: Row, operation: Operation) -> Described:
    described: Described = {
        "operationId": row.name.removeprefix("api-"),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _words_of(row, operation),
        "responses": _answers(row, operation),
        "security": _security(row, operation),
    }
    if isinstance(row.permission, Action):
        described["x-permission"] = row.permission.value
    named = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    parameters = [
        *(parameter(name, "path", "Id, number or code", {"type": "string"}, required=True) for name in named),
        *operation.query,
        *operation.headers,
        *((_KEY,) if operation.once else ()),
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"required": True, **_content(operation.body)}
    elif row.body is Body.RAW:
        kind = PIECE_TYPE if row.headers else "application/octet-stream"
        described["requestBody"] = {"required": not row.headers, **_content(kind)}
    return described


def _words_of(row: Row, operation: Operation) -> str:
    said = [f"Needs the permission `{row.permission.value}`."] if isinstance(row.permission, Action) else []
    if operation.proof:
        said.append("Needs a fresh proof; an API token can never do this.")
    elif operation.oneself:
        said.append("Done by yourself: an API token can never do this.")
    if operation.secret:
        said.append("The answer holds a secret, which is not kept: sent again under its key, the request is refused.")
    return " ".join(said) or "For whoever is signed in." if row.permission is not Audience.PUBLIC else "For everybody."


def _security(row: Row, operation: Operation) -> list[Described]:
    if row.permission is Audience.PUBLIC:
        return []
    scopes = [row.permission.value] if isinstance(row.permission, Action) else []
    return [{"session": []}] if operation.proof or operation.oneself else [{"session": []}, {"token": scopes}]


def _answers(row: Row, operation: Operation) -> Described:
    answers: dict[str, Described] = {}
    for status, (description, content) in operation.answers.items():
        answers[str(status)] = {"description": description, **_content(content)}
    statuses = {400, 421, 500, 503, *operation.problems}
    if row.permission is not Audience.PUBLIC:
        statuses |= {401, 403}
    if row.methods != ("GET",):
        statuses.add(403)
    if row.body is not Body.NONE:
        statuses |= {408, 413, 415}
    if operation.once:
        statuses |= {409, 422}
    for status in sorted(statuses):
        answers.setdefault(str(status), _problem(status))
    return answers


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
    return JSONResponse(describe(visit.site.rows, visit.base_url + visit.site.prefix))
