"""Marked strings: texts that occur nowhere else, and a searcher that knows them in every dress that data wears.

marks = Marks(seed)
title = marks.new(Script.CJK)
...
hits = marks.search("column records.number", data)        # [] where none is found in clear
"""

from __future__ import annotations

import base64
import json
import mmap
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from urllib.parse import quote


class Script(Enum):
    """Alphabets that marks are drawn from: first and last letter."""

    LATIN = ("a", "z")
    CJK = ("一", "鿋")
    CYRILLIC = ("а", "я")
    GREEK = ("α", "ω")
    ARABIC = ("ب", "غ")
    HANGUL = ("가", "힣")
    KANA = ("ァ", "ヺ")


LENGTHS = {Script.LATIN: 12, Script.CJK: 5, Script.HANGUL: 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A mark found in clear."""

    place: str
    script: Script
    dress: str


class Marks:
    """The marks of one run. All of one script begin with one stem, which is what is looked for."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._stems = {script: self._letters(script) for script in Script}
        self._needles: dict[bytes, Hit] = {}
        for script, stem in self._stems.items():
            for dress, needle in dresses(stem):
                self._needles.setdefault(needle, Hit(place="", script=script, dress=dress))

    def new(self, script: Script = Script.LATIN) -> str:
        """A text of one script that occurs nowhere else."""
        return self._stems[script] + self._letters(script)

    def _letters(self, script: Script) -> str:
        first, last = script.value
        return "".join(chr(self._random.randint(ord(first), ord(last))) for _ in range(LENGTHS.get(script, 9)))

    def search(self, place: str, data: bytes | mmap.mmap) -> list[Hit]:
        """Every stem that ``data`` holds in clear, in any dress."""
        return [replace(hit, place=place) for needle, hit in self._needles.items() if data.find(needle) >= 0]

    def search_folder(self, place: str, folder: Path) -> list[Hit]:
        """The same for the name and the bytes of every file under a folder."""
        hits = []
        for path in sorted(folder.rglob("*")):
            hits += self.search(
                f"{place}: a file's name", str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
            )
            if path.is_file() and not path.is_symlink():
                hits += self.search_file(f"{place}: {path.relative_to(folder)}", path)
        return hits

    def search_tree(self, place: str, path: Path) -> list[Hit]:
        """The same for what may be a file or a folder of other programs, who may remove it meanwhile."""
        if path.is_dir():
            with suppress(FileNotFoundError):
                return self.search_folder(place, path)
            return []
        return self.search_file(place, path)

    def search_file(self, place: str, path: Path) -> list[Hit]:
        """The same for one file; one that is gone, or empty, holds nothing."""
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return self.search(place, data)
        except (FileNotFoundError, ValueError):
            return []


def dresses(text: str) -> Iterator[tuple[str, bytes]]:
    """Encodings of a text, the text folded, and base64, hex, JSON and URL forms of what people's programs write."""
    for form in dict.fromkeys((text, text.casefold(), text.upper())):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"):
            yield encoding, form.encode(encoding)
    for encoding in ("utf-8", "utf-16-le", "gb18030"):
        plain = text.encode(encoding)
        yield f"hex of {encoding}", plain.hex().encode("ascii")
        yield f"upper hex of {encoding}", plain.hex().upper().encode("ascii")
        for shift in range(3):
            yield f"base64 of {encoding}, {shift} bytes in", _base64(plain, shift)
            yield (
                f"base64url of {encoding}, {shift} bytes in",
                _base64(plain, shift).replace(b"+", b"-").replace(b"/", b"_"),
            )
    yield "JSON", json.dumps(text)[1:-1].encode("ascii")
    yield "URL", quote(text, safe="").encode("ascii")


def _base64(plain: bytes, shift: int) -> bytes:
    """The characters of a base64 text that depend on ``plain`` alone when ``shift`` bytes stand before it."""
    before = bytes(shift)
    bits = (shift + len(plain)) * 8
    return base64.b64encode(before + plain)[-(-shift * 8 // 6) : bits // 6]
