"""PDF: its pages as images, and its text, by PDFium."""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from storage.parsing.piped import Cannot, PipedFile

PIXELS_MAX: Final = 8_000_000
"""Of one page as it is shown, however long and narrow."""
TEXT_SECONDS: Final = 8.0

_UNITS_MAX: Final = 1_000_000.0


def open_pdf(file: PipedFile) -> pypdfium2.PdfDocument:
    """The document. Raises ``Cannot``."""
    try:
        return pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as exc:
        locked = getattr(exc, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Cannot("encrypted" if locked else "broken") from exc


def survey_pages(file: PipedFile, number: int) -> tuple[int, tuple[int, int]]:
    """How many pages a PDF has, and the size of one of them, or of the last. Raises ``Cannot``."""
    document = open_pdf(file)
    across, down = document[min(number, len(document) - 1)].get_size()
    return len(document), (_whole(across), _whole(down))


def draw_page(file: PipedFile, number: int, width: int) -> Image.Image:
    """A page (from 0), so many pixels wide, or less where it would be too many in all. Raises ``Cannot``."""
    document = open_pdf(file)
    if not 0 <= number < len(document):
        raise Cannot("no-such-page")
    page = document[number]
    across, down = page.get_size()
    if not (0 < across < _UNITS_MAX and 0 < down < _UNITS_MAX):
        raise Cannot("too-large")
    scale = min(width / across, (PIXELS_MAX / (across * down)) ** 0.5)
    if across * scale < 1 or down * scale < 1:
        raise Cannot("too-large")
    bitmap = page.render(scale=scale, may_draw_forms=False)
    drawn: Image.Image = bitmap.to_pil()
    return drawn.convert("RGB")


def _whole(units: float) -> int:
    return int(min(max(units, 1.0), _UNITS_MAX))


def text_of_pdf(file: PipedFile, most: int) -> str:
    """The text of its pages, until there are so many characters or it takes too long. Raises ``Cannot``."""
    document = open_pdf(file)
    until = monotonic() + TEXT_SECONDS
    pieces: list[str] = []
    left = most
    for number in range(len(document)):
        if left <= 0 or monotonic() > until:
            break
        try:
            with closing(document[number]) as page, closing(page.get_textpage()) as text:
                piece = text.get_text_range(0, min(text.count_chars(), left))
        except pypdfium2.PdfiumError:
            continue  # one page that is broken does not hide the others
        pieces.append(piece)
        left -= len(piece)
    return "\n".join(pieces)
