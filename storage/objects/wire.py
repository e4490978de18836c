"""Requests to one bucket of an S3 server over kept connections: urllib3 sends, botocore signs.

No SDK stands in between: it would cost four times the CPU a GiB and copy the body (README.md, "Which client").

Rule 1: the payload's SHA-256, which the caller knows, is part of the signature and checked by the server.
Rule 2: a body is sent from the caller's buffer, never copied, and never behind ``Expect: 100-continue``.
Rule 3: nothing is retried in here, and no redirect is followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib3.util import SKIP_HEADER

from storage.objects.settings import S3Settings
from vault.ports import Buffer

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CLOSED = urllib3.exceptions.ClosedPoolError


class _SignsKnownPayload(S3SigV4Auth):
    """Signature version 4 over a payload whose SHA-256 is known already."""

    def payload(self, request: AWSRequest) -> str:
        digest: str = request.context["payload_sha256"]
        return digest


class SignedHttp:
    """Signed requests to one bucket; safe to share between threads."""

    def __init__(self, settings: S3Settings) -> None:
        self._signer = _SignsKnownPayload(Credentials(settings.access_key, settings.secret_key), "s3", settings.region)
        scheme = "https" if settings.secure else "http"
        self._base = f"{scheme}://{settings.bucket_host}"
        self._root = f"/{settings.bucket}" if settings.path_style else ""
        timeout = urllib3.Timeout(connect=settings.connect_timeout_s, read=settings.read_timeout_s)
        pool_settings: dict[str, object] = {"maxsize": settings.connections, "timeout": timeout, "retries": False}
        if settings.secure:
            pool_settings["ca_certs"] = str(settings.ca_bundle) if settings.ca_bundle else None
        self._pool = urllib3.connectionpool.connection_from_url(self._base, **pool_settings)

    def send(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Buffer | None = None,
        sha256_hex: str = EMPTY_SHA256,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One request and its answer, whatever its status; urllib3's errors come out as they are.

        With ``stream`` the answer's body is left to be read, and the caller gives the connection back.
        """
        path = f"{self._root}/{quote(key, safe='/-_.~')}" if key else (self._root or "/")
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        request = AWSRequest(method, self._base + target, headers=dict(headers or {}))
        request.context["payload_sha256"] = sha256_hex
        self._signer.add_auth(request)
        sent = dict(request.headers.items())
        sent["accept-encoding"] = SKIP_HEADER
        sent["user-agent"] = SKIP_HEADER
        return self._pool.urlopen(
            method,
            target,
            body=memoryview(body) if body is not None else None,
            headers=sent,
            redirect=False,
            preload_content=not stream,
            decode_content=False,
        )

    def close(self) -> None:
        """Closes the kept connections."""
        self._pool.close()
