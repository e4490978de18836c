"""Links and invitations: what people without an account see, take and do not get."""

from __future__ import annotations

import threading
from datetime import timedelta

import httpx
import pytest

from tests.support.people import FOUNDER, everything
from tests.web.conftest import Served
from tests.web.visitors import LOGIN, PASSWORD, Staff, opened, stored_id
from vault.workflows import people, sharing

CONTENT = b"the file itself" * 1000


@pytest.fixture(scope="module")
def record_id(program: httpx.Client) -> str:
    return stored_id(program, CONTENT, file_name="机密合同.txt", title="Secret title")


def make_link(program: httpx.Client, record_id: str, **terms: object) -> tuple[str, str]:
    """A new link's address on this site, and its id."""
    answer = program.post(f"/api/v1/records/{record_id}/links", json=terms)
    assert answer.status_code == 201, answer.text
    link = answer.json()
    return httpx.URL(link["url"]).path, link["id"]


def taken(visitor: httpx.Client, path: str, **fields: str) -> str:
    answer = visitor.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def uses_taken(program: httpx.Client, link_id: str) -> int:
    links = program.get("/api/v1/links", params={"limit": 200}).json()["links"]
    return int(next(link["uses_taken"] for link in links if link["id"] == link_id))


def test_looking_at_a_link_takes_nothing(visitor: httpx.Client, program: httpx.Client, record_id: str) -> None:
    path, link_id = make_link(program, record_id)
    for _ in range(5):
        assert visitor.get(path).status_code == 200
        assert visitor.head(path).status_code == 200
    page = visitor.get(path)
    assert uses_taken(program, link_id) == 0
    assert page.headers["x-robots-tag"].startswith("noindex")
    assert "机密合同.txt" in page.text
    assert "Secret title" not in page.text


def test_a_post_takes_one_use_and_leads_to_the_file(
    visitor: httpx.Client, program: httpx.Client, record_id: str
) -> None:
    path, link_id = make_link(program, record_id)
    answer = visitor.post(path, follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert uses_taken(program, link_id) == 1
    gone = visitor.post(path)
    assert gone.status_code == 410
    assert "used as often as it may be" in gone.text


def test_a_download_goes_on_under_its_use_with_ranges(
    visitor: httpx.Client, program: httpx.Client, record_id: str
) -> None:
    path, link_id = make_link(program, record_id)
    download = taken(visitor, path)
    half = len(CONTENT) // 2
    first = visitor.get(download, headers={"Range": f"bytes=0-{half - 1}"})
    second = visitor.get(download, headers={"Range": f"bytes={half}-", "If-Range": first.headers["etag"]})
    assert (first.status_code, second.status_code) == (206, 206)
    assert first.content + second.content == CONTENT
    assert visitor.head(download).headers["content-length"] == str(len(CONTENT))
    assert uses_taken(program, link_id) == 1


def test_ranges_give_no_more_than_the_allowance(visitor: httpx.Client, program: httpx.Client) -> None:
    size = 4 * 1024 * 1024
    path, _ = make_link(program, stored_id(program, bytes(size)))
    download = taken(visitor, path)
    assert visitor.get(download).status_code == 200
    assert visitor.get(download, headers={"Range": f"bytes=0-{size // 2 - 1}"}).status_code == 206
    assert visitor.get(download, headers={"Range": "bytes=0-0"}).status_code == 410


def test_nothing_is_told_before_the_pass_code(visitor: httpx.Client, program: httpx.Client, record_id: str) -> None:
    path, link_id = make_link(program, record_id, pass_code="open sesame")
    assert "机密合同" not in visitor.get(path).text
    wrong = visitor.post(path, data={"pass_code": "open says me"})
    assert wrong.status_code == 403
    assert "机密合同" not in wrong.text
    assert uses_taken(program, link_id) == 0
    assert visitor.get(taken(visitor, path, pass_code="open sesame")).content == CONTENT


def test_guessing_a_pass_code_has_to_wait(visitor: httpx.Client, program: httpx.Client, record_id: str) -> None:
    path, _ = make_link(program, record_id, pass_code="open sesame")
    statuses = [visitor.post(path, data={"pass_code": f"guess {number}"}).status_code for number in range(6)]
    assert statuses == [403] * 5 + [429]
    late = visitor.post(path, data={"pass_code": "open sesame"})
    assert (late.status_code, late.headers["retry-after"]) == (429, "900")


def test_a_revoked_link_is_dead_at_once_for_downloads_too(
    visitor: httpx.Client, program: httpx.Client, staff: Staff, record_id: str
) -> None:
    path, link_id = make_link(program, record_id, uses_max=2)
    download = taken(visitor, path)
    assert staff.post(f"/links/{link_id}/revoke").status_code == 303
    for answer in (visitor.get(path), visitor.post(path), visitor.get(download)):
        assert answer.status_code == 410
        assert "withdrawn" in answer.text


def test_an_expired_link_says_so(served: Served, visitor: httpx.Client, program: httpx.Client, record_id: str) -> None:
    from dataclasses import replace

    class Earlier:
        def now(self) -> object:
            return served.vault.clock.now() - timedelta(days=8)

    actor = everything()
    earlier = replace(served.vault, clock=Earlier())  # type: ignore[arg-type]  # a clock of last week
    _, token = sharing.make_link(
        earlier,
        replace(actor, roles=FOUNDER),
        record_id,  # type: ignore[arg-type]  # an id
        lifetime=timedelta(days=7),
        uses_max=1,
        pass_code=None,
    )
    answer = visitor.get(f"/l/{token}")
    assert answer.status_code == 410
    assert "expired" in answer.text


@pytest.mark.parametrize(
    "path", ["/l/x", "/l/" + "A" * 48, "/l/%00", "/l/é", "/l/" + "A" * 600, "/l/x/y", "/welcome/x"]
)
def test_whatever_is_not_a_genuine_link_is_not_found(visitor: httpx.Client, path: str) -> None:
    for answer in (visitor.get(path), visitor.post(path)):
        assert answer.status_code == 404
        assert "Not found" in answer.text


def test_an_altered_link_and_another_links_use_are_not_found(
    visitor: httpx.Client, program: httpx.Client, record_id: str
) -> None:
    one, _ = make_link(program, record_id, uses_max=5)
    other, _ = make_link(program, record_id, uses_max=5)
    flipped = one[:-1] + ("A" if one[-1] != "A" else "B")
    assert visitor.get(flipped).status_code in (200, 404)
    assert visitor.get(one[:-3] + "AAA").status_code == 404
    use = taken(visitor, one).rpartition("/")[2]
    assert visitor.get(f"{other}/{use}").status_code == 404


def test_of_fifty_at_once_on_the_last_use_one_wins(served: Served, program: httpx.Client, record_id: str) -> None:
    path, link_id = make_link(program, record_id)
    statuses: list[int] = []

    def take() -> None:
        with served.client() as client:
            statuses.append(client.post(path).status_code)

    threads = [threading.Thread(target=take) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303] + [410] * 49
    assert uses_taken(program, link_id) == 1


def test_staff_make_and_find_links_on_pages(staff: Staff, record_id: str, visitor: httpx.Client) -> None:
    terms = {"lifetime": "2", "unit": "hours", "uses_max": "3", "note": "for Ms Li", "pass_code": ""}
    made = staff.post(f"/records/{record_id}/links", **terms)
    assert made.status_code == 201
    address = made.text.split('id="address"')[1].split('value="')[1].split('"')[0]
    assert visitor.get(httpx.URL(address).path).status_code == 200
    assert "for Ms Li" in staff.client.get("/links").text
    refused = staff.post(f"/records/{record_id}/links", **{**terms, "uses_max": "0"})
    assert refused.status_code == 400
    assert 'value="for Ms Li"' in refused.text


def test_an_invitation_works_once(served: Served) -> None:
    token = people.invite(served.vault, everything(), {"records"})
    form = {"login": "wang", "name": "王五", "password": "short"}
    with served.client() as client:
        assert client.get(f"/welcome/{token}").status_code == 200
        refused = client.post(f"/welcome/{token}", data=form)
        assert refused.status_code == 400
        assert 'value="王五"' in refused.text
        taken_name = client.post(f"/welcome/{token}", data={**form, "login": LOGIN, "password": "long enough for this"})
        assert taken_name.status_code == 409
        assert client.post(f"/welcome/{token}", data={**form, "password": "long enough for this"}).status_code == 303
        assert "王五" in client.get("/").text
        assert client.get(f"/welcome/{token}").status_code == 404


def test_signing_in_has_one_answer_for_every_wrong_pair_and_a_limit(served: Served) -> None:
    with served.client() as client:
        nobody = client.post("/sign-in", data={"login": "nobody", "password": PASSWORD})
        wrong = client.post("/sign-in", data={"login": "wang2", "password": "wrong"})
        assert (nobody.status_code, wrong.status_code) == (401, 401)
        assert "do not match" in nobody.text
        assert "do not match" in wrong.text
        statuses = [client.post("/sign-in", data={"login": "x", "password": "y"}).status_code for _ in range(11)]
        assert statuses[-1] == 429


def test_after_signing_out_the_session_is_dead(served: Served) -> None:
    with served.client() as client:
        session = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {session['token']}"
        record_id = stored_id(client, b"x")
        assert opened(client, record_id).status_code == 200
        assert client.delete("/api/v1/sessions/current").status_code == 204
        assert opened(client, record_id).status_code == 401
