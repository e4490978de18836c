"""The tone of each state: what its colour and mark say before it is read. A state that is not named here is calm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_GOOD: Final = (
    "filed", "open", "in-force", "done", "certificate-complete", "matter-released",
    "batch-effective", "keeper-proven", "in-order", "decision-keep", "notice-state-told",
    "ruling-kept", "delivery-sent", "found-passed",
)  # fmt: skip
_WARN: Final = (
    "received", "sensitive", "proposed", "executing", "decision-pending", "certificate-pending",
    "matter-release-proposed", "used-up", "batch-erasing", "batch-promoted", "keeper-holds-older", "keeper-behind",
    "waiting", "notice-state-waiting", "review-is-open", "ruling-pending", "ruling-left", "delivery-waiting",
    "found-warned",
)  # fmt: skip
_BAD: Final = (
    "expired", "matter-in-force", "revoked", "important", "keeper-away", "keeper-lost", "destroyed", "erasing",
    "overdue", "decision-destroy", "decision-objected", "restricted", "ruling-revoked", "ruling-lapsed",
    "delivery-given-up", "suspended", "found-failed",
)  # fmt: skip
_INFO: Final = ("approved", "decision-extend", "decision-reclassify", "decision-transfer", "decision-permanent")

TONES: Final[Mapping[str, str]] = {
    code: tone for tone, codes in (("good", _GOOD), ("warn", _WARN), ("bad", _BAD), ("info", _INFO)) for code in codes
}


def tone_of(code: str) -> str:
    """The tone of a state by its code: good, warn, bad or info; empty for one that is none of these."""
    return TONES.get(code, "")
