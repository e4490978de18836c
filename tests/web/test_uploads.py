"""Raw uploads: the bytes that come are the bytes that are kept, and whatever goes wrong has a clear answer."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.web.conftest import IDLE_S, MIB, UPLOAD_MAX, Served
from tests.web.visitors import Staff, exchange, metadata, opened, store, stored_id
from vault.workflows.vault import Limits
from web.bodies import PROGRESS_BYTES

PIECES = 8

PART = Limits().part_size_bytes


def request_head(program: httpx.Client, *lines: str) -> str:
    said = (
        "POST /api/v1/records HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {program.headers['Authorization']}",
        f"Strongroom-Metadata: {metadata()}",
        *lines,
    )
    return "\n".join(said) + "\n\n"


def unsettled(served: Served) -> int:
    with served.vault.catalogue.read() as tx:
        return len(tx.intents.unsettled())


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, PART - 1, PART, PART + 1, 2 * PART])
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_what_is_opened_is_what_was_sent(program: httpx.Client, size: int, announced: bool) -> None:
    content = os.urandom(size)

    def pieces() -> Iterator[bytes]:
        for start in range(0, size, 70_001):
            yield content[start : start + 70_001]

    answer = store(program, content if announced else pieces(), title=f"{size} bytes")
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert (receipt["size_bytes"], receipt["sha256"]) == (size, hashlib.sha256(content).hexdigest())
    assert answer.headers["location"] == f"/api/v1/records/{receipt['id']}"
    assert opened(program, receipt["id"]).content == content


def test_the_same_key_gives_the_same_receipt_and_stores_once(program: httpx.Client) -> None:
    content = os.urandom(1000)
    first, again = store(program, content, key="once"), store(program, content, key="once")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "replayed": True}


def test_the_same_key_for_other_bytes_is_refused(program: httpx.Client) -> None:
    store(program, b"these", key="other")
    answer = store(program, b"those", key="other")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")


def test_a_digest_that_does_not_match_stores_nothing(served: Served, program: httpx.Client) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    for header in ("Repr-Digest", "Content-Digest"):
        answer = store(program, b"bytes", headers={header: f"sha-256=:{wrong}:"})
        assert (answer.status_code, answer.json()["code"]) == (409, "source-changed")
    right = base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()
    assert store(program, b"bytes", headers={"Repr-Digest": f"md5=:AA==:, sha-256=:{right}:"}).status_code == 201
    assert store(program, b"bytes", headers={"Repr-Digest": "sha-256=oops"}).status_code == 400


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"class": "nonsense"}, "class"),
        ({"class": ""}, "class"),
        ({"customer": "K-999999"}, "customer"),
        ({"dated_on": "yesterday"}, "dated_on"),
        ({"file_name": "a\nb"}, "file_name"),
        ({"file_name": ""}, "file_name"),
        ({"file_name": "文" * 86}, "file_name"),
        ({"title": "x" * 301}, "title"),
        ({"title": 7}, "title"),
    ],
)
def test_what_is_said_wrongly_of_a_file_is_named(program: httpx.Client, said: dict[str, Any], field: str) -> None:
    answer = store(program, b"bytes", **said)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid-input", field)


def test_metadata_that_is_no_metadata_is_refused(program: httpx.Client) -> None:
    for header in ("", "!!!", base64.urlsafe_b64encode(b"[1]").decode(), base64.urlsafe_b64encode(b"{").decode()):
        answer = program.post("/api/v1/records", content=b"x", headers={"Strongroom-Metadata": header})
        assert answer.status_code == 400


def test_a_compressed_body_is_refused(program: httpx.Client) -> None:
    assert store(program, b"x", headers={"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    "name", ["合同 一.pdf", "договор.txt", "a" * 255, "عقد.pdf", "👩‍👩‍👧.png", 'quo"te;%2F.txt', "文" * 85]
)
def test_a_file_keeps_its_name_in_every_script(program: httpx.Client, name: str) -> None:
    record_id = stored_id(program, b"bytes", file_name=name)
    assert program.get(f"/api/v1/records/{record_id}").json()["file_name"] == name
    disposition = opened(program, record_id).headers["content-disposition"]
    coded = disposition.partition("filename*=UTF-8''")[2]
    assert str(httpx.URL(f"http://x/{coded}").path) == f"/{name}"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(served: Served, program: httpx.Client) -> None:
    head = request_head(program, f"Content-Length: {UPLOAD_MAX + 1}", "Expect: 100-continue")
    answer = exchange(served.port, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer
    assert b"connection: close" in answer.lower()


def test_a_sender_who_does_not_wait_still_sees_why_it_was_refused(served: Served, program: httpx.Client) -> None:
    head = request_head(program, f"Content-Length: {UPLOAD_MAX + 1}")
    assert exchange(served.port, head, bytes(4 * MIB)).startswith(b"HTTP/1.1 413")


def test_a_chunked_file_is_refused_once_it_passes_the_limit(served: Served, program: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(UPLOAD_MAX // MIB + 8):
            yield bytes(MIB)

    answer = store(program, endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert unsettled(served) == 0


@pytest.mark.parametrize("announced", [1000, 3 * MIB, 20 * MIB])
def test_a_client_that_stops_sending_is_told_and_nothing_is_stored(
    served: Served, program: httpx.Client, announced: int
) -> None:
    began = time.monotonic()
    answer = exchange(served.port, request_head(program, f"Content-Length: {announced}"), bytes(announced // 2))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"client-too-slow" in answer
    assert time.monotonic() - began >= IDLE_S
    assert unsettled(served) == 0


@pytest.mark.parametrize("announced", [1000, 20 * MIB])
def test_a_client_gone_in_the_middle_leaves_nothing(served: Served, program: httpx.Client, announced: int) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        line.sendall(request_head(program, f"Content-Length: {announced}").replace("\n", "\r\n").encode())
        line.sendall(bytes(announced * 3 // 4))
    before = program.get("/api/v1/records").json()["records"]
    # What was sent may still be on its way in; it counts once nothing has been under way for a second.
    deadline, quiet_since = time.monotonic() + 120, time.monotonic()
    while time.monotonic() < min(deadline, quiet_since + 1):
        if unsettled(served) or list(served.vault.store.pending_uploads()):
            quiet_since = time.monotonic()
        time.sleep(0.05)
    assert unsettled(served) == 0
    assert not list(served.vault.store.pending_uploads())
    assert program.get("/api/v1/records").json()["records"] == before


def test_a_slow_client_that_goes_on_is_waited_for(served: Served, program: httpx.Client) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(PIECES):
            time.sleep(IDLE_S / 4)
            yield bytes(PROGRESS_BYTES)

    answer = store(program, slowly())
    assert answer.status_code == 201
    assert opened(program, answer.json()["id"]).content == bytes(PIECES * PROGRESS_BYTES)


def test_a_client_that_only_trickles_does_not_hold_its_place(served: Served, program: httpx.Client) -> None:
    trickled: list[int] = []

    def trickling() -> Iterator[bytes]:
        for number in range(1000):
            time.sleep(IDLE_S / 20)
            trickled.append(number)
            yield b"."

    began = time.monotonic()
    with suppress(httpx.TransportError):  # told while it was still sending
        assert store(program, trickling()).status_code == 408
    assert time.monotonic() - began >= IDLE_S
    assert len(trickled) < 1000
    assert unsettled(served) == 0


def test_more_uploads_than_places_are_all_stored(served: Served, program: httpx.Client) -> None:
    count = 3 * served.vault.limits.uploads_at_once
    content = os.urandom(2 * MIB)
    answers: list[int] = []

    def send() -> None:
        with served.client() as client:
            client.headers["Authorization"] = program.headers["Authorization"]
            answers.append(store(client, content).status_code)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * count


def test_a_browser_uploads_with_cookie_and_form_token(staff: Staff) -> None:
    answer = store(staff.client, b"bytes", headers={"Strongroom-CSRF": staff.csrf_token})
    assert answer.status_code == 201
    assert store(staff.client, b"bytes").json()["code"] == "foreign-request"


def test_a_correction_is_a_new_version_and_the_original_stays(program: httpx.Client) -> None:
    record_id = stored_id(program, b"wrong", title="Agreement", note="as sent")
    said = metadata(reason="page missing", file_name="right.txt")
    path = f"/api/v1/records/{record_id}/versions"
    answer = program.post(path, content=b"right", headers={"Strongroom-Metadata": said})
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert opened(program, record_id).content == b"right"
    first = program.get(f"/api/v1/records/{record_id}/content", params={"purpose": "audit", "version": 1})
    assert first.content == b"wrong"
    story = program.get(f"/api/v1/records/{record_id}").json()
    assert [each["reason"] for each in story["descriptions"]] == ["", "page missing"]
    assert (story["title"], story["note"]) == ("Agreement", "as sent")
    without = program.post(path, content=b"x", headers={"Strongroom-Metadata": metadata()})
    assert (without.status_code, without.json()["field"]) == (400, "reason")
