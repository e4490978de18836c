"""Saved views: what somebody filters and searches for again and again, under a name of their own.

Rule 1: name, words and filter are sealed under the leaf of whom the view belongs to; nobody else sees that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from vault.errors import InvalidInput
from vault.ids import FondsId, PersonId, ViewId

NAME_MAX_CHARACTERS: Final = 60
VALUE_MAX_CHARACTERS: Final = 200
FILTERS_MAX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One view of one person; ``sealed`` opens to ``ViewWords``."""

    id: ViewId
    fonds_id: FondsId
    person_id: PersonId
    sealed: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewWords:
    """What a view is called, the words it searches for (empty for none), and the fields of its filter."""

    name: str
    words: str = ""
    filter: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def checked(cls, *, name: str, words: str, filter: Mapping[str, str]) -> ViewWords:
        """A view from outside. Raises ``InvalidInput``."""
        clean = " ".join(name.split())
        if not clean:
            raise InvalidInput("a view needs a name; give it one", field="name")
        if len(clean) > NAME_MAX_CHARACTERS or not clean.isprintable():
            raise InvalidInput(f"a view's name has at most {NAME_MAX_CHARACTERS} characters, all visible", field="name")
        kept = {key: value for key, value in filter.items() if value}
        if len(kept) > FILTERS_MAX or any(len(value) > VALUE_MAX_CHARACTERS for value in (words, *kept.values())):
            raise InvalidInput("this filter is too long to be kept; make it simpler", field="name")
        return cls(name=clean, words=words, filter=MappingProxyType(kept))
