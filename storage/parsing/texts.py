"""Plain text: which encoding it is in, and what it says."""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

from storage.parsing.piped import Cannot, PipedFile

TEXT_BYTES_MAX: Final = 8 * 1024 * 1024

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KEPT: Final = frozenset("\n\t")


def decode(content: bytes, *, is_cut: bool = False) -> str:
    """What the bytes say: by their mark, else as UTF-8, else as UTF-16 without a mark, else as GB 18030.

    ``is_cut`` says that the last character may have been cut through. Raises ``Cannot`` when it is no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding, "replace", is_cut)
    candidates = ["utf-8", "gb18030"]
    if b"\0" in content:
        candidates = _wide(content)
    for encoding in candidates:
        try:
            return _decoded(content, encoding, "strict", is_cut)
        except UnicodeDecodeError:
            continue
    if b"\0" in content:
        raise Cannot("unsupported")
    return _decoded(content, "cp1252", "replace", is_cut)


def text_of_plain(file: PipedFile, most: int) -> str:
    """The text of a file, so much of it at most. Raises ``Cannot``."""
    content = file.head(min(TEXT_BYTES_MAX, most * 4))
    return tidied(decode(content, is_cut=len(content) < file.size_bytes))[:most]


def tidied(text: str) -> str:
    """Text with one kind of line end, and without characters that only steer."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain.isprintable():
        return plain
    return "".join(each for each in plain if each in _KEPT or unicodedata.category(each) not in ("Cc", "Cs", "Co"))


def _wide(content: bytes) -> list[str]:
    """UTF-16 in the order in which zeros stand where Latin letters and line ends have them."""
    sample = content[:4096]
    return ["utf-16-le"] if sample[1::2].count(0) >= sample[::2].count(0) else ["utf-16-be"]


def _decoded(content: bytes, encoding: str, errors: str, is_cut: bool) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(content, final=not is_cut)
