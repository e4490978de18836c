"""Time stamps over checkpoints of the log: when somebody outside saw that the log was so long, and what was in it.

Rule 1: publishing never waits for an authority. A stamp is a duty of its own, tried again until it is there.
Rule 2: a stamp is over the bytes of a checkpoint as it lies in the store, and lies beside it, written once, locked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from vault.errors import AlreadyExists
from vault.outcomes import Outcome
from vault.timestamps import TimeStamping
from vault.workflows import logstore
from vault.workflows.locks import lasting_lock
from vault.workflows.vault import Vault

STAMP_LOG: Final = "stamp-log"


def stamp_log(vault: Vault, authority: TimeStamping) -> Outcome:
    """The duty of upkeep: a stamp over the newest checkpoint, where it has none.

    Raises ``TimeStampUnavailable``, ``SealBroken``, ``StoreUnavailable``.
    """
    head = logstore.newest_head(vault, logstore.signing_keys(vault))
    if head is None:
        return Outcome.of("nothing-to-stamp")
    key = vault.layout.log_stamp(vault.fonds.tree_id, head.size)
    if vault.store.head(key) is None:
        stamp = authority.stamp(head.note)
        # Where another process was quicker, its stamp is as good.
        with suppress(AlreadyExists):
            vault.store.put(key, stamp, sha256=hashlib.sha256(stamp).digest(), lock=lasting_lock(vault.now()))
    at = authority.time_of(logstore.read_object(vault, key), head.note)
    return Outcome.of("log-stamped", entries=head.size, at=at.isoformat(timespec="seconds"))


def stamps(vault: Vault) -> Iterator[tuple[int, bytes, bytes]]:
    """Every stamp that is kept, newest first: (how many entries, the checkpoint that was stamped, the stamp)."""
    tree_id = vault.fonds.tree_id
    log = logstore.log_of(vault)
    for listed in vault.store.versions(vault.layout.log_stamps(tree_id)):
        if listed.is_latest and not listed.is_delete_marker:
            size = vault.layout.log_size_of(listed.key)
            yield size, log.object(vault.layout.log_checkpoint(tree_id, size)), log.object(listed.key)
