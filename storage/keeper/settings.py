"""What the root keepers have to know from outside: places, and the secrets that were given at the door.

Rule 1: it is plain values, so that it can be handed to another process through a pipe; it is never written to a disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from vault.errors import SettingsWrong


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    """``folder``, ``key_file`` and ``passphrase_file`` are the keeper's of the settings; the others are in the list.

    ``given`` has the secrets that came by a descriptor, a variable or a terminal, under ``SecretSource.key``.
    """

    home: str
    folder: str
    key_file: str | None = None
    passphrase_file: str | None = None
    given: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, object]:
        """Fit for JSON. It has secrets in it."""
        return {**asdict(self), "given": dict(self.given)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Self:
        """The reverse of ``as_json``."""
        return cls(**document)  # type: ignore[arg-type]  # what as_json gave


def secret_in(path: Path, what: str) -> str:
    """The first line of a file. Raises ``SettingsWrong`` that names ``what`` the file is for."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise SettingsWrong(f"{what}: {path} cannot be read ({exc.strerror}); put it back") from exc
    except UnicodeDecodeError as exc:
        raise SettingsWrong(f"{what}: {path} is not text in UTF-8; write the secret into its first line") from exc
    if not lines or not lines[0]:
        raise SettingsWrong(f"{what}: the first line of {path} is empty; write the secret into it")
    return lines[0]
