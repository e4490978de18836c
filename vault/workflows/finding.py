"""Finding: records by words of their titles, numbers, customers, places, notes and file names.

The index is derived and in memory only. It follows the catalogue by change number, a batch at a time, and answers
while it is still filling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vault.errors import InvalidInput, SealBroken
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.workflows.descriptions import words_of
from vault.workflows.retrieval import RecordView, views_of
from vault.workflows.vault import Vault

QUERY_MAX_CHARACTERS: Final = 200
BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FindResult:
    """What was found; ``complete`` is False while records are still missing from the index."""

    views: Sequence[RecordView]
    complete: bool
    indexed: int


def find(vault: Vault, actor: Actor, text: str, *, limit: int = 50) -> FindResult:
    """Records whose words hold every word of ``text``, newest first. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.LIST_RECORDS)
    if len(text) > QUERY_MAX_CHARACTERS:
        raise InvalidInput(f"search for at most {QUERY_MAX_CHARACTERS} characters", field="text")
    complete = follow(vault, batches=4)
    return FindResult(views=_visible(vault, actor, text, limit), complete=complete, indexed=vault.search.size())


def _visible(vault: Vault, actor: Actor, text: str, limit: int) -> Sequence[RecordView]:
    """What is found, is of a class of theirs, and may be more than stored (封存); nothing else of it is opened.

    Restricted records, and those of other classes, stay in the index: holds find them there.
    """
    asked, seen, visible = limit, 0, list[RecordId]()
    while True:
        ids = [RecordId(found) for found in vault.search.find(text, limit=asked)]
        with vault.catalogue.read() as tx:
            visible += tx.records.listed(ids[seen:], actor.reach(Action.LIST_RECORDS))
        if len(visible) >= limit or len(ids) < asked:
            return views_of(vault, visible[:limit])
        asked, seen = 4 * asked, len(ids)


def follow(vault: Vault, *, batches: int | None = None) -> bool:
    """Brings the index up to the catalogue, at most so many batches; True when nothing is missing.

    One thread follows at a time; another answers from what is there.
    """
    if not vault.indexing.acquire(blocking=batches is None):
        return False
    try:
        done = 0
        while batches is None or done < batches:
            if not _follow_batch(vault):
                return True
            done += 1
        return False
    finally:
        vault.indexing.release()


def _follow_batch(vault: Vault) -> bool:
    with vault.catalogue.read() as tx:
        changed = tx.records.changed_since(vault.search.position(), limit=BATCH)
    if not changed:
        return False
    words_by_record = _words_of_many(vault, [record.id for record in changed])
    for record in changed:
        words = words_by_record.get(record.id, "")
        if words:
            vault.search.put(record.id, words, received_at=record.received_at)
        else:
            vault.search.remove(record.id)
    vault.search.advance(changed[-1].change)
    return True


def _words_of_many(vault: Vault, record_ids: Sequence[RecordId]) -> Mapping[RecordId, str]:
    try:
        return {view.record.id: _words(view) for view in views_of(vault, record_ids)}
    except SealBroken:
        # One of them cannot be read: each by itself, so that the others can be found.
        return {record_id: _words_of(vault, record_id) for record_id in record_ids}


def _words_of(vault: Vault, record_id: RecordId) -> str:
    try:
        return "\n".join(_words(view) for view in views_of(vault, [record_id]))
    except SealBroken:
        # It cannot be found by words that cannot be read; the others can, and the record's own page says what is wrong.
        return ""


def _words(view: RecordView) -> str:
    if view.description is None:
        return ""
    profile = view.customer
    return words_of(
        view.record.number,
        view.description,
        file_name=view.content.file_name if view.content is not None else None,
        customer=(profile.customer.number, profile.profile.name) if profile is not None else None,
    )
