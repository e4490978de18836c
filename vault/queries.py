"""What people type to find records: words, "phrases", and filters that are words themselves.

    租赁合同 invoice "王 伟" class:contract customer:锦江 number:2026-00 state:filed before:2026-03 after:2025

Rule 1: all of it has to hold. A word that is written with spaces matches words that begin so; Chinese, and what stands
between quotation marks, wherever it occurs.
Rule 2: ``before:`` and ``after:`` speak of the document's own date, or of the day of receipt where it has none; a year
or a month is the whole of it.
Rule 3: a name before a colon that is no filter's is a word like any other.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput
from vault.searchwords import fold, is_head, is_paired, pieces_of, spelled

QUERY_MAX_CHARACTERS: Final = 200
OPEN_LENGTH: Final = 4


class Field(StrEnum):
    """The filters."""

    CLASS = "class"
    CUSTOMER = "customer"
    NUMBER = "number"
    STATE = "state"
    BEFORE = "before"
    AFTER = "after"


ALIASES: Final[Mapping[str, Field]] = {
    **{field.value: field for field in Field},
    "类别": Field.CLASS,
    "客户": Field.CUSTOMER,
    "编号": Field.NUMBER,
    "档号": Field.NUMBER,
    "状态": Field.STATE,
    "早于": Field.BEFORE,
    "晚于": Field.AFTER,
}
STATES: Final[Mapping[str, str]] = {
    "received": "received",
    "filed": "filed",
    "已接收": "received",
    "待归档": "received",
    "已归档": "filed",
}

_MARKS: Final = str.maketrans({"“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "『": '"', "』": '"', "＂": '"'})
_TERM: Final = re.compile(r'(?:([^\s":：]+)[:：])?(?:"([^"]*)"?|([^\s"]+))|([^\s"]+)')
_DATE: Final = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other. ``open_end``: the last one may go on. ``field`` None is anywhere. ``said`` is what
    they came from, folded, to show where it was found."""

    words: tuple[str, ...]
    open_end: bool
    field: Field | None = None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for; an empty one finds nothing. ``classes`` are as typed: codes, or parts of titles."""

    phrases: tuple[Phrase, ...] = ()
    classes: tuple[str, ...] = ()
    states: frozenset[str] = frozenset()
    before: date | None = None
    after: date | None = None
    flaws: frozenset[str] = frozenset()
    """Codes of ``vault.quality.Flaw``, of which a record has one: nobody types them."""

    def __bool__(self) -> bool:
        return bool(self.phrases or self.classes or self.states or self.before or self.after or self.flaws)


def read_query(text: str) -> Query:
    """The query that a text says. Raises ``InvalidInput``: too long, a date or a state that is none."""
    if len(text) > QUERY_MAX_CHARACTERS:
        raise InvalidInput(f"search for at most {QUERY_MAX_CHARACTERS} characters", field="text")
    phrases: list[Phrase] = []
    classes: list[str] = []
    states: set[str] = set()
    before: date | None = None
    after: date | None = None
    for field, said, quoted in _terms(text.translate(_MARKS).replace("\n", " ")):
        if field is Field.CLASS:
            classes.append(fold(said).strip())
        elif field is Field.STATE:
            states.add(_state(fold(said).strip()))
        elif field is Field.BEFORE:
            first, _ = _span(said, field)
            before = first if before is None else min(before, first)
        elif field is Field.AFTER:
            _, last = _span(said, field)
            after = last if after is None else max(after, last)
        else:
            phrases += _phrases(said, field, quoted=quoted)
    return Query(
        phrases=tuple(dict.fromkeys(phrases)),
        classes=tuple(dict.fromkeys(classes)),
        states=frozenset(states),
        before=before,
        after=after,
    )


def read_words(text: str) -> Query:
    """The words of a text alone; what stands in a filter of a class, a state or a date is left out."""
    phrases: list[Phrase] = []
    for field, said, quoted in _terms(text.translate(_MARKS).replace("\n", " ")):
        if field in (None, Field.CUSTOMER, Field.NUMBER):
            phrases += _phrases(said, field, quoted=quoted)
    return Query(phrases=tuple(dict.fromkeys(phrases)))


def _terms(text: str) -> Iterator[tuple[Field | None, str, bool]]:
    """Field, what is said of it, and whether it stood between quotation marks."""
    for match in _TERM.finditer(text):
        name, quoted, plain, other = match.groups()
        field = ALIASES.get(fold(name)) if name is not None else None
        said = quoted if quoted is not None else plain or other or ""
        if name is not None and field is None:
            yield None, f"{name} {said}" if quoted is not None else f"{name}:{said}", quoted is not None
        elif said.strip():
            yield field, said, quoted is not None


def _phrases(said: str, field: Field | None, *, quoted: bool) -> Iterator[Phrase]:
    """Between quotation marks one phrase; else what spaces part (wide ones, too)."""
    folded = fold(said)
    for part in [folded] if quoted else folded.split():
        pieces = pieces_of(part)
        if not pieces:
            continue
        last = pieces[-1]
        words = spelled(part)
        if is_paired(last):
            # Its last character begins further pairs; a single one has nothing else to be found by.
            words = words[:-1] if len(last) > 1 else words
            yield Phrase(tuple(words), len(last) == 1, field, part)
        else:
            yield Phrase(tuple(words), not quoted and _may_go_on(last, alone=len(pieces) == 1), field, part)


def _may_go_on(word: str, *, alone: bool) -> bool:
    """Whether a word is taken for the beginning of longer ones; few digits, or few letters behind others, are not."""
    return len(word) >= OPEN_LENGTH or (alone and is_head(word))


def _state(said: str) -> str:
    state = STATES.get(said)
    if state is None:
        raise InvalidInput("a state is one of: received, filed (已接收, 已归档)", field="text")
    return state


def _span(said: str, field: Field) -> tuple[date, date]:
    """The first and the last day that a date, a month or a year has. Raises ``InvalidInput``."""
    match = _DATE.fullmatch(fold(said).strip())
    wrong = InvalidInput(
        f"{field.value}: takes a date, a month or a year, like 2026-03-31, 2026-03 or 2026", field="text"
    )
    if match is None:
        raise wrong
    year, month, day = match.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
        if day is not None:
            return first, first
        if month is not None:
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        return first, date(first.year, 12, 31)
    except ValueError:
        raise wrong from None
