"""What a file's name promises, against what its bytes are; and which files are programs.

Rule 1: a name whose ending is not in the table promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OFFICE_CONTAINERS: Final = ("application/vnd.", "application/zip", "application/x-zip", "application/msword")
_TEXT: Final = ("text/", "application/json", "application/xml", "application/javascript", "application/x-sh")
_OLD_OFFICE: Final = ("application/msword", "application/vnd.ms", "application/x-ole", "application/CDFV2")

_PROMISES: Final[Mapping[str, tuple[str, ...]]] = {
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "gif": ("image/gif",),
    "webp": ("image/webp",),
    "tif": ("image/tiff",),
    "tiff": ("image/tiff",),
    "bmp": ("image/bmp", "image/x-ms-bmp"),
    **dict.fromkeys(("docx", "xlsx", "pptx", "odt", "ods", "odp", "ofd"), _OFFICE_CONTAINERS),
    **dict.fromkeys(("doc", "xls", "ppt"), (*_OLD_OFFICE, *_OFFICE_CONTAINERS)),
    **dict.fromkeys(("txt", "csv", "md", "log", "json", "xml", "html", "htm", "svg"), (*_TEXT, "image/svg")),
    "eml": ("message/", *_TEXT),
}
_PROGRAM_NAMES: Final = frozenset(
    (
        "exe",
        "dll",
        "scr",
        "com",
        "msi",
        "bat",
        "cmd",
        "ps1",
        "vbs",
        "vbe",
        "js",
        "jse",
        "wsf",
        "hta",
        "lnk",
        "jar",
        "sh",
    )
)
_PROGRAM_BYTES: Final = (
    b"\x7fELF",
    b"#!/",
    b"#! /",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
PROGRAM_HEAD_BYTES: Final = 64
_HEADER_AT: Final = slice(0x3C, 0x40)
_HEADER_WITHIN: Final = range(0x40, 0x1000)


def ending_of(file_name: str) -> str:
    """The ending of a name, in small letters, without its dot; "" for none."""
    stem, dot, ending = file_name.rpartition(".")
    return ending.lower() if dot and stem else ""


def name_agrees(file_name: str, media_type: str) -> bool | None:
    """Whether bytes of that type are what the name promises; None where it promises nothing."""
    promised = _PROMISES.get(ending_of(file_name))
    return None if promised is None else media_type.startswith(promised)


def is_program(file_name: str, head: bytes) -> bool:
    """Whether a machine would run it, by its first bytes or its name."""
    by_bytes = head.startswith(_PROGRAM_BYTES) or _is_windows_program(head)
    return by_bytes or ending_of(file_name) in _PROGRAM_NAMES


def _is_windows_program(head: bytes) -> bool:
    # Two letters alone begin other files, too: the place of the header proper has to be one.
    return head.startswith(b"MZ") and int.from_bytes(head[_HEADER_AT], "little") in _HEADER_WITHIN
