"""The shelf of resumable uploads and their pieces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId, RecordId, UploadId
from vault.uploads import Piece, Upload, UploadEnd


class UploadShelf(Protocol):
    def add(self, upload: Upload) -> None:
        """Raises ``AlreadyExists`` when one that did not end has the same ``idempotency_key_hash``."""
        ...

    def get(self, upload_id: UploadId, *, for_update: bool = False) -> Upload | None: ...

    def by_idempotency_key(self, key_hash: bytes) -> Upload | None:
        """The one of a key that did not end."""
        ...

    def of_person(self, person_id: PersonId) -> tuple[int, int]:
        """How many somebody has open, and how many bytes these were announced to have."""
        ...

    def open_of(self, person_id: PersonId) -> Sequence[Upload]:
        """What somebody has open, oldest first."""
        ...

    def advance(self, pieces: Sequence[Piece], *, expires_at: datetime) -> bool:
        """Counts pieces that follow each other; False, and nothing changed, unless the upload is open and they go on
        where it is."""
        ...

    def pieces(self, upload_id: UploadId) -> Sequence[Piece]:
        """Its pieces in order."""
        ...

    def finish(self, upload_id: UploadId, *, record_id: RecordId) -> bool:
        """``open`` -> ``finished``: forgets its key and its pieces; False when it is not open."""
        ...

    def end(self, upload_id: UploadId, end: UploadEnd) -> bool:
        """``open`` -> ``ended``: forgets its key and its pieces; False when it is not open."""
        ...

    def whole(self, *, after: Upload | None = None, limit: int = 100) -> Sequence[Upload]:
        """Open ones all of whose bytes are here, oldest first, those behind ``after``."""
        ...

    def expired(self, *, now: datetime, limit: int = 100) -> Sequence[Upload]:
        """Open ones whose time is over, oldest first."""
        ...

    def forget_ended(self, *, before: datetime) -> int:
        """Forgets those that ended without a record, were begun and expired before then."""
        ...
