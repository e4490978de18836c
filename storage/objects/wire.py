"""Requests to one bucket of an S3 server over kept connections (``lines.py``), signed (AWS Signature Version 4).

No SDK stands in between: it would cost four times the CPU a GiB and copy the body (README.md, "Which client"). Tests
compare the signature with botocore's.

Rule 1: the payload's SHA-256, which the caller knows, is part of the signature and checked by the server.
Rule 2: a body is sent from the caller's buffer, never copied, and never behind ``Expect: 100-continue``.
Rule 3: nothing is retried in here, and no redirect is followed.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from storage.objects.lines import Answer, Lines
from storage.objects.settings import S3Settings
from vault.ports import Buffer

EMPTY_SHA256: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def signing_time() -> str:
    """Now, as requests are dated."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


class Signer:
    """Signs requests with one identity's credentials."""

    def __init__(self, settings: S3Settings) -> None:
        self._access_key = settings.access_key
        self._secret_key = settings.secret_key
        self._region = settings.region
        self._key = ("", b"")

    def authorization(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
        """The header that signs ``headers``: their names in lower case, ``x-amz-date`` and the payload's digest among
        them. ``query`` is encoded, its names in order."""
        names = sorted(headers)
        listed = ";".join(names)
        lines = [f"{name}:{' '.join(headers[name].split())}" for name in names]
        canonical = "\n".join((method, path, query, *lines, "", listed, headers["x-amz-content-sha256"]))
        moment = headers["x-amz-date"]
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key_of(moment[:8]), text.encode(), "sha256").hex()
        return f"AWS4-HMAC-SHA256 Credential={self._access_key}/{scope}, SignedHeaders={listed}, Signature={signature}"

    def _key_of(self, day: str) -> bytes:
        known, key = self._key
        if known != day:
            key = f"AWS4{self._secret_key}".encode()
            for step in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, step.encode(), "sha256")
            self._key = (day, key)
        return key


class SignedHttp:
    """Signed requests to one bucket; safe to share between threads."""

    def __init__(self, settings: S3Settings) -> None:
        self._signer = Signer(settings)
        self._host = settings.bucket_host
        self._root = f"/{settings.bucket}" if settings.path_style else ""
        bundle = str(settings.ca_bundle) if settings.ca_bundle else None
        self._lines = Lines(
            self._host,
            tls=ssl.create_default_context(cafile=bundle) if settings.secure else None,
            kept=settings.connections,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
        )

    def send(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Buffer | None = None,
        sha256_hex: str = EMPTY_SHA256,
    ) -> Answer:
        """One request and its answer, whatever its status. The caller reads the answer's body, or releases it.

        ``headers`` have names in lower case and values in ASCII. Raises ``OSError``, as ``lines`` says.
        """
        path = f"{self._root}/{quote(key, safe='/-_.~')}" if key else (self._root or "/")
        asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~") if query else ""
        signed = {
            **(headers or {}),
            "host": self._host,
            "x-amz-content-sha256": sha256_hex,
            "x-amz-date": signing_time(),
        }
        signed["authorization"] = self._signer.authorization(method, path, asked, signed)
        content = memoryview(body).cast("B") if body is not None else None
        if content is not None:
            signed["content-length"] = str(len(content))
        target = f"{path}?{asked}" if asked else path
        head = "".join((f"{method} {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in signed.items())))
        return self._lines.ask(method, f"{head}\r\n".encode("ascii"), content)

    def close(self) -> None:
        """Closes the kept connections."""
        self._lines.close()
