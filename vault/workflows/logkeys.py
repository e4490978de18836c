"""Changing the key that signs the log: the old one signs the new one, in the log itself.

1. Everything committed is published under the keys that were.
2. The new key is made, sealed, in the store; from then on checkpoints are signed by it.
3. The log's entry names it, with the old key's signature on it.
4. What follows is published, signed by both; for ``logstore.OVERLAP`` from then on every checkpoint is.

Rule 1: a change that was cut off between 2 and 3 is ended by the next one: a key that no entry names is taken first.
Limit: the old key stays readable to whoever has the house's keys. A change helps against a key that was seen, not
against somebody who sees all of them.
"""

from __future__ import annotations

from typing import Final

from vault.audit import Detail, Event
from vault.permissions import Action, Actor
from vault.seal.notes import VerifierKey, endorse
from vault.workflows import log, logstore
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

_NAMED_MAX: Final = 1000


def rotate_key(vault: Vault, actor: Actor) -> VerifierKey:
    """Puts a new signing key in force, endorsed by the one before.

    Raises ``NotAllowed``, ``StepUpNeeded``, and as ``log.publish``.
    """
    actor.require(Action.CHANGE_KEEPERS)
    require_fresh(vault, actor)
    log.publish(vault)
    keys = logstore.signing_keys(vault)
    named = _named(vault)
    if len(keys) == 1 or keys[-1].verifier.text in named:
        keys.append(logstore.add_key(vault, len(keys) + 1))
    number, verifier = len(keys), keys[-1].verifier
    detail: Detail = {
        "key": number,
        "verifier": verifier.text,
        "endorsement": endorse(keys[-2], number, verifier),
    }
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(actor.person_id, Event.LOG_KEY_CHANGED, vault.vault_id, detail))
    log.publish(vault)
    return verifier


def _named(vault: Vault) -> set[object]:
    with vault.catalogue.read() as tx:
        entries = tx.audit.page(event=Event.LOG_KEY_CHANGED, limit=_NAMED_MAX)
    return {each.entry.detail.get("verifier") for each in entries}
