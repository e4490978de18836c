"""Prints labels as PDF: a code on the left, the number and a few words beside it.

Rule 1: the code is a drawing of squares of at least 0.4 mm with a quiet zone of four, which cameras and scanners read.
Rule 2: words that are too long are cut, never set over the code or the next label.
Limit: Chinese is set in STSong-Light, one of the fonts that PDF readers have or stand in for; it is not embedded.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import accumulate, groupby, takewhile
from typing import Any, Final

import segno

from storage.certificates.printing import FONT, register_font
from vault.labels import Label, Stock

_PADDING_MM: Final = 2.0
_QUIET_MODULES: Final = 4
_NUMBER_POINTS: Final = (14, 11, 9, 7)
_WORDS_POINTS: Final = 8


def print_labels(labels: Sequence[Label], stock: Stock, start: int) -> bytes:
    """The PDF; the first label goes to the place ``start`` of its page (from 1, across, then down)."""
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas

    register_font()
    told = io.BytesIO()
    canvas = Canvas(told, pagesize=(stock.page[0] * mm, stock.page[1] * mm), invariant=1)
    canvas.setAuthor("Strongroom")
    canvas.setTitle("Labels")
    for at, label in enumerate(labels, start=start - 1):
        place = at % stock.places
        if place == 0 and at != start - 1:
            canvas.showPage()
        down, across = divmod(place, stock.columns)
        left = stock.margin[0] + across * stock.step[0]
        top = stock.page[1] - stock.margin[1] - down * stock.step[1]
        _draw(canvas, label, left * mm, top * mm, stock.label[0] * mm, stock.label[1] * mm)
    canvas.showPage()
    canvas.save()
    return told.getvalue()


def _draw(canvas: Any, label: Label, left: float, top: float, width: float, height: float) -> None:
    from reportlab.lib.units import mm

    padding = _PADDING_MM * mm
    edge = min(height - 2 * padding, width * 0.45)
    _draw_code(canvas, label.code, left + padding, top - (height + edge) / 2, edge)
    beside = left + padding + edge + padding / 2
    room = left + width - padding - beside
    size = next((each for each in _NUMBER_POINTS if _width(label.number, each) <= room), _NUMBER_POINTS[-1])
    line = top - padding - size
    for text, points in ((label.number, size), *((each, _WORDS_POINTS) for each in _wrapped(label.lines, room))):
        if line < top - height + padding:
            break
        canvas.setFont(FONT, points)
        canvas.drawString(beside, line, _cut(text, points, room))
        line -= _WORDS_POINTS * 1.35


def _draw_code(canvas: Any, code: str, left: float, bottom: float, edge: float) -> None:
    rows = tuple(segno.make(code, error="m", micro=False).matrix_iter(border=_QUIET_MODULES))
    module = edge / len(rows)
    for down, row in enumerate(rows):
        across = 0
        for dark, run in groupby(row, bool):
            count = sum(1 for _ in run)
            if dark:
                # A hair wider than its squares, so that no seam shows to the row below.
                x, y = left + across * module, bottom + edge - (down + 1) * module
                canvas.rect(x, y, module * (count + 0.02), module * 1.02, 0, 1)
            across += count


def _wrapped(lines: Sequence[str], room: float) -> list[str]:
    wrapped: list[str] = []
    for line in lines:
        rest = line
        while rest and len(wrapped) < 12:
            fits = _fitting(rest, _WORDS_POINTS, room)
            wrapped.append(rest[:fits])
            rest = rest[fits:].lstrip()
    return wrapped


def _fitting(text: str, points: float, room: float) -> int:
    """How many characters fit, one at least; at a space where there is one in the second half."""
    # What stands in a line is as wide as its characters together; those beyond the first that is too much count not.
    ends = accumulate(_width(character, points) for character in text)
    fits = max(1, sum(1 for _ in takewhile(lambda end: end <= room, ends)))
    space = text.rfind(" ", fits // 2, fits)
    return space if fits < len(text) and space > 0 else fits


def _cut(text: str, points: float, room: float) -> str:
    return text[: _fitting(text, points, room)]


def _width(text: str, points: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, FONT, points))
