"""Legal holds: a matter freezes what is in its scope until two people have released it (FEATURES R4).

Rule 1: a matter goes ``in-force`` -> ``release-proposed`` -> ``released``; a proposal may be withdrawn, a release
never. While a release is only proposed, it holds.
Rule 2: who releases is another person than who proposed it; the database keeps this rule, too.
Rule 3: what a scope names is held at once, by a join and not by a copy: a record that comes to a customer or a class in
scope is held as it arrives. A query names the records that it found, and those that match later, one by one; it never
lets go of one.
Rule 4: title, reason and issuer of a matter, and the words of a query, are sealed under the matter's own leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from vault.errors import Conflict, InvalidInput
from vault.ids import CustomerId, FondsId, MatterId, PersonId, RecordId
from vault.seal.keytree import LeafAddress

TITLE_MAX_CHARACTERS: Final = 200
ISSUER_MAX_CHARACTERS: Final = 200
REASON_MAX_CHARACTERS: Final = 2000
QUERY_MAX_CHARACTERS: Final = 200


class MatterState(StrEnum):
    """Where a matter is (rule 1)."""

    IN_FORCE = "in-force"
    RELEASE_PROPOSED = "release-proposed"
    RELEASED = "released"


class ScopeKind(StrEnum):
    """What an item of a scope names."""

    RECORD = "record"
    CUSTOMER = "customer"
    CLASS = "class"
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterRef:
    """A matter as verdicts and refusals name it."""

    id: MatterId
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterProfile:
    """What is said of a matter: sealed. ``issuer`` is who asked for the hold (a court, counsel, an authority)."""

    title: str
    reason: str
    issuer: str
    release_reason: str = ""

    @classmethod
    def checked(cls, *, title: str, reason: str, issuer: str) -> MatterProfile:
        """A profile from outside. Raises ``InvalidInput`` naming the field."""
        return cls(
            title=_checked(title, field="title", max_characters=TITLE_MAX_CHARACTERS),
            reason=checked_reason(reason),
            issuer=_checked(issuer, field="issuer", max_characters=ISSUER_MAX_CHARACTERS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One matter. ``number`` is the vault's own (``H-2026-0001``); ``sealed`` opens to ``MatterProfile``."""

    id: MatterId
    fonds_id: FondsId
    number: str
    state: MatterState
    leaf: LeafAddress
    sealed: bytes
    revision: int
    placed_by: PersonId
    placed_at: datetime
    release_proposed_by: PersonId | None
    release_proposed_at: datetime | None
    released_by: PersonId | None
    released_at: datetime | None
    change: int

    @property
    def ref(self) -> MatterRef:
        """How it is named."""
        return MatterRef(id=self.id, number=self.number)

    @property
    def holds(self) -> bool:
        """Whether it freezes what is in its scope."""
        return self.state is not MatterState.RELEASED


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeItem:
    """One thing that a matter names, for ever. ``subject`` is the id of a record, customer or query, or a class's code.

    ``sealed`` are the words of a query, of nothing else. ``origin`` is the id of the query that found a record.
    """

    matter_id: MatterId
    kind: ScopeKind
    subject: str
    sealed: bytes | None
    origin: str | None
    added_by: PersonId
    added_at: datetime
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldScope:
    """What somebody wants a matter to freeze. ``queries`` are words as finding takes them."""

    records: frozenset[RecordId] = frozenset()
    customers: frozenset[CustomerId] = frozenset()
    classes: frozenset[str] = frozenset()
    queries: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.records or self.customers or self.classes or self.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a matter holds: living records, destroyed ones that its scope names too late, versions in the store.

    ``versions_held`` of ``versions`` have their legal hold in the store, as the store confirmed.
    """

    records: int
    destroyed: int
    versions: int
    versions_held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorStep:
    """One version whose legal hold in the store is not what the catalogue says. ``turn`` counts what was recorded."""

    record_id: RecordId
    ordinal: int
    key: str
    version_id: str
    held: bool
    turn: int


def require_unheld(what: str, matters: Sequence[MatterRef]) -> None:
    """Raises ``Conflict`` naming the matters that hold it. ``what`` is a thing with its number, for the message."""
    if matters:
        named = " and ".join(sorted(each.number for each in matters))
        raise Conflict(f"{what} is held by matter {named}; release the hold first")


def checked_reason(reason: str, *, field: str = "reason") -> str:
    """A reason from outside: it may have several lines. Raises ``InvalidInput``, naming the field it came in."""
    if not reason.strip():
        raise InvalidInput(f"{field} is empty; say why, or how", field=field)
    return _checked(reason, field=field, max_characters=REASON_MAX_CHARACTERS, lines=True)


def checked_query(words: str) -> str:
    """Words of a query from outside. Raises ``InvalidInput``."""
    return _checked(words, field="query", max_characters=QUERY_MAX_CHARACTERS)


def _checked(text: str, *, field: str, max_characters: int, lines: bool = False) -> str:
    clean = text.strip()
    if not clean:
        raise InvalidInput(f"a hold needs a {field}; give one", field=field)
    if len(clean) > max_characters:
        raise InvalidInput(f"{field} is longer than {max_characters} characters; shorten it", field=field)
    allowed = "\n\r\t\u2028\u2029" if lines else ""
    if any(_is_control(character) for character in clean if character not in allowed):
        raise InvalidInput(f"{field} holds a control character; remove it", field=field)
    if any("\ud800" <= character <= "\udfff" for character in clean):
        raise InvalidInput(f"{field} is not valid Unicode; type it again", field=field)
    return clean


def _is_control(character: str) -> bool:
    return ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u2028\u2029"
