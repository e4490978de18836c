"""Bodies that are received right where they are wanted: what stands between or behind them is no part of them."""

from __future__ import annotations

import hashlib
import json
import os
import random

import httpx

from tests.web.conftest import MIB, Served
from tests.web.test_uploads import request_head
from tests.web.visitors import exchange, opened
from vault.workflows.vault import Limits

PART = Limits().part_size_bytes


def stored(answer: bytes) -> dict[str, str]:
    """The receipt in the first of some answers."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201"), answer[:500]
    receipt: dict[str, str] = json.JSONDecoder().raw_decode(rest.decode("utf-8", errors="replace"))[0]
    return receipt


def test_what_follows_a_file_on_its_connection_is_the_next_request(served: Served, program: httpx.Client) -> None:
    content = os.urandom(PART + 3 * MIB + 12_345)
    following = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = exchange(
        served.port, request_head(program, f"Content-Length: {len(content)}"), content + following, patience_s=60
    )
    receipt = stored(answer)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert opened(program, receipt["id"]).content == content


def test_a_file_in_pieces_of_any_size_is_put_together(served: Served, program: httpx.Client) -> None:
    sizes = random.Random(11)
    content = os.urandom(PART + 2 * MIB)
    body, at = bytearray(), 0
    while at < len(content):
        piece = content[at : at + sizes.choice([1, 17, 4_000, 65_536, 300_000])]
        body += b"%x\r\n%s\r\n" % (len(piece), piece)
        at += len(piece)
    head = request_head(program, "Transfer-Encoding: chunked", "Connection: close")
    receipt = stored(exchange(served.port, head, bytes(body + b"0\r\n\r\n"), patience_s=60))
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert opened(program, receipt["id"]).content == content
