"""What a parser process does: one order, about one file, answered once.

    survey    how many pages, and whether they are images or text
    page      one page as an image, so many pixels wide, with a watermark
    passage   one page of text
    derive    the text of the whole, a thumbnail of the first page, how many pages, and what in it would act

Rule 1: what a parser meets in a file is a reason (``Cannot``), never a message: messages may quote the file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pypdfium2
from PIL import Image

from storage.parsing import frames, images, pages, piped
from storage.parsing.active import active_in
from storage.parsing.fonts import can_letter, lend_to_pdfium, lettering
from storage.parsing.mail import open_mail, text_of_mail
from storage.parsing.office import text_of_office
from storage.parsing.piped import Cannot, PipedFile
from storage.parsing.texts import text_of_plain
from storage.parsing.watermark import mark_page

PASSAGE_CHARACTERS: Final = 6000
TEXT_CHARACTERS_MAX: Final = 1_000_000
DERIVED_CHARACTERS_MAX: Final = 200_000
THUMBNAIL_PIXELS: Final = 240

_LETTER: Final = b"From: a@b.c\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: text/html\r\n\r\n<p>&eacute;"

Order = Mapping[str, Any]
Answer = tuple[dict[str, Any], bytes]

_ENCODINGS: Final = (
    *("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "utf-8-sig"),
    *("gb18030", "gbk", "gb2312", "hz", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr"),
    *("latin-1", "iso8859-2", "iso8859-5", "iso8859-9", "iso8859-15", "cp1250", "cp1251", "cp1252", "koi8-r", "cp437"),
    *("unicode_escape", "raw_unicode_escape", "idna", "punycode", "quopri", "base64", "uu"),
)

_TEXTS: Final[Mapping[str, Callable[[PipedFile, int], str]]] = {
    "pdf": pages.text_of_pdf,
    "text": text_of_plain,
    "office": text_of_office,
    "mail": text_of_mail,
}
_SURVEYS: Final[Mapping[str, Callable[[PipedFile, int], tuple[int, tuple[int, int]]]]] = {
    "pdf": pages.survey_pages,
    "image": images.survey_frames,
}


def prepare() -> None:
    """Loads what parsers need, so that they need no file for it."""
    for name in _ENCODINGS:
        codecs.lookup(name)
    Image.init()
    lettering(12)
    _rehearse()
    lend_to_pdfium()


def serve_one() -> None:
    """Answers the order that comes through the pipe."""
    (length,) = frames.LENGTH.unpack(piped.read_exactly(frames.LENGTH.size))
    order = json.loads(piped.read_exactly(length))
    try:
        facts, body = ORDERS[order["do"]](order, PipedFile(order["size_bytes"]))
        kind = frames.DONE
    except Cannot as cannot:
        kind, facts, body = frames.CANNOT, {"reason": cannot.reason}, b""
    except (MemoryError, Image.DecompressionBombError):
        kind, facts, body = frames.CANNOT, {"reason": "too-large"}, b""
    except Exception:  # noqa: BLE001 - a library's own error about a file: which one it is says nothing to a reader
        kind, facts, body = frames.CANNOT, {"reason": "broken"}, b""
    told = json.dumps(facts).encode()
    piped.write_whole(kind + frames.RESULT.pack(len(told), len(body)) + told + body)


def _survey(order: Order, file: PipedFile) -> Answer:
    if order["kind"] not in _SURVEYS:
        return {"pages": len(_passages(_text(order, file)))}, b""
    count, (width, height) = _SURVEYS[order["kind"]](file, order["page"])
    return {"pages": count, "width": width, "height": height}, b""


def _page(order: Order, file: PipedFile) -> Answer:
    drawn = _draw(order["kind"], file, order["page"], order["width"])
    mark = order["mark"] if all(can_letter(each) for each in order["mark"]) else order["mark_plain"]
    media_type, body = images.encode(mark_page(drawn, mark))
    return {"media_type": media_type, "width": drawn.width, "height": drawn.height}, body


def _passage(order: Order, file: PipedFile) -> Answer:
    passages = _passages(_text(order, file))
    if not 0 <= order["page"] < len(passages):
        raise Cannot("no-such-page")
    return {"pages": len(passages)}, passages[order["page"]].encode("utf-8", "replace")


def _derive(order: Order, file: PipedFile) -> Answer:
    """Text, thumbnail, pages, and what would act: one that cannot be had does not stand in the way of the others."""
    kind, text, small, count = order["kind"], "", b"", 0
    reasons = []
    if kind in _TEXTS:
        try:
            text = _TEXTS[kind](file, DERIVED_CHARACTERS_MAX)
        except Cannot as cannot:
            reasons.append(cannot.reason)
    if kind in _SURVEYS:
        try:
            count, _ = _SURVEYS[kind](file, 0)
            small = images.encode_small(_draw(kind, file, 0, THUMBNAIL_PIXELS * 2), THUMBNAIL_PIXELS)
        except Cannot as cannot:
            reasons.append(cannot.reason)
    active, searched = active_in(kind, file)
    facts = {"thumbnail_bytes": len(small), "pages": count, "active": active, "searched": searched}
    if reasons and not text and not small:
        facts["reason"] = reasons[0]
    return facts, small + text.encode("utf-8", "replace")


def _text(order: Order, file: PipedFile) -> str:
    return _TEXTS[order["kind"]](file, TEXT_CHARACTERS_MAX)


def _draw(kind: str, file: PipedFile, number: int, width: int) -> Image.Image:
    return (pages.draw_page if kind == "pdf" else images.draw_frame)(file, number, width)


def _passages(text: str) -> list[str]:
    """The text in pieces that end where lines do, if there is such a place; one at least, which may be empty."""
    passages: list[str] = []
    start = 0
    while start < len(text) or not passages:
        end = min(len(text), start + PASSAGE_CHARACTERS)
        if end < len(text):
            line = text.rfind("\n", start + PASSAGE_CHARACTERS // 2, end)
            end = line + 1 if line > 0 else end
        passages.append(text[start:end])
        start = end
    return passages


def _rehearse() -> None:
    """Draws a page, writes each format, reads a letter: libraries load some of their parts at their first use."""
    open_mail(_LETTER)
    document = pypdfium2.PdfDocument.new()
    document.new_page(20, 20)
    sheet = document[0].render(scale=1).to_pil().convert("RGB")
    images.encode(mark_page(sheet, ["0"]))
    images.encode_small(sheet, 8)
    document.close()


ORDERS: Final[dict[str, Callable[[Order, PipedFile], Answer]]] = {
    "survey": _survey,
    "page": _page,
    "passage": _passage,
    "derive": _derive,
}
