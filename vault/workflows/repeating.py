"""Requests that programs may send again under a key: done once, answered alike.

Rule 1: a key is taken in a transaction of its own before the deed, and the answer kept in one after it. What broke off
in between is not known, and is said to be so: it is never done twice.
"""

from __future__ import annotations

import hashlib
import hmac

from vault.answers import KEPT, KEY_MAX_CHARACTERS, Answer, KeptAnswer
from vault.errors import AlreadyExists, Conflict, IdempotencyMismatch, InvalidInput, NotAllowed
from vault.ids import PersonId
from vault.permissions import Actor
from vault.seal.fields import blind_index
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.vault import Vault

FIELD_SET = "kept-answer"
_ASKED, _ANSWERED = 1, 2
_UNKNOWN = (
    "a request under this idempotency key is under way, or was broken off; wait and ask again, or look whether it was "
    "done, and use a new key"
)
_NOT_KEPT = (
    "this was done under this idempotency key, and its answer held a secret, which is not kept; look it up in its "
    "list, take it back, and make another under a new key"
)


def key_digest(vault: Vault, person_id: PersonId, key: str, *, domain: str) -> bytes:
    """A keyed digest of somebody's own idempotency key. Raises ``InvalidInput``."""
    if not 1 <= len(key) <= KEY_MAX_CHARACTERS or not key.isprintable():
        raise InvalidInput(
            f"an idempotency key has 1 to {KEY_MAX_CHARACTERS} printable characters", field="idempotency_key"
        )
    # The index folds case; an idempotency key is exact, so its digest goes in.
    exact = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return blind_index(vault.house_keys().blinding_key, f"{domain}/{person_id}", exact)


def begin_request(vault: Vault, actor: Actor, key: str, request_sha256: bytes) -> Answer | None:
    """Takes a key for a request; gives the answer of before where there is one.

    Raises ``InvalidInput``, ``IdempotencyMismatch`` (used for another request), ``Conflict`` (not known what came of
    it), ``AlreadyExists`` (the answer held a secret).
    """
    digest = _digest(vault, actor, key)
    now = vault.now()
    try:
        with vault.catalogue.write() as tx:
            leaf = _leaf(tx, actor)
            kept = tx.answers.get(digest)
            if kept is not None and not abs(now - kept.asked_at) < KEPT:
                tx.answers.give_back(digest)
                kept = None
            if kept is None:
                sealed = _seal(vault, leaf, digest, {"request": request_sha256.hex()}, revision=_ASKED)
                tx.answers.take(
                    KeptAnswer(
                        key_digest=digest, person_id=actor.person_id, sealed=sealed, asked_at=now, answered_at=None
                    )
                )
                return None
    except AlreadyExists:
        raise Conflict(_UNKNOWN) from None
    revision = _ASKED if kept.answered_at is None else _ANSWERED
    said = descriptions.unseal(vault, leaf, kept.sealed, subject=digest.hex(), field_set=FIELD_SET, revision=revision)
    if not hmac.compare_digest(str(said["request"]), request_sha256.hex()):
        raise IdempotencyMismatch("this idempotency key was used before, for another request; use a new key")
    if kept.answered_at is None:
        raise Conflict(_UNKNOWN)
    if said["body"] is None:
        raise AlreadyExists(_NOT_KEPT)
    return Answer(status=int(said["status"]), body=str(said["body"]))


def keep_answer(vault: Vault, actor: Actor, key: str, request_sha256: bytes, answer: Answer) -> None:
    """Keeps what a request was answered, for a day."""
    digest = _digest(vault, actor, key)
    said = {"request": request_sha256.hex(), "status": answer.status, "body": answer.body}
    with vault.catalogue.write() as tx:
        sealed = _seal(vault, _leaf(tx, actor), digest, said, revision=_ANSWERED)
        tx.answers.answered(digest, sealed, at=vault.now())


def give_back_key(vault: Vault, actor: Actor, key: str) -> None:
    """Gives a key back whose request was refused: asked again under it, it is decided anew."""
    with vault.catalogue.write() as tx:
        tx.answers.give_back(_digest(vault, actor, key))


def _digest(vault: Vault, actor: Actor, key: str) -> bytes:
    return key_digest(vault, actor.person_id, key, domain="answer")


def _leaf(tx: Transaction, actor: Actor) -> LeafAddress:
    person = tx.people.get(actor.person_id)
    if person is None:
        raise NotAllowed("only people send requests again; sign in first")
    return person.profile_leaf


def _seal(vault: Vault, leaf: LeafAddress, digest: bytes, values: dict[str, object], *, revision: int) -> bytes:
    return descriptions.seal(vault, leaf, values, subject=digest.hex(), field_set=FIELD_SET, revision=revision)
