"""Forms: with files (streamed), and without; everything works without a script."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from urllib.parse import quote

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import MIB, UPLOAD_MAX, Served
from tests.web.visitors import Staff, exchange, opened, stored_id
from vault.errors import InvalidInput
from web.multipart import Event, FileBegins, FileBytes, FileEnds, TextField, parse_form

BOUNDARY = "xYzZy"


class Chunks:
    """A request's body in the chunks given."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = iter([*chunks, b""])

    async def read(self) -> bytes:
        return next(self._chunks, b"")


def events_of(chunks: list[bytes]) -> list[Event]:
    async def collect() -> list[Event]:
        events: AsyncIterator[Event] = parse_form(
            Chunks(chunks),  # type: ignore[arg-type]  # reads as a body does
            f"multipart/form-data; boundary={BOUNDARY}",
        )
        return [
            FileBytes(memoryview(bytes(event.data))) if isinstance(event, FileBytes) else event
            async for event in events
        ]

    return anyio.run(collect)


def form_of(*parts: tuple[str, str | None, bytes]) -> bytes:
    body = b""
    for name, file_name, content in parts:
        named = f'; filename="{file_name}"' if file_name is not None else ""
        body += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return body + f"--{BOUNDARY}--\r\n".encode()


@given(content=st.binary(max_size=400), cuts=st.lists(st.integers(0, 600), max_size=12))
def test_a_form_means_the_same_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    tricky = content + b"\r\n--xYzZ!" + content  # begins as the boundary does, and is not it whatever follows
    body = form_of(("title", None, "题名".encode()), ("file", "合同.pdf", tricky), ("file", "", b""))
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    events = events_of([body[a:b] for a, b in pairwise(edges) if b > a])
    kinds = [event for event in events if not isinstance(event, FileBytes)]
    assert kinds == [
        TextField("title", "题名"),
        FileBegins("file", "合同.pdf"),
        FileEnds(),
        FileBegins("file", ""),
        FileEnds(),
    ]
    assert b"".join(bytes(event.data) for event in events if isinstance(event, FileBytes)) == tricky


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        form_of(("a", None, b"b"))[:-10],
        b"--"
        + BOUNDARY.encode()
        + b"\r\nContent-Disposition: form-data\r\n\r\nx\r\n--"
        + BOUNDARY.encode()
        + b"--\r\n",
        form_of(("a", None, b"\xff\xfe")),
        form_of(("a", None, b"a\0b")),
        form_of(("a", None, b"a" * 70_000)),
        form_of(*[("a", None, b"")] * 1100),
    ],
    ids=["empty", "no form", "cut short", "no name", "not UTF-8", "NUL", "long field", "many parts"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        events_of([body])


def upload(staff: Staff, *files: tuple[str, bytes], **fields: str) -> httpx.Response:
    data = {"csrf_token": staff.csrf_token, "class": "contract", **fields}
    return staff.client.post("/upload", data=data, files=[("file", (name, content)) for name, content in files])


def records_in(page: httpx.Response) -> list[str]:
    return re.findall(r'href="/records/([a-z2-7]{26})"', page.text)


def test_several_files_in_one_form_become_records_with_a_receipt(staff: Staff, program: httpx.Client) -> None:
    contents = [os.urandom(100), os.urandom(9 * MIB), b""]
    answer = upload(staff, *[(f"文件 {number}.bin", content) for number, content in enumerate(contents)])
    assert answer.status_code == 201
    ids = records_in(answer)
    assert [opened(program, record_id).content for record_id in ids] == contents
    assert [program.get(f"/api/v1/records/{each}").json()["title"] for each in ids] == ["文件 0", "文件 1", "文件 2"]


def test_sending_the_same_form_again_stores_nothing_twice(staff: Staff) -> None:
    first = upload(staff, ("a.txt", b"a"), ("b.txt", b"b"), batch="the-same-page")
    again = upload(staff, ("a.txt", b"a"), ("b.txt", b"b"), batch="the-same-page")
    assert records_in(again) == records_in(first)
    assert "Stored before" in again.text


def test_one_file_that_is_refused_does_not_stop_the_others(staff: Staff, program: httpx.Client) -> None:
    answer = upload(staff, ("good.txt", b"good"), ("x" * 300 + ".txt", b"bad"), ("fine.txt", b"fine"))
    assert answer.status_code == 201
    assert [opened(program, record_id).content for record_id in records_in(answer)] == [b"good", b"fine"]
    assert "1 file was not stored" in answer.text


def test_a_form_without_a_file_or_with_a_wrong_field_comes_back_as_it_was(staff: Staff) -> None:
    empty = staff.client.post(
        "/upload", data={"csrf_token": staff.csrf_token, "title": "My title"}, files={"file": ("", b"")}
    )
    assert empty.status_code == 400
    assert 'value="My title"' in empty.text
    wrong = upload(staff, ("a.txt", b"a"), title="My title", customer="K-999999")
    assert wrong.status_code == 400
    assert 'aria-invalid="true"' in wrong.text
    assert 'value="My title"' in wrong.text


def test_files_before_the_form_token_are_not_stored(staff: Staff, program: httpx.Client) -> None:
    before = program.get("/api/v1/records").json()["records"]
    boundary = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    body = form_of(("class", None, b"house"), ("file", "a.txt", b"a"), ("csrf_token", None, staff.csrf_token.encode()))
    assert staff.client.post("/upload", content=body, headers=boundary).status_code == 403
    assert program.get("/api/v1/records").json()["records"] == before


def test_a_form_that_is_too_large_is_refused_before_it_is_read(served: Served, staff: Staff) -> None:
    head = (
        "POST /upload HTTP/1.1",
        "Host: 127.0.0.1",
        f"Cookie: strongroom={staff.client.cookies['strongroom']}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Content-Length: {UPLOAD_MAX * 2}",
        "Expect: 100-continue",
    )
    answer = exchange(served.port, "\n".join(head) + "\n\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer


def test_an_ordinary_form_has_at_most_64_kib(staff: Staff) -> None:
    assert staff.post("/customers", name="x", note="y" * 70_000).status_code == 413


def test_a_customer_is_added_and_listed_by_number(staff: Staff) -> None:
    assert staff.post("/customers", name="北京示例有限公司", note="老客户").status_code == 303
    page = staff.client.get("/customers")
    assert "北京示例有限公司" in page.text
    refused = staff.post("/customers", name="  ", note="kept")
    assert refused.status_code == 400
    assert 'value="kept"' in refused.text


def test_a_record_is_corrected_without_and_with_a_file(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"first", title="Old title")
    path = f"/records/{record_id}/correct"
    said = {"csrf_token": staff.csrf_token, "title": "New title", "reason": "typing error"}
    no_file = staff.client.post(path, data=said, files={"file": ("", b"")})
    assert no_file.status_code == 303
    with_file = staff.client.post(path, data={**said, "reason": "wrong scan"}, files={"file": ("b.txt", b"second")})
    assert with_file.status_code == 303
    page = staff.client.get(f"/records/{record_id}").text
    assert all(text in page for text in ("New title", "Old title", "typing error", "wrong scan"))
    assert opened(program, record_id).content == b"second"
    silent = staff.client.post(path, data={**said, "reason": " "}, files={"file": ("", b"")})
    assert silent.status_code == 400
    assert "needs a reason" in silent.text


def test_filing_confirms_the_class_and_extends_the_lock(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"contract")
    answer = staff.post(f"/records/{record_id}/file", **{"class": "contract", "trigger_on": "2026-01-31"})
    assert answer.status_code == 303
    record = program.get(f"/api/v1/records/{record_id}").json()
    assert (record["state"], record["due_on"]) == ("filed", "2036-01-31")
    earlier = staff.post(f"/records/{record_id}/file", **{"class": "contract", "trigger_on": "2020-01-31"})
    assert earlier.status_code == 400


def test_people_find_records_and_the_words_stand_in_no_address(staff: Staff, program: httpx.Client) -> None:
    stored_id(program, b"x", title="租赁合同 unmistakable")
    answer = staff.post("/find", text="unmistakable 租赁")
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "unmistakable" not in address
    assert quote("租赁") not in address
    assert "<mark>租赁</mark>合同 <mark>unmistakable</mark>" in staff.client.get(address).text
    nothing = staff.post("/find", text="nowheretobefound").headers["location"]
    assert "Nothing found" in staff.client.get(nothing).text


def test_lists_page_by_key_and_filter(staff: Staff, program: httpx.Client) -> None:
    for number in range(3):
        stored_id(program, b"x", title=f"paged {number}", **{"class": "voucher"})
    first = program.get("/api/v1/records", params={"class": "voucher", "limit": 2}).json()
    rest = program.get("/api/v1/records", params={"class": "voucher", "limit": 2, "before": first["next"]}).json()
    assert [each["title"] for each in first["records"] + rest["records"]] == ["paged 2", "paged 1", "paged 0"]
    assert rest["next"] is None
    page = staff.client.get("/records", params={"class": "voucher"}).text
    assert all(f"paged {number}" in page for number in range(3))
    assert "There is no such class or customer" in staff.client.get("/records", params={"customer": "K-999999"}).text
    assert staff.client.get("/records", params={"state": "nonsense"}).status_code == 400
