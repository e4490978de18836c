"""Files that people file, and files that attack whoever looks into them; all made here."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


@dataclass(frozen=True, slots=True)
class Held:
    """A file in memory, as parsers are given one; counts what they ask for."""

    content: bytes
    asked: list[int]

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    def read(self, start: int, length: int) -> bytes:
        self.asked.append(length)
        return self.content[start : start + length]


def held(content: bytes) -> Held:
    """A file of these bytes."""
    return Held(content, [])


def pdf(*pages: str, password: str = "", size: tuple[float, float] = (595, 842)) -> bytes:
    """A PDF with a line a page; Chinese is set in a font that it does not bring."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    made = io.BytesIO()
    locked = StandardEncryption(password, ownerPassword="owner") if password else None
    canvas = Canvas(made, pagesize=size, encrypt=locked)
    for page in pages:
        canvas.setFont("STSong-Light", 24)
        canvas.drawString(72, size[1] * 0.8, page)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def padded_pdf(padding_bytes: int) -> bytes:
    """A PDF of one page that carries so many bytes which the page does not need."""
    return raw_pdf(zlib.compress(b"100 100 m 500 700 l S"), padding=b"%" * padding_bytes + b"\n")


def raw_pdf(
    content: bytes,
    *,
    media_box: str = "0 0 600 800",
    filters: str = "/FlateDecode",
    padding: bytes = b"",
    root: bytes = b"",
) -> bytes:
    """A PDF of one page whose content stream is these bytes, as they are; ``root`` stands in its catalog, too."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + root + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{media_box}] /Contents 4 0 R >>".encode(),
        f"<< /Length {len(content)} /Filter {filters} >>\nstream\n".encode() + content + b"\nendstream",
    ]
    made, places = bytearray(b"%PDF-1.7\n" + padding), []
    for number, each in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    start = len(made)
    made += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return bytes(made) + f"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()


def acting_pdf(root: bytes, *, packed: bool = False) -> bytes:
    """A PDF that says these things of what it does; packed into a stream of objects, where it is asked for."""
    if not packed:
        return raw_pdf(zlib.compress(b"0 0 m 9 9 l S"), root=root)
    objects = zlib.compress(b"9 0 << " + root + b" >>")
    stream = b"9 0 obj << /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\n" % len(objects)
    return raw_pdf(zlib.compress(b"0 0 m 9 9 l S"), padding=stream + b"stream\n" + objects + b"\nendstream\nendobj\n")


def pdf_bomb(unpacked_bytes: int = 3 * 1024**3) -> bytes:
    """A small PDF whose page unpacks, through two filters, to gigabytes."""
    packer, lines = zlib.compressobj(9), b"0 0 m 600 800 l S\n" * 60_000
    first = packer.compress(lines) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a piece stands for itself, so the same one may come again and again.
    again = packer.compress(lines) + packer.flush(zlib.Z_FULL_FLUSH)
    once = first + again * (unpacked_bytes // len(lines)) + packer.flush()
    return raw_pdf(zlib.compress(once, 9), filters="[/FlateDecode /FlateDecode]")


def image(kind: str = "PNG", size: tuple[int, int] = (640, 480), *, frames: int = 1) -> bytes:
    """A raster image; a TIFF may have several."""
    made = io.BytesIO()
    sheets = [Image.new("RGB", size, (200, 30 * number % 256, 40)) for number in range(frames)]
    more = {"save_all": True, "append_images": sheets[1:]} if frames > 1 else {}
    sheets[0].save(made, kind, **more)
    return made.getvalue()


def png_that_claims(width: int, height: int, *, body: bytes = b"") -> bytes:
    """A PNG whose header claims so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = body or zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def package(parts: dict[str, bytes | str]) -> bytes:
    """A zip of parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


TEMPLATE_FROM_OUTSIDE = (
    '<Relationships><Relationship Id="a" Type="x/attachedTemplate" Target="http://example.com/a" '
    'TargetMode="External"/></Relationships>'
)
LINK_TO_OUTSIDE = TEMPLATE_FROM_OUTSIDE.replace("x/attachedTemplate", "x/hyperlink")


def docx(*paragraphs: str, prolog: str = "", more: dict[str, bytes | str] | None = None) -> bytes:
    """A letter; with more parts, where there are any."""
    lines = "".join(f"<w:p><w:r><w:t>{each}</w:t></w:r></w:p>" for each in paragraphs)
    cells = "".join(f"<w:tc><w:p><w:r><w:t>{each}</w:t></w:r></w:p></w:tc>" for each in ("甲方", "乙方"))
    table = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
    document = f"{prolog}<w:document {_W}><w:body>{lines}{table}</w:body></w:document>"
    return package({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **(more or {})})


def xlsx(*rows: tuple[str, ...]) -> bytes:
    """A sheet; texts are shared strings, as Excel writes them."""
    words = list(dict.fromkeys(cell for row in rows for cell in row if not cell.isdigit()))
    cells = [
        "".join(
            f"<c><v>{cell}</v></c>" if cell.isdigit() else f'<c t="s"><v>{words.index(cell)}</v></c>' for cell in row
        )
        for row in rows
    ]
    sheet = "".join(f"<row>{each}</row>" for each in cells)
    return package(
        {
            "xl/workbook.xml": "<workbook/>",
            "xl/sharedStrings.xml": f"<sst {_S}>" + "".join(f"<si><t>{each}</t></si>" for each in words) + "</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet {_S}><sheetData>{sheet}</sheetData></worksheet>",
        }
    )


def pptx(*slides: str) -> bytes:
    """Slides with a line each."""
    parts: dict[str, bytes | str] = {"ppt/presentation.xml": "<p/>"}
    for number, text in enumerate(slides, start=1):
        parts[f"ppt/slides/slide{number}.xml"] = f"<sld {_A}><a:p><a:r><a:t>{text}</a:t></a:r></a:p></sld>"
    return package(parts)


def odt(*paragraphs: str) -> bytes:
    """A letter of the other kind."""
    lines = "".join(f"<text:p>{each}</text:p>" for each in paragraphs)
    content = f'<o:body xmlns:o="{_ODF}:office:1.0" xmlns:text="{_ODF}:text:1.0">{lines}</o:body>'
    return package({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def zip_bomb(unpacked_bytes: int = 128 * 1024**2) -> bytes:
    """A letter that unpacks to a thousand times its size."""
    return package({"[Content_Types].xml": "<Types/>", "word/document.xml": b" " * unpacked_bytes})


ENTITY_BOMB = (
    "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12)) + "]>"
)
"""A document type whose last entity is a trillion letters."""
