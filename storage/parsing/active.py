"""What of a file would act where it is opened: scripts, macros, programs, files inside it. Nothing of it is run.

Rule 1: what is said is one of ``vault.derived.ACTIVE``; never a name or a line of the file.
Rule 2: a file that is not searched to its end, or cannot be, is told as not searched: silence is no promise.
"""

from __future__ import annotations

import email
import email.policy
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final

from storage.parsing.piped import PipedFile

SEARCHED_BYTES_MAX: Final = 48 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 32 * 1024 * 1024
SECONDS_MAX: Final = 4.0

_STREAM: Final = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
_PACKED_OBJECTS: Final = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_NAMES: Final[Sequence[tuple[str, re.Pattern[bytes]]]] = (
    ("script", re.compile(rb"/(?:JavaScript|JS)(?![A-Za-z0-9])")),
    ("launch", re.compile(rb"/Launch(?![A-Za-z0-9])")),
    ("embedded-file", re.compile(rb"/(?:EmbeddedFile|EmbeddedFiles|RichMedia)(?![A-Za-z0-9])")),
    ("sends-data", re.compile(rb"/(?:SubmitForm|ImportData|GoToR|GoToE)(?![A-Za-z0-9])")),
)
_OFFICE_NAMES: Final[Sequence[tuple[str, re.Pattern[str]]]] = (
    ("macro", re.compile(r"(?i)(?:.*/)?vbaProject\.bin|(?:Basic|Scripts)/.+|.*/macrosheets/.+")),
    ("embedded-file", re.compile(r"(?i).*/(?:embeddings|activeX)/.+|Object \d+/.+|ObjectReplacements/.+")),
    ("sends-data", re.compile(r"(?i).*/externalLinks/.+|.*/attachedToolbars\.bin")),
)
_OLD_OFFICE: Final[Sequence[tuple[str, bytes]]] = (
    ("macro", "_VBA_PROJECT".encode("utf-16-le")),
    ("embedded-file", "ObjectPool".encode("utf-16-le")),
)
_MARKUP: Final[Sequence[tuple[str, re.Pattern[bytes]]]] = (
    ("script", re.compile(rb"(?i)<\s*script|javascript:|\son[a-z]{3,20}\s*=\s*['\"]")),
    ("embedded-file", re.compile(rb"(?i)<\s*(?:object|embed|iframe|foreignObject)\b")),
)
_BEGINS_MARKUP: Final = re.compile(rb"(?is)\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|svg|\?xml|!--)")

Found = tuple[list[str], bool]


def active_in(kind: str, file: PipedFile) -> Found:
    """Codes of what would act, sorted; and whether the whole file was searched for it."""
    try:
        if kind == "image":
            return [], True
        if file.size_bytes > SEARCHED_BYTES_MAX:
            return [], False
        found, searched = _SEARCHES[kind](file)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, KeyError, ValueError, LookupError, zlib.error):
        return [], False
    return sorted(found), searched


def _in_pdf(file: PipedFile) -> tuple[set[str], bool]:
    """By the names of its objects, those too that are packed; contents of pages and images hold no names."""
    content = file.head(SEARCHED_BYTES_MAX)
    until, left, searched = monotonic() + SECONDS_MAX, UNPACKED_BYTES_MAX, b"/Encrypt" not in content
    found = _named(_STREAM.sub(b" ", content))
    for place in _PACKED_OBJECTS.finditer(content):
        if left <= 0 or monotonic() > until:
            return found, False
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(memoryview(content)[place.end() :], left)
        except zlib.error:
            searched = False  # another filter, or an encrypted one
            continue
        left -= len(unpacked)
        found |= _named(unpacked)
    return found, searched and left > 0


def _named(objects: bytes) -> set[str]:
    plain = _ESCAPED.sub(lambda place: bytes.fromhex(place.group(1).decode()), objects)
    return {code for code, pattern in _PDF_NAMES if pattern.search(plain)}


def _in_office(file: PipedFile) -> tuple[set[str], bool]:
    if file.head(4) != b"PK\x03\x04":
        content = file.head(SEARCHED_BYTES_MAX)
        return {code for code, mark in _OLD_OFFICE if mark in content}, True
    file.seek(0)
    found: set[str] = set()
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        found |= {code for code, pattern in _OFFICE_NAMES if any(map(pattern.fullmatch, names))}
        left = UNPACKED_BYTES_MAX
        for name in names:
            if name.endswith(".rels"):
                with archive.open(name) as part:
                    content = part.read(left + 1)
                left -= len(content)
                if left < 0:
                    return found, False
                if _fetches(content):
                    found.add("sends-data")
    return found, True


def _fetches(relations: bytes) -> bool:
    """Whether something from elsewhere is taken in when it is opened; a link that a reader follows is not that."""
    outside = (each for each in relations.split(b"<Relationship ") if b'TargetMode="External"' in each)
    return any(b"/hyperlink" not in each for each in outside)


def _in_mail(file: PipedFile) -> tuple[set[str], bool]:
    message = email.message_from_bytes(file.head(SEARCHED_BYTES_MAX), policy=email.policy.default)
    found: set[str] = set()
    for part in message.walk():
        if part.is_multipart():
            continue
        body = part.get_payload(decode=True)
        if part.is_attachment():
            found.add("attachment")
        elif part.get_content_type() == "text/html" and isinstance(body, bytes):
            found |= _marked(body)
    return found, True


def _in_text(file: PipedFile) -> tuple[set[str], bool]:
    content = file.head(SEARCHED_BYTES_MAX)
    return (_marked(content) if _BEGINS_MARKUP.match(content) else set()), True


def _marked(content: bytes) -> set[str]:
    return {code for code, pattern in _MARKUP if pattern.search(content)}


_SEARCHES: Final[Mapping[str, Callable[[PipedFile], tuple[set[str], bool]]]] = {
    "pdf": _in_pdf,
    "office": _in_office,
    "mail": _in_mail,
    "text": _in_text,
}
