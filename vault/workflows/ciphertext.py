"""Sealed bytes that are nobody's any more, deleted once the last lock on them has lapsed.

Those of destroyed records, which open with nothing; and what uploads that were given up left in the store: whole, yet
overtaken by another correction, or landed after nobody waited for it any more. It was never acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from vault.audit import Event
from vault.errors import StillLocked
from vault.ids import RecordId
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.workflows.vault import Vault

WINDOW: Final = timedelta(seconds=60)
AT_ONCE: Final = 10_000


def delete_ciphertext(vault: Vault) -> Outcome:
    """Deletes the sealed bytes of destroyed records whose locks have lapsed, every version by its id.

    A record counts as done when a listing shows that nothing is left. Raises ``StoreUnavailable``.
    """
    now, after, done, left = vault.now(), "", 0, 0
    while done + left < AT_ONCE and vault.now() - now < WINDOW:
        with vault.catalogue.read() as tx:
            due = tx.batches.ciphertext_due(now=now, after=after)
        if not due:
            break
        after = due[-1]
        for record_id in due:
            if _delete_ciphertext_of(vault, record_id):
                done += 1
            else:
                left += 1
    return Outcome.of("ciphertext-deleted", deleted=done, left=left)


def clear_given_up(vault: Vault) -> Outcome:
    """Deletes what uploads that were given up left, once its lock has lapsed. Raises ``StoreUnavailable``."""
    now, after, deleted, left = vault.now(), "", 0, 0
    while vault.now() - now < WINDOW:
        with vault.catalogue.read() as tx:
            lapsed = tx.intents.given_up(now=now, after=after)
        if not lapsed:
            break
        after = lapsed[-1][0]
        for intent_id, object_id, key in lapsed:
            found = _delete_all(vault, (key, vault.layout.meta_folder(object_id)))
            if found is None:
                left += 1
                continue
            deleted += found > 0
            with vault.catalogue.write() as tx:
                tx.intents.cleared(intent_id, at=vault.now())
                if found:
                    tx.audit.append(vault.entry(CLOCK_ID, Event.CIPHERTEXT_DELETED, intent_id))
    return Outcome.of("given-up-cleared", deleted=deleted, left=left)


def _delete_ciphertext_of(vault: Vault, record_id: RecordId) -> bool:
    with vault.catalogue.read() as tx:
        objects = tx.batches.objects_of(record_id)
    places = [key for _, key in objects]
    places += [vault.layout.meta_folder(subject) for subject in (record_id, *(object_id for object_id, _ in objects))]
    if _delete_all(vault, places) is None:
        return False
    with vault.catalogue.write() as tx:
        tx.batches.ciphertext_deleted(record_id, at=vault.now())
        tx.audit.append(vault.entry(CLOCK_ID, Event.CIPHERTEXT_DELETED, record_id))
    return True


def _delete_all(vault: Vault, places: Sequence[str]) -> int | None:
    """Deletes every version under these keys; gives how many, None where a lock or a late arrival keeps one."""
    deleted = 0
    for place in places:
        for listed in list(vault.store.versions(place)):
            try:
                vault.store.delete_version(listed.key, listed.version_id)
            except StillLocked:
                return None
            deleted += 1
    if any(True for place in places for _ in vault.store.versions(place)):
        return None
    return deleted
