"""What the embedded server says of bytes that rotted on its disk: to its client no more than "internal error".

It checks every piece that it reads, asks its disk again for some 13 s, and answers 500, or breaks an answer off that it
has begun. Only its log tells that from a server that is just starting: the part that reads the disk was there and gave
500 (a checksum differs) or 404 (the piece is another one). A part that is not there refuses the connection, which
reads otherwise.

Rule 1: the log only explains a reading that failed; nothing is refused, or believed, for what stands in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from vault.errors import SealBroken

LOG_NAME: Final = "server.log"
LOOKED_THROUGH_BYTES: Final = 1 << 20
_UNREADABLE: Final = re.compile(rb"read http://\S+ failed, err: [^\n]{0,400}(500 Internal Server Error|404 Not Found)")


class DamageLog:
    """The log of the server whose data are in a folder beside it; none for a server elsewhere."""

    def __init__(self, data_folder: Path | None) -> None:
        self._path = data_folder.parent / LOG_NAME if data_folder is not None else None

    def mark(self) -> int:
        """Where the log ends now."""
        try:
            return self._path.stat().st_size if self._path is not None else 0
        except OSError:
            return 0

    def tells(self, mark: int) -> bool:
        """Whether it told of a piece that cannot be read since a mark. The guardian may have emptied it meanwhile."""
        if self._path is None:
            return False
        try:
            with self._path.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(max(mark if mark <= size else 0, size - LOOKED_THROUGH_BYTES))
                return _UNREADABLE.search(log.read(LOOKED_THROUGH_BYTES)) is not None
        except OSError:
            return False


def damaged(what: str) -> SealBroken:
    """The error of a reading that failed while the log told so."""
    return SealBroken(
        f"{what}: the object store finds these bytes damaged on its disk; bring the object back from a backup, and "
        "look at the disk (`strongroom doctor --deep` names all that is damaged)"
    )
