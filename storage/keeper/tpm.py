"""A root keeper with a TPM 2.0: one NV index for each root, undefined to destroy it.

The index holds 32 random bytes, the unlock secret of that root's sealed file; so neither the folder alone nor the TPM
alone gives a root, and a copy of the disk opens nowhere else. Its public part names the root without a password:

    handle  in 0x01860000 .. 0x0186ffff, the first free one from a place that the root's name gives
    size    32; attributes authread, authwrite; dictionary attack protection on
    policy  tree id[first 12] | generation:u32 | attempt[16]   as the 32 bytes of authPolicy, which no attribute uses

Sealing to a monotonic counter was refused: it keeps a staged root shut until the old one is gone; recovery needs it.

Rule 1: an index that was never written holds nothing; one is left when a stage is cut off, and goes at the next stage.
Rule 2: before a new index takes the PIN, an older one of the same tree is read with it, so that a wrong PIN is told.
Limit: whoever has the TPM's owner password (often none is set) can undefine indices, though not read them.
Limit: that the TPM's memory forgets what was undefined is its vendor's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from storage.keeper.folder import CHECK_NAME, KeeperFolder
from storage.keeper.sealed import SealedKeeper, lost_key
from storage.keeper.tpm2tools import NvDefined, NvIndex, NvMissing, TpmTools
from vault.errors import KeeperUnavailable, NotFound, SettingsWrong
from vault.ports import Randomness
from vault.seal.rootfile import RootId
from vault.seal.secrets import SECRET_LENGTH, Secret
from vault.seal.unlock import Unlock, UnlockKind, tpm_password

DEFAULT_TCTI: Final = "device:/dev/tpmrm0"
FIRST_HANDLE: Final = 0x01860000
HANDLES: Final = 0x10000
_MARK: Final = b"tpm\n"
_TREE_PREFIX: Final = 12


class TpmKeeper(SealedKeeper):
    """One TPM. ``pin`` protects each index; ``owner_password`` is the TPM's own, where one is set."""

    def __init__(
        self,
        folder: Path,
        randomness: Randomness,
        *,
        tcti: str = DEFAULT_TCTI,
        pin: str = "",
        owner_password: str = "",
        name: str = "tpm",
    ) -> None:
        at = KeeperFolder(folder)
        tools = TpmTools(tcti, password=tpm_password(pin), owner_password=owner_password)
        super().__init__(name, at, IndexKeys(tools, randomness, has_pin=bool(pin)), randomness)


class IndexKeys:
    """Keeps the ``SealingKeys`` promise with NV indices."""

    what = "the TPM"

    def __init__(self, tools: TpmTools, randomness: Randomness, *, has_pin: bool) -> None:
        self._tools = tools
        self._randomness = randomness
        self._has_pin = has_pin

    def set_up(self, folder: KeeperFolder) -> None:
        """Looks that the TPM answers."""
        self._tools.indices()
        if folder.read_file(CHECK_NAME) is None:
            folder.write(CHECK_NAME, _MARK)
        elif folder.read_file(CHECK_NAME) != _MARK:
            raise SettingsWrong(f"{folder.path} is another keeper's folder; give the TPM one of its own")

    def present(self, files: Iterable[RootId]) -> set[RootId]:
        """Every index of a tree that has a file here."""
        trees = {root_id.tree_id[:_TREE_PREFIX]: root_id.tree_id for root_id in files}
        return {
            _root_id(trees[index.policy[:_TREE_PREFIX]], index)
            for index in self._indices()
            if index.is_written and index.policy[:_TREE_PREFIX] in trees
        }

    def make(self, root_id: RootId, folder: KeeperFolder) -> Unlock:
        """Defines and writes an index; one that a cut off stage wrote is used."""
        of_tree = [index for index in self._indices() if index.policy[:_TREE_PREFIX] == _policy(root_id)[:_TREE_PREFIX]]
        for index in of_tree:
            if not index.is_written:
                self._undefine(index)
        written = [index for index in of_tree if index.is_written]
        if written:
            self._tools.read(written[0].handle, SECRET_LENGTH)
        if not any(index.policy == _policy(root_id) for index in written):
            handle = self._define(root_id)
            self._tools.write(handle, self._randomness.token_bytes(SECRET_LENGTH))
        return Unlock.new(UnlockKind.DEVICE, self._randomness.token_bytes)

    def secret(self, root_id: RootId, unlock: Unlock) -> Secret:
        """What the index holds."""
        for index in self._indices():
            if index.is_written and index.policy == _policy(root_id):
                with suppress(NvMissing):
                    return Secret(self._tools.read(index.handle, SECRET_LENGTH))
        raise NotFound(lost_key(self.what, root_id.generation))

    def key_file(self) -> bytes:
        """There is none."""
        raise SettingsWrong("this root file is of a keeper with a key file; open it with that keeper")

    def destroy(self, root_id: RootId) -> None:
        """Undefines the index, and looks that it is gone."""
        for index in self._indices():
            if index.policy == _policy(root_id):
                self._undefine(index)
        if any(index.policy == _policy(root_id) for index in self._indices()):
            raise KeeperUnavailable("the TPM still has a key that it was told to destroy; see its vendor's manual")

    def state(self, folder: KeeperFolder) -> tuple[str, tuple[str, ...]]:
        """Reads one index, so that a wrong PIN shows here."""
        indices = [index for index in self._indices() if index.is_written]
        files = {_policy(root_id) for root_id in folder.roots()}
        for index in indices:
            if index.policy in files:
                self._tools.read(index.handle, SECRET_LENGTH)
                break
        warnings = []
        if not self._has_pin:
            warnings.append("no PIN is set: every program on this machine that may use the TPM can use its keys")
        return f"TPM 2.0, {len(indices)} keys in it, files in {folder.path}", tuple(warnings)

    def _indices(self) -> list[NvIndex]:
        return [
            index
            for index in self._tools.indices()
            if FIRST_HANDLE <= index.handle < FIRST_HANDLE + HANDLES
            and index.is_plain
            and index.size == SECRET_LENGTH
            and len(index.policy) == 32
        ]

    def _define(self, root_id: RootId) -> int:
        policy = _policy(root_id)
        start = int.from_bytes(hashlib.sha256(policy).digest()[:2], "big")
        for step in range(HANDLES):
            handle = FIRST_HANDLE + (start + step) % HANDLES
            with suppress(NvDefined):
                self._tools.define(handle, size=SECRET_LENGTH, policy=policy)
                return handle
        raise KeeperUnavailable("the TPM has no free handle for another key; use another keeper")

    def _undefine(self, index: NvIndex) -> None:
        with suppress(NvMissing):
            self._tools.undefine(index.handle)


def _policy(root_id: RootId) -> bytes:
    return root_id.tree_id[:_TREE_PREFIX] + root_id.generation.to_bytes(4, "big") + root_id.attempt


def _root_id(tree_id: bytes, index: NvIndex) -> RootId:
    generation = int.from_bytes(index.policy[_TREE_PREFIX : _TREE_PREFIX + 4], "big")
    return RootId(tree_id=tree_id, generation=generation, attempt=index.policy[_TREE_PREFIX + 4 :])
