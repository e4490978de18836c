"""The receipt of a batch: for each file what was declared, what is stored, what was hashed, and that all agree.

*Declared* is what the command itself read from the disk: size, and a SHA-256 made in its own pass over the bytes.
*Stored* is the size, and *hashed* the SHA-256, that the vault acknowledged from its own side.

Rule 1: a receipt is whole: every path that was met has a line, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vault.cli.plain import iso, plain, size

if TYPE_CHECKING:
    from vault.cli.speech import JSON

FORMAT: Final = "strongroom-batch-receipt/1"


class Outcome(StrEnum):
    """What became of one file."""

    STORED = "stored"
    ALREADY_THERE = "already-there"
    REFUSED = "refused"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Both sides of one file that is in the vault."""

    record_id: str
    number: str
    version: int
    declared_size_bytes: int
    declared_sha256: bytes
    stored_size_bytes: int
    hashed_sha256: bytes

    @property
    def agrees(self) -> bool:
        """Whether declared = stored = hashed."""
        return (self.declared_size_bytes, self.declared_sha256) == (self.stored_size_bytes, self.hashed_sha256)

    def document(self) -> dict[str, JSON]:
        """Both sides for programs."""
        return {
            "record_id": self.record_id,
            "number": self.number,
            "version": self.version,
            "declared": {"size_bytes": self.declared_size_bytes, "sha256": self.declared_sha256.hex()},
            "stored": {"size_bytes": self.stored_size_bytes},
            "hashed": {"sha256": self.hashed_sha256.hex()},
            "agrees": self.agrees,
            "error": None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One file of the batch; ``acknowledged`` when it is in the vault, else ``code`` and ``message`` say why not."""

    path: str
    outcome: Outcome
    acknowledged: Acknowledged | None = None
    code: str = ""
    message: str = ""
    exit_code: int = 0

    def document(self) -> dict[str, JSON]:
        """The line for programs."""
        known = self.acknowledged
        return {"path": self.path, "outcome": self.outcome.value, **(known.document() if known else self._why_not())}

    def _why_not(self) -> dict[str, JSON]:
        names = ("record_id", "number", "version", "declared", "stored", "hashed", "agrees")
        return {**dict.fromkeys(names), "error": {"code": self.code, "message": self.message}}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReceipt:
    """The receipt of one run of ``record add``."""

    batch: str | None
    vault_id: str
    class_code: str
    customer: str | None
    started_at: datetime
    finished_at: datetime
    interrupted: bool
    lines: Sequence[Line]

    def count(self, outcome: Outcome) -> int:
        """How many files came out so."""
        return sum(line.outcome is outcome for line in self.lines)

    @property
    def agrees(self) -> bool:
        """Whether everything acknowledged agrees on both sides."""
        return all(line.acknowledged.agrees for line in self.lines if line.acknowledged)

    def document(self) -> dict[str, JSON]:
        """The receipt for programs."""
        known = [line.acknowledged for line in self.lines if line.acknowledged]
        return {
            "format": FORMAT,
            "batch": self.batch,
            "vault_id": self.vault_id,
            "class": self.class_code,
            "customer": self.customer,
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "interrupted": self.interrupted,
            "agrees": self.agrees,
            "totals": {
                "files": len(self.lines),
                **{outcome.value.replace("-", "_"): self.count(outcome) for outcome in Outcome},
                "declared_bytes": sum(each.declared_size_bytes for each in known),
                "stored_bytes": sum(each.stored_size_bytes for each in known),
                "hashed_equal": sum(each.declared_sha256 == each.hashed_sha256 for each in known),
            },
            "files": [line.document() for line in self.lines],
        }

    def text(self) -> Iterator[str]:
        """What is in the vault, a line a file: number, state, path."""
        for line in self.lines:
            if line.acknowledged:
                yield f"{line.acknowledged.number}  {line.outcome.value:13}  {plain(line.path)}"

    def summary(self) -> str:
        """The receipt in one line."""
        known = [line.acknowledged for line in self.lines if line.acknowledged]
        stored_bytes = sum(each.stored_size_bytes for each in known)
        equal = sum(each.agrees for each in known)
        parts = [
            f"{len(known)} files declared = {len(known)} stored = {equal} hashed equal ({size(stored_bytes)})",
            *(
                f"{count} {outcome.value.replace('-', ' ')}"
                for outcome in (Outcome.ALREADY_THERE, Outcome.REFUSED, Outcome.NOT_TRIED)
                if (count := self.count(outcome))
            ),
        ]
        return "; ".join(parts)
