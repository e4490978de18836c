"""Requests of programs sent again under their key: one deed, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.web.conftest import Served
from tests.web.described import Program, program_of
from tests.web.visitors import store
from web.api.rows import API
from web.filings import KEY_HEADER

SAFE_TWICE = {
    "api-begin-session",
    "api-step-up",
    "api-change-password",
    "api-change-profile",
    "api-rename-passkey",
    "api-issue-certificates",
    "api-override-method",
}
"""What does no harm when it comes twice: an upload goes on at its offset, a sign-in has a token each
time, and a password that was changed is not the old one any more."""
LOOKS = {
    "api-find",
    "api-twins",
    "api-examine-filing",
    "api-rule-effects",
    "api-preview-hold",
    "api-preview-list",
    "api-preview-destruction",
}
"""What is asked by POST because of what it carries, and changes nothing."""


@pytest.fixture(scope="module")
def one(served: Served) -> Iterator[Program]:
    with served.client() as client:
        yield program_of(client)


def added(program: Program, key: str, **body: Any) -> httpx.Response:
    return program.client.post("/api/v1/customers", json=body, headers={"Idempotency-Key": key})


def test_every_post_that_makes_something_takes_a_key() -> None:
    for row in API:
        if row.methods == ("POST",):
            assert row.operation is not None
            own = KEY_HEADER in {each["name"] for each in row.operation.headers}
            assert row.operation.once or own or row.name in SAFE_TWICE | LOOKS, row.name


def test_sent_again_it_is_done_once_and_answered_alike(one: Program) -> None:
    before = len(one.get("/customers")["customers"])
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: added(one, "first", name="Hillside Bakery"), range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = added(one, "first", name="Hillside Bakery")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.headers["content-type"] == "application/json"
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {again.json()["id"]}
    assert len(one.get("/customers")["customers"]) == before + 1
    other = added(one, "first", name="Another")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")


def test_a_refusal_gives_the_key_back(one: Program) -> None:
    assert added(one, "second", name="").status_code == 400
    assert added(one, "second", name="Mended").status_code == 201


def test_an_answer_with_a_secret_is_not_given_again(one: Program) -> None:
    headers = {"Idempotency-Key": "third"}
    said = {"name": "nightly", "scopes": ["list-records"]}
    assert one.ask("POST", "/tokens", 201, json=said, headers=headers)["token"]
    assert one.ask("POST", "/tokens", 409, json=said, headers=headers)["code"] == "already-exists"


def test_no_secret_is_in_what_is_kept_of_a_request(one: Program) -> None:
    """The digest of a request is kept for a day; of a pass code or a password it could be guessed at."""
    record = store(one.client, b"a bakery's lease").json()["id"]
    headers = {"Idempotency-Key": "fourth"}
    for said, status, code in (
        ({"pass_code": "one of many"}, 201, None),
        ({"pass_code": "another one"}, 409, "already-exists"),
        ({"pass_code": "another one", "note": "changed"}, 422, "idempotency-mismatch"),
    ):
        answer = one.ask("POST", f"/records/{record}/links", status, json=said, headers=headers)
        assert answer.get("code") == code
    assert "api-change-password" not in {row.name for row in API if row.operation is not None and row.operation.once}
