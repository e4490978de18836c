"""Words of a text as the search index has them: Chinese in pairs of characters, everything else as it is spaced.

Rule 1: case, width and compatibility forms of characters do not count, nor do characters that are not seen
(Unicode D146, NFKC; zero-width and direction marks).
Rule 2: a run of Chinese, Japanese or Korean characters is told by its pairs, 租赁合 by 租赁, 赁合, and by its last
character; so any part of it is a phrase of words, and what begins or ends beside other letters is one, too.
Rule 3: a line's end is a word that nobody looks for: no phrase goes across it.
Rule 4: what a text is made of is told beside it: each such character, and the first letters of each word. One
character, or the beginning of a word while it is typed, is found by these without going through every longer word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet
from operator import add
from typing import Final

_PAIRED: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_FIRST_PAIRED: Final = "\u3005"
_PIECE: Final = re.compile(f"[{_PAIRED}]+|[^\\W_{_PAIRED}]+|\n")
_ONE: Final = re.compile(f"[{_PAIRED}]")
_LETTERS: Final = re.compile(f"[^\\W\\d_{_PAIRED}]{{2,}}")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
BREAK: Final = "_"
HEAD_LENGTH_MAX: Final = 4


def fold(text: str) -> str:
    """The text as it is compared (rule 1)."""
    if text.isascii():
        return text.lower()
    seen = _UNSEEN.sub("", text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", seen).casefold())


def spelled(folded: str) -> list[str]:
    """The words of a folded text in their order."""
    words: list[str] = []
    for piece in _PIECE.findall(folded):
        if is_paired(piece):
            words.extend(map(add, piece, piece[1:]))
            words.append(piece[-1])
        else:
            words.append(BREAK if piece == "\n" else piece)
    return words


def pieces_of(folded: str) -> list[str]:
    """Runs of paired characters, and words of other letters, in their order."""
    return [piece for piece in _PIECE.findall(folded) if piece != "\n"]


def heads_of(folded: str) -> AbstractSet[str]:
    """What rule 4 says of a folded text."""
    found = set(_ONE.findall(folded))
    for word in _LETTERS.findall(folded):
        found.update((word[:2], word[:3], word[:HEAD_LENGTH_MAX]))
    return found


def is_paired(piece: str) -> bool:
    """Whether a piece is a run of characters that are told in pairs."""
    return piece[0] >= _FIRST_PAIRED and _ONE.match(piece) is not None


def is_head(word: str) -> bool:
    """Whether what begins with a word is found by the heads alone."""
    if is_paired(word):
        return len(word) == 1
    return 2 <= len(word) <= HEAD_LENGTH_MAX and _LETTERS.fullmatch(word) is not None
