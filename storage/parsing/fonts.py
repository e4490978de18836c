"""The machine's Chinese font, read before parsers lose sight of files: for watermarks, and lent to PDFium.

A PDF that names a Chinese font without bringing it is shown in this one. Where the machine has none, such text stays
empty and a watermark names a person by their id.
"""

from __future__ import annotations

import ctypes
import functools
import io
import struct
from pathlib import Path
from typing import Final

import pypdfium2.raw as pdfium
from PIL import ImageFont

_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts")
_NAMES: Final = (
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.*", "SourceHanSans*-Regular.*"),
    *("wqy-zenhei.ttc", "wqy-microhei.ttc", "DroidSansFallback*.ttf", "uming.ttc"),
)
_FONT_BYTES_MAX: Final = 48 * 1024 * 1024
_COLLECTION: Final = 0x74746366  # "ttcf"
_CHARSETS: Final = frozenset({128, 129, 134, 136})  # Japanese, Korean, simplified and traditional Chinese
_HANDLE: Final = 1


@functools.cache
def chinese_font() -> bytes:
    """The bytes of the first font that is there; empty where there is none."""
    for name in _NAMES:
        for folder in _FOLDERS:
            for path in sorted(Path(folder).rglob(name)):
                if path.stat().st_size <= _FONT_BYTES_MAX:
                    return path.read_bytes()
    return b""


@functools.cache
def lettering(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font to draw with, in pixels."""
    font = chinese_font()
    return ImageFont.truetype(io.BytesIO(font), size) if font else ImageFont.load_default(size)


def can_letter(text: str) -> bool:
    """Whether a text can be drawn here: without a Chinese font, Latin letters only."""
    return bool(chinese_font()) or text.isascii()


class _Lent:
    """PDFium's questions about fonts, answered from memory (fpdf_sysfontinfo.h)."""

    def __init__(self, font: bytes) -> None:
        self._font = (ctypes.c_ubyte * len(font)).from_buffer_copy(font)
        self._first = struct.unpack_from(">I", font, 12)[0] if font[:4] == b"ttcf" else 0
        self._is_collection = font[:4] == b"ttcf"
        self.answers = pdfium.FPDF_SYSFONTINFO(version=1)
        for name, answer in (("MapFont", self._map), ("GetFontData", self._data), ("GetFontCharset", self._charset)):
            setattr(self.answers, name, type(getattr(self.answers, name))(answer))
        for name in ("Release", "EnumFonts", "DeleteFont"):
            setattr(self.answers, name, type(getattr(self.answers, name))(_nothing))

    def _map(self, _me: object, _weight: int, _italic: int, charset: int, *_: object) -> int | None:
        return _HANDLE if charset in _CHARSETS else None

    def _data(self, _me: object, _font: int, table: int, buffer: object, size: int) -> int:
        start = {0: self._first, _COLLECTION: 0 if self._is_collection else len(self._font)}.get(table)
        length = 0 if start is None else len(self._font) - start
        if start is not None and buffer and size:
            ctypes.memmove(buffer, ctypes.addressof(self._font) + start, min(size, length))  # type: ignore[arg-type]
        return length

    def _charset(self, *_: object) -> int:
        return 134


def _nothing(*_: object) -> None:
    pass


@functools.cache
def lend_to_pdfium() -> _Lent | None:
    """Lets PDFium have the Chinese font; what is lent has to live as long as PDFium does."""
    font = chinese_font()
    if not font:
        return None
    lent = _Lent(font)
    pdfium.FPDF_SetSystemFontInfo(lent.answers)
    return lent
