"""Ranges, contents and how browsers are told to treat them."""

from __future__ import annotations

import os

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import MIB, Served
from tests.web.visitors import Staff, opened, stored_id
from vault.audit import Event
from vault.records import ContentFacts
from web.contents import content_headers
from web.problems import RangeNotSatisfiable
from web.ranges import Span, asked_span

ETAG = '"abc"'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def span(header: str | None, size: int, if_range: str | None = None) -> Span | None:
    return asked_span(header, if_range, etag=ETAG, size_bytes=size)


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 10),
        ("bytes=9-", 9, 1),
        ("bytes=5-100", 5, 5),
        ("bytes=-1", 9, 1),
        ("bytes=-100", 0, 10),
        (" bytes = 2 - 3 ", 2, 2),
    ],
)
def test_a_single_range_is_understood(header: str, start: int, length: int) -> None:
    assert span(header, 10) == Span(start=start, length=length)


@pytest.mark.parametrize(
    "header", [None, "bytes=", "bytes=-", "items=0-1", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "bytes=٣-٤"]
)
def test_what_is_no_single_range_means_the_whole(header: str | None) -> None:
    assert span(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_range_outside_is_refused(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        span(header, size)


def test_if_range_must_name_the_etag() -> None:
    assert span("bytes=0-1", 10, ETAG) is not None
    assert span("bytes=0-1", 10, '"old"') is None
    assert span("bytes=0-1", 10, "Sat, 21 Nov 2026 00:00:00 GMT") is None
    assert span("bytes=0-1", 10, f"W/{ETAG}") is None


@given(size=st.integers(1, 1000), first=st.integers(0, 1200), last=st.one_of(st.none(), st.integers(0, 1200)))
def test_a_span_lies_within_and_is_what_slicing_gives(size: int, first: int, last: int | None) -> None:
    content = bytes(index % 251 for index in range(size))
    try:
        found = span(f"bytes={first}-{'' if last is None else last}", size)
    except RangeNotSatisfiable:
        assert first >= size
        return
    if found is not None:
        expected = content[first:] if last is None else content[first : last + 1]
        assert content[found.start : found.start + found.length] == expected


@pytest.fixture(scope="module")
def long_record(program: httpx.Client) -> tuple[str, bytes]:
    content = os.urandom(3 * MIB + 12345)
    return stored_id(program, content), content


@pytest.mark.parametrize(("first", "last"), [(0, 0), (262143, 262144), (MIB, 2 * MIB), (3 * MIB, None), (None, 100)])
def test_a_range_gives_its_bytes(
    program: httpx.Client, long_record: tuple[str, bytes], first: int | None, last: int | None
) -> None:
    record_id, content = long_record
    answer = opened(program, record_id, Range=f"bytes={'' if first is None else first}-{'' if last is None else last}")
    start = len(content) - (last or 0) if first is None else first
    end = len(content) if first is None or last is None else last + 1
    assert answer.status_code == 206
    assert answer.content == content[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"
    assert answer.headers["content-length"] == str(end - start)


def test_the_whole_has_length_etag_and_accepts_ranges(program: httpx.Client, long_record: tuple[str, bytes]) -> None:
    record_id, content = long_record
    answer = opened(program, record_id)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["accept-ranges"] == "bytes"
    again = opened(program, record_id, Range="bytes=0-9", If_Range=answer.headers["etag"])
    assert again.status_code == 206
    assert opened(program, record_id, Range="bytes=0-9", If_Range='"else"').status_code == 200
    assert opened(program, record_id, Range="bytes=0-1,5-6").content == content


def test_a_range_outside_the_file_tells_its_size(program: httpx.Client, long_record: tuple[str, bytes]) -> None:
    record_id, content = long_record
    answer = opened(program, record_id, Range=f"bytes={len(content)}-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(content)}")


def test_head_tells_what_get_would_and_opens_nothing(
    served: Served, program: httpx.Client, long_record: tuple[str, bytes]
) -> None:
    record_id = stored_id(program, b"only looked at")
    answer = program.head(f"/api/v1/records/{record_id}/content")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "14", b"")
    assert answer.headers["etag"] == opened(program, record_id).headers["etag"]
    with served.vault.catalogue.read() as tx:
        events = [each.entry.event for each in tx.audit.page(subject=record_id)]
    assert events.count(Event.RECORD_OPENED) == 1


def test_another_site_cannot_make_a_browser_open_a_record(staff: Staff, program: httpx.Client) -> None:
    path = f"/records/{stored_id(program, b'bytes')}/content"
    led = staff.client.get(path, params={"purpose": "business"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert led.status_code == 403


def test_opening_needs_a_purpose_that_goes_into_the_log(served: Served, program: httpx.Client) -> None:
    record_id = stored_id(program, b"bytes")
    path = f"/api/v1/records/{record_id}/content"
    assert program.get(path).json()["field"] == "purpose"
    assert program.get(path, params={"purpose": "curiosity"}).status_code == 400
    assert program.get(path, params={"purpose": "legal"}).status_code == 200
    with served.vault.catalogue.read() as tx:
        entry = tx.audit.page(subject=record_id)[0].entry
    assert (entry.event, entry.detail["purpose"]) == (Event.RECORD_OPENED, "legal")


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript", "x/y"]
)
def test_nothing_active_goes_out_as_what_it_is(kind: str) -> None:
    content = ContentFacts(file_name="a", media_type=kind, size_bytes=1, sha256=b"")
    headers = content_headers(content, etag='"x"')
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in headers["Content-Security-Policy"]


def test_a_broken_seal_never_ends_politely(
    served: Served, program: httpx.Client, long_record: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vault.errors import SealBroken
    from vault.workflows import retrieval

    whole = retrieval.stream_object

    def torn(*arguments: object, **named: object) -> object:
        blocks = whole(*arguments, **named)  # type: ignore[arg-type]  # passed on
        yield next(blocks)
        raise SealBroken("frame 5 is not what was sealed; tell an administrator")

    monkeypatch.setattr(retrieval, "stream_object", torn)
    record_id, _ = long_record
    with pytest.raises(httpx.RemoteProtocolError):
        opened(program, record_id)

    def torn_at_once(*_: object, **__: object) -> object:
        raise SealBroken("frame 1 is not what was sealed; tell an administrator")
        yield b""

    monkeypatch.setattr(retrieval, "stream_object", torn_at_once)
    answer = opened(program, record_id)
    assert (answer.status_code, answer.json()["code"]) == (500, "seal-broken")
    assert "frame" not in answer.text
