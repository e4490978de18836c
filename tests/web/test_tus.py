"""Resumable uploads, as the protocol says (tus 1.0): what is answered to what, and what became of the bytes."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.web.conftest import MIB, UPLOAD_MAX, Served
from tests.web.visitors import LOGIN, PASSWORD, Staff, opened, store
from vault.errors import CatalogueUnavailable
from vault.ids import RecordId, UploadId
from vault.uploads import UploadEnd
from vault.workflows import finishing, staging, uploads
from vault.workflows.vault import Limits
from web.sessions import CSRF_HEADER

PART = Limits().part_size_bytes
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def said(**values: str) -> str:
    """The metadata of an upload."""
    told = {"class": "contract", "filename": "file.bin", **values}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())


def begin(client: httpx.Client, size: int, *, key: str | None = None, **values: str) -> httpx.Response:
    """Begins an upload."""
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": said(**values)}
    return client.post("/api/v1/uploads", headers={**headers, **({"Idempotency-Key": key} if key else {})})


def begun(client: httpx.Client, size: int, **values: str) -> str:
    """The address of a new upload."""
    answer = begin(client, size, **values)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def add(client: httpx.Client, address: str, offset: int, content: Any, **headers: str) -> httpx.Response:
    """Adds to an upload."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.patch(address, content=content, headers={**PIECE, "Upload-Offset": str(offset), **more})


def offset_of(client: httpx.Client, address: str) -> int:
    """Where an upload is."""
    answer = client.head(address, headers=TUS)
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["upload-offset"])


def record_of(client: httpx.Client, address: str) -> str:
    """The record of a finished upload."""
    document = client.get(address).json()
    assert document["state"] == "finished", document
    return str(document["receipt"]["id"])


def staged(served: Served, address: str) -> list[str]:
    """The keys of what lies in the store for an upload."""
    upload_id = address.rpartition("/")[2]
    return [
        each.key
        for each in served.vault.store.versions(served.vault.layout.staging(served.vault.fonds.tree_id, upload_id))
    ]


def open_one(served: Served, address: str) -> Any:
    with served.vault.catalogue.read() as tx:
        return tx.uploads.get(UploadId(address.rpartition("/")[2]))


def test_the_protocol_is_described(program: httpx.Client) -> None:
    answer = program.request("OPTIONS", "/api/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,checksum,expiration,termination"
    assert answer.headers["tus-max-size"] == str(UPLOAD_MAX)
    assert set(answer.headers["tus-checksum-algorithm"].split(",")) == {"sha1", "sha256"}


@pytest.mark.parametrize("size", [0, 1, MIB, PART - 1, PART, PART + 1, 2 * PART + 5])
def test_what_comes_in_pieces_becomes_one_record(served: Served, program: httpx.Client, size: int) -> None:
    content = os.urandom(size)
    address = begun(program, size, title=f"{size} bytes", dated_on="2026-01-31")
    at = 0
    for end in (size // 3, size // 2, size):
        if at < end:
            answer = add(program, address, at, content[at:end])
            assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(end)), answer.text
            at = end
    document = program.get(address).json()
    assert (document["state"], document["offset_bytes"]) == ("finished", size)
    receipt = document["receipt"]
    assert (receipt["size_bytes"], receipt["sha256"]) == (size, hashlib.sha256(content).hexdigest())
    assert opened(program, receipt["id"]).content == content
    record = program.get(f"/api/v1/records/{receipt['id']}").json()
    assert (record["title"], record["file_name"], record["dated_on"]) == (f"{size} bytes", "file.bin", "2026-01-31")
    assert staged(served, address) == []
    assert open_one(served, address).sealed == b""


def test_the_record_is_sealed_under_the_leaf_that_its_pieces_were_bound_to(
    served: Served, program: httpx.Client
) -> None:
    address = begun(program, 10)
    leaf = open_one(served, address).leaf
    add(program, address, 0, b"0123456789")
    with served.vault.catalogue.read() as tx:
        version = tx.records.version(RecordId(record_of(program, address)), 1)
    assert version is not None
    assert version.object.leaf == leaf


def test_where_an_upload_is_and_what_was_said_of_it_is_given_back(program: httpx.Client) -> None:
    address = begun(program, 10, title="中文 title")
    add(program, address, 0, b"012")
    answer = program.head(address, headers=TUS)
    assert (answer.headers["upload-offset"], answer.headers["upload-length"]) == ("3", "10")
    assert answer.headers["upload-metadata"] == said(title="中文 title")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["upload-expires"].endswith("GMT")
    document = program.get(address).json()
    assert (document["state"], document["offset_bytes"], document["receipt"]) == ("open", 3, None)


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_of_the_protocol_is_refused(program: httpx.Client, method: str) -> None:
    address = "/api/v1/uploads" if method == "POST" else begun(program, 10)
    for version in ({}, {"Tus-Resumable": "0.2.2"}):
        answer = program.request(
            method, address, headers={**PIECE, "Upload-Offset": "0", "Tus-Resumable": "", **version}
        )
        assert answer.status_code == 412
        assert answer.headers["tus-version"] == "1.0.0"


def test_a_piece_that_goes_elsewhere_is_refused_with_the_way_out(program: httpx.Client) -> None:
    address = begun(program, 10)
    add(program, address, 0, b"0123")
    for offset in (0, 3, 5, 10, 11):
        answer = add(program, address, offset, b"x")
        assert (answer.status_code, answer.json()["code"]) == (409, "offset-wrong")
        assert "4" in answer.json()["detail"]
    assert offset_of(program, address) == 4


def test_a_wrong_checksum_counts_for_nothing_and_a_right_one_does(served: Served, program: httpx.Client) -> None:
    content = os.urandom(PART + 100)
    address = begun(program, len(content))
    for name in ("sha1", "sha256"):
        wrong = base64.b64encode(hashlib.new(name, b"other").digest()).decode()
        answer = add(program, address, 0, content, Upload_Checksum=f"{name} {wrong}")
        assert (answer.status_code, answer.json()["code"]) == (460, "checksum-wrong")
        assert offset_of(program, address) == 0
        assert staged(served, address) == []
    for checksum in ("md5 AAAA", "sha1 !!!", "sha1", "sha256 AAAA"):
        assert add(program, address, 0, content, Upload_Checksum=checksum).status_code == 400
    right = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    assert add(program, address, 0, content, Upload_Checksum=f"sha1 {right}").status_code == 204
    assert opened(program, record_of(program, address)).content == content


def test_a_piece_whose_counting_was_not_answered_is_kept(
    served: Served, program: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue counted it and was away when it should have said so: deleting it left an upload without bytes."""
    content = os.urandom(1000)
    checksum = "sha256 " + base64.b64encode(hashlib.sha256(content).digest()).decode()
    address = begun(program, 2000)

    def lose_the_answer(vault: Any, pieces: Any) -> bool:
        assert counting(vault, pieces)
        raise CatalogueUnavailable("the answer was lost")

    counting = uploads.count_pieces
    monkeypatch.setattr(uploads, "count_pieces", lose_the_answer)
    assert add(program, address, 0, content, Upload_Checksum=checksum).status_code == 503
    monkeypatch.undo()
    assert offset_of(program, address) == len(content)
    assert add(program, address, len(content), content, Upload_Checksum=checksum).status_code == 204
    assert opened(program, record_of(program, address)).content == 2 * content


def test_a_digest_of_the_whole_that_does_not_match_ends_the_upload(served: Served, program: httpx.Client) -> None:
    address = begun(program, 5, sha256=hashlib.sha256(b"other").hexdigest())
    answer = add(program, address, 0, b"bytes")
    assert (answer.status_code, answer.json()["code"]) == (409, "source-changed")
    assert program.head(address, headers=TUS).status_code == 410
    assert open_one(served, address).end is UploadEnd.REFUSED
    assert staged(served, address) == []
    address = begun(program, 5, sha256=hashlib.sha256(b"bytes").hexdigest())
    assert add(program, address, 0, b"bytes").status_code == 204
    assert begin(program, 5, sha256="short").json()["field"] == "sha256"


def test_too_much_is_refused_before_the_body(served: Served, program: httpx.Client) -> None:
    answer = begin(program, UPLOAD_MAX + 1)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    address = begun(program, 10)
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {program.headers['Authorization']}\r\n"
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
        "Content-Length: 11\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")
    assert add(program, address, 0, iter([b"0123456789", b"x"])).status_code == 413
    assert offset_of(program, address) in (0, 10)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "ten"}, 400),
        ({"Upload-Length": "9" * 19}, 413),
        ({"Upload-Metadata": "filename !!!"}, 400),
        ({"Upload-Metadata": "filename YQ==,filename YQ=="}, 400),
        ({"Upload-Metadata": ""}, 400),
        ({"Upload-Metadata": "filename YQ=="}, 400),
        ({"Upload-Metadata": "filename " + "YQ" * 20_000}, 400),
        ({"Upload-Defer-Length": "1", "Upload-Length": ""}, 400),
    ],
)
def test_an_upload_that_is_begun_wrongly_is_refused(
    program: httpx.Client, headers: dict[str, str], status: int
) -> None:
    sent = {**TUS, "Upload-Length": "10", "Upload-Metadata": said(), **headers}
    assert program.post("/api/v1/uploads", headers=sent).status_code == status


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"class": "nonsense"}, "class"),
        ({"customer": "K-999999"}, "customer"),
        ({"dated_on": "yesterday"}, "dated_on"),
        ({"filename": "a\nb"}, "file_name"),
        ({"title": "x" * 301}, "title"),
    ],
)
def test_what_is_said_wrongly_of_a_file_is_named(program: httpx.Client, values: dict[str, str], field: str) -> None:
    answer = begin(program, 10, **values)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    "name", ["合同 一.pdf", "عقد.pdf", "👩‍👩‍👧.png", "zero\u200bwidth.txt", "\u202etxt.exe", 'a"b;c.txt']
)
def test_names_of_every_kind_are_kept(program: httpx.Client, name: str) -> None:
    address = begun(program, 1, filename=name)
    add(program, address, 0, b"x")
    assert program.get(f"/api/v1/records/{record_of(program, address)}").json()["file_name"] == name


def test_a_body_of_another_kind_is_no_piece(program: httpx.Client) -> None:
    address = begun(program, 10)
    assert add(program, address, 0, b"x", Content_Type="application/octet-stream").status_code == 415
    assert add(program, address, 0, b"x", Content_Encoding="gzip").status_code == 415
    assert begin(program, 10).status_code == 201
    with_body = program.post(
        "/api/v1/uploads", content=b"x", headers={**TUS, "Upload-Length": "1", "Upload-Metadata": said()}
    )
    assert with_body.status_code == 415


def test_an_upload_that_was_given_up_is_gone_with_its_pieces(served: Served, program: httpx.Client) -> None:
    address = begun(program, 10)
    add(program, address, 0, b"0123")
    assert len(staged(served, address)) == 1
    assert program.delete(address, headers=TUS).status_code == 204
    assert staged(served, address) == []
    for answer in (
        program.head(address, headers=TUS),
        add(program, address, 4, b"4"),
        program.delete(address, headers=TUS),
    ):
        assert answer.status_code == 410
    assert open_one(served, address).end is UploadEnd.TERMINATED


def test_an_unknown_upload_and_one_of_somebody_else_are_the_same(program: httpx.Client, second: Staff) -> None:
    theirs = begun(program, 10)
    second.client.headers[CSRF_HEADER] = second.csrf_token
    bodies = set()
    for address in (theirs, "/api/v1/uploads/" + "a" * 26, "/api/v1/uploads/%E4%B8%AD"):
        for answer in (
            second.client.head(address, headers=TUS),
            second.client.get(address),
            add(second.client, address, 0, b"x"),
            second.client.delete(address, headers=TUS),
        ):
            assert answer.status_code == 404
            bodies.add(answer.text)
    assert len(bodies) <= 3  # HEAD has none; the unknown address of no id has its own words
    assert offset_of(program, theirs) == 0


def test_a_browser_needs_the_form_token(staff: Staff) -> None:
    headers = {**TUS, "Upload-Length": "1", "Upload-Metadata": said()}
    assert staff.client.post("/api/v1/uploads", headers=headers).status_code == 403
    answer = staff.client.post("/api/v1/uploads", headers={**headers, CSRF_HEADER: staff.csrf_token})
    assert answer.status_code == 201
    assert add(staff.client, answer.headers["location"], 0, b"x").status_code == 403


def test_a_reader_begins_nothing(reader: Staff) -> None:
    reader.client.headers[CSRF_HEADER] = reader.csrf_token
    assert begin(reader.client, 1).status_code == 403


def test_what_came_before_the_line_broke_counts(served: Served, program: httpx.Client) -> None:
    content = os.urandom(2 * PART)
    address = begun(program, len(content))
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {program.headers['Authorization']}\r\n"
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    sent = PART + 100_000
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(head.encode() + content[:sent])
    deadline = time.monotonic() + 20
    while (at := offset_of(program, address)) < sent and time.monotonic() < deadline:
        time.sleep(0.05)
    assert at == sent
    while (answer := add(program, address, at, content[at:])).status_code == 423:
        time.sleep(0.05)
    assert answer.status_code == 204
    assert opened(program, record_of(program, address)).content == content


def test_a_client_that_is_silent_is_told_and_keeps_what_came(served: Served, program: httpx.Client) -> None:
    address = begun(program, 100_000)

    def slowly() -> Iterator[bytes]:
        yield b"a" * 50_000
        time.sleep(4)
        yield b"b" * 50_000

    assert add(program, address, 0, slowly()).status_code == 408
    assert offset_of(program, address) == 50_000


def test_of_two_at_once_one_adds_and_the_other_is_told(served: Served, program: httpx.Client) -> None:
    size = 3 * PART
    content = os.urandom(size)
    address = begun(program, size)
    holding, go_on = threading.Event(), threading.Event()

    def in_two() -> Iterator[bytes]:
        yield content[: size // 2]
        holding.set()
        while not go_on.wait(0.05):
            yield b""
        yield content[size // 2 :]

    def trickle() -> httpx.Response:
        with served.client(headers=dict(program.headers)) as client:
            return add(client, address, 0, in_two())

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(trickle)
        assert holding.wait(20)
        second = add(program, address, offset_of(program, address), b"x")
        go_on.set()
        assert (second.status_code, second.json()["code"]) in ((423, "upload-busy"), (409, "offset-wrong"))
        assert first.result().status_code == 204
    assert opened(program, record_of(program, address)).content == content


def test_many_at_once_on_one_upload_make_one_record(served: Served, program: httpx.Client) -> None:
    content = os.urandom(MIB)
    address = begun(program, len(content))

    def send(_: int) -> int:
        with served.client(headers=dict(program.headers)) as client:
            return add(client, address, 0, content).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 410, 423}
    assert opened(program, record_of(program, address)).content == content
    assert staged(served, address) == []


def test_the_same_key_begins_the_same_upload(program: httpx.Client) -> None:
    first, again = (begin(program, 10, key="tus once") for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    add(program, first.headers["location"], 0, b"0123456789")
    last = begin(program, 10, key="tus once")
    assert (last.headers["location"], last.headers["upload-offset"]) == (first.headers["location"], "10")
    for size, values in ((11, {}), (10, {"title": "another"}), (10, {"sha256": "0" * 64})):
        answer = begin(program, size, key="tus once", **values)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert store(program, b"in one piece", key="tus and raw").status_code == 201
    assert begin(program, 12, key="tus and raw").status_code == 422


def test_a_file_under_the_key_of_an_upload_is_the_same_record(program: httpx.Client) -> None:
    address = begin(program, 5, key="raw and tus").headers["location"]
    add(program, address, 0, b"bytes")
    again = store(program, b"bytes", key="raw and tus")
    assert (again.status_code, again.json()["id"]) == (200, record_of(program, address))


def test_nobody_has_too_many_open(served: Served, program: httpx.Client) -> None:
    vault = replace(served.vault, limits=Limits(open_uploads_max=0))
    bytes_max = replace(served.vault, limits=Limits(open_upload_bytes_max=9))
    from tests.web.conftest import serving

    for limited in (vault, bytes_max):
        with serving(limited) as other, other.client() as client:
            session = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD}).json()
            client.headers["Authorization"] = f"Bearer {session['token']}"
            answer = begin(client, 10)
            assert (answer.status_code, answer.json()["code"]) == (429, "too-many-open")
            assert answer.headers["retry-after"] == "30"


def test_an_upload_expires(served: Served, program: httpx.Client) -> None:
    address = begun(program, 10)
    add(program, address, 0, b"0123")
    later = replace(served.vault, clock=_Later(served.vault.clock, timedelta(days=8)))
    told = finishing.finish_whole(later)
    assert int(told.values["expired"]) >= 1
    assert program.head(address, headers=TUS).status_code == 410
    assert add(program, address, 4, b"4").status_code == 410
    assert open_one(served, address).sealed == b""
    assert int(finishing.sweep_pieces(served.vault).values["swept"]) >= 1
    assert staged(served, address) == []
    much_later = replace(served.vault, clock=_Later(served.vault.clock, timedelta(days=60)))
    finishing.finish_whole(much_later)
    assert program.head(address, headers=TUS).status_code == 404


class _Later:
    """The clock of a later day."""

    def __init__(self, clock: Any, ahead: timedelta) -> None:
        self._clock, self._ahead = clock, ahead

    def now(self) -> Any:
        return self._clock.now() + self._ahead


def test_upkeep_finishes_what_nobody_asks_for_any_more(served: Served, program: httpx.Client) -> None:
    address = begun(program, 10)
    found = open_one(served, address)
    actor = _actor(served, found.person_id)
    whole = uploads.find_open(served.vault, actor, found.id)
    assert uploads.count_pieces(served.vault, [uploads.stage(served.vault, whole, 0, b"0123456789")])
    assert finishing.finish_whole(served.vault).values["finished"] == 0  # whoever sent it may be about to
    later = replace(served.vault, clock=_Later(served.vault.clock, timedelta(minutes=2)))
    assert finishing.finish_whole(later).values["finished"] == 1
    assert opened(program, record_of(program, address)).content == b"0123456789"


def test_asking_for_a_whole_upload_finishes_it(served: Served, program: httpx.Client) -> None:
    address = begun(program, 3)
    found = open_one(served, address)
    whole = uploads.find_open(served.vault, _actor(served, found.person_id), found.id)
    assert uploads.count_pieces(served.vault, [uploads.stage(served.vault, whole, 0, b"abc")])
    assert offset_of(program, address) == 3
    assert opened(program, record_of(program, address)).content == b"abc"


def test_a_piece_that_is_not_counted_is_deleted_again(served: Served, program: httpx.Client) -> None:
    address = begun(program, 10)
    found = open_one(served, address)
    whole = uploads.find_open(served.vault, _actor(served, found.person_id), found.id)
    first, second = (uploads.stage(served.vault, whole, 0, b"abc") for _ in range(2))
    assert uploads.count_pieces(served.vault, [first])
    assert not uploads.count_pieces(served.vault, [second])
    assert staged(served, address) == [
        served.vault.layout.staging(served.vault.fonds.tree_id, found.id, first.object_id)
    ]


def test_bytes_in_the_staging_area_are_sealed_and_bound(served: Served, program: httpx.Client) -> None:
    address = begun(program, 20, title="a title that nobody sees")
    add(program, address, 0, b"plain words ")
    vault, found = served.vault, open_one(served, address)
    assert b"nobody sees" not in found.sealed
    with vault.catalogue.read() as tx:
        (piece,) = tx.uploads.pieces(found.id)
    key = vault.layout.staging(vault.fonds.tree_id, found.id, piece.object_id)
    with vault.store.read(key, piece.version_id) as chunks:
        sealed = b"".join(chunks)
    assert b"plain words" not in sealed
    facts = vault.store.head(key)
    assert facts is not None
    assert (facts.lock, facts.metadata) == (None, {})
    opened_one = uploads.find_open(vault, _actor(served, found.person_id), found.id)
    assert bytes(staging.open_piece(vault, found, opened_one.facts.key, piece)) == b"plain words "


def test_a_post_may_name_another_method(program: httpx.Client) -> None:
    address = begun(program, 4)
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert program.post(address, content=b"ab", headers=headers).status_code == 204
    assert offset_of(program, address) == 2
    assert program.post(address, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert program.head(address, headers=TUS).status_code == 410
    assert program.post(address, headers=TUS).status_code == 405


def _actor(served: Served, person_id: Any) -> Any:
    from vault.workflows.groups import actor_of

    with served.vault.catalogue.read() as tx:
        return actor_of(tx, person_id, served.vault.fonds.id)
