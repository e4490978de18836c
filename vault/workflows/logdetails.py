"""Sealed details: what an entry of the log may not say in clear (a reason, the words of a purpose).

The words are sealed under the leaf of what they speak of, and go to the store from the outbox, as
``meta/<subject>/audit-<number>``. The entry holds a keyed commitment to them. While the leaf lives, the words open, and
are checked against the commitment; once it is destroyed nobody opens them or tries guesses against the commitment, and
the log verifies as before: the entry itself has not changed by a bit.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vault.audit import Entry
from vault.errors import NotFound, SealBroken
from vault.permissions import Action, Actor
from vault.seal import labels
from vault.seal.canonical import canonical_json
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.logstore import read_object
from vault.workflows.register import split_body
from vault.workflows.vault import Vault

COMMITMENT: Final = "sealed"
"""The name in an entry's detail under which the commitment stands, in hexadecimal."""
_FIELD_SET: Final = "audit-detail"
_SALT: Final = "salt"


def append_sealed(vault: Vault, tx: Transaction, entry: Entry, leaf: LeafAddress, words: Mapping[str, str]) -> int:
    """Appends an entry with words that only ``leaf`` opens; gives the entry's number.

    Raises ``KeyDestroyed``, ``KeeperUnavailable``.
    """
    values = {**words, _SALT: vault.randomness.token_bytes(16).hex()}
    commitment = _commitment(vault, leaf, entry.subject, values)
    number = tx.audit.append_numbered(replace(entry, detail={**entry.detail, COMMITMENT: commitment}))
    sealed = descriptions.seal(vault, leaf, values, subject=entry.subject, field_set=_FIELD_SET, revision=number)
    tx.outbox.add(_key(vault, entry.subject, number), leaf.text.encode("ascii") + b"\n" + sealed, at=entry.at)
    return number


def read_sealed(vault: Vault, actor: Actor, number: int) -> dict[str, str]:
    """The words of entry ``number``.

    Raises ``NotAllowed``; ``NotFound`` when it has none; ``KeyDestroyed`` when nobody can read them any more;
    ``SealBroken`` when they are not those that the entry commits to; ``ObjectMissing``, ``StoreUnavailable``.
    """
    actor.require(Action.READ_LOG)
    with vault.catalogue.read() as tx:
        entry = next((each.entry for each in tx.audit.between(number, number)), None)
        commitment = entry.detail.get(COMMITMENT) if entry is not None else None
        if entry is None or not isinstance(commitment, str):
            raise NotFound(f"entry {number} of the log has no sealed words")
        body = tx.outbox.waiting(_key(vault, entry.subject, number))
    if body is None:
        body = read_object(vault, _key(vault, entry.subject, number))
    leaf, sealed = split_body(body)
    values = descriptions.unseal(vault, leaf, sealed, subject=entry.subject, field_set=_FIELD_SET, revision=number)
    if not hmac.compare_digest(_commitment(vault, leaf, entry.subject, values), commitment):
        raise SealBroken(f"the sealed words of entry {number} are not those that the log commits to")
    return {name: value for name, value in values.items() if name != _SALT}


def _commitment(vault: Vault, leaf: LeafAddress, subject: str, values: Mapping[str, str]) -> str:
    # HMAC-SHA256 under the leaf's blinding key: it tells nothing without the key, and the salt keeps equal words apart.
    message = labels.LOG_DETAIL + canonical_json([subject, dict(values)])
    return hmac.digest(vault.leaf_keys(leaf).blinding_key.expose(), message, "sha256").hex()


def _key(vault: Vault, subject: str, number: int) -> str:
    return vault.layout.meta(subject, f"audit-{number:012d}")
