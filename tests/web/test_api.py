"""The interface for programs: its description fits the table, and what it gives fits the description."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest

from tests.web.described import require_described
from tests.web.visitors import Staff, stored_id
from web.api.openapi import OPERATIONS, describe
from web.routes import ROWS
from web.site import Kind


@pytest.fixture(scope="module")
def description(program: httpx.Client) -> dict[str, Any]:
    answer = program.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_every_row_has_an_operation_and_every_operation_a_row() -> None:
    assert {row.name for row in ROWS if row.kind is Kind.API} == set(OPERATIONS)
    assert describe(ROWS, "http://x")["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere_and_every_parameter_of_a_path_is_named(description: dict[str, Any]) -> None:
    references = set(re.findall(r'"#/components/schemas/(\w+)"', repr(description).replace("'", '"')))
    assert references <= set(description["components"]["schemas"])
    for path, operations in description["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            assert operation["responses"]


def test_what_is_given_has_the_shape_that_is_described(program: httpx.Client, description: dict[str, Any]) -> None:
    customer = program.post("/api/v1/customers", json={"name": "示例"})
    record = stored_id(program, b"x", customer=customer.json()["number"], dated_on="2026-01-02")
    link = program.post(f"/api/v1/records/{record}/links", json={})
    asked = [
        customer,
        link,
        program.get("/api/v1/classes"),
        program.get("/api/v1/customers"),
        program.get(f"/api/v1/customers/{customer.json()['id']}"),
        program.get("/api/v1/records"),
        program.get(f"/api/v1/records/{record}"),
        program.post("/api/v1/records/find", json={"text": "示例"}),
        program.post(f"/api/v1/records/{record}/descriptions", json={"reason": "r", "title": "New"}),
        program.post(f"/api/v1/records/{record}/filing", json={"class": "house"}),
        program.get("/api/v1/links"),
        program.get("/api/v1/records/nothing"),
    ]
    for answer in asked:
        require_described(description, answer)


def test_a_record_is_found_by_its_number_too(program: httpx.Client) -> None:
    record = program.get(f"/api/v1/records/{stored_id(program, b'x')}").json()
    assert program.get(f"/api/v1/records/{record['number']}").json()["id"] == record["id"]


def test_what_a_correction_leaves_out_stays(program: httpx.Client) -> None:
    record = stored_id(program, b"x", title="Title", place="Shelf 4", note="Note", dated_on="2026-01-02")
    path = f"/api/v1/records/{record}/descriptions"
    story = program.post(path, json={"reason": "moved", "place": "Shelf 5"}).json()
    assert [story[name] for name in ("title", "place", "note", "dated_on")] == [
        "Title",
        "Shelf 5",
        "Note",
        "2026-01-02",
    ]
    assert program.post(path, json={"place": "Shelf 6"}).json()["field"] == "reason"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"name": "x"}', "text/plain", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"name": 5}', "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"x" * 70_000, "application/json", 413),
        (b'{"name": "\\ud800"}', "application/json", 400),
    ],
)
def test_bodies_that_are_no_object_are_refused(program: httpx.Client, body: bytes, kind: str, status: int) -> None:
    answer = program.post("/api/v1/customers", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_nul_is_refused_wherever_a_text_comes_from(program: httpx.Client, staff: Staff) -> None:
    """PostgreSQL takes no text with it: it was an error of the server."""
    for path in (
        "/api/v1/records?class=%00",
        "/api/v1/records?before=20260101T000000.000000Z_%00",
        "/api/v1/customers?after=%00",
    ):
        assert program.get(path).status_code == 400, path
    for path in ("/records?class=%00", "/customers?after=a%00", "/links?before=20260101T000000.000000Z_%E4%B8%AD"):
        assert staff.client.get(path).status_code == 400, path
    assert staff.post("/customers", name="Hill\0side").status_code == 400
    said = ",".join(
        f"{name} {base64.b64encode(value).decode()}"
        for name, value in {"filename": b"a.txt", "class": b"con\0tract"}.items()
    )
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Metadata": said}
    answer = program.post("/api/v1/uploads", headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "class")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic abc", "Bearer " + "x" * 600, "Bearer é"])
def test_a_wrong_token_is_nobody(visitor: httpx.Client, token: str) -> None:
    answer = visitor.get("/api/v1/records", headers={b"Authorization": token.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")


def test_alive_and_ready(visitor: httpx.Client) -> None:
    assert visitor.get("/healthz").text == "alive\n"
    assert visitor.get("/readyz").json() == {"catalogue": "answers", "store": "answers"}
