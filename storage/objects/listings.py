"""Listings of a bucket, page by page.

Rule 1: each page is a call of its own that is tried again by itself. (An SDK's paginator is a generator: after an error
it is exhausted, and trying again would end the listing early, as if nothing more were there.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING

from storage.objects import answers
from vault.errors import StoreUnavailable
from vault.objects import ListedVersion, PendingUpload

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def versions(sdk: S3Client, bucket: str, prefix: str, page_size: int) -> Iterator[ListedVersion]:
    """Every version and delete marker under a prefix."""
    key, version_id = "", ""
    while True:
        page = answers.call(
            f"list versions under {prefix}",
            lambda key=key, version_id=version_id: sdk.list_object_versions(  # type: ignore[misc]  # bound, not inferred
                Bucket=bucket, Prefix=prefix, KeyMarker=key, VersionIdMarker=version_id, MaxKeys=page_size
            ),
            repeatable=True,
        )
        for version in page.get("Versions", []):
            yield ListedVersion(
                key=version["Key"],
                version_id=version["VersionId"],
                size_bytes=version["Size"],
                is_latest=version["IsLatest"],
                is_delete_marker=False,
            )
        for marker in page.get("DeleteMarkers", []):
            yield ListedVersion(
                key=marker["Key"],
                version_id=marker["VersionId"],
                size_bytes=0,
                is_latest=marker["IsLatest"],
                is_delete_marker=True,
            )
        if not page.get("IsTruncated"):
            return
        key, version_id = _next(page.get("NextKeyMarker", ""), page.get("NextVersionIdMarker", ""), (key, version_id))


def pending_uploads(sdk: S3Client, bucket: str, prefix: str, page_size: int) -> Iterator[PendingUpload]:
    """Uploads under a prefix that are neither completed nor aborted."""
    key, upload_id = "", ""
    while True:
        page = answers.call(
            f"list uploads under {prefix}",
            lambda key=key, upload_id=upload_id: sdk.list_multipart_uploads(  # type: ignore[misc]  # bound, not inferred
                Bucket=bucket, Prefix=prefix, KeyMarker=key, UploadIdMarker=upload_id, MaxUploads=page_size
            ),
            repeatable=True,
        )
        for upload in page.get("Uploads", []):
            yield PendingUpload(
                key=upload["Key"], upload_id=upload["UploadId"], started_at=upload["Initiated"].astimezone(UTC)
            )
        if not page.get("IsTruncated"):
            return
        key, upload_id = _next(page.get("NextKeyMarker", ""), page.get("NextUploadIdMarker", ""), (key, upload_id))


def _next(key: str, marker: str, before: tuple[str, str]) -> tuple[str, str]:
    """Where the next page starts; a server that says "more" and does not go on would be asked for ever."""
    if (key, marker) in (before, ("", "")):
        raise StoreUnavailable("the object store's listing says that there is more and does not go on; try again")
    return key, marker
