"""Bad input over HTTP, at the real server: each has a clear answer, and nothing is lost or left by halves.

Clients that are silent for too long are in ``tests/web`` (they need a server with less patience).
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from tests.support.attacked import Attacked, attacked
from tests.support.lines import Line
from tests.support.names import BROKEN_NAMES, LONG_NAMES, ODD_NAMES
from tests.support.server import LOGIN, PASSWORD

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
UPLOAD_MAX = 24 * MIB
LARGE = 11 * MIB  # more than one part
PATIENCE_S = 120.0  # for what comes by itself, however busy the machine is
DROPPED_AT_MOST = 64 * MIB + 16 * MIB  # what a refused sender's bytes are dropped of, and the system's buffers


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One server for the module. At its end all that was acknowledged opens, and the log holds no surprise."""
    home: Path = tmp_path_factory.mktemp("bad-input") / "home"
    with attacked(home, STRONGROOM_UPLOAD_BYTES_MAX=str(UPLOAD_MAX)) as running:
        yield running
        running.require_whole()
        running.require_quiet_log()


@pytest.fixture(autouse=True)
def nothing_left(vault: Attacked) -> Iterator[None]:
    """After each test there is one record for each acknowledgement, and nothing by halves."""
    before = vault.records() - len(vault.kept)
    yield
    vault.require_settled()
    assert vault.records() - len(vault.kept) == before


def receipt_of(vault: Attacked, answer: tuple[int, dict[str, str], bytes], status: int = 201) -> str:
    """The record that a raw answer acknowledges."""
    assert answer[0] == status, answer
    return vault.keep(httpx.Response(status, content=answer[2]).json())


# -- what is in a file, and what it is called --------------------------------------------------------------------------


def test_an_empty_file_is_a_record_like_any_other(vault: Attacked) -> None:
    for content in (b"", iter(())):
        answer = vault.send(content, file_name="empty.txt")
        assert (answer.status_code, answer.json()["size_bytes"]) == (201, 0)
        opened = vault.open(answer.json()["id"])
        assert (opened.status_code, opened.content) == (200, b"")
        beyond = vault.open(answer.json()["id"], Range="bytes=0-0")
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */0")


@pytest.mark.parametrize("name", [*LONG_NAMES.values(), *ODD_NAMES], ids=[*LONG_NAMES, *map(ascii, ODD_NAMES)])
def test_a_name_is_kept_letter_for_letter(vault: Attacked, name: str) -> None:
    record_id = vault.send(name.encode(), file_name=name).json()["id"]
    assert vault.client.get(f"/api/v1/records/{record_id}").json()["file_name"] == name
    disposition = vault.open(record_id).headers["content-disposition"]
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == name


@pytest.mark.parametrize("name", BROKEN_NAMES.values(), ids=BROKEN_NAMES)
def test_a_name_that_no_file_can_have_is_refused_by_its_field(vault: Attacked, name: str) -> None:
    answer = vault.send(b"bytes", file_name=name)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid-input", "file_name")


def test_a_name_of_spaces_is_kept_and_gives_a_title(vault: Attacked) -> None:
    for name, title in (("   ", "(3 spaces)"), (" .txt", ".txt")):
        record_id = vault.send(b"bytes", file_name=name).json()["id"]
        story = vault.client.get(f"/api/v1/records/{record_id}").json()
        assert (story["file_name"], story["title"]) == (name, title)


def test_a_form_with_a_name_that_breaks_its_line_stores_nothing(vault: Attacked) -> None:
    with httpx.Client(base_url=vault.server.url, trust_env=False) as browser:
        browser.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
        token = browser.get("/upload").text.partition('name="csrf_token" value="')[2].partition('"')[0]
        for raw in (b"a\0b", b"a\x1bb", b"a\xff\xfeb", "a\u2028b".encode(), b"\xc2\x85"):
            form = (
                b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + token.encode() + b"\r\n"
                b'--x\r\nContent-Disposition: form-data; name="class"\r\n\r\ncontract\r\n'
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + raw + b'"\r\n\r\nbytes\r\n--x--\r\n'
            )
            answer = browser.post("/upload", content=form, headers={"Content-Type": "multipart/form-data; boundary=x"})
            assert answer.status_code == 400, (raw, answer.text)


def test_what_is_said_wrongly_of_a_file_is_told_by_its_field(vault: Attacked) -> None:
    for field, value in (("class", "no-such-class"), ("class", ""), ("customer", "K-999999"), ("title", "a\nb")):
        answer = vault.send(b"bytes", **{field: value})
        assert (answer.status_code, answer.json()["field"]) == (400, field)


# -- how many bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, LARGE])
def test_a_client_gone_in_the_middle_leaves_nothing(vault: Attacked, size: int) -> None:
    for reset in (False, True):
        with vault.line() as line:
            line.say(vault.head(f"Content-Length: {size}")).push(size * 9 // 10)
            line.close(reset=reset)
    with vault.line() as line:  # a length that is too long: the body ends before it
        line.say(vault.head(f"Content-Length: {size + 1}"), bytes(size)).half_close()
        assert line.ends_within(PATIENCE_S)
    with vault.line() as line:
        line.say(vault.head("Transfer-Encoding: chunked"), f"{size:x}\n", bytes(size // 2))
        line.close(reset=True)


def test_a_client_gone_before_the_answer_has_one_whole_record_at_most(vault: Attacked) -> None:
    content = os.urandom(LARGE)
    with vault.line() as line:
        line.say(vault.head(f"Content-Length: {LARGE}", "Idempotency-Key: gone"), content)
        line.close(reset=True)
    give_up_at = time.monotonic() + PATIENCE_S
    while (answer := vault.send(content, key="gone")).status_code == 409 and time.monotonic() < give_up_at:
        time.sleep(0.1)  # still under way
    assert answer.status_code in (200, 201)


def test_bytes_beyond_the_announced_length_are_no_part_of_the_file(vault: Attacked) -> None:
    with vault.line() as line:
        line.say(vault.head("Content-Length: 5"), b"right and wrong")
        record_id = receipt_of(vault, line.answer())
        assert line.ends_within(PATIENCE_S)  # the rest is no request
    assert vault.open(record_id).content == b"right"
    digest = base64.b64encode(hashlib.sha256(b"right and wrong").digest()).decode()
    with vault.line() as line:
        line.say(vault.head("Content-Length: 5", f"Repr-Digest: sha-256=:{digest}:"), b"right and wrong")
        assert line.answer()[0] == 409


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -5",),
        ("Content-Length: 5x",),
        ("Content-Length: 5, 6",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 99999999999999999999999999",),
        ("Content-Length: 9999999999999999999",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: chunked, identity",),
    ],
    ids=" and ".join,
)
def test_a_length_that_is_none_is_refused(vault: Attacked, lines: tuple[str, ...]) -> None:
    with vault.line() as line:
        line.say(vault.head(*lines), b"12345\r\n0\r\n\r\n")
        assert line.answer()[0] in (400, 413)
        assert line.ends_within(PATIENCE_S)


def test_a_file_over_the_limit_is_refused_before_a_byte_of_it_is_sent(vault: Attacked) -> None:
    for path in ("/api/v1/records", f"/api/v1/records/{next(iter(vault.kept))}/versions"):
        for more in ((), ("Expect: 100-continue",)):
            with vault.line() as line:
                line.say(vault.head(f"Content-Length: {UPLOAD_MAX + 1}", *more, path=path, reason="new"))
                status, headers, body = line.answer()
                assert (status, headers["connection"]) == (413, "close")
                assert str(UPLOAD_MAX).encode() in body
                assert line.taken_bytes() < 2048  # the head alone


def test_a_sender_who_does_not_listen_is_cut_off(vault: Attacked) -> None:
    with vault.line() as line:
        line.say(vault.head(f"Content-Length: {1 << 40}"))
        assert line.push(1 << 30) is False
        assert line.taken_bytes() <= DROPPED_AT_MOST


def test_a_file_of_no_announced_length_is_refused_once_it_passes_the_limit(vault: Attacked) -> None:
    with vault.line() as line:
        line.say(vault.head("Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        pushing = threading.Thread(target=line.push, args=(1 << 30,), kwargs={"chunk": chunk})
        pushing.start()
        assert line.answer()[0] == 413
        pushing.join(PATIENCE_S)
        assert not pushing.is_alive()
        assert line.taken_bytes() <= UPLOAD_MAX + DROPPED_AT_MOST


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_that_was_used_for_other_bytes_is_refused_and_the_first_stay(vault: Attacked) -> None:
    for size in (1000, LARGE):
        content = os.urandom(size)
        key = f"one key {size}"
        first = vault.send(content, key=key)
        other = vault.send(content[:-1] + bytes([content[-1] ^ 1]), key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")
        assert vault.send(content, key=key, title="another title").status_code == 422
        again = vault.send(content, key=key)
        assert again.json() == {**first.json(), "replayed": True}
    for key in ("", "x" * 201, "a\tb"):
        assert vault.send(b"bytes", key=key).status_code == 400


def test_one_key_at_once_from_many_makes_one_record(vault: Attacked) -> None:
    content = os.urandom(100_000)

    def send(_: int) -> httpx.Response:
        while (answer := vault.send(content, key="many at once")).status_code == 409:
            time.sleep(0.05)
        return answer

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]


# -- what is hardly a request ------------------------------------------------------------------------------------------

NO_REQUESTS = {
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no method": b"\r\n\r\n\0\0\0\r\n\r\n",
    "bytes in the address": b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "NUL in the address": b"GET /%00%0d%0aX:%20y HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "a link of bytes": b"GET /l/%ff%00%2f%2e%2e HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "a header that is folded": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\nConnection: close\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n: x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "another host": b"GET / HTTP/1.1\r\nHost: vault.example.com\r\nConnection: close\r\n\r\n",
    "a proxy's request": b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a chunk of letters": b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a form of bytes": b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n\xff\xfe",
}


@pytest.mark.parametrize("request_bytes", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_hardly_a_request_is_refused(vault: Attacked, request_bytes: bytes) -> None:
    with vault.line() as line:
        line.say(request_bytes)
        assert line.head()[0] in (400, 403, 404, 415, 421)
        assert line.ends_within(PATIENCE_S)


def test_odd_cookies_and_headers_are_strangers(vault: Attacked) -> None:
    for header in (
        b"Cookie: strongroom=\xff\xfe",
        b"Authorization: Bearer \xff",
        b"Authorization: Bearer " + b"x" * 9999,
    ):
        with vault.line() as line:
            line.say(b"GET /api/v1/records HTTP/1.1\r\nHost: 127.0.0.1\r\n", header, b"\r\n\r\n")
            assert line.answer()[0] == 401


def memory_kib(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def test_a_head_without_an_end_costs_no_memory_and_holds_nobody_up(vault: Attacked) -> None:
    before = memory_kib(vault.server.pid)
    endless = [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"GET /",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ]
    for beginning in endless:
        with vault.line() as line:
            line.say(beginning)
            assert line.push(64 * MIB, chunk=b"a" * (1 << 16)) is False
    assert memory_kib(vault.server.pid) - before < 16 * 1024
    with vault.line() as line:
        line.say(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"a" * 2_000_000, b"\r\n\r\n")
        assert line.answer()[0] == 431


def test_clients_that_never_ask_do_not_keep_others_from_being_answered(vault: Attacked) -> None:
    silent: list[Line] = []
    try:
        for number in range(300):
            line = vault.line()
            silent.append(line)
            line.say("" if number % 2 else "GET / HTTP/1.1\nHost: 127.")
        assert vault.send(b"while others wait").status_code == 201  # one by one they would outlast any client
    finally:
        for line in silent:
            line.close()


def test_a_client_that_takes_no_answer_does_not_keep_others_from_theirs(vault: Attacked) -> None:
    record_id = vault.send(os.urandom(LARGE)).json()["id"]
    lines: list[Line] = []
    try:
        for _ in range(20):
            line = vault.line()
            lines.append(line)
            line.say(
                f"GET /api/v1/records/{record_id}/content?purpose=business HTTP/1.1\nHost: 127.0.0.1\n"
                f"Authorization: Bearer {vault.token}\n\n"
            )
        assert hashlib.sha256(vault.open(record_id).content).hexdigest() == vault.kept[record_id]
    finally:
        for line in lines:
            line.close(reset=True)
