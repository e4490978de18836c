"""The command line's own session: its token lies in the home, for its owner's eyes only.

Rule 1: a token that anybody else may read is refused, not used.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from vault.cli.files import TemporaryFile
from vault.errors import NotAllowed, NotSignedIn

FILE_NAME: Final = "session"
_TOKEN_MAX_BYTES: Final = 4096


def path_in(home: Path) -> Path:
    """Where the token lies."""
    return home / FILE_NAME


def keep(home: Path, token: str) -> None:
    """Keeps a token, mode 0600, in place of an earlier one. Raises ``InvalidInput`` when the home cannot be written."""
    with TemporaryFile(path_in(home), overwrite=True) as file:
        file.write(token.encode("ascii"))
        file.keep()


def kept(home: Path) -> str | None:
    """The token, or None. Raises ``NotAllowed`` when others could have read or changed it."""
    try:
        fd = os.open(path_in(home), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotAllowed(f"{path_in(home)} cannot be read by you; run this as the owner of the home") from error
    with os.fdopen(fd, "rb") as file:
        facts = os.fstat(fd)
        if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077:
            raise NotAllowed(f"{path_in(home)} is not yours alone; delete it and sign in again with `strongroom login`")
        token = file.read(_TOKEN_MAX_BYTES)
    try:
        return token.decode("ascii") or None
    except UnicodeDecodeError as error:
        raise NotSignedIn(f"{path_in(home)} holds no session; sign in again with `strongroom login`") from error


def forget(home: Path) -> bool:
    """Deletes the token; False when there was none."""
    try:
        path_in(home).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NotAllowed(f"{path_in(home)} cannot be deleted by you; run this as the owner of the home") from error
    return True
