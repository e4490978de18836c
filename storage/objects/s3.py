"""The vault's object store on any S3 server with versioning and Object Lock.

Bytes (Put, UploadPart, Get) go over ``wire``, everything else through one boto3 client (README.md, "Which client").

Rule 1: a lock travels in the request that creates the object; a later change is serialised here, read back, compared.
Rule 2: nothing is overwritten (``If-None-Match: *``) and nothing copied (a copy drops its lock).
Rule 3: every body is sent with its SHA-256, signed, and refused by the server when it differs.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

from storage.objects import answers, listings
from storage.objects.damage import DamageLog, damaged
from storage.objects.lines import Answer
from storage.objects.locks import Turn, VersionLocks, lock_of, rfc3339
from storage.objects.sdk import sdk_client
from storage.objects.settings import S3Settings
from storage.objects.wire import SignedHttp
from vault.errors import (
    InvalidInput,
    ObjectMissing,
    SealBroken,
    SettingsWrong,
    StoreFull,
    StoreUnavailable,
)
from vault.objects import ListedVersion, Lock, ObjectFacts, Part, PendingUpload, StoredObject
from vault.ports import Buffer

READ_BYTES = 2 << 20  # of one reading: with 1 MiB a large file came 3 percent more slowly
ROOM_BYTES = 512 << 20  # the embedded server answers a full disk like any trouble, and its metadata need the rest
NO_METADATA: Mapping[str, str] = MappingProxyType({})


class S3Store:
    """Implements ``vault.ports.ObjectStore`` for one bucket. For the options see ``locks.VersionLocks``."""

    def __init__(
        self,
        settings: S3Settings,
        *,
        bypass_governance: bool = False,
        page_size: int = 1000,
        turn: Turn | None = None,
    ) -> None:
        self._bucket = settings.bucket
        self._data_folder = settings.data_folder
        self._page_size = page_size
        self._damage = DamageLog(settings.data_folder)
        self._wire = SignedHttp(settings)
        self._sdk = sdk_client(settings)
        self._locks = VersionLocks(self._sdk, self._bucket, bypass_governance=bypass_governance, turn=turn)

    def close(self) -> None:
        """Closes the kept connections."""
        self._wire.close()
        self._sdk.close()

    # -- bytes ------------------------------------------------------------------------------------------------------

    def put(
        self,
        key: str,
        body: Buffer,
        *,
        sha256: bytes,
        metadata: Mapping[str, str] = NO_METADATA,
        lock: Lock | None = None,
    ) -> StoredObject:
        """See ``vault.ports.ObjectStore.put``."""
        headers = {"if-none-match": "*", "content-type": "application/octet-stream"}
        for name, value in metadata.items():
            if not value.isascii() or not value.isprintable():
                raise InvalidInput(f"metadata {name} of object {key} is not printable ASCII", field="metadata")
            headers[f"x-amz-meta-{name}"] = value
        if lock is not None:
            headers["x-amz-object-lock-mode"] = lock.mode.value
            headers["x-amz-object-lock-retain-until-date"] = rfc3339(lock.retain_until)
        answer = self._send_body(f"put {key}", key, {}, headers, body, sha256, repeatable=False)
        return _stored(key, answer.headers.get("x-amz-version-id"), answer.headers["etag"])

    def put_part(self, key: str, upload_id: str, number: int, body: Buffer, *, sha256: bytes) -> Part:
        """See ``vault.ports.ObjectStore.put_part``."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        answer = self._send_body(f"put part {number} of {key}", key, query, {}, body, sha256, repeatable=True)
        return Part(number=number, etag=answer.headers["etag"], sha256=sha256, size_bytes=memoryview(body).nbytes)

    def _send_body(
        self,
        what: str,
        key: str,
        query: Mapping[str, str],
        headers: dict[str, str],
        body: Buffer,
        sha256: bytes,
        *,
        repeatable: bool,
    ) -> Answer:
        self._require_room(what, memoryview(body).nbytes)
        headers["x-amz-checksum-sha256"] = base64.b64encode(sha256).decode()

        def attempt() -> Answer:
            answer = self._wire.send("PUT", key, query=query, headers=headers, body=body, sha256_hex=sha256.hex())
            if answer.status != 200:
                raise answers.of_response(what, answer)
            answer.drop()
            return answer

        return answers.call(what, attempt, repeatable=repeatable)

    @contextmanager
    def read(
        self, key: str, version_id: str | None, *, start: int = 0, length: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """See ``vault.ports.ObjectStore.read``."""
        if length == 0:
            yield iter(())
            return
        what, mark = f"read {key}", self._damage.mark()
        query = {"versionId": version_id} if version_id is not None else {}
        headers = {}
        if start or length is not None:
            headers["range"] = f"bytes={start}-{'' if length is None else start + length - 1}"

        def attempt() -> Answer:
            answer = self._wire.send("GET", key, query=query, headers=headers)
            if answer.status not in (200, 206):
                raise self._explained(answers.of_response(what, answer), what, mark)
            return answer

        response = answers.call(what, attempt, repeatable=True)
        try:
            coming = int(response.headers["content-length"])
            if (start and response.status != 206) or (length is not None and coming != length):
                raise SealBroken(f"{what}: the store gives {coming} bytes where {length} from {start} were asked for")
            yield self._chunks(what, response, coming, mark)
        finally:
            response.release()

    def _chunks(self, what: str, response: Answer, coming: int, mark: int) -> Iterator[bytes]:
        while coming > 0:
            try:
                chunk = response.read(min(READ_BYTES, coming))
            except OSError as error:
                raise self._explained(answers.of_exception(what, error), what, mark).error from error
            if not chunk:
                early = StoreUnavailable(f"{what}: the object store ended its answer {coming} bytes early; try again")
                raise self._explained(answers.Failure(early, answers.Effect.PERHAPS), what, mark).error
            coming -= len(chunk)
            yield chunk

    def _explained(self, failure: answers.Failure, what: str, mark: int) -> answers.Failure:
        """A reading's failure, or the damage that the embedded server told its log of meanwhile."""
        if isinstance(failure.error, StoreUnavailable) and self._damage.tells(mark):
            return answers.Failure(damaged(what), answers.Effect.FINAL)
        return failure

    def server_time(self) -> datetime:
        """What time it is by the server's clock, to the second. Raises ``StoreUnavailable``."""
        what = "ask for the time"

        def attempt() -> Answer:
            answer = self._wire.send("HEAD")
            if answer.status != 200:
                raise answers.of_response(what, answer)
            return answer

        said = answers.call(what, attempt, repeatable=True).headers.get("date", "")
        try:
            return parsedate_to_datetime(said).astimezone(UTC)
        except ValueError as exc:
            raise StoreUnavailable(f"{what}: the object store does not say; look at what stands before it") from exc

    # -- uploads in parts -------------------------------------------------------------------------------------------

    def start_upload(self, key: str, *, metadata: Mapping[str, str] = NO_METADATA, lock: Lock | None = None) -> str:
        """See ``vault.ports.ObjectStore.start_upload``."""

        def attempt() -> str:
            if lock is None:
                return self._sdk.create_multipart_upload(
                    Bucket=self._bucket, Key=key, Metadata=dict(metadata), ChecksumAlgorithm="SHA256"
                )["UploadId"]
            return self._sdk.create_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                Metadata=dict(metadata),
                ChecksumAlgorithm="SHA256",
                ObjectLockMode=lock.mode.value,
                ObjectLockRetainUntilDate=lock.retain_until,
            )["UploadId"]

        self._require_room(f"start an upload of {key}", 0)
        return answers.call(f"start an upload of {key}", attempt, repeatable=False)

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        """See ``vault.ports.ObjectStore.complete_upload``."""
        answer = answers.call(
            f"complete the upload of {key}",
            lambda: self._sdk.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                IfNoneMatch="*",
                MultipartUpload={
                    "Parts": [
                        {
                            "PartNumber": part.number,
                            "ETag": part.etag,
                            "ChecksumSHA256": base64.b64encode(part.sha256).decode(),
                        }
                        for part in parts
                    ]
                },
            ),
            repeatable=False,
        )
        return _stored(key, answer.get("VersionId"), answer["ETag"])

    def abort_upload(self, key: str, upload_id: str) -> None:
        """See ``vault.ports.ObjectStore.abort_upload``."""
        _unless_missing(
            f"abort the upload of {key}",
            lambda: self._sdk.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id),
        )

    def pending_uploads(self, prefix: str = "") -> Iterator[PendingUpload]:
        """See ``vault.ports.ObjectStore.pending_uploads``."""
        return listings.pending_uploads(self._sdk, self._bucket, prefix, self._page_size)

    # -- facts, locks and deletion ----------------------------------------------------------------------------------

    def head(self, key: str, version_id: str | None = None) -> ObjectFacts | None:
        """See ``vault.ports.ObjectStore.head``."""
        answer = _unless_missing(
            f"head {key}",
            lambda: (
                self._sdk.head_object(Bucket=self._bucket, Key=key)
                if version_id is None
                else self._sdk.head_object(Bucket=self._bucket, Key=key, VersionId=version_id)
            ),
        )
        if answer is None:
            return None
        mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
        return ObjectFacts(
            key=key,
            version_id=_stored(key, answer.get("VersionId"), "").version_id,
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            lock=lock_of(mode, until),
            legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
            metadata=MappingProxyType({name.lower(): value for name, value in answer["Metadata"].items()}),
        )

    def versions(self, prefix: str = "") -> Iterator[ListedVersion]:
        """See ``vault.ports.ObjectStore.versions``."""
        return listings.versions(self._sdk, self._bucket, prefix, self._page_size)

    def extend_lock(self, key: str, version_id: str, lock: Lock) -> Lock:
        """See ``vault.ports.ObjectStore.extend_lock``. A lock that is longer or stricter already stays as it is."""
        return self._locks.extend_lock(key, version_id, lock)

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """See ``vault.ports.ObjectStore.set_legal_hold``."""
        self._locks.set_legal_hold(key, version_id, held=held)

    def delete_version(self, key: str, version_id: str) -> None:
        """See ``vault.ports.ObjectStore.delete_version``."""
        _unless_missing(
            f"delete {key}",
            lambda: self._sdk.delete_object(Bucket=self._bucket, Key=key, VersionId=version_id),
        )

    def _require_room(self, what: str, size_bytes: int) -> None:
        if self._data_folder is None:
            return
        try:
            disk = os.statvfs(self._data_folder)
        except OSError as error:
            raise StoreUnavailable(f"{what}: the embedded store's folder {self._data_folder} is gone") from error
        if disk.f_bavail * disk.f_frsize < ROOM_BYTES + size_bytes:
            message = f"{what}: the disk of {self._data_folder} has less than {ROOM_BYTES >> 20} MiB left; make room"
            raise StoreFull(message, retry_after_s=60)


def _unless_missing(what: str, attempt: Callable[[], answers.Result]) -> answers.Result | None:
    try:
        return answers.call(what, attempt, repeatable=True)
    except ObjectMissing:
        return None


def _stored(key: str, version_id: str | None, etag: str) -> StoredObject:
    if not version_id or version_id == "null":
        raise SettingsWrong(f"the store gave {key} no version id; switch versioning on for the bucket")
    return StoredObject(key=key, version_id=version_id, etag=etag)
