"""Requests of programs sent again under their key: one deed, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.web.conftest import Served
from tests.web.described import Program, program_of
from web.api.rows import API
from web.filings import KEY_HEADER

SAFE_TWICE = {
    "api-begin-session",
    "api-step-up",
    "api-change-profile",
    "api-rename-passkey",
    "api-issue-certificates",
    "api-override-method",
}
"""What does no harm when it comes twice: an upload goes on at its offset, a sign-in has a token each time."""
LOOKS = {"api-find", "api-rule-effects", "api-preview-hold", "api-preview-list", "api-preview-destruction"}
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
