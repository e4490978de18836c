"""Passwords and pass codes, kept as Argon2id strings (RFC 9106; PHC string format).

Parameters: 64 MiB, 3 passes, 1 lane for people's passwords; 19 MiB, 2 passes for pass codes, which are rate limited too
(OWASP Password Storage Cheat Sheet). A string names its own parameters, so they can be raised later.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from vault.seal.secrets import TokenBytes, random_bytes

SALT_LENGTH: Final = 16
HASH_LENGTH: Final = 32
PASSWORD_PASSES: Final = 3
PASSWORD_MEMORY_KIB: Final = 64 * 1024
_PARAMETERS: Final = re.compile(r"\$argon2id\$v=19\$m=([0-9]+),t=([0-9]+),p=1\$", re.ASCII)


def hash_password(password: str, *, token_bytes: TokenBytes) -> str:
    """The string to keep for a person's password."""
    return _hash(password, token_bytes=token_bytes, passes=PASSWORD_PASSES, memory_kib=PASSWORD_MEMORY_KIB)


def is_current(kept: str) -> bool:
    """Whether a person's string was made with the parameters of today; else it is made anew at the next sign-in."""
    found = _PARAMETERS.match(kept)
    return found is not None and (int(found[1]), int(found[2])) == (PASSWORD_MEMORY_KIB, PASSWORD_PASSES)


@cache
def password_of_nobody() -> str:
    """A string of the same cost that no password is known to match: an unknown name takes as long as a known one."""
    salt, digest = "5uLnK/HaGeKIOFjcylGn5A", "MgHD9qPEM4dRargN+yGYog0Pjusv19t21q5goRzs8lE"
    return f"$argon2id$v=19$m={PASSWORD_MEMORY_KIB},t={PASSWORD_PASSES},p=1${salt}${digest}"


def hash_pass_code(pass_code: str, *, token_bytes: TokenBytes) -> str:
    """The string to keep for a link's pass code."""
    return _hash(pass_code, token_bytes=token_bytes, passes=2, memory_kib=19 * 1024)


def password_matches(password: str, kept: str) -> bool:
    """Whether a password, or pass code, is the one that ``kept`` was made of."""
    try:
        Argon2id.verify_phc_encoded(_normalised(password), kept)
    except InvalidKey:
        return False
    return True


def _hash(password: str, *, token_bytes: TokenBytes, passes: int, memory_kib: int) -> str:
    kdf = Argon2id(
        salt=random_bytes(token_bytes, SALT_LENGTH),
        length=HASH_LENGTH,
        iterations=passes,
        lanes=1,
        memory_cost=memory_kib,
    )
    return kdf.derive_phc_encoded(_normalised(password))


def _normalised(password: str) -> bytes:
    # NFKC, so that the same keys pressed on another machine give the same bytes (RFC 8265 section 4.2 uses NFC; the
    # width of letters varies between Chinese input methods, hence the compatibility form).
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
