"""Errors as answers: every code is mapped, and nothing inner reaches anybody."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

import web.problems
from tests.web.conftest import Served
from tests.web.visitors import Staff
from vault import errors
from web.i18n import load_languages
from web.problems import PROBLEMS


def every_error(kind: type[errors.StrongroomError] = errors.StrongroomError) -> Iterator[type[errors.StrongroomError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_error(child)


KNOWN_MODULES = (errors.__name__, web.problems.__name__)
ERRORS = sorted({kind for kind in every_error() if kind.__module__ in KNOWN_MODULES}, key=lambda kind: kind.code)


@pytest.mark.parametrize("kind", ERRORS, ids=[kind.code for kind in ERRORS])
def test_every_error_code_has_a_status_a_title_and_an_advice_in_chinese(kind: type[errors.StrongroomError]) -> None:
    problem = PROBLEMS[kind.code]
    chinese = load_languages()["zh-Hans"]
    assert 400 <= problem.status < 600
    assert chinese.text(problem.title) != problem.title
    assert chinese.text(problem.advice) != problem.advice


def test_no_row_stands_for_a_code_that_nothing_raises() -> None:
    assert set(PROBLEMS) == {kind.code for kind in ERRORS}


def test_what_is_away_is_a_503_and_what_is_broken_a_500() -> None:
    assert {PROBLEMS[kind.code].status for kind in every_error(errors.Unavailable)} == {503}
    assert {PROBLEMS[kind.code].status for kind in every_error(errors.Broken) if kind is not errors.Broken} == {500}


def test_programs_get_problem_json_with_the_code(program: httpx.Client) -> None:
    answer = program.get("/api/v1/records/2026-999999")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"], body["type"]) == ("not-found", 404, "urn:strongroom:problem:not-found")


def test_an_invalid_value_names_its_field(program: httpx.Client) -> None:
    answer = program.post("/api/v1/customers", json={"name": " "})
    assert (answer.status_code, answer.json()["field"]) == (400, "name")


def test_people_get_a_page_in_their_language(staff: Staff) -> None:
    answer = staff.client.get("/records/nothing", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert answer.status_code == 404
    assert "未找到" in answer.text


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(visitor: httpx.Client) -> None:
    assert visitor.get("/nothing").headers["content-type"].startswith("text/html")
    answer = visitor.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_wrong_method_says_which_are_right(visitor: httpx.Client) -> None:
    answer = visitor.put("/api/v1/records")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")


def test_a_catalogue_that_is_away_is_a_503_with_retry_after(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise errors.CatalogueUnavailable("the catalogue does not answer; try again", retry_after_s=7)

    monkeypatch.setattr(type(served.vault.catalogue), "read", away)
    with served.client() as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["code"] == "catalogue-unavailable"


def test_what_nobody_expected_gives_a_reference_and_no_more(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("Zhang San's passport")

    monkeypatch.setattr(type(served.vault.catalogue), "read", broken)
    with served.client() as client:
        answer = client.get("/api/v1/records", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 500
    assert "Zhang San" not in answer.text
    assert "Traceback" not in answer.text
    reference = answer.json()["reference"]
    logged = capsys.readouterr()
    assert reference in logged.out + logged.err
    assert "Zhang San" not in logged.out + logged.err
