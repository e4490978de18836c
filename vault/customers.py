"""Customers of a fonds. A customer's name and note are sealed under leaf 0 of the customer's first extent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vault.errors import InvalidInput
from vault.ids import CustomerId, FondsId
from vault.seal.keytree import LeafAddress

NAME_MAX_CHARACTERS = 200
NOTE_MAX_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a customer: sealed."""

    name: str
    note: str = ""

    @classmethod
    def checked(cls, *, name: str, note: str = "") -> Profile:
        """A profile from outside. Raises ``InvalidInput`` naming the field."""
        clean_name, clean_note = name.strip(), note.strip()
        if not clean_name:
            raise InvalidInput("a customer needs a name; give one", field="name")
        if len(clean_name) > NAME_MAX_CHARACTERS:
            raise InvalidInput(f"name is longer than {NAME_MAX_CHARACTERS} characters; shorten it", field="name")
        if any(ord(character) < 32 or ord(character) == 127 for character in clean_name):
            raise InvalidInput("name holds a control character (a line break, say); remove it", field="name")
        if len(clean_note) > NOTE_MAX_CHARACTERS:
            raise InvalidInput(f"note is longer than {NOTE_MAX_CHARACTERS} characters; shorten it", field="note")
        for field, text in (("name", clean_name), ("note", clean_note)):
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise InvalidInput(f"{field} is not valid Unicode; type it again", field=field)
        return cls(name=clean_name, note=clean_note)


class CustomerState(StrEnum):
    """Whether the keys of a customer's extents live; of one whose keys are destroyed the number stays."""

    LIVE = "live"
    ERASING = "erasing"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer. ``number`` is the vault's own (``K-000001``), never reused."""

    id: CustomerId
    fonds_id: FondsId
    number: str
    profile_leaf: LeafAddress
    sealed_profile: bytes
    revision: int
    created_at: datetime
    change: int
    state: CustomerState = CustomerState.LIVE
