"""Names of files as people give them, and as nobody should."""

from __future__ import annotations

from typing import Final

NAME_BYTES: Final = 255

_SCRIPTS: Final = {
    "latin": "Ärztliches Gutachten über Łukasz ",
    "chinese": "机密合同与客户档案",
    "arabic": "عقد الإيجار ",
    "hebrew": "חוזה שכירות ",
    "thai": "สัญญาเช่า",
    "devanagari": "किराया अनुबंध ",
    "tamil": "வாடகை ஒப்பந்தம் ",
    "korean": "임대차 계약서 ",
    "cyrillic": "Договор аренды ",
    "ethiopic": "የኪራይ ውል ",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇨🇳",
    "combining": "e\u0301\u0323\u0308o\u0302\u0301",
    "both ways": "contract \u202eעברית\u202c عربي ",
    "beyond the first plane": "𠜎𠜱𝔘𝔫𝔦",
    "marks": "a'b\"c;d%2Fe&f=g<h>i?j*k|l:m~n$o`p ",
}


def _filled(pattern: str, ending: str) -> str:
    """The pattern, repeated and cut between characters, then the ending: exactly ``NAME_BYTES`` bytes."""
    room = NAME_BYTES - len(ending.encode())
    text = (pattern * NAME_BYTES).encode()[:room].decode("utf-8", "ignore").rstrip()
    return text + "x" * (room - len(text.encode())) + ending


LONG_NAMES: Final = {script: _filled(pattern, ".pdf") for script, pattern in _SCRIPTS.items()}
"""One name of 255 bytes for each script, as file systems take them."""

ODD_NAMES: Final = ("x", ".hidden", "…", " a", "(3 spaces)", "-rf", "~", "%00", "a" * NAME_BYTES, "NUL", "COM1.txt")
"""Names that are fine and that programs have stumbled over."""

BROKEN_NAMES: Final = {
    "NUL": "a\0b",
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "tabulator": "a\tb",
    "escape": "\x1b[2Ja",
    "delete": "a\x7f",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "half a surrogate": "a\ud800",
    "nothing": "",
    "this folder": ".",
    "the folder above": "..",
    "only a folder": "a/",
    "256 bytes": "a" * 256,
    "258 bytes": "文" * 86,
}
