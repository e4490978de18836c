"""Looking at records on their page: page by page, marked, gated; bad files get an answer, and nothing else suffers."""

from __future__ import annotations

import html
import io
import re
import threading
import time

import httpx
import pytest
from PIL import Image, ImageChops

from tests.support import files
from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff, stored_id
from vault.audit import Event
from vault.ids import RecordId
from vault.workflows import restricting

SHOWN = re.compile(r'<img src="([^"]+)" width="(\d+)" height="(\d+)"')


def page_of(staff: Staff, record_id: str, **asked: int) -> str:
    """A record's page for daily business."""
    answer = staff.client.get(f"/records/{record_id}", params={"purpose": "business", **asked})
    assert answer.status_code == 200, answer.text
    return answer.text


def image_of(staff: Staff, page: str) -> httpx.Response:
    """The image that a page shows."""
    found = SHOWN.search(page)
    assert found is not None, page
    return staff.client.get(html.unescape(found[1]))


def test_a_pdf_is_turned_page_by_page(served: Served, staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, files.pdf("第一页", "second", "third"), file_name="a.pdf")
    assert SHOWN.search(staff.client.get(f"/records/{record_id}").text) is None, "nothing is opened unasked"
    first, last = page_of(staff, record_id), page_of(staff, record_id, page=99)
    assert "Page 1 of 3" in first
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first
    assert "Page 3 of 3" in last
    assert 'rel="next"' not in last
    shown = image_of(staff, first)
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["cache-control"] == "no-store"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert Image.open(io.BytesIO(shown.content)).width == 900
    larger = image_of(staff, page_of(staff, record_id, zoom=2))
    assert Image.open(io.BytesIO(larger.content)).width == 1400


def test_a_look_is_an_opening_and_bears_its_entry(
    served: Served, staff: Staff, second: Staff, program: httpx.Client
) -> None:
    record_id = stored_id(program, "合同".encode(), file_name="a.txt")
    page = page_of(staff, record_id)
    with served.vault.catalogue.read() as tx:
        entries = [each for each in tx.audit.page(subject=record_id) if each.entry.event is Event.RECORD_OPENED]
    assert len(entries) == 1, "one opening, however many pages are looked at"
    assert f"#{entries[0].number}" in page
    assert '<pre class="passage"' in page
    assert "合同" in page
    drawn = stored_id(program, files.pdf("page"), file_name="a.pdf")
    one, other = (Image.open(io.BytesIO(image_of(each, page_of(each, drawn)).content)) for each in (staff, second))
    assert ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is not None


def test_nobody_looks_before_the_gates_let_them_pass(reader: Staff, second: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, files.pdf("passport"), file_name="a.pdf", **{"class": "identity"})
    page = second.client.get(f"/records/{record_id}", params={"purpose": "legal"})
    assert SHOWN.search(page.text) is None
    refused = second.client.get(f"/records/{record_id}/preview", params={"purpose": "legal"})
    assert refused.headers["location"] == f"/records/{record_id}/gates"
    assert second.client.get("/records/unknown/preview", params={"purpose": "legal"}).status_code == 404


def test_another_site_makes_nobody_look(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, files.pdf("page"), file_name="a.pdf")
    led = {"Sec-Fetch-Site": "cross-site"}
    query = {"purpose": "business"}
    assert SHOWN.search(staff.client.get(f"/records/{record_id}", params=query, headers=led).text) is None
    assert staff.client.get(f"/records/{record_id}/preview", params=query, headers=led).status_code == 403


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("a.html", b"<html><body onload='alert(1)'>"),
    ],
)
def test_what_could_act_is_text(staff: Staff, program: httpx.Client, name: str, content: bytes) -> None:
    record_id = stored_id(program, content, file_name=name)
    page = page_of(staff, record_id)
    assert html.escape(content.decode(), quote=False) in page.replace("&#39;", "'")
    assert content.decode() not in page
    answer = staff.client.get(f"/records/{record_id}/preview", params={"purpose": "business"})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html"), "a page that says why, not the file"
    assert content.decode() not in answer.text


@pytest.mark.parametrize(
    ("name", "content", "because"),
    [
        ("bomb.pdf", files.pdf_bomb, ("it took", "gave up", "larger", "took too long")),
        ("locked.pdf", lambda: files.pdf("x", password="word"), ("encrypted",)),
        ("cut.pdf", lambda: b"%PDF-1.7 cut", ("broken",)),
        ("claims.png", lambda: files.png_that_claims(70_000, 70_000), ("larger",)),
        ("bomb.docx", files.zip_bomb, ("unpacks",)),
        ("entities.docx", lambda: files.docx("x", prolog=files.ENTITY_BOMB), ("unpacks",)),
    ],
)
def test_a_bad_file_is_told_why_and_others_are_served_meanwhile(
    staff: Staff, program: httpx.Client, name: str, content: object, because: tuple[str, ...]
) -> None:
    assert callable(content)
    record_id = stored_id(program, content(), file_name=name)
    said: list[str] = []
    looking = threading.Thread(target=lambda: said.append(_asked(staff, record_id)))
    looking.start()
    slowest = 0.0
    while looking.is_alive():
        began = time.monotonic()
        assert program.get("/api/v1/records", params={"limit": 1}).status_code == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.02)
    looking.join()
    assert slowest < 10
    assert "cannot be previewed" in said[0]
    assert any(each in said[0] for each in because)
    assert page_of(staff, stored_id(program, b"goes on", file_name="b.txt")).count("goes on") == 1


def test_why_it_cannot_be_previewed_is_said_in_chinese(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, files.pdf("x", password="word"), file_name="a.pdf")
    answer = staff.client.get(
        f"/records/{record_id}", params={"purpose": "business"}, headers={"Accept-Language": "zh"}
    )
    assert "无法预览，因为文件已加密或受密码保护" in answer.text


def _asked(staff: Staff, record_id: str) -> str:
    """What a record's page says; where only drawing shows that the file is bad, what the image's address says."""
    page = page_of(staff, record_id)
    return image_of(staff, page).text if SHOWN.search(page) else page


def test_the_page_of_what_may_only_be_stored_comes_whatever_purpose_its_address_has(
    staff: Staff, program: httpx.Client, served: Served
) -> None:
    record_id = stored_id(program, files.pdf("lease"), file_name="a.pdf")
    address = f"/records/{record_id}?purpose=business"
    assert staff.client.get(address).status_code == 200
    restricting.restrict_record(served.vault, everything(), RecordId(record_id), "somebody asked")
    page = staff.client.get(address)
    assert (page.status_code, "record-preview" in page.text) == (200, False)
    assert "This record may only be stored" in page.text
