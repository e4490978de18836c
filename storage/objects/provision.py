"""Makes sure that a bucket exists with versioning and Object Lock, with the operator's credentials.

The minio SDK does this, and reads locks back in tests; the application's bytes and calls go through another client
(README.md), so two independent readers of S3 have to agree about every lock. It is loaded when it is used: it takes a
quarter of a command's start, and whoever joins a running store does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import urllib3

from storage.objects.settings import S3Settings
from vault.errors import SettingsWrong, StoreUnavailable

if TYPE_CHECKING:
    from minio import Minio

ABSENT_LOCK = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"})


@contextmanager
def independent_client(settings: S3Settings) -> Iterator[Minio]:
    """The minio SDK's client of the same endpoint; it retries nothing, and its connections close with the context."""
    from minio import Minio

    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=settings.connect_timeout_s, read=settings.read_timeout_s),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.ca_bundle) if settings.ca_bundle else None,
    )
    client = Minio(
        endpoint=settings.host,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        region=settings.region,
        secure=settings.secure,
        http_client=pool,
    )
    if not settings.path_style:
        client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    try:
        yield client
    finally:
        pool.clear()


def ensure_bucket(settings: S3Settings) -> bool:
    """Makes the bucket where it is missing, switches versioning on, checks Object Lock; True when it was made.

    ``settings`` are the operator's. Raises ``SettingsWrong`` for a bucket without Object Lock, which cannot be added to
    every server afterwards, and ``StoreUnavailable``.
    """
    from minio.commonconfig import ENABLED
    from minio.error import MinioException, S3Error
    from minio.versioningconfig import VersioningConfig

    bucket = settings.bucket
    try:
        with independent_client(settings) as client:
            made = not client.bucket_exists(bucket_name=bucket)
            if made:
                client.make_bucket(bucket_name=bucket, location=settings.region, object_lock=True)
            if client.get_bucket_versioning(bucket_name=bucket).status != ENABLED:
                client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))
            client.get_object_lock_config(bucket_name=bucket)
    except S3Error as error:
        if error.code in ABSENT_LOCK:
            message = f"bucket {bucket} has no Object Lock; make a bucket with Object Lock and name it in the settings"
            raise SettingsWrong(message) from error
        if error.code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
            message = f"the object store refuses the operator's credentials ({error.code}); correct the settings"
            raise SettingsWrong(message) from error
        raise StoreUnavailable(f"the object store could not provision bucket {bucket}: {error.code}") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StoreUnavailable(f"the object store at {settings.host} does not answer; start it") from error
    return made
