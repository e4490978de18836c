"""The folder of one keeper: sealed root files, staged or promoted, written durably and destroyed by overwriting.

    root-<tree>-<generation>-<attempt>.staged     a root that a batch may commit to
    root-<tree>-<generation>-<attempt>.promoted   a root that was in force; promotion is one rename
    root-<tree>.sealed                            version 1: the first root of a vault, promoted
    keeper.check                                  made when the keeper is set up; tells a wrong unlock secret
    .new-*                                        a file half written by a process that died
    .lock                                         held by whoever changes the folder

Rule 1: the folder is 0700 and its files 0600; one that others may read is refused.
Rule 2: a file is whole and durable (file, then folder, synced) before its name exists, and is never written again but
to overwrite it with zeros, which is durable before the name goes.
Rule 3: whoever changes it holds the lock; readers need none. Whatever ``.new-*`` is there under the lock is a dead
process's and is overwritten.
Rule 4: a folder that was never set up is no keeper: it may be the place where a disk is not mounted.
Limit: a file that was overwritten may stay readable on an SSD, in snapshots and in copies of the folder.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vault.errors import KeeperUnavailable, NotFound, SettingsWrong
from vault.seal.rootfile import V1_ATTEMPT, RootId

CHECK_NAME: Final = "keeper.check"
_NAME: Final = re.compile(r"root-([0-9a-f]{32})-([0-9]{10})-([0-9a-f]{32})\.(staged|promoted)")
_NAME_V1: Final = re.compile(r"root-([0-9a-f]{32})\.sealed")


@dataclass(slots=True)
class KeeperFolder:
    """Where the sealed root files of one keeper are."""

    path: Path

    def roots(self) -> dict[RootId, bool]:
        """Every root that has a file, and whether it is promoted. Raises ``KeeperUnavailable``, ``SettingsWrong``."""
        found: dict[RootId, bool] = {}
        for name in self._names():
            if match := _NAME.fullmatch(name):
                root_id = RootId(
                    tree_id=bytes.fromhex(match[1]), generation=int(match[2]), attempt=bytes.fromhex(match[3])
                )
                # Seen under both names, it was renamed while the folder was listed.
                found[root_id] = match[4] == "promoted" or found.get(root_id, False)
            elif match := _NAME_V1.fullmatch(name):
                found[RootId(tree_id=bytes.fromhex(match[1]), generation=1, attempt=V1_ATTEMPT)] = True
        if not found:
            self.require_set_up()
        return found

    def read(self, root_id: RootId) -> bytes:
        """The sealed bytes. Raises ``NotFound``, ``KeeperUnavailable``."""
        # Promotion renames; a file that is missing under the first name is there under the second.
        for path in (self._path(root_id, promoted=False), self._path(root_id, promoted=True)):
            content = self.read_file(path.name)
            if content is not None:
                if not any(content):
                    break
                return content
        raise NotFound(
            f"the keeper in {self.path} has no root of generation {root_id.generation} of this vault; "
            "if it was not destroyed, restore that folder from its copy"
        )

    def read_file(self, name: str) -> bytes | None:
        """Another file of the folder, or None when there is none. Raises ``KeeperUnavailable``, ``SettingsWrong``."""
        try:
            self.require_private()
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise KeeperUnavailable(
                f"the keeper in {self.path} cannot be read: {exc.strerror}; nothing was changed"
            ) from exc

    def add(self, root_id: RootId, sealed: bytes) -> None:
        """Adds a staged root, durably. Raises ``KeeperUnavailable``; then nothing is there under its name."""
        self.write(self._path(root_id, promoted=False).name, sealed)

    def write(self, name: str, content: bytes) -> None:
        """Adds a file, durably and whole. The lock is held. Raises ``KeeperUnavailable``."""
        scratch = self.path / f".new-{name}-{os.getpid()}"
        with self._translated("written"):
            try:
                descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                # Nothing is replaced: the caller has looked, under the lock.
                scratch.rename(self.path / name)
            except OSError:
                scratch.unlink(missing_ok=True)
                raise
            self._sync()

    def promote(self, root_id: RootId) -> None:
        """Renames a staged root, durably. Raises ``NotFound``, ``KeeperUnavailable``."""
        promoted = self._path(root_id, promoted=True)
        with self._translated("written"):
            if not promoted.exists():
                try:
                    self._path(root_id, promoted=False).rename(promoted)
                except FileNotFoundError:
                    raise NotFound(
                        f"the keeper in {self.path} has not staged generation {root_id.generation} of this vault"
                    ) from None
            self._sync()

    def destroy(self, root_id: RootId) -> None:
        """Overwrites and removes every file of a root, durably. Raises ``KeeperUnavailable``."""
        with self._translated("written"):
            for promoted in (False, True):
                _wipe(self._path(root_id, promoted=promoted))
            if root_id.attempt == V1_ATTEMPT:
                for scratch in self.path.glob(f".root-{root_id.tree_id.hex()}.sealed.*"):
                    _wipe(scratch)
            self._sync()

    def make(self) -> None:
        """Makes the folder where it is missing. Raises ``KeeperUnavailable``, ``SettingsWrong``."""
        with self._translated("written"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.require_private()

    def require_set_up(self) -> None:
        """Raises ``KeeperUnavailable`` when this folder was never made a keeper's."""
        if self.read_file(CHECK_NAME) is None:
            raise KeeperUnavailable(
                f"there is no keeper in {self.path}: is its disk mounted? Nothing was changed; mount it, or restore "
                "the folder from its copy; a new keeper is set up first"
            )

    @contextmanager
    def change(self) -> Iterator[None]:
        """Keeps other changers out, and removes what dead ones left. Raises ``KeeperUnavailable``."""
        self.require_private()
        with self._translated("written"):
            descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with self._translated("written"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                for scratch in self.path.glob(".new-*"):
                    _wipe(scratch)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def use(self, *, within_s: float) -> Iterator[None]:
        """Lets one process at a time use the device behind this folder; needs no right to write, and may be held
        together with ``change``. Raises ``KeeperUnavailable`` when another uses it for longer than ``within_s``.
        """
        try:
            descriptor = os.open(self.path / CHECK_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            yield  # not set up yet, or unreadable, which whoever reads it tells
            return
        try:
            give_up_at = time.monotonic() + within_s
            while not _try_lock(descriptor):
                if time.monotonic() > give_up_at:
                    raise KeeperUnavailable(
                        f"another process has used the keeper in {self.path} for {within_s:.0f} s; "
                        "nothing was changed, try again when it has ended"
                    )
                time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)

    def require_private(self) -> None:
        """Raises ``SettingsWrong`` when others may read the folder; a missing one is private."""
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
        except FileNotFoundError:
            return
        if mode & 0o077:
            raise SettingsWrong(f"others may read the keeper's folder {self.path}; run: chmod 700 '{self.path}'")

    def _names(self) -> list[str]:
        try:
            self.require_private()
            return sorted(entry.name for entry in os.scandir(self.path))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise KeeperUnavailable(f"the keeper in {self.path} cannot be read: {exc.strerror}") from exc

    def _path(self, root_id: RootId, *, promoted: bool) -> Path:
        tree = root_id.tree_id.hex()
        if root_id.attempt == V1_ATTEMPT and root_id.generation == 1 and promoted:
            return self.path / f"root-{tree}.sealed"
        state = "promoted" if promoted else "staged"
        return self.path / f"root-{tree}-{root_id.generation:010}-{root_id.attempt.hex()}.{state}"

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise KeeperUnavailable(
                f"the keeper in {self.path} cannot be {what}: {exc.strerror}; what it holds is unharmed, "
                "make the folder writable or free space, then try again"
            ) from exc


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wipe(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
