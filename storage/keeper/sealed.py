"""A keeper of sealed root files: the port's promise kept once, for a key file, a passphrase, a PKCS#11 token and a TPM.

What differs is where the key that seals a root is, behind ``SealingKeys``: made from an unlock secret and the same for
every root (``storage.keeper.file``), or one object in a device for each root (``pkcs11``, ``tpm``).

The life of a root here:
1. ``stage``: the device makes a key; the sealed file is written, synced, read back and opened.
2. ``promote``: one rename.
3. ``destroy_others``, of another root: the device destroys the key; the file is overwritten, then removed.
A key whose file is missing (a stage that was cut off) counts as held until the next ``destroy_others``.

Rule 1: nothing is destroyed unless the root that stays is promoted here and was opened just before.
Rule 2: a root is destroyed in the device first: what is left of its file opens with nothing.
Rule 3: the newest promoted root lost its key: the device was cleared, or is another one. Then nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from storage.keeper.folder import KeeperFolder
from vault.errors import AlreadyExists, Conflict, KeeperUnavailable, NotFound, SealBroken, StrongroomError
from vault.ports import HeldRoot, KeeperState, Randomness
from vault.seal.rootfile import RootId, open_root, open_root_v1, seal_root, unlock_of
from vault.seal.secrets import Secret
from vault.seal.unlock import Unlock


class SealingKeys(Protocol):
    """Where the keys are that seal roots."""

    what: str
    """What a person calls the device: "the token", "the TPM"."""

    def set_up(self, folder: KeeperFolder) -> None:
        """Makes this a keeper: what is needed once. Under the folder's lock; the same again changes nothing."""
        ...

    def present(self, files: Iterable[RootId]) -> set[RootId]:
        """Which roots have a key, those without a file too."""
        ...

    def make(self, root_id: RootId, folder: KeeperFolder) -> Unlock:
        """Makes the key of a new root where there is none, and says what to write into its file."""
        ...

    def secret(self, root_id: RootId, unlock: Unlock) -> Secret:
        """The unlock secret that a file of this root was sealed under."""
        ...

    def key_file(self) -> bytes:
        """What opens a version 1 file. Raises ``SettingsWrong`` where there is no such thing."""
        ...

    def destroy(self, root_id: RootId) -> None:
        """Destroys the key of one root; an absent one is as good as destroyed."""
        ...

    def state(self, folder: KeeperFolder) -> tuple[str, tuple[str, ...]]:
        """What it is in words, and warnings. Raises when it does not answer or stays locked."""
        ...


class SealedKeeper:
    """Keeps the ``RootKeeper`` promise of ``vault.ports``."""

    def __init__(self, name: str, folder: KeeperFolder, keys: SealingKeys, randomness: Randomness) -> None:
        self._name = name
        self._folder = folder
        self._keys = keys
        self._randomness = randomness

    @property
    def name(self) -> str:
        """Stable, from the settings."""
        return self._name

    def set_up(self) -> None:
        """Makes the folder, once, before the first root is staged; the same again changes nothing.

        Raises ``KeeperUnavailable``, ``SettingsWrong``.
        """
        self._folder.make()
        with self._folder.change():
            self._keys.set_up(self._folder)

    def held(self, tree_id: bytes) -> Sequence[HeldRoot]:
        """What is not destroyed here, oldest generation first."""
        files = self._folder.roots()
        return [
            HeldRoot(generation=root_id.generation, attempt=root_id.attempt, promoted=files.get(root_id, False))
            for root_id in sorted(self._keys.present(files))
            if root_id.tree_id == tree_id
        ]

    def root(self, tree_id: bytes, generation: int, attempt: bytes) -> Secret:
        """One root."""
        return self._open(RootId(tree_id=tree_id, generation=generation, attempt=attempt))

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """Keeps a root durably before it returns."""
        root_id = RootId(tree_id=tree_id, generation=generation, attempt=attempt)
        with self._folder.change():
            files = self._folder.roots()
            if root_id in files:
                if root_id not in self._keys.present(files):
                    # Destroyed earlier, in the device, and cut off before the file went.
                    self._folder.destroy(root_id)
                elif self._open(root_id) == root:
                    return
                else:
                    raise AlreadyExists(f"the keeper {self.name} has another root of this generation and attempt")
            self._require_same_device(tree_id)
            unlock = self._keys.make(root_id, self._folder)
            secret = self._keys.secret(root_id, unlock)
            token_bytes = self._randomness.token_bytes
            self._folder.add(root_id, seal_root(secret, root, root_id=root_id, unlock=unlock, token_bytes=token_bytes))
            if self._open(root_id) != root:
                raise SealBroken(f"the keeper {self.name} gives back another root than it was given; do not rely on it")

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """Marks a staged root as the one in force."""
        root_id = RootId(tree_id=tree_id, generation=generation, attempt=attempt)
        with self._folder.change():
            if root_id not in self._keys.present(self._folder.roots()):
                raise NotFound(f"the keeper {self.name} has not staged generation {generation} of this vault")
            self._folder.promote(root_id)

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """Destroys every older generation and every other attempt at this one."""
        kept = RootId(tree_id=tree_id, generation=generation, attempt=attempt)
        with self._folder.change():
            files = self._folder.roots()
            if not files.get(kept, False):
                raise Conflict(
                    f"the keeper {self.name} has not promoted generation {generation}; nothing was destroyed there"
                )
            self._open(kept)
            others = [
                root_id
                for root_id in sorted(files.keys() | self._keys.present(files))
                if root_id.tree_id == tree_id and root_id.generation <= generation and root_id != kept
            ]
            for root_id in others:
                self._keys.destroy(root_id)
                self._folder.destroy(root_id)
            return len(others)

    def forget(self, tree_id: bytes) -> int:
        """Destroys every root of a tree, the one in force too: for a keeper that is removed. Gives how many."""
        with self._folder.change():
            files = self._folder.roots()
            found = [each for each in sorted(files.keys() | self._keys.present(files)) if each.tree_id == tree_id]
            for root_id in found:
                self._keys.destroy(root_id)
                self._folder.destroy(root_id)
            return len(found)

    def trees(self) -> Iterable[bytes]:
        """The tree ids that something is held of."""
        return sorted({root_id.tree_id for root_id in self._keys.present(self._folder.roots())})

    def describe(self) -> KeeperState:
        """Whether it answers, and what somebody should know."""
        try:
            roots = self._folder.roots()
            text, warnings = self._keys.state(self._folder)
            lost = sorted(roots.keys() - self._keys.present(roots))
        except StrongroomError as exc:
            return KeeperState(answers=False, text=exc.message)
        if lost:
            warnings += (f"{len(lost)} root files have lost their key in {self._keys.what} and open with nothing",)
        return KeeperState(answers=True, text=text, warnings=warnings)

    def _open(self, root_id: RootId) -> Secret:
        sealed = self._folder.read(root_id)
        unlock = unlock_of(sealed, root_id=root_id)
        if unlock is None:
            return open_root_v1(self._keys.key_file(), sealed, tree_id=root_id.tree_id)
        return open_root(self._keys.secret(root_id, unlock), sealed, root_id=root_id)

    def _require_same_device(self, tree_id: bytes) -> None:
        files = self._folder.roots()
        promoted = [root_id for root_id, is_promoted in files.items() if is_promoted and root_id.tree_id == tree_id]
        if promoted and max(promoted) not in self._keys.present(files):
            raise KeeperUnavailable(lost_key(self._keys.what, max(promoted).generation))


def lost_key(what: str, generation: int) -> str:
    """What to say when a file is there and its key is not."""
    return (
        f"{what} has no key for generation {generation} of this vault: it was cleared, is another one, or the keeper's "
        "folder is an older copy. Records and the other keepers are unharmed: open the vault with another keeper, "
        "then remove this one and add it again"
    )
