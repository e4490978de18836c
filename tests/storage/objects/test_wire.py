"""The wire: signatures as botocore makes them, and answers of every length that HTTP has, over lines that are kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from storage.objects.lines import Garbled, Lines, NeverSent
from storage.objects.settings import S3Settings
from storage.objects.wire import EMPTY_SHA256, Signer

SETTINGS = S3Settings(endpoint_url="http://store.example", bucket="b", access_key="AKIA", secret_key="secret/+=")
GET = b"GET / HTTP/1.1\r\nhost: store\r\n\r\n"


class _Told(S3SigV4Auth):
    def payload(self, request: AWSRequest) -> str:
        return EMPTY_SHA256


@given(
    key=st.text("abz019-/", min_size=1, max_size=40),
    query=st.dictionaries(st.text("aVz-", min_size=1, max_size=8), st.text("a1 /+&=~é", max_size=12), max_size=4),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
)
def test_a_request_is_signed_as_botocore_signs_it(key: str, query: dict[str, str], value: str) -> None:
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    target = f"/b/{key}?{asked}" if asked else f"/b/{key}"
    judged = AWSRequest("PUT", f"http://store.example{target}", headers={"if-none-match": "*", "x-amz-meta-a": value})
    _Told(Credentials(SETTINGS.access_key, SETTINGS.secret_key), "s3", SETTINGS.region).add_auth(judged)
    signed = {
        "host": "store.example",
        "if-none-match": "*",
        "x-amz-meta-a": value,
        "x-amz-content-sha256": EMPTY_SHA256,
        "x-amz-date": judged.headers["X-Amz-Date"],
    }
    assert dict(parse_qsl(asked, keep_blank_values=True)) == query
    assert Signer(SETTINGS).authorization("PUT", f"/b/{key}", asked, signed) == judged.headers["Authorization"]


@contextmanager
def _server(*answers: bytes, hangs_up: bool = False) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers in turn; ``hangs_up`` after each. Tells on which connection each was asked."""
    came: list[int] = []
    left = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            number = 0
            while left:
                line, _ = listener.accept()
                number += 1
                with line:
                    while left and line.recv(65536):
                        came.append(number)
                        line.sendall(left.pop(0))
                        if hangs_up:
                            break
                    if not left:
                        line.settimeout(1)
                        while not hangs_up and _more(line):
                            pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            left.clear()
            thread.join()


def _more(line: socket.socket) -> bool:
    try:
        return bool(line.recv(65536))
    except TimeoutError:
        return False


def _lines(host: str, *, read_timeout_s: float = 5.0) -> Lines:
    return Lines(host, tls=None, kept=4, connect_timeout_s=2.0, read_timeout_s=read_timeout_s)


def test_a_line_is_used_again_after_an_answer_that_was_read_to_its_end() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
    empty = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with _server(whole, whole, empty, whole) as (host, came):
        lines = _lines(host)
        first = lines.ask("GET", GET, None)
        assert (first.status, first.headers["x-a"], first.read(2), first.read(9)) == (200, "b", b"he", b"llo")
        assert lines.ask("PUT", GET, memoryview(b"body")).data == b"hello"
        assert lines.ask("GET", GET, None).left == 0
        left_early = lines.ask("GET", GET, None)
        left_early.release()
        lines.close()
    assert came == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Slow\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n there\r\n0\r\n\r\n",
        b"HTTP/1.0 503 Slow\r\n\r\nhello there",
        b"HTTP/1.1 503 Slow\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello there",
    ],
)
def test_an_answer_of_unknown_length_is_read_whole_and_ends_its_line(answer: bytes) -> None:
    with _server(answer, answer, hangs_up=True) as (host, came):
        lines = _lines(host)
        assert [lines.ask("GET", GET, None).data for _ in range(2)] == [b"hello there"] * 2
        lines.close()
    assert came == [1, 2]


def test_an_idle_line_that_the_server_left_is_not_used_again() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with _server(whole, whole, hangs_up=True) as (host, came):
        lines = _lines(host)
        for _ in range(2):
            assert lines.ask("GET", GET, None).data == b"ok"
            threading.Event().wait(0.2)
        lines.close()
    assert came == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-no\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 503 Slow\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    with _server(answer, hangs_up=True) as (host, _), pytest.raises(Garbled):
        _lines(host).ask("GET", GET, None)


def test_a_body_that_ends_early_gives_what_came_and_then_nothing() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", hangs_up=True) as (host, _):
        answer = _lines(host).ask("GET", GET, None)
        assert (answer.read(9), answer.read(9), answer.left) == (b"hel", b"", 6)
        answer.release()


def test_a_silent_server_is_waited_for_so_long_and_one_that_is_not_there_is_told_apart() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", b"") as (host, _):
        lines = _lines(host, read_timeout_s=0.3)
        answer = lines.ask("GET", GET, None)
        with pytest.raises(TimeoutError):
            answer.read(9)
        answer.release()
        with pytest.raises(TimeoutError):
            lines.ask("GET", GET, None)
        lines.close()
        with pytest.raises(NeverSent):
            lines.ask("GET", GET, None)
    with pytest.raises(NeverSent):
        _lines(host).ask("GET", GET, None)
