"""Proves the object lock by attacking it: canaries are locked, then everything is tried that would undo the lock.

Rule 1: attempts use the application's own credentials, so what is proved is what a thief of them meets.
Rule 2: an attempt is judged by the canary afterwards (there, unaltered, locked as long), not by the server's answer.
Rule 3: nothing is tried that could harm anything but a canary: settings of the bucket are only put as they are, or
    narrowed to the canaries' prefix and taken back, and the bucket itself is never deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from storage.objects.s3 import S3Store
from storage.objects.sdk import sdk_client
from storage.objects.settings import S3Settings
from vault.errors import ObjectMissing, StillLocked, StoreUnavailable
from vault.objects import Lock, LockMode

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX = "canary/"
LOCKED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attack: the call, on which canary ("bucket" for its settings), what was answered, whether the lock held."""

    call: str
    target: str
    outcome: str
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LockProof:
    """Every attack of one proof."""

    proved_at: datetime
    attempts: tuple[Attempt, ...]

    @property
    def held(self) -> bool:
        """Whether the store may be called WORM against the application's credentials."""
        return bool(self.attempts) and all(attempt.held for attempt in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Canary:
    name: str
    key: str
    version_id: str
    content: bytes
    lock: Lock


def prove_lock(
    settings: S3Settings, *, now: datetime, token: str, modes: Collection[LockMode] = frozenset(LockMode)
) -> LockProof:
    """Attacks fresh canaries with the credentials in ``settings`` and gives what happened.

    ``token`` (lower-case letters and digits) makes the keys unique. The canaries stay until their locks lapse;
    those of earlier proofs that have lapsed are deleted first. ``modes`` says which canaries are attacked: whoever may
    bypass governance meets a lock in COMPLIANCE only. Raises ``StoreUnavailable`` when the store goes away.
    """
    store, sdk = S3Store(settings), sdk_client(settings)
    try:
        _sweep(store)
        attempts: list[Attempt] = []
        for canary in _canaries(store, f"{PREFIX}{now:%Y%m%d%H%M%S}-{token}", now):
            if canary.lock.mode not in modes:
                continue
            for name, attack in _attacks(sdk, settings.bucket, canary, now).items():
                outcome = _try(attack)
                held = _is_intact(store, canary)
                attempts.append(Attempt(call=name, target=canary.name, outcome=outcome, held=held))
                if not held:
                    break  # a canary falls once
            _tidy(store, canary)
        for name, attack in _bucket_attacks(sdk, settings.bucket).items():
            outcome = _try(attack)
            attempts.append(Attempt(call=name, target="bucket", outcome=outcome, held=outcome.startswith("refused")))
        return LockProof(proved_at=now, attempts=tuple(attempts))
    finally:
        store.close()
        sdk.close()


def _canaries(store: S3Store, stem: str, now: datetime) -> Iterator[_Canary]:
    until = (now + LOCKED_FOR).replace(microsecond=0)
    for name, mode in (("put", LockMode.GOVERNANCE), ("put-compliance", LockMode.COMPLIANCE)):
        key, content, lock = f"{stem}-{name}", f"canary {name}".encode(), Lock(mode=mode, retain_until=until)
        stored = store.put(key, content, sha256=hashlib.sha256(content).digest(), lock=lock)
        yield _Canary(name=name, key=key, version_id=stored.version_id, content=content, lock=lock)
    key, content, lock = f"{stem}-multipart", b"canary multipart", Lock(mode=LockMode.GOVERNANCE, retain_until=until)
    upload = store.start_upload(key, lock=lock)
    part = store.put_part(key, upload, 1, content, sha256=hashlib.sha256(content).digest())
    stored = store.complete_upload(key, upload, [part])
    yield _Canary(name="multipart", key=key, version_id=stored.version_id, content=content, lock=lock)


def _attacks(sdk: S3Client, bucket: str, canary: _Canary, now: datetime) -> Mapping[str, Callable[[], object]]:
    version: dict[str, Any] = {"Bucket": bucket, "Key": canary.key, "VersionId": canary.version_id}
    whole = {"Objects": [{"Key": canary.key, "VersionId": canary.version_id}]}
    shorter = {"Mode": canary.lock.mode.value, "RetainUntilDate": now + timedelta(hours=1)}
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": canary.lock.retain_until - timedelta(seconds=1)}
    untyped: Any = sdk  # what is sent here is what the types forbid

    def bulk_delete(*, bypass: bool) -> object:
        answer = untyped.delete_objects(Bucket=bucket, Delete=whole, BypassGovernanceRetention=bypass)
        errors = answer.get("Errors", [])
        return _Refusal(errors[0].get("Code", "error")) if errors else answer

    def retention(wanted: Mapping[str, object], *, bypass: bool) -> object:
        return untyped.put_object_retention(**version, Retention=wanted, BypassGovernanceRetention=bypass)

    source = {"Bucket": bucket, "Key": canary.key, "VersionId": canary.version_id}
    return {
        "DeleteObject of the version": lambda: untyped.delete_object(**version),
        "DeleteObject, bypassing governance": lambda: untyped.delete_object(**version, BypassGovernanceRetention=True),
        "DeleteObjects": lambda: bulk_delete(bypass=False),
        "DeleteObjects, bypassing governance": lambda: bulk_delete(bypass=True),
        "PutObjectRetention, shorter": lambda: retention(shorter, bypass=False),
        "PutObjectRetention, shorter, bypassing governance": lambda: retention(shorter, bypass=True),
        "PutObjectRetention, weaker, bypassing governance": lambda: retention(weaker, bypass=True),
        "PutObjectRetention, empty": lambda: retention({}, bypass=False),
        "PutObjectRetention, empty, bypassing governance": lambda: retention({}, bypass=True),
        "PutObject over it": lambda: untyped.put_object(Bucket=bucket, Key=canary.key, Body=b"overwritten"),
        "CopyObject over it": lambda: untyped.copy_object(
            Bucket=bucket, Key=canary.key, CopySource=source, MetadataDirective="REPLACE"
        ),
        "DeleteObject without a version": lambda: untyped.delete_object(Bucket=bucket, Key=canary.key),
    }


def _bucket_attacks(sdk: S3Client, bucket: str) -> Mapping[str, Callable[[], object]]:
    untyped: Any = sdk

    def suspend_versioning() -> object:
        untyped.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        return untyped.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def expire_canaries() -> object:
        if (kept := _optional(lambda: untyped.get_bucket_lifecycle_configuration(Bucket=bucket))) is not None:
            same = {"Rules": kept["Rules"]}
            return untyped.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=same)
        rule = {"ID": "canary", "Status": "Enabled", "Filter": {"Prefix": PREFIX}, "Expiration": {"Days": 3650}}
        untyped.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
        return untyped.delete_bucket_lifecycle(Bucket=bucket)

    def lock_configuration() -> object:
        kept = untyped.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        return untyped.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=kept)

    return {
        "PutBucketVersioning, suspended": suspend_versioning,
        "PutBucketLifecycleConfiguration": expire_canaries,
        "PutObjectLockConfiguration": lock_configuration,
    }


class _Refusal(str):
    """An answer that looks like success and tells of an error inside."""

    __slots__ = ()


def _optional(ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return ask()
    except ClientError:
        return None


def _try(attack: Callable[[], object]) -> str:
    try:
        answer = attack()
    except ClientError as error:
        return f"refused: {error.response['Error'].get('Code', 'error')}"
    except BotoCoreError as error:
        raise StoreUnavailable(f"the store went away while its lock was proved ({type(error).__name__})") from error
    return f"refused: {answer}" if isinstance(answer, _Refusal) else "accepted"


def _is_intact(store: S3Store, canary: _Canary) -> bool:
    facts = store.head(canary.key, canary.version_id)
    if facts is None or facts.lock is None or facts.lock.retain_until < canary.lock.retain_until:
        return False
    if canary.lock.mode is LockMode.COMPLIANCE and facts.lock.mode is not LockMode.COMPLIANCE:
        return False
    try:
        with store.read(canary.key, canary.version_id) as chunks:
            return b"".join(chunks) == canary.content
    except ObjectMissing:
        return False


def _tidy(store: S3Store, canary: _Canary) -> None:
    """Removes what the attacks made beside the canary; a copy that inherited the lock stays until that lapses."""
    _delete_unlocked(store, canary.key, spare=canary.version_id)


def _sweep(store: S3Store) -> None:
    _delete_unlocked(store, PREFIX)


def _delete_unlocked(store: S3Store, prefix: str, *, spare: str = "") -> None:
    for version in list(store.versions(prefix)):
        if version.version_id != spare:
            with suppress(StillLocked):
                store.delete_version(version.key, version.version_id)
