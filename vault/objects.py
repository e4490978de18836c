"""Objects in the store as the vault speaks of them: versions, locks, parts and what a HEAD tells.

Rule 1: a lock has a mode and an aware UTC time, or it is not a lock.
Rule 2: digests are SHA-256 over ciphertext. An object sent in parts has the S3 composite digest, SHA-256 over the
parts' digests; one sent whole has the digest of its bytes. ``part_count`` 0 tells the latter from the former.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class LockMode(StrEnum):
    """Object-lock modes of S3 (PutObjectRetention): the operator may shorten GOVERNANCE, nobody COMPLIANCE."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Retention of one object version: until ``retain_until`` (aware, UTC, whole seconds) it cannot be deleted."""

    mode: LockMode
    retain_until: datetime

    def __post_init__(self) -> None:
        if self.retain_until.tzinfo is None:
            raise ValueError("retain_until must be aware")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a multipart upload that the store has confirmed; ``number`` counts from 1."""

    number: int
    etag: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What the store answered to a completed write; ``version_id`` names the version for ever."""

    key: str
    version_id: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What HEAD tells of one version. ``metadata`` keys are lower case, without the ``x-amz-meta-`` prefix."""

    key: str
    version_id: str
    size_bytes: int
    etag: str
    lock: Lock | None
    legal_hold: bool
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """One line of a listing of versions; a delete marker is told apart, for it is not destruction."""

    key: str
    version_id: str
    size_bytes: int
    is_latest: bool
    is_delete_marker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpload:
    """A multipart upload that was started and neither completed nor aborted."""

    key: str
    upload_id: str
    started_at: datetime
