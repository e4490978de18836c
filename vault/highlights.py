"""Where in a text a query was found, to show it: pieces of the text as it is, each a hit or not.

Rule 1: the text itself is never changed, only cut: what is shown is what was said, whatever case or width found it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vault.queries import Field, Phrase, Query
from vault.searchwords import fold, is_paired

Pieces = Sequence[tuple[str, bool]]


def pieces_of_hits(text: str, query: Query, field: Field | None = None) -> Pieces:
    """The text in pieces, and whether each is a hit. ``field``: what the text is of; filters of others do not count."""
    folded, origin = _folded(text)
    hit = [False] * len(text)
    for phrase in query.phrases:
        if phrase.field in (None, field):
            for start, end in _found(folded, phrase):
                for place in range(origin[start], origin[end - 1] + 1):
                    hit[place] = True
    pieces: list[tuple[str, bool]] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or hit[place] != hit[begin]:
            pieces.append((text[begin:place], hit[begin]))
            begin = place
    return pieces


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters the place of the one that it came from."""
    parts = [fold(character) for character in text]
    return "".join(parts), [place for place, part in enumerate(parts) for _ in part]


def _found(folded: str, phrase: Phrase) -> Iterator[tuple[int, int]]:
    said = phrase.said
    start = folded.find(said) if said else -1
    while start >= 0:
        end = start + len(said)
        if _begins(folded, start) and (phrase.open_end or _begins(folded, end)):
            yield start, end
        start = folded.find(said, end)


def _begins(folded: str, place: int) -> bool:
    """Whether a word may begin, or end, at a place: not between two letters of one."""
    if not 0 < place < len(folded):
        return True
    before, after = folded[place - 1], folded[place]
    return not (before.isalnum() and after.isalnum()) or is_paired(before) or is_paired(after)
