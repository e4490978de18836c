"""A fonds (全宗): one company's records in the vault, with a key tree of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vault.ids import FondsId, PersonId, VaultId

HOUSE_OWNER = "house"
REGISTER_OWNER = "destruction-register"
"""The register of destructions (销毁清册) has leaves of its own: it is kept for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonds:
    """One fonds. ``tree_id`` (16 bytes) names its key tree."""

    id: FondsId
    vault_id: VaultId
    tree_id: bytes
    created_at: datetime


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
