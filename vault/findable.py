"""What the search index has of a record, and whether a query finds it: for one record, what the index does for all.

Rule 1: it is derived from sealed values and as secret as they are: it is in memory only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from vault.queries import Field, Phrase, Query
from vault.searchwords import fold, heads_of, is_head, spelled


class Findable(NamedTuple):
    """One record. ``number``, ``customer`` (number and name) and ``words`` are folded; ``day`` is the document's own
    date, or that of its receipt where it has none. ``restricted``: it may only be stored."""

    record_id: str
    received_at: datetime
    day: date
    class_code: str
    state: str
    restricted: bool
    number: str
    customer: str
    words: str
    twin: bytes | None
    """The same for records of one owner (of the house: of one class) whose files have the same bytes."""
    flaws: tuple[str, ...] = ()
    """Codes of ``vault.quality.Flaw``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of the index somebody sees; ``classes`` None is every class. ``text_in``: the classes whose records are
    found by what is in their files, too: those that they may open with no gate before them."""

    classes: frozenset[str] | None = None
    restricted: bool = False
    text_in: frozenset[str] = frozenset()


EVERYTHING = Sight(restricted=True)
"""What holds see: they find what nobody else does, but by what is said of it, not by what is in its file."""


def findable(
    *,
    record_id: str,
    received_at: datetime,
    class_code: str,
    state: str,
    restricted: bool,
    number: str,
    title: str,
    place: str,
    note: str,
    dated_on: date | None,
    file_name: str | None,
    customer: tuple[str, str] | None,
    customer_id: str | None,
    sha256: str | None,
    flaws: tuple[str, ...] = (),
) -> Findable:
    """The entry of a record of which all is known; ``sha256`` is that of its current file, in hexadecimal."""
    scope = customer_id if customer_id is not None else f"house/{class_code}"
    said = (title, place, note, dated_on.isoformat() if dated_on is not None else "", file_name or "")
    return Findable(
        record_id,
        received_at,
        dated_on if dated_on is not None else received_at.date(),
        class_code,
        state,
        restricted,
        fold(number),
        fold("\n".join(customer)) if customer is not None else "",
        fold("\n".join(filter(None, said))),
        hashlib.sha256(f"{scope}/{sha256}".encode()).digest()[:16] if sha256 else None,
        flaws,
    )


def matches(query: Query, entry: Findable, classes: AbstractSet[str] | None) -> bool:
    """Whether a query finds an entry. ``classes`` are those that the query's own names stand for, None for all."""
    if not query:
        return False
    if classes is not None and entry.class_code not in classes:
        return False
    if query.states and entry.state not in query.states:
        return False
    if query.flaws and query.flaws.isdisjoint(entry.flaws):
        return False
    if query.before is not None and entry.day >= query.before:
        return False
    if query.after is not None and entry.day <= query.after:
        return False
    return all(_says(entry, phrase) for phrase in query.phrases)


def _says(entry: Findable, phrase: Phrase) -> bool:
    columns = {
        None: (entry.number, entry.customer, entry.words),
        Field.NUMBER: (entry.number,),
        Field.CUSTOMER: (entry.customer,),
    }[phrase.field]
    if phrase.open_end and len(phrase.words) == 1 and is_head(phrase.words[0]):
        return any(phrase.words[0] in heads_of(column) for column in columns)
    wanted = f" {' '.join(phrase.words)}" + ("" if phrase.open_end else " ")
    return any(wanted in f" {' '.join(spelled(column))} " for column in columns)
