"""Resumable uploads: a file that comes in pieces, over as many requests as it takes, before it becomes a record.

Rule 1: a piece counts once it is in the store and in the catalogue; ``offset_bytes`` is what counts, without gaps.
Rule 2: pieces are sealed under a key of this upload's own, which is sealed under the leaf that its record will have. It
is in the catalogue as long as the upload is open, and nowhere else.
Rule 3: open -> finished (it is a record) or ended (it never becomes one); neither is left again.
Rule 4: an upload is its owner's alone. For everybody else it does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vault.errors import ChecksumWrong, NotFound, OffsetWrong, TooLarge, UploadEnded
from vault.ids import CustomerId, FondsId, ObjectId, PersonId, RecordId, UploadId
from vault.records import Description
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret


class UploadState(StrEnum):
    """Where an upload is (rule 3)."""

    OPEN = "open"
    FINISHED = "finished"
    ENDED = "ended"


class UploadEnd(StrEnum):
    """Why an upload never became a record."""

    EXPIRED = "expired"
    TERMINATED = "terminated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload. ``sealed`` opens to ``UploadFacts`` and is empty once it is not open any more.

    ``record_id`` is the record that it becomes, chosen when it began.
    """

    id: UploadId
    fonds_id: FondsId
    person_id: PersonId
    state: UploadState
    class_code: str
    customer_id: CustomerId | None
    leaf: LeafAddress
    record_id: RecordId
    size_bytes: int
    offset_bytes: int
    idempotency_key_hash: bytes
    sealed: bytes
    created_at: datetime
    expires_at: datetime
    end: UploadEnd | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes are here."""
        return self.offset_bytes == self.size_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFacts:
    """What is sealed of an upload: its staging key, and what was said of the file. ``told`` is that, word for word."""

    key: Secret
    file_name: str
    description: Description
    declared_sha256: bytes | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece in the store: ``size_bytes`` of the file from ``start_bytes``, sealed as a message of its own."""

    upload_id: UploadId
    start_bytes: int
    size_bytes: int
    object_id: ObjectId
    version_id: str


def require_own(upload: Upload | None, person_id: PersonId) -> Upload:
    """The upload, if it is this person's. Raises ``NotFound``."""
    if upload is None or upload.person_id != person_id:
        raise NotFound("there is no such upload; begin another")
    return upload


def require_open(upload: Upload, now: datetime) -> Upload:
    """The upload, if it takes anything yet. Raises ``UploadEnded``."""
    if upload.state is UploadState.FINISHED:
        raise UploadEnded("this upload is finished; its record is in the list")
    if upload.end is UploadEnd.EXPIRED or (upload.state is UploadState.OPEN and upload.expires_at <= now):
        raise UploadEnded("this upload has expired; begin another")
    if upload.state is UploadState.ENDED:
        raise UploadEnded("this upload was ended; begin another")
    return upload


def require_unended(upload: Upload | None) -> Upload:
    """The upload, if it did not end without a record. Raises ``UploadEnded``."""
    if upload is None or upload.state is UploadState.ENDED:
        raise UploadEnded("this upload was ended; begin another")
    return upload


def require_next(upload: Upload, start_bytes: int, size_bytes: int | None) -> None:
    """That as many bytes from there go on where the upload is. Raises ``OffsetWrong``, ``TooLarge``."""
    if start_bytes != upload.offset_bytes:
        raise OffsetWrong(f"the upload goes on at byte {upload.offset_bytes}, not at {start_bytes}; send from there")
    if size_bytes is not None and start_bytes + size_bytes > upload.size_bytes:
        raise TooLarge(f"the upload was announced to have {upload.size_bytes} bytes; more are not taken")


def require_checksum(matches: bool) -> None:
    """Raises ``ChecksumWrong``."""
    if not matches:
        raise ChecksumWrong(
            "the bytes do not have the checksum that was announced; none of them count; send them again"
        )
