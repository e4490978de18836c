"""Labels: an independent reader reads them off the printed page, and what it reads leads to the record."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pypdfium2
import pytest
import zxingcpp

from tests.web.conftest import Served
from tests.web.visitors import Staff, fields_of, stored_id
from vault.labels import STOCKS


def codes_of(pdf: bytes) -> list[list[Any]]:
    """The codes on each page, as they are read from its picture, from the upper left on."""
    document = pypdfium2.PdfDocument(pdf)
    pages = []
    for page in document:
        picture = page.render(scale=300 / 72).to_pil().convert("L")
        found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
        pages.append(sorted(found, key=lambda code: (round(code.position.top_left.y, -2), code.position.top_left.x)))
    document.close()
    return pages


def printed(staff: Staff, record_ids: list[str], **asked: str) -> bytes:
    """The labels of records, by the form of the page."""
    page = staff.client.get("/labels", params={"record": record_ids})
    answer = staff.post("/labels/print", **{**fields_of(page, "/labels/print"), "stock": "a4-3x8", **asked})
    assert answer.headers["content-type"] == "application/pdf", answer.text
    return answer.content


def test_a_scanned_label_leads_to_the_records_page(served: Served, staff: Staff, program: httpx.Client) -> None:
    record_ids = [stored_id(program, b"x", title=f"张伟的合同 {number}") for number in range(3)]
    (codes,) = codes_of(printed(staff, record_ids))
    assert [code.text for code in codes] == [f"{served.address}/records/{each}" for each in record_ids]
    for code in codes:
        page = staff.client.get(urlsplit(code.text).path)
        assert page.status_code == 200
        assert "张伟的合同" in page.text


def test_a_sheet_that_was_begun_is_gone_on_with(staff: Staff, program: httpx.Client) -> None:
    record_ids = [stored_id(program, b"x") for _ in range(3)]
    first, second = codes_of(printed(staff, record_ids, start="23"))
    assert (len(first), len(second)) == (2, 1)
    assert first[0].position.top_left.y > second[0].position.top_left.y


@pytest.mark.parametrize("stock", list(STOCKS))
def test_labels_of_every_size_are_read(staff: Staff, program: httpx.Client, stock: str) -> None:
    record_id = stored_id(program, b"x", title="A title that is far too long for any of these labels " * 3)
    copies = min(STOCKS[stock].places, 4)
    pages = codes_of(printed(staff, [record_id], stock=stock, copies=str(copies), titles="yes"))
    assert [code.text.rpartition("/")[2] for page in pages for code in page] == [record_id] * copies


def test_words_stand_on_a_label_only_when_they_are_asked_for(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"x", title="张伟的合同")
    for asked, told in (({}, False), ({"titles": "yes"}, True)):
        document = pypdfium2.PdfDocument(printed(staff, [record_id], **asked))
        assert ("张伟的合同" in document[0].get_textpage().get_text_range()) is told
        document.close()


@pytest.mark.parametrize(("field", "value"), [("stock", "a5"), ("start", "0"), ("start", "25"), ("copies", "1001")])
def test_what_cannot_be_printed_is_said(staff: Staff, program: httpx.Client, field: str, value: str) -> None:
    page = staff.client.get("/labels", params={"record": stored_id(program, b"x")})
    answer = staff.post("/labels/print", **{**fields_of(page, "/labels/print"), "stock": "a4-3x8", field: value})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_what_does_not_exist_for_somebody_gets_no_label(staff: Staff) -> None:
    page = staff.client.get("/labels", params={"record": "a" * 26})
    assert page.status_code == 404
    assert "Nothing is chosen" in staff.client.get("/labels").text
