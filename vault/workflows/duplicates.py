"""Duplicates: records of one owner (of the house: of one class) whose files have the same bytes.

Rule 1: they are told by sealed digests, which are compared in the memory of the search index alone.
Rule 2: a twin is told only to those for whom it exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from vault.errors import InvalidInput, NotFound
from vault.ids import RecordId
from vault.permissions import Action, Actor, require_on
from vault.records import Record
from vault.workflows import indexing
from vault.workflows.vault import Vault

LOOKED_AT: Final = 200
SHOWN: Final = 20
ASKED_MAX: Final = 100


def twins_of(vault: Vault, actor: Actor, record_id: RecordId) -> Sequence[Record]:
    """Other records with the same bytes, newest first. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    indexing.catch_up(vault)
    return _twins_of(vault, actor, record_id)


def twins_of_many(vault: Vault, actor: Actor, record_ids: Sequence[str]) -> Mapping[str, Sequence[Record]]:
    """The twins of each of some records that has any; what does not exist for whoever asks has none.

    Raises ``NotAllowed``, ``InvalidInput`` (too many).
    """
    actor.require(Action.LIST_RECORDS)
    if len(record_ids) > ASKED_MAX:
        raise InvalidInput(f"ask for the twins of at most {ASKED_MAX} records at once", field="records")
    indexing.catch_up(vault)
    return twins_found(vault, actor, record_ids)


def twins_found(vault: Vault, actor: Actor, record_ids: Sequence[str]) -> Mapping[str, Sequence[Record]]:
    """``twins_of_many`` for any number of records, by the index as it is. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    found: dict[str, Sequence[Record]] = {}
    for each in record_ids:
        with suppress(NotFound):
            twins = _twins_of(vault, actor, RecordId(each))
            if twins:
                found[each] = twins
    return found


def _twins_of(vault: Vault, actor: Actor, record_id: RecordId) -> Sequence[Record]:
    with vault.catalogue.read() as tx:
        require_on(actor, Action.LIST_RECORDS, tx.records.get(record_id))
        found = [RecordId(each) for each in vault.search.twins(record_id, limit=LOOKED_AT)]
        listed = tx.records.listed(found, actor.reach(Action.LIST_RECORDS))[:SHOWN]
        records = tx.records.many(listed)
    return [records[each] for each in listed if each in records]
