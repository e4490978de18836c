"""Office files (docx, xlsx, pptx, odt, ods, odp): the text in them, and nothing that acts.

Rule 1: what a file unpacks to is counted while it is unpacked; whoever claims little and unpacks to much is refused.
Rule 2: XML is read by defusedxml: no document type, no entities, nothing from elsewhere.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from storage.parsing.piped import Cannot, PipedFile
from storage.parsing.texts import tidied

PARTS_MAX: Final = 2000
UNPACKED_BYTES_MAX: Final = 48 * 1024 * 1024

_OLD_OFFICE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_PARAGRAPHS: Final = frozenset({"p", "h", "tr", "row", "table-row"})
_CELLS: Final = frozenset({"tc", "c", "table-cell"})
_WORDS: Final = frozenset({"t", "span", "p", "h", "a"})
_INLINE: Final = frozenset({"span", "a", "s", "tab", "line-break"})
_GAPS: Final = {"tab": "\t", "br": " ", "line-break": " ", "s": " "}
_NUMBER: Final = re.compile(r"(\d+)")


class _Package:
    """The parts of a package, unpacked within bounds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = UNPACKED_BYTES_MAX
        self.names = archive.namelist()
        if len(self.names) > PARTS_MAX:
            raise Cannot("bomb")

    def part(self, name: str) -> Element:
        """One part as XML. Raises ``Cannot``."""
        facts = self._archive.getinfo(name)
        if facts.flag_bits & 1:
            raise Cannot("encrypted")
        with self._archive.open(facts) as stream:
            content = stream.read(self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise Cannot("bomb")
        try:
            return fromstring(content, forbid_dtd=True)
        except DefusedXmlException as exc:
            raise Cannot("bomb") from exc
        except ParseError as exc:
            raise Cannot("broken") from exc

    def some(self, pattern: str) -> list[Element]:
        """The parts whose names match, in the order of the numbers in them."""
        found = [name for name in self.names if re.fullmatch(pattern, name)]
        ordered = sorted(found, key=lambda name: [int(number) for number in _NUMBER.findall(name)])
        return [self.part(name) for name in ordered]


def text_of_office(file: PipedFile, most: int) -> str:
    """The text of an office file, so much of it at most. Raises ``Cannot``."""
    if file.head(8) == _OLD_OFFICE:
        # What is protected by a password is such a container, too; neither is read.
        raise Cannot("old-office")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            package = _Package(archive)
            return tidied("\n".join(_lines(package)))[:most]
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as exc:
        raise Cannot("broken") from exc


def _lines(package: _Package) -> Iterator[str]:
    names = package.names
    if "word/document.xml" in names:
        for part in package.some(r"word/(header\d+|document|footnotes|endnotes|comments|footer\d+)\.xml"):
            yield from _paragraphs(part)
    elif "ppt/presentation.xml" in names:
        for number, part in enumerate(package.some(r"ppt/(slides/slide|notesSlides/notesSlide)\d+\.xml"), start=1):
            yield f"[{number}]"
            yield from _paragraphs(part)
    elif "xl/workbook.xml" in names:
        yield from _sheets(package)
    elif "content.xml" in names:
        yield from _paragraphs(package.part("content.xml"))
    else:
        raise Cannot("unsupported")


def _paragraphs(part: Element) -> Iterator[str]:
    """A line a paragraph, cells of a row parted by tabs; without recursion, however deep the file nests."""
    line: list[str] = []
    cells = 0
    waiting: list[tuple[Element, bool]] = [(part, False)]
    while waiting:
        element, is_left = waiting.pop()
        name = _local(element)
        if not is_left:
            cells += name in _CELLS
            if name in _GAPS:
                line.append(_GAPS[name])
            if name in _WORDS and element.text:
                line.append(element.text)
            waiting.append((element, True))
            waiting.extend((child, False) for child in reversed(element))
            continue
        cells -= name in _CELLS
        if name in _CELLS:
            line.append("\t")
        elif name in _PARAGRAPHS and cells:
            line.append(" ")
        elif name in _PARAGRAPHS and "".join(line).strip():
            yield "".join(line).rstrip()
            line = []
        if element.tail and (name in _INLINE or element.tail.strip()):
            line.append(element.tail)
    if line:
        yield "".join(line).rstrip()


def _sheets(package: _Package) -> Iterator[str]:
    shared: list[str] = []
    if "xl/sharedStrings.xml" in package.names:
        strings = package.part("xl/sharedStrings.xml")
        shared = ["".join(each.text or "" for each in item.iter() if _local(each) == "t") for item in strings]
    for number, sheet in enumerate(package.some(r"xl/worksheets/sheet\d+\.xml"), start=1):
        yield f"[{number}]"
        for row in sheet.iter():
            if _local(row) == "row":
                cells = [_cell(cell, shared) for cell in row if _local(cell) == "c"]
                if any(cells):
                    yield "\t".join(cells)


def _cell(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(each.text or "" for each in cell.iter() if _local(each) == "t")
    value = next((each.text or "" for each in cell if _local(each) == "v"), "")
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    return value


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
