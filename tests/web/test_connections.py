"""Connections of clients that are slow, endless or confused, at a server that answers with what it was asked."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.support.lines import Line
from web.listening import make_server

HEAD_WITHIN_S = 0.6
PATIENCE_S = 60.0
HEAD = "POST /echo HTTP/1.1\nHost: x\n"


async def echo(request: Request) -> Response:
    """What came, a moment later."""
    body = await request.body()
    await asyncio.sleep(0.2)
    return PlainTextResponse(body)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that waits for a head for a moment only."""
    server = make_server(Starlette(routes=[Route("/echo", echo, methods=["POST"])]), head_within_s=HEAD_WITHIN_S)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listening]),), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join()


def test_a_client_that_says_nothing_is_let_go(port: int) -> None:
    with Line(port) as line:
        assert line.answer()[0] == 408
        assert line.ends_within(PATIENCE_S)


@pytest.mark.parametrize(
    "piece", ["POST /", "POST /echo HTTP/1.1\nX: ", "\n"], ids=["address", "header", "empty lines"]
)
def test_a_head_that_trickles_is_given_up_in_time(port: int, piece: str) -> None:
    began = time.monotonic()
    with Line(port) as line:
        line.say(piece)
        while line.is_silent(HEAD_WITHIN_S / 10):
            line.say(piece[-1])
        assert time.monotonic() - began > HEAD_WITHIN_S * 0.9
        assert line.answer()[0] == 408


def test_the_next_head_of_a_kept_connection_is_watched_too(port: int) -> None:
    with Line(port) as line:
        line.say(HEAD + "Content-Length: 2\n\nhi")
        assert line.answer()[2] == b"hi"
        line.say("\n")
        assert line.answer()[0] == 408


def test_a_body_may_take_longer_than_a_head(port: int) -> None:
    with Line(port) as line:
        line.say(HEAD + "Content-Length: 2\n\nh")
        assert line.is_silent(HEAD_WITHIN_S * 1.5)
        line.say("i")
        assert line.answer()[2] == b"hi"


@pytest.mark.parametrize("beginning", ["POST /", HEAD + "X: ", "".join(f"{number}: x\n" for number in range(9))])
def test_a_head_without_an_end_is_refused(port: int, beginning: str) -> None:
    with Line(port) as line:
        line.say(beginning)
        line.push(4 * 1024 * 1024, chunk=b"a" * 65536)
        assert line.ends_within(PATIENCE_S)


def test_whoever_sends_too_long_a_head_is_told(port: int) -> None:
    with Line(port) as line:
        line.say(HEAD, b"X: ", b"a" * 1_500_000, b"\r\n\r\n")
        assert line.answer()[0] == 431


@pytest.mark.parametrize("rest", [b"1;" + b"x" * 4_000_000, b"0\r\nX: " + b"x" * 4_000_000], ids=["chunk", "trailer"])
def test_what_stands_between_pieces_of_a_body_has_an_end_too(port: int, rest: bytes) -> None:
    with Line(port) as line:
        line.say(HEAD + "Transfer-Encoding: chunked\n\n")
        line.push(len(rest), chunk=rest)
        assert line.ends_within(PATIENCE_S)


def test_an_answer_is_not_overtaken_by_the_refusal_of_what_follows(port: int) -> None:
    with Line(port) as line:
        line.say(HEAD + "Content-Length: 2\n\nhi", b"\0\0\0\0")
        status, headers, body = line.answer()
        assert (status, body, headers["connection"]) == (200, b"hi", "close")
        assert line.ends_within(PATIENCE_S)


def test_requests_in_a_row_are_answered_in_their_order(port: int) -> None:
    with Line(port) as line:
        line.say(*(f"{HEAD}Content-Length: 1\n\n{number}" for number in range(5)), b"\0")
        assert [line.answer()[2] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_body_that_is_no_body_is_refused_at_once(port: int) -> None:
    with Line(port) as line:
        line.say(HEAD + "Transfer-Encoding: chunked\n\nzz\n")
        assert line.answer()[0] == 400
        assert line.ends_within(PATIENCE_S)
