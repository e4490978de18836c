"""A fonds (全宗): one company in the vault, with a key tree, people and a log of its own.

Rule 1: further fonds are called by a code, which stands in addresses and names of folders and buckets: it tells nothing
that outsiders may not read. What the company is called is sealed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.errors import InvalidInput
from vault.ids import FondsCode, FondsId, PersonId, VaultId

HOUSE_OWNER = "house"
REGISTER_OWNER = "destruction-register"
"""The register of destructions (销毁清册) has leaves of its own: it is kept for ever."""


NAME_MAX_CHARACTERS: Final = 200
_CODE: Final = re.compile("[a-z][a-z0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonds:
    """One fonds. ``tree_id`` (16 bytes) names its key tree. ``sealed_name`` is what its company is called, sealed under
    the house's leaf; None until somebody has said it."""

    id: FondsId
    vault_id: VaultId
    tree_id: bytes
    created_at: datetime
    sealed_name: bytes | None = None


def checked_code(code: str) -> FondsCode:
    """A code from outside. Raises ``InvalidInput``."""
    if _CODE.fullmatch(code) is None:
        raise InvalidInput(
            "the code of a fonds is 2 to 16 letters a to z and digits, and begins with a letter", field="code"
        )
    return FondsCode(code)


def checked_name(name: str) -> str:
    """What a company is called, from outside. Raises ``InvalidInput``."""
    clean = name.strip()
    if not clean or len(clean) > NAME_MAX_CHARACTERS:
        raise InvalidInput(f"the name has 1 to {NAME_MAX_CHARACTERS} characters", field="name")
    if not clean.isprintable():
        raise InvalidInput("the name holds a character that cannot be shown; remove it", field="name")
    return clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """64 leaves of the key tree that belong to one owner. ``next_leaf`` 64 means that all are issued.

    ``owner`` is an opaque id (a customer, a person) or ``HOUSE_OWNER``.
    """

    fonds_id: FondsId
    number: int
    owner: str
    next_leaf: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """A catalogue that was made again from the store. Two people confirm that the holds in it are those in force."""

    number: int
    fonds_id: FondsId
    at: datetime
    first_by: PersonId | None
    first_at: datetime | None
    second_by: PersonId | None
    second_at: datetime | None
