"""Whatever an address names that is not somebody's: they are answered as if it did not exist.

Somebody whose group gives every role on one class asks, on every row with an id in its path, for things of other
classes and of other people, and for things that do not exist. Both answers are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.support.people import everything, somebody
from tests.support.things import more_of_everything, one_of_everything
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, metadata, sign_in
from vault.permissions import Role
from vault.workflows import groups, people
from web.api.openapi import SCHEMAS
from web.api.rows import API
from web.routes import PAGES
from web.sessions import CSRF_FIELD, CSRF_HEADER
from web.site import Body, Row

COMMON = {"customer", "class", "code", "work"}
"""What everybody sees who may see any class at all: customers are of no class, the schedule and the names of work lists
are one for all."""
UNKNOWN = "z" * 26
UPLOADING = {
    "Tus-Resumable": "1.0.0",
    "Content-Type": "application/offset+octet-stream",
    "Upload-Offset": "0",
    "X-HTTP-Method-Override": "PATCH",
}
"""What a request that adds to an upload says."""
SAID: Mapping[str, dict[str, Any]] = {
    "api-correct": {"headers": {"Strongroom-Metadata": metadata(reason="scanned anew")}},
    "api-decide-loan": {"json": {"grant": False, "answer": "not now"}},
    "decide-loan": {"data": {"decision": "refuse", "answer": "not now"}},
    "rename-passkey": {"data": {"name": "Another"}},
    "record-preview": {"params": {"purpose": "business"}},
}
"""What rows need to be told beyond the least that their schema takes."""


@pytest.fixture(scope="module")
def known(served: Served) -> Mapping[str, str]:
    return more_of_everything(served.vault, one_of_everything(served.vault))


@pytest.fixture(scope="module")
def scoped(served: Served, known: Mapping[str, str]) -> Iterator[httpx.Client]:
    """The browser of somebody with every role on one class."""
    security = somebody("t" * 26, Role.SECURITY)
    groups.add_group(served.vault, security, "letters")
    for role in (Role.READER, Role.RECORDS, Role.OFFICER):
        groups.grant_role(served.vault, security, "letters", role, "correspondence")
    token = people.invite(served.vault, everything(), {"letters"})
    people.accept_invitation(served.vault, token, login="scoped", name="Scoped", password=PASSWORD)
    with served.client() as client:
        client.headers[CSRF_HEADER] = sign_in(client, "scoped").csrf_token
        yield client


def sample(schema: dict[str, Any]) -> Any:
    """A value that a schema takes, with no more than it needs."""
    if "$ref" in schema:
        return sample(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        return {name: sample(schema["properties"][name]) for name in schema.get("required", ())}
    if kind == "array":
        return [sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "0" * 64 if "pattern" in schema else "a" * max(4, schema.get("minLength", 0))
    return schema.get("minimum", 0) if kind == "integer" else False


def asked(client: httpx.Client, row: Row, path: str) -> httpx.Response:
    """A request that says what the row wants to be said."""
    options: dict[str, Any] = {"headers": UPLOADING} if "{upload}" in row.path else {}
    if row.body is Body.JSON and row.operation is not None and row.operation.body is not None:
        options["json"] = sample(SCHEMAS[row.operation.body])
    elif row.body is Body.RAW:
        options["content"] = b"a"
    if "content" in path:
        options["params"] = {"purpose": "business"}
    options |= SAID.get(row.name, {})
    if row.body is Body.FORM:
        options["data"] = {CSRF_FIELD: client.headers[CSRF_HEADER], **options.get("data", {})}
    return client.request(row.methods[0], path, **options)


def path_to(row: Row, named: Mapping[str, str]) -> str:
    """The row's path to things."""
    return re.sub(r"{(\w+)}", lambda found: named.get(found[1], "reader"), row.path)


def rows() -> Iterator[tuple[Row, str]]:
    """Rows with an id in their path that is not everybody's, and its name: one that none is known of has no test."""
    for row in (*API, *PAGES):
        named = set(re.findall(r"{(\w+)}", row.path)) - COMMON - {"release", "name", "number", "role"}
        if row.body is not Body.MULTIPART:
            yield from ((row, name) for name in sorted(named))


def plain(answer: httpx.Response, key: str) -> tuple[int, str, str]:
    """What an answer tells, without the id that was asked for."""
    return (
        answer.status_code,
        answer.headers.get("location", "").replace(key, "ID"),
        re.sub(r"\b[0-9a-f]{12}\b", "REF", answer.text.replace(key, "ID")),
    )


def test_what_is_not_somebodys_is_answered_as_what_does_not_exist(
    served: Served, scoped: httpx.Client, known: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    compared = 0
    for row, name in rows():
        compared += 1
        paths = [path_to(row, {**known, name: key}) for key in (known[name], UNKNOWN)]
        foreign, missing = (asked(scoped, row, path) for path in paths)
        told = plain(foreign, known[name]), plain(missing, UNKNOWN)
        assert told[0] == told[1], (row.name, told)
        assert foreign.status_code in (303, 403, 404), (row.name, foreign.status_code, foreign.text[:300])
    with capsys.disabled():
        print(f"\nforeign ids: {compared} rows answer them as unknown ones")
