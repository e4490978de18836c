"""The printed certificate, read by a PDF engine that shares nothing with what wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pypdfium2

from storage.certificates.printing import print_certificate
from vault.certificates import Checked
from vault.seal.merkle import HASH_LENGTH
from vault.seal.notes import Checkpoint, VerifierKey

KEY = VerifierKey(name="strongroom/v", public=bytes(32))
AT = "2026-03-04T05:06:07.000000Z"


def record(number: int, **more: Any) -> dict[str, Any]:
    version = {"sha256": f"{number:064x}", "ordinal": 1, "bytes": 9, "parts": 0, "locked_until": AT, "object": "o"}
    return {
        "id": f"r{number}",
        "number": f"2026-{number:06d}",
        "class": "accounting-voucher",
        "due_on": "2026-01-01",
        "trigger_on": "1995-12-31",
        "filed_at": AT,
        "received_at": AT,
        "versions": [version],
        **more,
    }


def statement(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    rule = {
        "class": "accounting-voucher",
        "version": 2,
        "title_zh": "会计凭证",
        "title_en": "Accounting vouchers",
        "mandate": "会计档案管理办法 art. 14",
        "shipped": False,
        "proposed_by": "p1",
        "approved_by": "p2",
    }
    return {
        "id": "c",
        "number": "C-2026-0001",
        "vault": "v",
        "fonds": "f",
        "begun_at": AT,
        "effective_at": AT,
        "issued_at": AT,
        "ground": "due",
        "alone": False,
        "ordered_by": "p3",
        "list": None,
        "rules": [rule],
        "keys": {
            "generation_before": 1,
            "generation": 2,
            "increment": "ab" * 32,
            "keepers": [{"name": "file", "proven": True}, {"name": "tpm", "proven": False}],
        },
        "records": list(records),
        "customers": [],
        "remains": {"sealed_bytes_until": AT},
        **more,
    }


def pages(*records: dict[str, Any], languages: tuple[str, ...] = ("zh", "en"), **more: Any) -> list[str]:
    checkpoint = Checkpoint(origin="strongroom/v", size=7, root=bytes(HASH_LENGTH))
    checked = Checked(statement=statement(*records, **more), keys=[KEY], checkpoint=checkpoint)
    return list(texts(print_certificate(checked, {"p1": "张三"}, languages)))


def texts(pdf: bytes) -> Iterator[str]:
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        for page in document:
            with closing(page), closing(page.get_textpage()) as text:
                yield text.get_text_range().replace("\r\n", "\n")


def test_a_certificate_is_printed_in_chinese_and_in_english_with_its_register() -> None:
    chinese, english = pages(record(1), record(2))
    assert "档案销毁证明" in chinese
    assert "销毁清册" in chinese
    assert "会计凭证（accounting-voucher，第 2 版）：会计档案管理办法" in chinese
    assert "张三 (p1)" in chinese
    assert "第 1 页，共 2 页" in chinese
    assert "Certificate of destruction" in english
    assert "page 2 of 2" in english
    for page in (chinese, english):
        assert "2026-000001" in page
        assert "2026-000002" in page
        assert "C-2026-0001" in page
    assert "NOT PROVEN" in english


def test_a_long_register_goes_on_over_pages_with_its_headings() -> None:
    told = pages(*(record(number) for number in range(1, 201)), languages=("zh",))
    assert len(told) > 3
    assert all(f"第 {page} 页，共 {len(told)} 页" in text for page, text in enumerate(told, start=1))
    assert all("密文摘要" in text for text in told[:-1])
    assert "2026-000200" in "".join(told)


def test_titles_markup_and_execution_are_printed_as_they_are() -> None:
    disposal = {
        "number": "D-2026-0003",
        "automatic": False,
        "signatures": [{"person": "p1", "part": "supervisor", "at": AT, "step": 1}],
        "place": "<b>仓库</b> & 二楼",
        "method": "shredding",
        "remarks": "",
    }
    (told,) = pages(record(1, title="合同 <i>&amp;"), languages=("zh",), list=disposal)
    assert "合同 <i>&amp;" in told.replace("\n", "")
    assert "<b>仓库</b> & 二楼" in told
    assert "D-2026-0003" in told
    assert "监销人" in told


def test_paper_stands_beside_its_scan() -> None:
    gone = {
        "state": "destroyed",
        "box": "B-7",
        "destroyed_at": AT,
        "method": "pulping",
        "weight_grams": 250,
        "vendor": "某某纸业",
        "witnesses": ["李四", "王五"],
    }
    records = (record(1, paper=[gone]), record(2, paper=[{"state": "kept", "box": "B-8"}]))
    chinese, english = (" ".join("".join(pages(*records, languages=(each,))).split("\n")) for each in ("zh", "en"))
    assert "化浆，250 克，承办单位 某某纸业，监销见证人 李四, 王五" in chinese.replace("  ", " ")
    assert "尚存于 B-8 号盒，未销毁" in chinese
    assert "pulped at 2026-03-04 05:06:07 UTC, 250 g" in english
    assert "still in box B-8, NOT destroyed" in english


def test_the_same_certificate_is_printed_in_the_same_bytes() -> None:
    checked = Checked(statement=statement(record(1)), keys=[KEY], checkpoint=None)
    assert print_certificate(checked, {}, ("zh",)) == print_certificate(checked, {}, ("zh",))
    assert "日志证明待补" in next(texts(print_certificate(checked, {}, ("zh",))))
