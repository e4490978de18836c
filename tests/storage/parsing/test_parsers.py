"""What parsers say of files, good ones and bad ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, ImageChops

from storage.parsing import active as acting
from storage.parsing import office
from storage.parsing.parsers import Parsers
from tests.support import files
from vault.derived import Found, checked_found, checked_reason
from vault.errors import NotReadable, SealBroken
from vault.previews import Parsed, kind_of

MARK = ["李雷", "2026-12-01 20:30 UTC", "#1234"]


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    here = Parsers()
    yield here
    here.close()


def test_a_pdf_is_shown_page_by_page(parsers: Parsers) -> None:
    source = files.held(files.pdf("张伟的劳动合同", "second", "third"))
    said = parsers.parse({"do": "survey", "kind": "pdf", "page": 0}, source)
    assert said.facts == {"pages": 3, "width": 595, "height": 842}
    shown = _page(parsers, "pdf", source.content, page=2, width=900)
    assert shown.format == "PNG"
    assert shown.width == 900
    assert shown.getextrema() != ((255, 255),) * 3, "something is on it"


def test_of_a_long_pdf_only_what_a_page_needs_is_read(parsers: Parsers) -> None:
    source = files.held(files.padded_pdf(6_000_000))
    said = parsers.parse({"do": "page", "kind": "pdf", "page": 0, "width": 300, "mark": [], "mark_plain": []}, source)
    assert said.body
    assert sum(source.asked) < len(source.content) / 4


def test_who_looks_is_drawn_into_the_page(parsers: Parsers) -> None:
    content = files.pdf("page")
    plain, marked = _page(parsers, "pdf", content), _page(parsers, "pdf", content, mark=MARK)
    for part in (0, 300, 900):  # not at the foot alone
        place = (0, part, 900, part + 300)
        differing = ImageChops.difference(plain.crop(place), marked.crop(place)).convert("L").histogram()
        assert sum(differing[16:]) > 500


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_an_image_is_drawn_anew(parsers: Parsers, kind: str) -> None:
    shown = _page(parsers, "image", files.image(kind, (1600, 1000)), width=800)
    assert (shown.width, shown.height) == (800, 500)
    assert shown.format in ("PNG", "JPEG")


def test_a_scan_of_several_sheets_has_as_many_pages(parsers: Parsers) -> None:
    source = files.image("TIFF", (200, 300), frames=3)
    assert parsers.parse({"do": "survey", "kind": "image", "page": 0}, files.held(source)).facts["pages"] == 3
    assert _page(parsers, "image", source, page=2, width=200).width == 200


def test_what_hides_in_an_image_stays_behind(parsers: Parsers) -> None:
    content = files.image("JPEG") + b"<script>alert(1)</script>"
    said = parsers.parse(
        {"do": "page", "kind": "image", "page": 0, "width": 400, "mark": [], "mark_plain": []}, files.held(content)
    )
    assert b"<script>" not in said.body


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_in_whatever_encoding_it_has(parsers: Parsers, encoding: str) -> None:
    text = "Contract 张伟与李娜的租赁合同\r\nsecond line"
    assert _passage(parsers, "text", text.encode(encoding)) == text.replace("\r\n", "\n")


def test_long_text_has_pages_and_loses_nothing(parsers: Parsers) -> None:
    text = "\n".join(f"第 {number} 行" for number in range(4000))
    source = files.held(text.encode())
    pages = parsers.parse({"do": "survey", "kind": "text"}, source).facts["pages"]
    assert pages > 1
    order = {"do": "passage", "kind": "text"}
    assert "".join(parsers.parse({**order, "page": each}, source).body.decode() for each in range(pages)) == text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("letter.docx", files.docx("张伟的合同", "second"), "张伟的合同\nsecond\n甲方 \t乙方"),
        ("sheet.xlsx", files.xlsx(("姓名", "金额"), ("李娜", "1200")), "姓名\t金额\n李娜\t1200"),
        ("slides.pptx", files.pptx("第一页", "second"), "[1]\n第一页\n[2]\nsecond"),
        (
            "letter.odt",
            files.odt("见面 <text:span xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'>甲</text:span> 乙"),
            "见面 甲 乙",
        ),
    ],
)
def test_office_files_are_shown_as_text(parsers: Parsers, name: str, content: bytes, words: str) -> None:
    assert str(kind_of("application/octet-stream", name)) == "office"
    assert words in _passage(parsers, "office", content)


def test_an_e_mail_is_shown_as_text_with_the_names_of_what_is_attached(parsers: Parsers) -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "li@example.com", "wang@example.com", "合同"
    message.set_content("<p>您好<script>alert(1)</script></p><p>附件</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="合同.pdf")
    shown = _passage(parsers, "mail", message.as_bytes())
    assert "Subject: 合同" in shown
    assert "您好" in shown
    assert "+ 合同.pdf" in shown
    assert "alert" not in shown


@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", b"<svg onload='alert(1)'/>"])
def test_what_could_act_is_shown_as_the_text_that_it_is(parsers: Parsers, content: bytes) -> None:
    assert _passage(parsers, "text", content) == content.decode()


def test_text_and_thumbnail_are_derived(parsers: Parsers) -> None:
    said = parsers.parse({"do": "derive", "kind": "pdf"}, files.held(files.pdf("张伟的合同", "page two")))
    small = said.facts["thumbnail_bytes"]
    assert max(Image.open(io.BytesIO(said.body[:small])).size) == 240
    text = said.body[small:].decode()
    assert "张伟的合同" in text
    assert "page two" in text


@pytest.mark.parametrize(
    ("kind", "made", "active"),
    [
        ("pdf", lambda: files.pdf("a"), []),
        ("pdf", lambda: files.acting_pdf(b"/OpenAction << /S /JavaScript /JS (app.alert) >>"), ["script"]),
        ("pdf", lambda: files.acting_pdf(b"/OpenAction << /S /J#61vaScript /J#53 (a) >>"), ["script"]),
        ("pdf", lambda: files.acting_pdf(b"/OpenAction << /S /Launch /F (a.exe) >>"), ["launch"]),
        ("pdf", lambda: files.acting_pdf(b"/OpenAction << /S /Launch /F (a.exe) >>", packed=True), ["launch"]),
        ("pdf", lambda: files.acting_pdf(b"/Names << /EmbeddedFiles << >> >>"), ["embedded-file"]),
        ("pdf", lambda: files.raw_pdf(b"(/JavaScript /Launch) Tj", filters="[]"), []),
        ("office", lambda: files.docx("a"), []),
        ("office", lambda: files.docx("a", more={"word/vbaProject.bin": b"x"}), ["macro"]),
        ("office", lambda: files.docx("a", more={"word/embeddings/a.bin": b"x"}), ["embedded-file"]),
        ("office", lambda: files.docx("a", more={"word/_rels/a.rels": files.TEMPLATE_FROM_OUTSIDE}), ["sends-data"]),
        ("office", lambda: files.docx("a", more={"word/_rels/a.rels": files.LINK_TO_OUTSIDE}), []),
        ("office", lambda: bytes.fromhex("d0cf11e0a1b11ae1") + "_VBA_PROJECT".encode("utf-16-le"), ["macro"]),
        ("text", lambda: b"plain <script> in a sentence", []),
        ("text", lambda: b"<html><body onload='go()'>", ["script"]),
        ("text", lambda: b"<svg><foreignObject/></svg>", ["embedded-file"]),
        ("image", lambda: files.image(), []),
    ],
)
def test_what_would_act_is_told_and_nothing_of_it_runs(
    parsers: Parsers, kind: str, made: Callable[[], bytes], active: list[str]
) -> None:
    found = checked_found(parsers.parse({"do": "derive", "kind": kind}, files.held(made())).facts)
    assert (list(found.active), found.searched) == (active, True)


def test_an_e_mail_with_attachments_and_what_is_too_long_to_be_searched_are_told(parsers: Parsers) -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["Subject"] = "li@example.com", "合同"
    message.set_content("<p>您好<script>alert(1)</script></p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="合同.pdf")
    found = checked_found(parsers.parse({"do": "derive", "kind": "mail"}, files.held(message.as_bytes())).facts)
    assert found == Found(pages=0, active=("script", "attachment"), searched=True)
    long = files.held(files.padded_pdf(acting.SEARCHED_BYTES_MAX))
    found = checked_found(parsers.parse({"do": "derive", "kind": "pdf"}, long).facts)
    assert found == Found(pages=1, active=(), searched=False)
    locked = parsers.parse({"do": "derive", "kind": "pdf"}, files.held(files.pdf("secret", password="word")))
    assert (checked_reason(locked.facts), checked_found(locked.facts).searched) == ("encrypted", False)


@pytest.mark.parametrize(
    ("kind", "made", "reasons"),
    [
        ("pdf", lambda: b"%PDF-1.7 and nothing else", {"broken"}),
        ("pdf", lambda: files.pdf("secret", password="word"), {"encrypted"}),
        ("pdf", lambda: files.raw_pdf(b"", media_box="0 0 1000000000 1000000000"), {"too-large", "broken"}),
        ("pdf", lambda: files.pdf_bomb(), {"too-large", "took-too-long", "gave-up"}),
        ("image", lambda: b"\x89PNG\r\n\x1a\n", {"broken"}),
        ("image", lambda: files.png_that_claims(70_000, 70_000), {"too-large"}),
        ("image", lambda: files.png_that_claims(9_000, 9_000), {"broken"}),
        ("office", lambda: files.zip_bomb(), {"bomb"}),
        ("office", lambda: files.docx("x", prolog=files.ENTITY_BOMB), {"bomb"}),
        ("office", lambda: files.package({str(each): b"" for each in range(office.PARTS_MAX + 1)}), {"bomb"}),
        ("office", lambda: files.package({"a.txt": b""}), {"unsupported"}),
        ("office", lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, {"old-office"}),
        ("office", lambda: b"PK\x03\x04 cut", {"broken"}),
        ("mail", lambda: b"\0\1\2", {"broken"}),
        ("text", lambda: bytes(range(256)) * 4, {"unsupported"}),
    ],
)
def test_a_bad_file_is_told_why(parsers: Parsers, kind: str, made: Callable[[], bytes], reasons: set[str]) -> None:
    is_text = kind in ("office", "mail", "text")
    order = (
        {"do": "passage", "page": 0}
        if is_text
        else {"do": "page", "page": 0, "width": 800, "mark": MARK, "mark_plain": MARK}
    )
    with pytest.raises(NotReadable) as refused:
        parsers.parse({**order, "kind": kind}, files.held(made()))
    assert refused.value.reason in reasons
    assert _passage(parsers, "text", b"goes on") == "goes on"


def test_a_page_that_is_not_there_is_said(parsers: Parsers) -> None:
    for kind, content in (("pdf", files.pdf("one")), ("image", files.image())):
        with pytest.raises(NotReadable, match="no such page"):
            _page(parsers, kind, content, page=5)


def test_bytes_that_do_not_verify_are_not_taken_for_a_bad_file(parsers: Parsers) -> None:
    class Damaged(files.Held):
        def read(self, start: int, length: int) -> bytes:
            raise SealBroken("not what was sealed")

    with pytest.raises(SealBroken):
        parsers.parse({"do": "survey", "kind": "pdf", "page": 0}, Damaged(b"x" * 100, []))


def _page(
    parsers: Parsers, kind: str, content: bytes, *, page: int = 0, width: int = 900, mark: list[str] | None = None
) -> Image.Image:
    order = {"do": "page", "kind": kind, "page": page, "width": width, "mark": mark or [], "mark_plain": []}
    said: Parsed = parsers.parse(order, files.held(content))
    shown = Image.open(io.BytesIO(said.body))
    assert shown.get_format_mimetype() == said.facts["media_type"]
    return shown


def _passage(parsers: Parsers, kind: str, content: bytes) -> str:
    return parsers.parse({"do": "passage", "kind": kind, "page": 0}, files.held(content)).body.decode()
