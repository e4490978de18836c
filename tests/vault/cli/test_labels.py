"""``strongroom label print``: codes that an independent reader reads."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import zxingcpp

from tests.vault.cli.conftest import Strongroom


def test_labels_of_records_and_boxes_are_printed(strongroom: Strongroom, tmp_path: Path) -> None:
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"a paper")
    number = strongroom("record", "add", paper, "--class", "house", "--json").document["files"][0]["number"]
    for named, code in (((number,), "/records/"), (("--box", "B-17"), "B-17")):
        target = tmp_path / f"{code.strip('/')}.pdf"
        said = strongroom("label", "print", *named, "--stock", "roll-62x29", "-o", target, "--json")
        assert said.document == {"labels": 1, "file": str(target)}
        picture = pypdfium2.PdfDocument(target.read_bytes())[0].render(scale=300 / 72).to_pil()
        (found,) = zxingcpp.read_barcodes(picture)
        assert code in found.text
        assert "paper" not in found.text
    refused = strongroom("label", "print", number, "--box", "B-17", "-o", "-")
    assert refused.code != 0
    assert "not both" in refused.talk
