"""Accounts on the pages and over the API: second factors, proofs, sessions, tokens, people; and what attackers try."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import httpx
import pyotp
import pytest

from tests.support.accounts import PASSWORD, READERS, new_person
from tests.vault.workflows.faults import HandClock
from tests.web.conftest import Served, serving
from tests.web.visitors import Staff, fields_of, form_token
from tests.web.visitors import sign_in as sign_in_browser
from vault.permissions import Action
from vault.sessions import FRESH
from vault.workflows import sessions

Browsing = Callable[..., tuple[str, Staff]]


@pytest.fixture(scope="module")
def timed(served: Served) -> Iterator[tuple[Served, HandClock]]:
    """The same vault, served by a clock in the hand."""
    clock = HandClock(at=served.vault.now())
    with serving(replace(served.vault, clock=clock)) as running:
        yield running, clock


@pytest.fixture
def browser() -> Iterator[Browsing]:
    """Gives somebody new in a browser of their own."""
    with ExitStack() as stack:

        def begin(served: Served, *groups: str) -> tuple[str, Staff]:
            login = new_person(served.vault, *groups)
            return login, sign_in_browser(stack.enter_context(served.client()), login, PASSWORD)

        yield begin


def person_id(served: Served, login: str) -> str:
    with served.vault.catalogue.read() as tx:
        person = tx.people.by_login_index(sessions.login_index(served.vault, login))
    assert person is not None
    return person.id


def with_app(staff: Staff, clock: HandClock) -> pyotp.TOTP:
    """Sets an authenticator app up on the pages."""
    page = staff.post("/account/authenticator")
    assert page.status_code == 200
    assert "<svg" in page.text
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
    assert secret
    app = pyotp.TOTP(secret[1].replace(" ", ""))
    assert staff.post("/account/authenticator/confirm", code="000000").status_code == 400
    done = staff.post("/account/authenticator/confirm", code=app.at(clock.at))
    assert len(re.findall(r"<li><code>[a-z2-7]{5}-[a-z2-7]{5}</code></li>", done.text)) == 10
    return app


# -- signing in --------------------------------------------------------------------------------------------------------


def test_an_authenticator_app_is_set_up_and_asked_for(timed: tuple[Served, HandClock], browser: Browsing) -> None:
    served, clock = timed
    login, staff = browser(served)
    app = with_app(staff, clock)
    clock.advance(timedelta(minutes=1))
    with served.client() as client:
        page = client.post("/sign-in", data={"login": login, "password": PASSWORD, "next": "/links"})
        assert page.status_code == 401
        assert not client.cookies.get("strongroom")
        wrong = client.post("/sign-in/second-factor", data={**fields_of(page, "/sign-in/second-factor"), "code": "1"})
        assert wrong.status_code == 401
        hidden = fields_of(wrong, "/sign-in/second-factor")
        answer = client.post("/sign-in/second-factor", data={**hidden, "code": app.at(clock.at)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/links")
        assert client.get("/links").status_code == 200
    with served.client() as program:
        told = program.post("/api/v1/sessions", json={"login": login, "password": PASSWORD})
        assert (told.status_code, told.json()["code"]) == (401, "second-factor-needed")
        clock.advance(timedelta(minutes=1))
        body = {"login": login, "password": PASSWORD, "code": app.at(clock.at)}
        assert program.post("/api/v1/sessions", json=body).status_code == 201


def test_a_sign_in_by_password_is_not_remembered_as_one_by_the_provider(served: Served) -> None:
    login = new_person(served.vault, READERS)
    with served.client() as client:
        client.cookies.set("strongroom-provided", "1", domain=client.base_url.host)
        client.post("/sign-in", data={"login": login, "password": "wrong, and long enough"})
        assert "strongroom-provided" in client.cookies
        sign_in_browser(client, login, PASSWORD)
        assert "strongroom-provided" not in client.cookies


def test_a_session_that_was_put_upon_somebody_is_not_the_one_they_sign_in_with(served: Served) -> None:
    login = new_person(served.vault)
    with served.client(cookies={"strongroom": "planted-by-somebody-else"}) as client:
        client.post("/sign-in", data={"login": login, "password": PASSWORD})
        cookies = [cookie.value for cookie in client.cookies.jar if cookie.name == "strongroom"]
        assert "planted-by-somebody-else" not in cookies[-1:]
    with served.client(cookies={"strongroom": "planted-by-somebody-else"}) as attacker:
        assert attacker.get("/account").status_code == 303


def test_the_token_is_renewed_at_a_proof_and_the_old_one_is_out(
    timed: tuple[Served, HandClock], browser: Browsing
) -> None:
    served, clock = timed
    _, staff = browser(served)
    before = staff.client.cookies["strongroom"]
    clock.advance(FRESH)
    asked = staff.send("/account/recovery-codes")
    assert asked.status_code == 403
    staff.send("/account/recovery-codes", **proof(asked, "/account/recovery-codes"))
    assert staff.client.cookies["strongroom"] != before
    with served.client(cookies={"strongroom": before}) as attacker:
        assert attacker.get("/account").status_code == 303
    assert staff.client.get("/account").status_code == 200


def proof(asked: httpx.Response, path: str, **given: str) -> dict[str, str]:
    """The fields of the question, answered by the password."""
    fields = fields_of(asked, path)
    fields.pop("csrf_token")
    return {**fields, **(given or {"step_up_password": PASSWORD})}


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/\t/evil"],
)
def test_nobody_is_led_to_another_site(served: Served, target: str) -> None:
    login = new_person(served.vault)
    with served.client() as client:
        answer = client.post("/sign-in", data={"login": login, "password": PASSWORD, "next": target})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        token = form_token(client.get("/account"))
        page = client.get("/sign-in", params={"next": target})
        assert page.headers["location"] == "/"
        answer = client.post("/step-up", data={"csrf_token": token, "next": target})
        assert answer.headers["location"] == "/"
        answer = client.post("/language", data={"language": "en", "back": target})
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: strongroom=x", "a\nX: y", "a\x00b", "\u2028x"])
def test_nothing_that_is_typed_becomes_a_header(served: Served, value: str) -> None:
    with served.client() as client:
        for path, fields in (
            ("/sign-in", {"login": value, "password": value, "next": "/" + value}),
            ("/language", {"language": value, "back": "/" + value}),
            ("/sign-in/second-factor", {"challenge": value, "code": value, "next": value}),
            ("/sign-in/passkey", {"challenge": value, "passkey": value, "next": value}),
        ):
            answer = client.post(path, data=fields)
            assert "x" not in answer.headers
            assert "strongroom=x" not in answer.headers.get("set-cookie", "")
            assert "\n" not in answer.headers.get("location", "")


def test_an_unknown_name_and_a_wrong_password_look_alike(served: Served) -> None:
    login = new_person(served.vault)
    answers = []
    for name in (login, "nobody-at-all"):
        with served.client() as client:
            answer = client.post("/sign-in", data={"login": name, "password": "wrong horse battery"})
            shown = re.sub(r'(name="challenge" value=|data-options=)"[^"]*"', "", answer.text)
            answers.append((answer.status_code, shown.replace(name, ""), sorted(answer.headers)))
    assert answers[0] == answers[1]


def test_a_passkey_page_is_offered_under_a_name_and_not_under_a_bare_address(served: Served) -> None:
    with served.client() as client:
        assert "data-passkey" not in client.get("/sign-in").text
        named = client.get(f"http://localhost:{served.port}/sign-in")
        assert 'data-passkey="get"' in named.text
        assert "localhost" in html.unescape(named.text)
        answer = client.post("/sign-in/passkey", data={"challenge": "x", "passkey": "{}"})
        assert answer.status_code == 401


# -- proving again -----------------------------------------------------------------------------------------------------


def test_a_grave_step_asks_for_a_proof_and_goes_on_with_what_was_in_the_form(
    timed: tuple[Served, HandClock], browser: Browsing
) -> None:
    served, clock = timed
    _, staff = browser(served)
    clock.advance(FRESH)
    asked = staff.send("/account/tokens", name='Notary "one" <b>', days="7", **{"scope-list-records": "yes"})
    assert asked.status_code == 403
    fields = proof(asked, "/account/tokens")
    assert (fields["name"], fields["days"], fields["scope-list-records"]) == ('Notary "one" <b>', "7", "yes")
    wrong = staff.send("/account/tokens", **{**fields, "step_up_password": "not the password"})
    assert wrong.status_code == 403
    fields = proof(wrong, "/account/tokens")
    made = staff.post("/account/tokens", **fields)
    assert made.status_code == 201
    assert "Notary &#34;one&#34; &lt;b&gt;" in made.text
    assert "strongroom_" in made.text
    again = staff.post("/account/tokens", name="Another", days="7", **{"scope-list-records": "yes"})
    assert again.status_code == 201, "a proof holds for five minutes"


def test_the_question_carries_neither_the_form_nor_the_proof_in_an_address(
    timed: tuple[Served, HandClock], browser: Browsing
) -> None:
    served, clock = timed
    _, staff = browser(served)
    clock.advance(FRESH)
    asked = staff.send("/account/tokens", name="Something personal", days="7", **{"scope-list-records": "yes"})
    assert "location" not in asked.headers
    assert not re.findall(r'(?:href|action)="[^"]*personal', asked.text)


def test_a_program_is_told_to_prove_and_does(timed: tuple[Served, HandClock]) -> None:
    served, clock = timed
    login = new_person(served.vault)
    with served.client() as client:
        token = client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        clock.advance(FRESH)
        body = {"name": "x", "scopes": ["list-records"], "days": 1}
        refused = client.post("/api/v1/tokens", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "step-up-needed")
        assert "insufficient_user_authentication" in refused.headers["www-authenticate"]
        assert client.post("/api/v1/sessions/current/proof", json={"password": "wrong"}).status_code == 401
        renewed = client.post("/api/v1/sessions/current/proof", json={"password": PASSWORD}).json()["token"]
        assert client.get("/api/v1/sessions").status_code == 401
        client.headers["Authorization"] = f"Bearer {renewed}"
        assert client.post("/api/v1/tokens", json=body).status_code == 201


# -- API tokens --------------------------------------------------------------------------------------------------------


def test_an_api_token_is_used_beside_sessions_within_its_scope(served: Served) -> None:
    login = new_person(served.vault)
    with served.client() as client:
        token = client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD}).json()["token"]
        session = {"Authorization": f"Bearer {token}"}
        made = client.post("/api/v1/tokens", json={"name": "x", "scopes": ["list-records"]}, headers=session)
        assert made.status_code == 201
        bearer = {"Authorization": f"Bearer {made.json()['token']}"}
        assert client.get("/api/v1/records", headers=bearer).status_code == 200
        assert client.get("/api/v1/customers", headers=bearer).status_code == 403
        for method, path, body in (
            ("GET", "/api/v1/sessions", None),
            ("GET", "/api/v1/profile", None),
            ("POST", "/api/v1/profile", {"name": "Y"}),
            ("GET", "/api/v1/tokens", None),
            ("POST", "/api/v1/tokens", {"name": "y", "scopes": ["list-records"]}),
            ("POST", "/api/v1/sessions/current/proof", {"password": PASSWORD}),
            ("DELETE", f"/api/v1/tokens/{made.json()['id']}", None),
            ("GET", "/api/v1/people", None),
        ):
            assert client.request(method, path, json=body, headers=bearer).status_code == 403, path
        listed = client.get("/api/v1/tokens", headers=session).json()["tokens"]
        assert [each["name"] for each in listed] == ["x"]
        assert "token" not in listed[0]
        assert client.delete(f"/api/v1/tokens/{made.json()['id']}", headers=session).status_code == 204
        assert client.get("/api/v1/records", headers=bearer).status_code == 401
        for scopes in ([], ["everything"], "list-records", [1]):
            wrong: dict[str, object] = {"name": "x", "scopes": scopes}
            assert client.post("/api/v1/tokens", json=wrong, headers=session).status_code == 400


def test_a_token_page_offers_what_its_person_may(served: Served, browser: Browsing) -> None:
    _, reader = browser(served, READERS)
    page = reader.client.get("/account/tokens").text
    assert f'name="scope-{Action.LIST_RECORDS.value}"' in page
    assert f'name="scope-{Action.DESTROY_RECORDS.value}"' not in page
    assert reader.post("/account/tokens", name="x", days="1", **{"scope-destroy-records": "yes"}).status_code == 403


# -- other people's things ---------------------------------------------------------------------------------------------


def test_ids_of_somebody_else_lead_nowhere(served: Served, browser: Browsing) -> None:
    login, theirs = browser(served)
    _, mine = browser(served)
    made = theirs.post("/account/tokens", name="Theirs", days="1", **{"scope-list-records": "yes"})
    token_id = re.search(r"/account/tokens/([a-z2-7]{26})/revoke", made.text)
    with served.vault.catalogue.read() as tx:
        person = tx.people.by_login_index(sessions.login_index(served.vault, login))
        assert person is not None
        session_id = tx.sessions.of_person(person.id)[0].id
    assert token_id
    for path in (
        f"/account/tokens/{token_id[1]}/revoke",
        f"/account/sessions/{session_id}/end",
        f"/account/passkeys/{'a' * 26}/remove",
    ):
        assert mine.post(path).status_code == 404
    assert mine.post(f"/account/passkeys/{'a' * 26}/name", name="Mine").status_code == 404
    assert theirs.client.get("/account/tokens").text.count("/revoke") == 1
    _, reader = browser(served, READERS)
    for verb in ("reset", "sessions/end", "deactivate", "reactivate"):
        assert reader.post(f"/people/{person.id}/{verb}").status_code == 403
        assert mine.post(f"/people/{'a' * 26}/{verb}").status_code in (303, 404)
    assert reader.client.get("/people").status_code == 403
    assert theirs.client.get("/account").status_code == 200
    with served.client() as client:
        headers = {
            "Authorization": "Bearer "
            + client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD}).json()["token"]
        }
        for method, path in (
            ("DELETE", f"/api/v1/sessions/{'a' * 26}"),
            ("DELETE", f"/api/v1/tokens/{'a' * 26}"),
            ("GET", f"/api/v1/people/{'a' * 26}"),
            ("POST", f"/api/v1/people/{'a' * 26}/deactivation"),
            ("DELETE", f"/api/v1/people/{'a' * 26}/sessions"),
        ):
            assert client.request(method, path, headers=headers).status_code == 404, path


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_an_administrator_sees_people_and_lets_them_back_in(served: Served, browser: Browsing) -> None:
    _, admin = browser(served)
    login, other = browser(served, READERS)
    who = person_id(served, login)
    assert login in admin.client.get("/people").text
    page = admin.post(f"/people/{who}/reset")
    link = re.search(r'value="(http[^"]*/reset/[^"]*)"', page.text)
    assert link
    path = link[1].partition(served.address)[2]
    with served.client() as client:
        shown = client.get(path)
        assert (shown.status_code, shown.headers["referrer-policy"]) == (200, "no-referrer")
        assert client.post(path, data={"password": "short"}).status_code == 400
        assert client.post(path, data={"password": "a sentence that is new"}).status_code == 303
        assert client.get(path).status_code == 404
        assert client.post("/sign-in", data={"login": login, "password": PASSWORD}).status_code == 401
        answer = client.post("/sign-in", data={"login": login, "password": "a sentence that is new"})
        assert answer.status_code == 303
        assert other.client.get("/account").status_code == 303
        assert admin.post(f"/people/{who}/deactivate").status_code == 303
        assert client.get("/account").status_code == 303
        assert admin.post(f"/people/{who}/reactivate").status_code == 303
    own = admin.post(f"/people/{person_id(served, new_person(served.vault))}/sessions/end")
    assert own.status_code == 303


def test_people_change_name_language_and_password(served: Served, browser: Browsing) -> None:
    login, staff = browser(served)
    assert staff.post("/account", name="Wang Wei", language="zh-Hans").status_code == 303
    page = staff.client.get("/account").text
    assert "Wang Wei" in page
    assert '<html lang="zh-Hans"' in page
    with served.client() as elsewhere:
        elsewhere.post("/sign-in", data={"login": login, "password": PASSWORD})
        assert '<html lang="zh-Hans"' in elsewhere.get("/account").text
        assert staff.post("/account", name="", language="en").status_code == 400
        assert staff.post("/account/password", old="wrong", password="long enough for this").status_code == 400
        assert staff.post("/account/password", old=PASSWORD, password="long enough for this").status_code == 200
        assert elsewhere.get("/account").status_code == 303
    assert staff.client.get("/account").status_code == 200


def test_people_see_and_end_their_sessions(served: Served, browser: Browsing) -> None:
    login, staff = browser(served)
    with served.client(headers={"User-Agent": "Lynx <script>"}) as other:
        other.post("/sign-in", data={"login": login, "password": PASSWORD})
        page = staff.client.get("/account/sessions").text
        assert "Lynx &lt;script&gt;" in page
        path = re.search(r'action="(/account/sessions/[a-z2-7]{26}/end)"', page)
        assert path
        assert staff.post(path[1]).status_code == 303
        assert other.get("/account").status_code == 303
        other.post("/sign-in", data={"login": login, "password": PASSWORD})
        assert staff.post("/account/sessions/end").status_code == 303
        assert other.get("/account").status_code == 303
    assert staff.client.get("/account").status_code == 200
