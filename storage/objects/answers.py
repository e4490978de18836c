"""What an S3 server's refusals and a broken connection mean to the vault, and which of them are tried again.

Rule 1: only errors of ``vault.errors`` leave this room.
Rule 2: what certainly did not happen (no connection, "slow down") is tried again a little, whatever the call.
    What may have happened is tried again only where a second time changes nothing; a timeout never is.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from storage.objects.lines import Answer, NeverSent
from vault.errors import (
    AlreadyExists,
    ObjectMissing,
    SealBroken,
    SettingsWrong,
    StillLocked,
    StoreFull,
    StoreUnavailable,
    StrongroomError,
)

Result = TypeVar("Result")
WAITS_S = (0.1, 0.4, 1.2)
FULL = frozenset({"InsufficientStorage", "XMinioStorageFull", "QuotaExceeded", "StorageFull"})
BUSY = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "TooManyRequests", "RequestLimitExceeded", "503"})
CORRUPTED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest"})
STRANGER = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"})
ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "MethodNotAllowed", "405"})


class Effect(Enum):
    """Whether a call that failed may have taken effect."""

    NONE = "none"
    PERHAPS = "perhaps"
    FINAL = "final"  # it did not, and asking again gives the same answer


class Failure(Exception):
    """One failed try: what it means, and whether another try makes sense."""

    def __init__(self, error: StrongroomError, effect: Effect) -> None:
        super().__init__(error.message)
        self.error = error
        self.effect = effect


def of_answer(what: str, status: int, code: str, retry_after: str | None = None) -> Failure:
    """The meaning of an S3 error answer; ``what`` names the call and the key."""
    if status == 412 or code == "PreconditionFailed":
        return Failure(AlreadyExists(f"{what}: the key has an object already"), Effect.FINAL)
    if status == 507 or code in FULL:
        return Failure(StoreFull(f"{what}: the object store is full; make room for it", retry_after_s=60), Effect.FINAL)
    if code in STRANGER:
        message = f"{what}: the object store refuses the vault ({code}); correct its address, bucket and credentials"
        return Failure(SettingsWrong(message), Effect.FINAL)
    if code == "RequestTimeTooSkewed":
        # A clock that jumped is set right sooner or later; the settings are not to blame.
        message = f"{what}: the clocks of this machine and of the object store differ too much; set them right"
        return Failure(StoreUnavailable(message, retry_after_s=60), Effect.FINAL)
    if (status, code) == (403, "403"):
        # An answer to HEAD has no body that says why: clocks that differ, or credentials that changed.
        message = f"{what}: the object store refuses it and does not say why; compare clocks and credentials"
        return Failure(StoreUnavailable(message, retry_after_s=60), Effect.FINAL)
    if code in CORRUPTED:
        message = f"{what}: the bytes that the store received do not have the digest that was announced"
        return Failure(SealBroken(message), Effect.NONE)
    if status in (404, 405) or code in ABSENT:
        return Failure(ObjectMissing(f"{what}: the store has no such object or upload ({code})"), Effect.FINAL)
    if status == 416:
        return Failure(SealBroken(f"{what}: the object is shorter than the range that was asked for"), Effect.FINAL)
    if status == 403:
        return Failure(StillLocked(f"{what}: the store refuses it ({code})"), Effect.FINAL)
    seconds = int(retry_after) if retry_after and retry_after.isdigit() else 5
    message = f"{what}: the object store cannot now ({status} {code}); try again"
    certain = status in (429, 503) or code in BUSY or code == "OperationAborted" or status == 409
    unavailable = StoreUnavailable(message, retry_after_s=seconds)
    return Failure(unavailable, Effect.NONE if certain else Effect.PERHAPS if status >= 500 else Effect.FINAL)


def of_response(what: str, response: Answer) -> Failure:
    """The meaning of an error answer that came over the wire; reads its body."""
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,64})</Code>", response.data)
    code = found.group(1).decode() if found else str(response.status)
    return of_answer(what, response.status, code, response.headers.get("retry-after"))


def of_exception(what: str, error: Exception) -> Failure:
    """The meaning of an exception of the wire or of botocore."""
    if isinstance(error, ClientError):
        answer, detail = error.response["ResponseMetadata"], error.response["Error"]
        headers = answer.get("HTTPHeaders", {})
        return of_answer(what, answer["HTTPStatusCode"], detail.get("Code", ""), headers.get("retry-after"))
    unavailable = StoreUnavailable(f"{what}: the object store does not answer ({type(error).__name__}); try again")
    if isinstance(error, (NeverSent, EndpointConnectionError, ConnectTimeoutError)):
        return Failure(unavailable, Effect.NONE)
    timed_out = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
    return Failure(unavailable, Effect.FINAL if timed_out else Effect.PERHAPS)


def call(what: str, attempt: Callable[[], Result], *, repeatable: bool) -> Result:
    """Makes a call, again after failures that allow it, and raises only the vault's errors.

    ``repeatable`` tells that doing it twice with the same bytes is the same as doing it once.
    """
    for wait_s in (*WAITS_S, None):
        try:
            return attempt()
        except Failure as failure:
            failed, cause = failure, failure.__cause__
        except (ClientError, BotoCoreError, HTTPClientError, OSError) as error:
            failed, cause = of_exception(what, error), error
        again = failed.effect is Effect.NONE or (repeatable and failed.effect is Effect.PERHAPS)
        if wait_s is None or not again:
            raise failed.error from cause
        time.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, guards nothing
    raise AssertionError("unreachable: the last turn returns or raises")
