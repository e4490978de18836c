"""Time stamps by an authority outside (RFC 3161): proof that some bytes existed at a time, by somebody else's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamping:
    """What an authority does for us.

    ``stamp`` gives its answer over a message, checked; raises ``TimeStampUnavailable`` when it is away, ``SealBroken``
    when what it says is not what was asked. ``time_of`` tells when it saw a message; raises ``SealBroken``.
    """

    stamp: Callable[[bytes], bytes]
    time_of: Callable[[bytes, bytes], datetime]
