"""Asks a time stamping authority, and checks what it says, by the ``rfc3161-client`` library.

Rule 1: a stamp counts when its signature leads to a root that the settings name, it is over our bytes, and, when it
comes, answers our question (nonce).
Rule 2: the authority sees a digest, never what was digested. Redirects are not followed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import urllib3
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from vault.errors import SealBroken, SettingsWrong, TimeStampUnavailable
from vault.timestamps import TimeStamping

WITHIN_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
_HEADERS: Final = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class Authority:
    """One authority: where it is asked, and the roots that its certificates lead to."""

    def __init__(self, url: str, roots: list[x509.Certificate]) -> None:
        self._url = url
        self._roots = roots
        self._pool = urllib3.PoolManager(timeout=WITHIN_S, retries=False)

    def stamp(self, message: bytes) -> bytes:
        """The authority's answer over a message. Raises ``TimeStampUnavailable``, ``SealBroken``."""
        question = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
        try:
            answer = self._pool.request(
                "POST", self._url, body=question.as_bytes(), headers=_HEADERS, redirect=False, preload_content=False
            )
            try:
                body = answer.read(ANSWER_BYTES_MAX + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise TimeStampUnavailable("the time stamping authority does not answer; it is asked again") from exc
        if answer.status != 200 or len(body) > ANSWER_BYTES_MAX:
            raise TimeStampUnavailable(
                f"the time stamping authority answers {answer.status}, and no stamp; it is asked again"
            )
        self._checked(body, message, question.nonce)
        return body

    def time_of(self, stamp: bytes, message: bytes) -> datetime:
        """When the authority saw a message. Raises ``SealBroken``."""
        return self._checked(stamp, message, None).tst_info.gen_time.astimezone(UTC)

    def close(self) -> None:
        """Closes its connections."""
        self._pool.clear()

    def _checked(self, stamp: bytes, message: bytes, nonce: int | None) -> TimeStampResponse:
        try:
            response = decode_timestamp_response(stamp)
            VerifierBuilder(roots=self._roots, nonce=nonce).build().verify_message(response, message)
        except (VerificationError, ValueError) as exc:
            raise SealBroken(
                "the time stamp is not one over this checkpoint by the authority of STRONGROOM_TSA_ROOTS; check both"
            ) from exc
        return response


def open_authority(url: str, roots: Path) -> tuple[Authority, TimeStamping]:
    """The authority of the settings. Raises ``SettingsWrong`` when its roots cannot be read."""
    try:
        certificates = x509.load_pem_x509_certificates(roots.read_bytes())
    except OSError as exc:
        raise SettingsWrong(f"STRONGROOM_TSA_ROOTS cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise SettingsWrong("STRONGROOM_TSA_ROOTS holds no certificate in PEM; name the authority's root") from exc
    authority = Authority(url, certificates)
    return authority, TimeStamping(stamp=authority.stamp, time_of=authority.time_of)
