"""A root keeper in a folder of its own: one sealed file a fonds, and the key that unlocks it.

Rule 1: a root is durable (file and folder synced) before ``create`` returns, and is never overwritten.
Rule 2: files are 0600 in a 0700 folder; a folder that others may read is refused.
Limit: with the unlock key in the same folder (the default, for unattended starts) the file is as safe as the folder.
Limit: a file that was deleted may stay readable on an SSD and in copies of the folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vault.errors import AlreadyExists, KeeperUnavailable, NotFound, SettingsWrong
from vault.ports import Randomness
from vault.seal.rootfile import open_root, seal_root
from vault.seal.secrets import Secret

UNLOCK_NAME: Final = "unlock.key"
UNLOCK_BYTES_MIN: Final = 32


class FileKeeper:
    """Keeps the ``RootKeeper`` promise of ``vault.ports``."""

    def __init__(self, folder: Path, randomness: Randomness, *, key_file: Path | None = None) -> None:
        self.folder = folder
        self._randomness = randomness
        self._key_file = key_file

    def root(self, tree_id: bytes) -> bytes:
        """The root of one key tree. Raises ``KeeperUnavailable``, ``NotFound``, ``SealBroken``, ``SettingsWrong``."""
        try:
            sealed = self._path(tree_id).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"the keeper in {self.folder} has no root of this vault; restore that folder from its copy"
            ) from None
        except OSError as exc:
            raise KeeperUnavailable(f"the keeper in {self.folder} cannot be read: {exc.strerror}") from exc
        return open_root(self._unlock(), sealed, tree_id=tree_id)[1].expose()

    def create(self, tree_id: bytes, secret: bytes) -> None:
        """Keeps a new root durably. Raises ``AlreadyExists``, ``KeeperUnavailable``, ``SettingsWrong``."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._require_private()
            if self._key_file is None and not (self.folder / UNLOCK_NAME).exists():
                key = self._randomness.token_bytes(UNLOCK_BYTES_MIN).hex().encode("ascii") + b"\n"
                _write_once(self.folder / UNLOCK_NAME, key)
            sealed = seal_root(
                self._unlock(),
                Secret(secret),
                tree_id=tree_id,
                generation=1,
                token_bytes=self._randomness.token_bytes,
            )
            _write_once(self._path(tree_id), sealed)
        except FileExistsError:
            raise AlreadyExists("the keeper has a root of this vault already") from None
        except OSError as exc:
            raise KeeperUnavailable(f"the keeper in {self.folder} cannot be written: {exc.strerror}") from exc

    def trees(self) -> Iterable[bytes]:
        """The tree ids that have a root here."""
        return [bytes.fromhex(path.stem.removeprefix("root-")) for path in sorted(self.folder.glob("root-*.sealed"))]

    def _path(self, tree_id: bytes) -> Path:
        return self.folder / f"root-{tree_id.hex()}.sealed"

    def _unlock(self) -> bytes:
        path = self._key_file or self.folder / UNLOCK_NAME
        if self._key_file is None:
            self._require_private()
        try:
            key = path.read_bytes().strip()
        except OSError as exc:
            raise KeeperUnavailable(f"the keeper's unlock key {path} cannot be read: {exc.strerror}") from exc
        if len(key) < UNLOCK_BYTES_MIN:
            raise SettingsWrong(f"the keeper's unlock key {path} is shorter than {UNLOCK_BYTES_MIN} bytes")
        return key

    def _require_private(self) -> None:
        mode = stat.S_IMODE(self.folder.stat().st_mode)
        if mode & 0o077:
            raise SettingsWrong(f"others may read the keeper's folder {self.folder}; run: chmod 700 '{self.folder}'")


def _write_once(path: Path, content: bytes) -> None:
    """Writes a file durably and whole, or not at all; raises ``FileExistsError`` when there is one."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
