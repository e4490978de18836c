"""Who looks, when, and under which entry of the log: drawn into each page that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from storage.parsing.fonts import lettering

_INK: Final = (60, 60, 60, 46)
_LINE_INK: Final = (60, 60, 60, 200)
_ANGLE: Final = 30


def mark_page(page: Image.Image, lines: Sequence[str]) -> Image.Image:
    """The page with the lines across it, lightly, again and again, and once in full at its foot."""
    if not lines:
        return page
    size = max(12, min(page.size) // 45)
    told = " · ".join(lines)
    sheet = Image.new("RGBA", page.size, (0, 0, 0, 0))
    stamp = _stamp(told, size)
    across, down = max(1, stamp.width + size * 2), max(1, stamp.height)
    for row, top in enumerate(range(-stamp.height // 2, page.height, down)):
        for left in range(-(across // 2) * (row % 2), page.width, across):
            sheet.alpha_composite(stamp, (max(0, left), max(0, top)), (max(0, -left), max(0, -top)))
    marked = Image.alpha_composite(page.convert("RGBA"), sheet)
    foot = _lettered(told, max(11, min(size, page.width * 2 // max(1, len(told)))), _LINE_INK, (255, 255, 255, 200))
    foot.thumbnail((page.width, page.height))
    marked.alpha_composite(foot, (max(0, page.width - foot.width), max(0, page.height - foot.height)))
    return marked.convert("RGB")


def _stamp(told: str, size: int) -> Image.Image:
    return _lettered(told, size, _INK, (0, 0, 0, 0)).rotate(_ANGLE, expand=True, resample=Image.Resampling.BILINEAR)


def _lettered(told: str, size: int, ink: tuple[int, ...], ground: tuple[int, ...]) -> Image.Image:
    font = lettering(size)
    left, top, right, bottom = font.getbbox(told)
    image = Image.new("RGBA", (int(right - left) + size, int(bottom - top) + size // 2), ground)
    ImageDraw.Draw(image).text((size // 2 - left, size // 4 - top), told, font=font, fill=ink)
    return image
