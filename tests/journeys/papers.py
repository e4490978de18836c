"""Papers made for journeys: a PDF page and a picture, from their formats' own rules."""

from __future__ import annotations

import struct
import zlib

Colour = tuple[int, int, int]


def pdf(text: str, colour: Colour) -> bytes:
    """A PDF of one page: a filled rectangle of a colour, and a line of Latin text (ISO 32000-1, 7.5)."""
    red, green, blue = (part / 255 for part in colour)
    drawing = (
        f"{red:.3f} {green:.3f} {blue:.3f} rg 60 420 480 300 re f 0 g BT /F1 28 Tf 60 760 Td ({text}) Tj ET"
    ).encode("ascii")
    bodies = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table_at = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, table_at)
    return bytes(written)


def png(width: int, height: int, colour: Colour) -> bytes:
    """A PNG of one colour, 8-bit RGB (PNG, third edition, 5.3)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(colour) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
