"""The route table: every row names who may come, and the door asks."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff
from vault.permissions import Action
from vault.workflows import people
from web.routes import ROWS
from web.site import Audience, Body, Kind, Row

PUBLIC_ROWS = {
    "sign-in",
    "begin-session",
    "second-factor",
    "passkey-session",
    "begin-provider",
    "provider-answer",
    "signed-out",
    "leave-provider",
    "language",
    "theme",
    "static",
    "alive",
    "ready",
    "api-description",
    "api-begin-session",
}
OUTSIDE_ROWS = {
    "reset",
    "reset-password",
    "welcome",
    "accept-welcome",
    "join-by-provider",
    "link",
    "link-use",
    "link-download",
}


def path_of(row: Row) -> str:
    """A path that matches the row, with things that do not exist."""
    return re.sub(r"\{\w+\}", "a" * 26, row.path.replace("{number}", "1"))


def asking(row: Row) -> str:
    """The method and path of a row, for the names of tests."""
    return f"{row.methods[0]} {row.path}"


GUARDED = [row for row in ROWS if isinstance(row.permission, Action) or row.permission is Audience.SIGNED_IN]
CHANGING = [row for row in GUARDED if row.methods[0] != "GET"]


def test_only_these_rows_are_open_to_everybody() -> None:
    assert {row.name for row in ROWS if row.permission is Audience.PUBLIC} == PUBLIC_ROWS
    assert {row.name for row in ROWS if row.permission is Audience.LINK} == OUTSIDE_ROWS


def test_no_two_rows_share_a_name_or_an_address_with_its_method() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len({asking(row) for row in ROWS}) == len(ROWS)


def test_a_row_that_only_shows_changes_nothing() -> None:
    assert all(row.body is Body.NONE for row in ROWS if row.methods == ("GET",))


@pytest.mark.parametrize("row", GUARDED, ids=asking)
def test_a_stranger_is_led_to_the_sign_in_page_or_refused(visitor: httpx.Client, row: Row) -> None:
    answer = visitor.request(row.methods[0], path_of(row))
    if row.kind is Kind.API:
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
        assert "bearer" in answer.headers["www-authenticate"].lower()
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("row", CHANGING, ids=asking)
def test_a_change_without_the_form_token_is_refused(staff: Staff, row: Row) -> None:
    options: dict[str, dict[str, object]] = {
        "form": {"data": {"csrf_token": "wrong"}},
        "multipart": {"data": {"csrf_token": "wrong"}, "files": {"file": ("a.txt", b"a")}},
        "json": {"json": {}},
        "raw": {"content": b"a"},
        "none": {},
    }
    answer = staff.client.request(row.methods[0], path_of(row), **options[row.body.value])  # type: ignore[arg-type]  # httpx's
    if row.name == "correct":
        assert answer.status_code in (403, 404)
    else:
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("row", CHANGING, ids=asking)
def test_a_change_that_another_site_asks_for_is_refused(staff: Staff, row: Row) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = staff.client.request(row.methods[0], path_of(row), headers=headers)
        assert answer.status_code == 403
        assert "Strongroom" in answer.text or answer.json()["code"] == "foreign-request"


def test_another_site_cannot_sign_a_browser_in(visitor: httpx.Client) -> None:
    answer = visitor.post("/sign-in", data={"login": "a", "password": "b"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_a_reader_may_look_but_not_touch(served: Served) -> None:
    token = people.invite(served.vault, everything(), {"readers"})
    with served.client() as client:
        answer = client.post(
            f"/welcome/{token}", data={"login": "reader", "name": "Reader", "password": "only looks at things"}
        )
        assert answer.status_code == 303
        assert client.get("/").status_code == 200
        for path in ("/upload", "/links", "/state"):
            assert client.get(path).status_code == 403
        assert 'href="/upload"' not in client.get("/").text
