"""The published log as the store has it: tiles, checkpoints and signing keys, written once and locked.

Rule 1: a key in the store holds one body for ever. Whoever finds another one there than its own has met a fork, and
stops (``put_once``).
Rule 2: what is read is checked: a checkpoint by its signatures, a tile by the root that it leads to.
Rule 3: signing keys are random, sealed under the house's first leaf, and never leave the process that signs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.errors import AlreadyExists, CatalogueBroken, ObjectMissing, SealBroken
from vault.ports import Layout, LeafKeySource, ObjectStore
from vault.seal.fields import open_fields
from vault.seal.merkle import Tree, tile_path
from vault.seal.notes import Checkpoint, SignerKey, VerifierKey, open_note
from vault.seal.secrets import SECRET_LENGTH, Secret, random_bytes
from vault.workflows import descriptions
from vault.workflows.locks import lasting_lock, receipt_lock
from vault.workflows.register import split_body
from vault.workflows.vault import Remembered, Vault

ENTRIES: Final = "entries"
_PARTIAL: Final = re.compile(r"/tile/(?:[0-9]+|entries)/((?:x[0-9]{3}/)*[0-9]{3})-p/[0-9]+$", re.ASCII)
_FIELD_SET: Final = "log-key"
OVERLAP: Final = timedelta(days=30)
"""How long after a change of keys checkpoints are signed by the old one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """A checkpoint as it was published, and which of the log's keys signed it (from 1)."""

    checkpoint: Checkpoint
    note: bytes
    signed_by: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many entries it covers."""
        return self.checkpoint.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """A checkpoint whose signatures were checked, and the log's public keys when they were, oldest first."""

    head: LogHead
    keys: tuple[VerifierKey, ...]


def origin(vault: Vault) -> str:
    """The log's name."""
    return origin_of(vault.vault_id)


def origin_of(vault_id: str) -> str:
    """The name of a vault's log."""
    return f"strongroom/{vault_id}"


def put_once(vault: Vault, key: str, body: bytes, *, passing: bool = False) -> None:
    """Writes an object of the log, or finds that it is there already. ``passing`` ones are locked for a month.

    Raises ``CatalogueBroken`` when the store has another body under this key; ``StoreUnavailable``, ``StoreFull``.
    """
    lock = receipt_lock(vault.now()) if passing else lasting_lock(vault.now())
    try:
        vault.store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=lock)
    except AlreadyExists as exc:
        if read_object(vault, key) != body:
            raise CatalogueBroken(
                f"the published log has another {key} than this catalogue would write: it is of another time, or "
                "its entries were changed; run `strongroom audit verify`"
            ) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLog:
    """What reading the published log takes: more than the store, for checkpoints are opened with the log's own keys."""

    store: ObjectStore
    layout: Layout
    keys: LeafKeySource
    tree_id: bytes
    name: str
    remembered: Remembered[bytes] | None = None
    """Where objects that were read are kept, for whoever proves; whoever verifies reads the store."""

    def object(self, key: str) -> bytes:
        """An object of the log. Raises ``ObjectMissing``, ``StoreUnavailable``."""
        body = self._if_there(key)
        if body is None:
            raise ObjectMissing(f"{key} of the published log is not in the store; put it back from a backup")
        return body

    def tile(self, level: int | str, number: int, width: int) -> bytes:
        """A tile as it was published."""
        return self.object(self.layout.log_tile(self.tree_id, tile_path(level, number, width)))

    def head(self, keys: Sequence[SignerKey]) -> LogHead | None:
        """The newest checkpoint; None before the first. Raises ``SealBroken`` when none of the keys signed it."""
        for listed in self.store.versions(self.layout.log_checkpoints(self.tree_id)):
            if listed.is_delete_marker:
                continue
            with self.store.read(listed.key, listed.version_id) as chunks:
                head = open_head(b"".join(chunks), keys, self.name)
            if self.layout.log_checkpoint(self.tree_id, head.size) != listed.key:
                raise SealBroken(f"{listed.key} holds the checkpoint of another size; somebody has put it there")
            return head
        return None

    def signing_keys(self, count: int | None = None) -> list[SignerKey]:
        """The log's signing keys (the first ``count``), oldest first; none before the first was made."""
        keys: list[SignerKey] = []
        while (
            len(keys) != count
            and (body := self._if_there(self.layout.log_key(self.tree_id, len(keys) + 1))) is not None
        ):
            keys.append(self.open_key(len(keys) + 1, body))
        return keys

    def open_key(self, number: int, body: bytes) -> SignerKey:
        """A signing key from its object. Raises ``SealBroken``, ``KeeperUnavailable``."""
        leaf, sealed = split_body(body)
        if leaf.tree_id != self.tree_id:
            raise SealBroken("a signing key of the log is another vault's")
        values = open_fields(
            self.keys.leaf_keys(leaf).metadata_key,
            sealed,
            subject_id=_subject(self.tree_id),
            field_set=_FIELD_SET,
            revision=number,
        )
        seed, since = values.get("seed"), values.get("since")
        if not isinstance(seed, str) or not isinstance(since, str | None):
            raise SealBroken("a signing key of the log has another shape than a key")
        return SignerKey(
            name=self.name,
            seed=Secret(bytes.fromhex(seed)),
            since=datetime.fromisoformat(since) if since is not None else None,
        )

    def _if_there(self, key: str) -> bytes | None:
        if self.remembered is not None and (body := self.remembered.get(key)) is not None:
            return body
        try:
            with self.store.read(key, None) as chunks:
                body = b"".join(chunks)
        except ObjectMissing:
            return None
        if self.remembered is not None:
            self.remembered.keep(key, body)
        return body


def log_of(vault: Vault) -> PublishedLog:
    """The vault's own log."""
    return PublishedLog(
        store=vault.store, layout=vault.layout, keys=vault.keys, tree_id=vault.fonds.tree_id, name=origin(vault)
    )


def partial_number(key: str) -> int | None:
    """The number of the tile that an object key names, if it names a partial one."""
    match = _PARTIAL.search(key)
    return None if match is None else int(match[1].replace("x", "").replace("/", ""))


def read_object(vault: Vault, key: str) -> bytes:
    """An object of the store. Raises ``ObjectMissing``, ``StoreUnavailable``."""
    return log_of(vault).object(key)


def read_tile(vault: Vault, level: int | str, number: int, width: int) -> bytes:
    """A tile of the log as it was published."""
    return log_of(vault).tile(level, number, width)


def published_tree(vault: Vault, size: int) -> Tree:
    """The tree of a published checkpoint, read tile by tile."""
    return Tree(size, log_of(vault).tile)


def newest_head(vault: Vault, keys: Sequence[SignerKey]) -> LogHead | None:
    """The newest checkpoint in the store; None before the first.

    Raises ``SealBroken`` when none of the keys signed it.
    """
    return log_of(vault).head(keys)


def open_head(note: bytes, keys: Sequence[SignerKey], name: str) -> LogHead:
    """A checkpoint of this log. Raises ``SealBroken``."""
    verifiers = [key.verifier for key in keys]
    text, signed = open_note(note, verifiers)
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != name:
        raise SealBroken("the checkpoint is another log's")
    numbers = tuple(number for number, key in enumerate(verifiers, start=1) if key in signed)
    return LogHead(checkpoint=checkpoint, note=note, signed_by=numbers)


# ---- signing keys --------------------------------------------------------------------------------------------------


def signing_keys(vault: Vault) -> list[SignerKey]:
    """The log's signing keys, oldest first; the newest signs. The first one is made when there is none."""
    return log_of(vault).signing_keys() or [add_key(vault, 1)]


def verifier_keys(vault: Vault) -> list[VerifierKey]:
    """What auditors check the log's signatures with, oldest first."""
    return [key.verifier for key in signing_keys(vault)]


def oldest_in_force(keys: Sequence[SignerKey], now: datetime) -> int:
    """The number of the oldest key that still signs: its successor is younger than ``OVERLAP``."""
    for number, successor in enumerate(keys[1:], start=1):
        if successor.since is not None and now - successor.since < OVERLAP:
            return number
    return len(keys)


def add_key(vault: Vault, number: int) -> SignerKey:
    """Makes key ``number``; where another process made it meanwhile, that one is it."""
    seed = random_bytes(vault.randomness.token_bytes, SECRET_LENGTH)
    sealed = descriptions.seal(
        vault,
        vault.house,
        {"seed": seed.hex(), "since": vault.now().isoformat()},
        subject=_subject(vault.fonds.tree_id),
        field_set=_FIELD_SET,
        revision=number,
    )
    body = vault.house.text.encode("ascii") + b"\n" + sealed
    key = vault.layout.log_key(vault.fonds.tree_id, number)
    try:
        vault.store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=lasting_lock(vault.now()))
    except AlreadyExists:
        body = read_object(vault, key)
    return log_of(vault).open_key(number, body)


def _subject(tree_id: bytes) -> str:
    return f"log-{tree_id.hex()}"
