"""Retention and legal hold of object versions that exist already.

Rule 1: changes to one version are serialised among all processes of a vault, by the turns that its catalogue gives:
without them the embedded server lost 5 locks and 3 holds of 400 when a lock and a hold raced from two processes, after
it had confirmed them.
Rule 2: what was set is read back and compared; what the store keeps is the answer, not what it answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from storage.objects import answers
from vault.errors import LockNotKept, StillLocked
from vault.objects import Lock, LockMode

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

STRIPES = 64

Turn = Callable[[str], AbstractContextManager[object]]
"""Gives whoever names the same thing one turn after the other."""


class VersionLocks:
    """Extends locks and sets legal holds in one bucket.

    Turning GOVERNANCE into COMPLIANCE counts as changing a lock, which takes ``s3:BypassGovernanceRetention``: with the
    operator's credentials ``bypass_governance`` uses that right for this one step and for nothing else.
    Without ``turn`` only the threads of this object take turns.
    """

    def __init__(self, sdk: S3Client, bucket: str, *, bypass_governance: bool, turn: Turn | None = None) -> None:
        self._sdk = sdk
        self._bucket = bucket
        self._bypass_governance = bypass_governance
        self._turns = [threading.Lock() for _ in range(STRIPES)]
        self._turn_of = turn or self._turn_here

    def current(self, key: str, version_id: str) -> Lock | None:
        """The lock that the store keeps for a version."""
        answer = answers.call(
            f"head {key}",
            lambda: self._sdk.head_object(Bucket=self._bucket, Key=key, VersionId=version_id),
            repeatable=True,
        )
        return lock_of(answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate"))

    def extend_lock(self, key: str, version_id: str, lock: Lock) -> Lock:
        """See ``vault.ports.ObjectStore.extend_lock``. A lock that is longer or stricter already stays as it is."""
        what = f"lock {key}"
        refused: StillLocked | None = None
        with self._turn(key, version_id):
            bypass = self._bypass_governance and self._is_tightened(key, version_id, lock)
            try:
                answers.call(
                    what,
                    lambda: self._sdk.put_object_retention(
                        Bucket=self._bucket,
                        Key=key,
                        VersionId=version_id,
                        Retention={"Mode": lock.mode.value, "RetainUntilDate": lock.retain_until},
                        BypassGovernanceRetention=bypass,
                    ),
                    repeatable=True,
                )
            except StillLocked as error:
                refused = error  # what is kept already may be more than what was asked: the answer is in the reading
            kept = answers.call(
                f"read the lock of {key}",
                lambda: self._sdk.get_object_retention(Bucket=self._bucket, Key=key, VersionId=version_id),
                repeatable=True,
            )["Retention"]
        found = lock_of(kept.get("Mode"), kept.get("RetainUntilDate"))
        if found is None or found.retain_until < lock.retain_until or LockMode.COMPLIANCE in {lock.mode} - {found.mode}:
            message = f"{what}: asked for {lock.mode} until {rfc3339(lock.retain_until)}, the store keeps {found}"
            raise LockNotKept(f"{message}; check its Object Lock") from refused
        return found

    def _is_tightened(self, key: str, version_id: str, lock: Lock) -> bool:
        now = self.current(key, version_id)
        if now is None:
            return False
        was_governance = now.mode is LockMode.GOVERNANCE and lock.mode is LockMode.COMPLIANCE
        return was_governance and lock.retain_until >= now.retain_until

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """See ``vault.ports.ObjectStore.set_legal_hold``."""
        wanted: Literal["ON", "OFF"] = "ON" if held else "OFF"
        with self._turn(key, version_id):
            answers.call(
                f"set the legal hold of {key}",
                lambda: self._sdk.put_object_legal_hold(
                    Bucket=self._bucket, Key=key, VersionId=version_id, LegalHold={"Status": wanted}
                ),
                repeatable=True,
            )
            kept = answers.call(
                f"read the legal hold of {key}",
                lambda: self._sdk.get_object_legal_hold(Bucket=self._bucket, Key=key, VersionId=version_id),
                repeatable=True,
            )
        if kept["LegalHold"].get("Status") != wanted:
            raise LockNotKept(f"the legal hold of {key} should be {wanted} and is not; check the store's Object Lock")

    def _turn(self, key: str, version_id: str) -> AbstractContextManager[object]:
        return self._turn_of(f"{key} {version_id}")

    def _turn_here(self, name: str) -> threading.Lock:
        return self._turns[hash(name) % STRIPES]


def lock_of(mode: str | None, until: datetime | None) -> Lock | None:
    """A lock as S3 tells it; None where one of its halves is missing."""
    if mode is None or until is None:
        return None
    return Lock(mode=LockMode(mode), retain_until=until.astimezone(UTC))


def rfc3339(moment: datetime) -> str:
    """A moment as S3 headers have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
