"""Exit codes of the ``strongroom`` command, once for all commands.

Rule 1: a code is stable; scripts rely on it. ``TABLE`` is what ``strongroom --help`` prints.
Rule 2: where several things failed in one command, the gravest decides: broken, then unavailable, then refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vault.errors import Broken, NotAllowed, NotSignedIn, StrongroomError, Unavailable

OK: Final = 0
BROKEN: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
UNAVAILABLE: Final = 4
NOT_ALLOWED: Final = 5
INTERRUPTED: Final = 130
READER_GONE: Final = 141
TERMINATED: Final = 143

TABLE: Final = (
    (OK, "done"),
    (BROKEN, "something is broken: somebody has to look"),
    (USAGE, "the command was not understood"),
    (REFUSED, "refused, or refused in part (record add): nothing was changed by what was refused"),
    (UNAVAILABLE, "a part is away: try again"),
    (NOT_ALLOWED, "not signed in, or not allowed"),
    (INTERRUPTED, "interrupted (Ctrl-C)"),
    (READER_GONE, "whoever read the output went away"),
    (TERMINATED, "asked to end (SIGTERM)"),
)

_GRAVEST_FIRST: Final = (BROKEN, UNAVAILABLE, NOT_ALLOWED, REFUSED)


def code_of(error: StrongroomError) -> int:
    """The exit code that an error ends the command with."""
    if isinstance(error, Broken):
        return BROKEN
    if isinstance(error, Unavailable):
        return UNAVAILABLE
    if isinstance(error, NotSignedIn | NotAllowed):
        return NOT_ALLOWED
    return REFUSED


def gravest(codes: Iterable[int]) -> int:
    """The one code for a command of which several parts failed; ``OK`` when none did."""
    seen = set(codes)
    return next((code for code in _GRAVEST_FIRST if code in seen), OK)
