"""A root keeper in a folder of its own: sealed files, opened by a passphrase, a key, or a key recovered from shares.

``FileKeeper(folder, randomness)`` alone makes a random key in the same folder, for unattended starts.

Rule 1: a wrong unlock secret is told before a root is sealed under it.
Limit: with the unlock key in the same folder the file is as safe as the folder, and ``describe`` says so.
Limit: a destroyed file may stay readable on an SSD and in copies of the folder; the unlock secret opens it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

from storage.keeper.folder import CHECK_NAME, KeeperFolder
from storage.keeper.sealed import SealedKeeper
from vault.errors import KeeperUnavailable, SealBroken, SettingsWrong
from vault.ports import Randomness
from vault.seal.rootfile import RootId, open_root, open_root_v1, unlock_of
from vault.seal.secrets import Secret
from vault.seal.unlock import (
    KEY_LENGTH_MIN,
    PASSPHRASE_COST,
    Argon2Cost,
    Unlock,
    UnlockKind,
    check_knows,
    pack_check,
    unlock_from_key,
    unlock_from_passphrase,
    unlock_of_check,
)

UNLOCK_NAME: Final = "unlock.key"


class FileKeeper(SealedKeeper):
    """The sealed file. Give one of ``passphrase``, ``key``, ``key_file``, ``recovered``, or none of them.

    ``key`` is for a caller that was given the bytes (by the environment, by a descriptor); ``recovered`` is what
    recovery shares gave.
    """

    def __init__(
        self,
        folder: Path,
        randomness: Randomness,
        *,
        name: str = "file",
        passphrase: str | None = None,
        key: bytes | None = None,
        key_file: Path | None = None,
        recovered: Secret | None = None,
        cost: Argon2Cost = PASSPHRASE_COST,
    ) -> None:
        if sum(given is not None for given in (passphrase, key, key_file, recovered)) > 1:
            raise SettingsWrong(f"the keeper {name} is given more than one way to unlock it; give one")
        self.folder = folder
        self._unlocking = UnlockSecret(
            folder, randomness, passphrase=passphrase, key=key, key_file=key_file, recovered=recovered, cost=cost
        )
        super().__init__(name, KeeperFolder(folder), self._unlocking, randomness)

    def unlock_secret(self) -> Secret:
        """What recovery shares are made of. Raises ``KeeperUnavailable``, ``SettingsWrong``, ``SealBroken``."""
        return self._unlocking.checked(KeeperFolder(self.folder))


class UnlockSecret:
    """Keeps the ``SealingKeys`` promise with one secret for every root; it is made once a process."""

    what = "the folder"

    def __init__(
        self,
        folder: Path,
        randomness: Randomness,
        *,
        passphrase: str | None,
        key: bytes | None,
        key_file: Path | None,
        recovered: Secret | None,
        cost: Argon2Cost,
    ) -> None:
        self._randomness = randomness
        self._passphrase = passphrase
        self._key = key
        self._recovered = recovered
        self._beside = passphrase is None and key is None and key_file is None and recovered is None
        self._key_path = key_file or folder / UNLOCK_NAME
        self._cost = cost
        self._made: dict[bytes, Secret] = {}
        self._mutex = Lock()

    def set_up(self, folder: KeeperFolder) -> None:
        """Draws the key that lies beside, where none is given; writes the check value, which comes last."""
        if folder.read_file(CHECK_NAME) is not None:
            self.checked(folder)
            return
        roots = folder.roots() if any(folder.path.glob("root-*")) else {}
        unlock = None
        for root_id in roots:
            # Without a check value (version 1 had none) the roots themselves tell whether this is their secret.
            sealed = folder.read(root_id)
            unlock = unlock_of(sealed, root_id=root_id) or unlock
            if unlock is None:
                open_root_v1(self.key_file(), sealed, tree_id=root_id.tree_id)
            else:
                open_root(self._make(unlock), sealed, root_id=root_id)
        if self._recovered is not None and unlock is None:
            raise SettingsWrong(
                "recovery shares open a keeper that exists; set a new one up with a key or a passphrase"
            )
        if self._beside and not roots and folder.read_file(UNLOCK_NAME) is None:
            folder.write(UNLOCK_NAME, self._randomness.token_bytes(32).hex().encode("ascii") + b"\n")
        kind = UnlockKind.KEY if self._passphrase is None else UnlockKind.PASSPHRASE
        unlock = unlock or Unlock.new(kind, self._randomness.token_bytes, cost=self._cost)
        folder.write(CHECK_NAME, pack_check(self._make(unlock), unlock))

    def present(self, files: Iterable[RootId]) -> set[RootId]:
        """Every file has its key: they are one."""
        return set(files)

    def make(self, root_id: RootId, folder: KeeperFolder) -> Unlock:
        """The unlock block of the folder, after its check."""
        if folder.read_file(CHECK_NAME) is None:
            self.set_up(folder)
        return self._checked_unlock(folder)

    def secret(self, root_id: RootId, unlock: Unlock) -> Secret:
        """The unlock secret."""
        return self._make(unlock)

    def checked(self, folder: KeeperFolder) -> Secret:
        """The unlock secret of this folder, known to be the right one."""
        return self._make(self._checked_unlock(folder))

    def key_file(self) -> bytes:
        """The key's bytes."""
        if self._key is not None:
            return self._key
        if self._passphrase is not None or self._recovered is not None:
            raise SettingsWrong("this vault's first root file is unlocked by its key file; give that to the keeper")
        try:
            key = self._key_path.read_bytes().strip()
        except OSError as exc:
            raise KeeperUnavailable(
                f"the keeper's unlock key {self._key_path} cannot be read: {exc.strerror}; put it back, or restore it "
                "from its copy; the sealed roots are unharmed"
            ) from exc
        if len(key) < KEY_LENGTH_MIN:
            raise SettingsWrong(f"the keeper's unlock key {self._key_path} is shorter than {KEY_LENGTH_MIN} bytes")
        return key

    def destroy(self, root_id: RootId) -> None:
        """Nothing apart from the file."""

    def state(self, folder: KeeperFolder) -> tuple[str, tuple[str, ...]]:
        """Unlocks it, so that a wrong secret shows here."""
        if folder.read_file(CHECK_NAME) is None:
            self.key_file()
        else:
            self.checked(folder)
        if self._beside:
            warning = (
                f"the unlock key lies in the same folder ({self._key_path}): whoever has the folder has the root; "
                "give a passphrase, or keep the key elsewhere"
            )
            return f"sealed files in {folder.path}, their key beside them", (warning,)
        way = "a passphrase" if self._passphrase is not None else "recovery shares" if self._recovered else "a key"
        return f"sealed files in {folder.path}, unlocked by {way}", ()

    def _checked_unlock(self, folder: KeeperFolder) -> Unlock:
        packed = folder.read_file(CHECK_NAME)
        if packed is None:
            folder.require_set_up()
            raise KeeperUnavailable(f"the check value in {folder.path} went away; try again")
        unlock = unlock_of_check(packed)
        if not check_knows(packed, self._make(unlock)):
            given = "recovery shares are" if self._recovered else "passphrase is" if self._passphrase else "key is"
            raise SettingsWrong(
                f"the keeper in {folder.path} was made with another secret: this {given} not the right one. "
                "Nothing was changed; try again with the right one"
            )
        return unlock

    def _make(self, unlock: Unlock) -> Secret:
        if self._recovered is not None:
            return self._recovered
        with self._mutex:
            made = self._made.get(unlock.pack())
            if made is None:
                made = self._made[unlock.pack()] = self._make_anew(unlock)
            return made

    def _make_anew(self, unlock: Unlock) -> Secret:
        if unlock.kind is UnlockKind.PASSPHRASE and self._passphrase is not None:
            return unlock_from_passphrase(self._passphrase, unlock)
        if unlock.kind is UnlockKind.KEY and self._passphrase is None:
            return unlock_from_key(self.key_file(), unlock)
        if unlock.kind is UnlockKind.DEVICE:
            raise SealBroken("this folder is of a keeper with a device; open it with that device")
        needed = "a passphrase" if unlock.kind is UnlockKind.PASSPHRASE else "a key"
        raise SettingsWrong(f"this keeper is unlocked by {needed}; give that in the settings")
