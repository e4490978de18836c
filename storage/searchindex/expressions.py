"""A query in the language of FTS5, and the words that stand for what is known of a record.

Rule 1: nothing of what people type is syntax here: words are letters and digits of ``vault.searchwords``, quoted.
Rule 2: what a record is (class, state, decade and year, restricted) are words of its own column with a mark that no
text has; so a filter, and what somebody may see, is part of the same question, however rare a class is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from vault.findable import Findable, Sight
from vault.queries import Field, Phrase, Query
from vault.searchwords import fold, heads_of, is_head

COLUMNS: Final = ("number", "customer", "words", "facts", "body")
TOKENIZER: Final = "ascii tokenchars '=^_-'"
RESTRICTED: Final = "=r"
TWIN: Final = "=qtwin"
YEARS: Final = (1600, 2399)
_SAID: Final = {
    None: "{number customer words}",
    Field.NUMBER: "{number}",
    Field.CUSTOMER: "{customer}",
}


def facts_of(entry: Findable, *, has_twin: bool = False) -> str:
    """The words that stand for what an entry is."""
    year = min(max(entry.day.year, YEARS[0]), YEARS[1])
    facts = [f"=c{entry.class_code}", f"=s{entry.state}", f"=y{year}", f"=e{year // 10}"]
    facts += [f"=q{flaw}" for flaw in entry.flaws] + [TWIN] * has_twin
    return " ".join([*facts, RESTRICTED] if entry.restricted else facts)


def heads_words(folded: str) -> str:
    """The heads of a text, as words."""
    return "".join(f" ^{head}" for head in sorted(heads_of(folded)))


def expression(query: Query, classes: AbstractSet[str] | None, sight: Sight, *, with_text: bool) -> str | None:
    """What to match; None where nothing can. ``with_text``: some entries have the text of their files."""
    seen = sight.classes if classes is None else classes if sight.classes is None else classes & sight.classes
    if not query or (seen is not None and not seen):
        return None
    conditions = []
    if query.phrases:
        conditions.append(_all(_phrase(phrase, _SAID[phrase.field]) for phrase in query.phrases))
        if with_text and sight.text_in:
            conditions = [_with_text(query.phrases, sight)]
    if seen is not None:
        conditions.append(_fact(f"=c{code}" for code in seen))
    if query.states:
        conditions.append(_fact(f"=s{state}" for state in query.states))
    if query.flaws:
        conditions.append(_fact(f"=q{flaw}" for flaw in query.flaws))
    if query.before is not None or query.after is not None:
        first = query.after.year if query.after is not None else YEARS[0]
        last = query.before.year if query.before is not None else YEARS[1]
        if first > last:
            return None
        conditions.append(_fact(_years(max(first, YEARS[0]), min(last, YEARS[1]))))
    said = _all(conditions)
    return said if sight.restricted else f'({said}) NOT facts : "{RESTRICTED}"'


def _with_text(phrases: Iterable[Phrase], sight: Sight) -> str:
    """Every phrase in what is said of a record or, in classes whose files are searched for them, in its file."""
    said = _all(_phrase(phrase, _SAID[phrase.field]) for phrase in phrases)
    anywhere = _all(
        f"({_phrase(phrase, _SAID[phrase.field])} OR {_literal(phrase, '{body}')})"
        if phrase.field is None
        else _phrase(phrase, _SAID[phrase.field])
        for phrase in phrases
    )
    searched = _fact(f"=c{code}" for code in sight.text_in)
    return f"(({said}) OR (({anywhere}) AND {searched}))"


def _phrase(phrase: Phrase, columns: str) -> str:
    if phrase.field is None and phrase.open_end and len(phrase.words) == 1 and is_head(phrase.words[0]):
        return f'facts : "^{phrase.words[0]}"'
    return _literal(phrase, columns)


def _literal(phrase: Phrase, columns: str) -> str:
    return f'{columns} : "{" ".join(phrase.words)}"{" *" if phrase.open_end else ""}'


def _fact(words: Iterable[str]) -> str:
    return "(" + " OR ".join(f'facts : "{fold(word)}"' for word in sorted(words)) + ")"


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions)


def _years(first: int, last: int) -> Iterator[str]:
    """Whole decades, and single years at both ends."""
    year = first
    while year <= last:
        if year % 10 == 0 and year + 9 <= last:
            yield f"=e{year // 10}"
            year += 10
        else:
            yield f"=y{year}"
            year += 1
