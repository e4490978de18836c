"""Which root keepers a home has: ``<home>/keepers.json``, of its owner alone. It holds no secret, only where they are.

    {"version": 1,
     "keepers": [{"name": "file", "kind": "settings"},
                 {"name": "token", "kind": "pkcs11", "folder": "/mnt/a", "module": "/usr/lib/x.so", "token": "records",
                  "secret": {"from": "file", "at": "/etc/strongroom/pin"}}],
     "lost": [...]}

Without it there is one: the file keeper of the settings, ``DEFAULT``.

Rule 1: it is replaced as a whole, durably; a reader sees the old one or the new one.
Rule 2: a keeper is in it before it has a root, and until it has none: no root is ever kept where nobody looks.
Rule 3: whoever changes keepers holds the home shared, whoever changes the list holds it alone (``flock``).
Rule 4: a name that was lost is not given again while it is.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from vault.errors import KeeperUnavailable, SettingsWrong

LIST_NAME: Final = "keepers.json"
VERSION: Final = 1
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_FIELDS: Final = ("name", "kind", "folder", "key_file", "module", "token", "tcti")


class KeeperKind(StrEnum):
    """What a keeper is. ``SETTINGS`` is the sealed file whose places are in the settings."""

    SETTINGS = "settings"
    FILE = "file"
    PKCS11 = "pkcs11"
    TPM = "tpm"


class SecretFrom(StrEnum):
    """Where a passphrase or a PIN comes from."""

    FILE = "file"
    DESCRIPTOR = "descriptor"
    VARIABLE = "variable"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """``at`` is the file's path, the descriptor's number or the variable's name; of a terminal the keeper's name."""

    come_from: SecretFrom
    at: str

    def __post_init__(self) -> None:
        if self.come_from is SecretFrom.DESCRIPTOR and not self.at.isdecimal():
            raise ValueError("a descriptor is a number")

    @property
    def key(self) -> str:
        """Under which ``KeeperSettings.given`` has it."""
        return f"{self.come_from.value}:{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSpec:
    """One keeper of the list."""

    name: str
    kind: KeeperKind
    folder: str | None = None
    key_file: str | None = None
    module: str | None = None
    token: str | None = None
    tcti: str | None = None
    secret: SecretSource | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SettingsWrong("a keeper's name is up to 40 of a-z 0-9 . _ - and begins with a letter or a digit")
        if (self.folder is None) != (self.kind is KeeperKind.SETTINGS):
            raise SettingsWrong(f"the keeper {self.name} needs a folder of its own")
        if self.kind is KeeperKind.PKCS11 and None in (self.module, self.token, self.secret):
            raise SettingsWrong(f"the keeper {self.name} needs a module, a token's label and a PIN")

    def as_json(self) -> dict[str, object]:
        """Without what is not set."""
        document: dict[str, object] = {name: getattr(self, name) for name in _FIELDS if getattr(self, name) is not None}
        if self.secret is not None:
            document["secret"] = {"from": self.secret.come_from.value, "at": self.secret.at}
        return document

    @classmethod
    def from_json(cls, document: dict[str, object]) -> Self:
        """Raises ``ValueError``, ``KeyError``, ``TypeError``, ``SettingsWrong`` for another form."""
        given = dict(document)
        secret = given.pop("secret", None)
        if not given.keys() <= set(_FIELDS) or not all(isinstance(value, str) for value in given.values()):
            raise ValueError("unknown fields")
        source = None
        if secret is not None:
            if not isinstance(secret, dict):
                raise ValueError("a secret's source has two fields")
            source = SecretSource(come_from=SecretFrom(str(secret["from"])), at=str(secret["at"]))
        return cls(**{**given, "kind": KeeperKind(str(given["kind"])), "secret": source})  # type: ignore[arg-type]  # text


DEFAULT: Final = KeeperSpec(name="file", kind=KeeperKind.SETTINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperList:
    """``lost`` are those that were removed and may still hold a root."""

    keepers: tuple[KeeperSpec, ...] = (DEFAULT,)
    lost: tuple[KeeperSpec, ...] = ()

    def find(self, name: str) -> KeeperSpec | None:
        """A keeper by its name, a lost one too."""
        return next((spec for spec in (*self.keepers, *self.lost) if spec.name == name), None)

    def without(self, name: str) -> KeeperList:
        """The list without it."""
        return KeeperList(
            keepers=tuple(spec for spec in self.keepers if spec.name != name),
            lost=tuple(spec for spec in self.lost if spec.name != name),
        )


def read_list(home: Path) -> KeeperList:
    """The list of a home. Raises ``SettingsWrong``."""
    path = home / LIST_NAME
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return KeeperList()
    except OSError as exc:
        raise SettingsWrong(
            f"the list of keepers {path} cannot be read ({exc.strerror}); run this as its owner"
        ) from exc
    except ValueError as exc:
        raise _unreadable(path) from exc
    try:
        if document["version"] != VERSION:
            raise SettingsWrong(f"the list of keepers {path} is of another version; use the Strongroom that wrote it")
        keepers, lost = (tuple(KeeperSpec.from_json(each) for each in document[key]) for key in ("keepers", "lost"))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _unreadable(path) from exc
    names = [spec.name for spec in (*keepers, *lost)]
    if not keepers or len(set(names)) < len(names):
        raise _unreadable(path)
    return KeeperList(keepers=keepers, lost=lost)


def write_list(home: Path, listed: KeeperList) -> None:
    """Replaces the list, durably. The home is held alone. Raises ``KeeperUnavailable``; then nothing was changed."""
    document = {
        "version": VERSION,
        "keepers": [spec.as_json() for spec in listed.keepers],
        "lost": [spec.as_json() for spec in listed.lost],
    }
    scratch = home / f".{LIST_NAME}.new"
    try:
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document, indent=2).encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(home / LIST_NAME)
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise KeeperUnavailable(
            f"the list of keepers in {home} cannot be written ({exc.strerror}); nothing was changed; free space or "
            "make it writable, then try again"
        ) from exc


@contextmanager
def held_home(home: Path, *, alone: bool) -> Iterator[None]:
    """Holds the home: shared while keepers are changed, alone while the list is. Raises ``KeeperUnavailable``."""
    try:
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise KeeperUnavailable(f"the home {home} cannot be read: {exc.strerror}; nothing was changed") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _unreadable(path: Path) -> SettingsWrong:
    return SettingsWrong(
        f"the list of keepers {path} is damaged. The keepers are unharmed: restore the file from a copy of the home"
    )
