"""The one boto3 client of a process, for every call that does not move a record's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from storage.objects.settings import S3Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def sdk_client(settings: S3Settings) -> S3Client:
    """boto3's client of an endpoint: it adds no checksums of its own, retries nothing, and is shared by all threads."""
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        verify=str(settings.ca_bundle) if settings.ca_bundle else None,
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            max_pool_connections=settings.connections,
            retries={"mode": "standard", "total_max_attempts": 1},
            s3={"payload_signing_enabled": False, "addressing_style": "path" if settings.path_style else "virtual"},
        ),
    )
