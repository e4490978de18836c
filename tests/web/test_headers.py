"""Headers on every answer, hosts that we are, cookies."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.web.conftest import Served, serving
from tests.web.test_routes import asking, path_of
from tests.web.visitors import LOGIN, PASSWORD, Staff
from web.routes import ROWS
from web.site import Kind, Row

SHOWING = [row for row in ROWS if row.methods == ("GET",)]


@pytest.fixture(scope="module")
def secure(served: Served) -> Iterator[Served]:
    """The same vault behind a proxy with TLS."""
    with serving(served.vault, public_url="https://records.example.org") as running:
        yield running


@pytest.mark.parametrize("row", SHOWING, ids=asking)
def test_every_answer_has_the_headers_that_keep_it_in_its_place(staff: Staff, row: Row) -> None:
    headers = staff.client.get(path_of(row)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == ("no-referrer" if row.kind is Kind.OUTSIDE else "same-origin")
    assert "server" not in headers
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize(
    "path",
    ["/", "/records", "/upload", "/customers", "/links", "/destructions", "/keepers", "/groups", "/loans", "/gallery"],
)
def test_no_page_has_a_script_or_style_of_its_own(staff: Staff, path: str) -> None:
    page = staff.client.get(path).text
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')


def test_static_files_are_kept_for_ever_under_their_digest(staff: Staff) -> None:
    page = staff.client.get("/").text
    path = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    answer = staff.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert staff.client.get("/static/old/strongroom.css").headers["cache-control"] == "no-store"
    assert staff.client.get("/static/x/%2e%2e%2fmain.py").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_request_for_a_host_that_is_not_ours_is_refused(visitor: httpx.Client, host: str) -> None:
    assert visitor.get("/healthz", headers={"Host": host}).status_code in (400, 421)


def test_behind_https_cookies_are_bound_to_the_host_and_browsers_stay_with_https(secure: Served) -> None:
    with secure.client(headers={"Host": "records.example.org"}) as client:
        form = {"login": LOGIN, "password": PASSWORD}
        answer = client.post("/sign-in", data=form, headers={"Origin": "https://records.example.org"})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-strongroom=")
        assert all(part in cookie for part in ("; HttpOnly", "; Secure", "; Path=/", "; SameSite=lax"))
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert client.post("/sign-in", data=form, headers={"Origin": "http://records.example.org"}).status_code == 403


def test_a_session_cookie_is_out_of_reach_of_scripts(served: Served) -> None:
    with served.client() as client:
        answer = client.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
        assert "; HttpOnly" in answer.headers["set-cookie"]
        assert "; SameSite=lax" in answer.headers["set-cookie"]


def test_after_sign_in_people_are_led_nowhere_but_here(served: Served) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "evil"):
        with served.client() as client:
            answer = client.post("/sign-in", data={"login": LOGIN, "password": PASSWORD, "next": target})
            assert answer.headers["location"] == "/"


def test_the_log_tells_route_and_status_and_nothing_of_the_address(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    with served.client() as client:
        client.get("/l/a-secret-token?name=Zhang", headers={"User-Agent": "agent-of-zhang"})
        client.get("/api/v1/records?customer=K-77")
    logged = capsys.readouterr()
    told = logged.out + logged.err
    assert "route" in told
    assert not [word for word in ("a-secret-token", "Zhang", "agent-of", "K-77", "127.0.0.1") if word in told]
