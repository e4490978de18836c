"""Paper originals: where a record's paper is, and how it was destroyed (FEATURES R11).

Rule 1: a record has one paper original at most, in one box; the box's number stands in clear, the place is sealed.
Rule 2: paper is destroyed after its record, never before: until then a hold may still come.
Rule 3: how it was destroyed stands on the certificate of its record: method, weight, vendor, witnesses. A certificate
waits for that a month, then says that the paper is still there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput
from vault.ids import FondsId, PaperId, PersonId, RecordId
from vault.seal.keytree import LeafAddress

BOX_SHAPE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9./-]{0,38}[A-Za-z0-9])?", re.ASCII)
WORDS_MAX_CHARACTERS: Final = 200
WITNESSES_MIN: Final = 2
WITNESSES_MAX: Final = 5
WEIGHT_MAX_GRAMS: Final = 100_000_000
CERTIFICATE_WAITS: Final = timedelta(days=30)


class PaperState(StrEnum):
    """Whether the paper is still there."""

    KEPT = "kept"
    DESTROYED = "destroyed"


class PaperMethod(StrEnum):
    """How paper is destroyed."""

    SHREDDING = "shredding"
    PULPING = "pulping"
    INCINERATION = "incineration"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperWords:
    """What people say of a paper original: sealed. ``vendor`` and ``witnesses`` are of its destruction."""

    place: str = ""
    vendor: str = ""
    witnesses: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A record's paper original. ``sealed`` opens to ``PaperWords``, under a leaf that outlives the record."""

    id: PaperId
    fonds_id: FondsId
    record_id: RecordId
    box: str
    state: PaperState
    leaf: LeafAddress
    sealed: bytes = field(repr=False)
    revision: int
    added_by: PersonId
    added_at: datetime
    method: PaperMethod | None
    weight_grams: int | None
    destroyed_by: PersonId | None
    destroyed_at: datetime | None
    change: int


def checked_box(box: str) -> str:
    """A box's number from outside. Raises ``InvalidInput``."""
    if BOX_SHAPE.fullmatch(box) is None:
        raise InvalidInput("a box's number has 1 to 40 letters, digits, dots, slashes and hyphens", field="box")
    return box


def checked_words(text: str, *, field: str, required: bool = False) -> str:
    """One line from outside. Raises ``InvalidInput``."""
    stripped = text.strip()
    if required and not stripped:
        raise InvalidInput(f"{field} is empty; give one", field=field)
    if len(stripped) > WORDS_MAX_CHARACTERS or (stripped and not stripped.isprintable()):
        raise InvalidInput(
            f"{field} is longer than {WORDS_MAX_CHARACTERS} characters, or more than a line", field=field
        )
    return stripped


def checked_witnesses(names: Sequence[str]) -> tuple[str, ...]:
    """Witnesses of a destruction: two people at least. Raises ``InvalidInput``."""
    clean = tuple(checked_words(name, field="witnesses", required=True) for name in names)
    if not WITNESSES_MIN <= len(clean) <= WITNESSES_MAX or len(set(clean)) != len(clean):
        raise InvalidInput(
            f"the destruction of paper has {WITNESSES_MIN} to {WITNESSES_MAX} different witnesses; name them",
            field="witnesses",
        )
    return clean


def checked_weight(grams: int) -> int:
    """A weight in grams from outside. Raises ``InvalidInput``."""
    if not 1 <= grams <= WEIGHT_MAX_GRAMS:
        raise InvalidInput(f"a weight is 1 to {WEIGHT_MAX_GRAMS} grams", field="weight")
    return grams
