"""Asks the provider's endpoints, and nobody else.

Rule 1: an address is asked only at the issuer's host or one that the settings name, by the issuer's own scheme. So
whatever a provider's documents say, they lead this machine nowhere else. Redirects are not followed.
Rule 2: an answer is a JSON object of at most 1 MiB, there to its last byte within seconds; anything else is a provider
that is away. One that did not answer is not asked again for a while (``patience.py``). Limit: of one that says its
headers a byte now and then each byte counts as an answer.
Rule 3: what was asked and answered stays here: secrets, codes, tokens and names are in no error and no log.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3

from storage.identity.patience import Patience
from storage.identity.settings import ProviderSettings
from vault.errors import ProviderUnavailable

BYTES_MAX: Final = 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024
AWAY: Final = "the provider of OpenID Connect does not answer; passwords and passkeys work; try again in a while"
ODD: Final = "the provider of OpenID Connect answers otherwise than one does; see `strongroom oidc check`"


class Asking:
    """A line to one provider. Any thread may use it."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._patience = Patience(AWAY)
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(total=settings.timeout_s),
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(settings.ca_bundle) if settings.ca_bundle else None,
        )

    def close(self) -> None:
        """Closes what is open."""
        self._pool.clear()

    def require_ours(self, address: object) -> str:
        """An address that may be asked. Raises ``ProviderUnavailable``: the provider's documents are wrong."""
        if isinstance(address, str) and address.isascii() and address.isprintable():
            try:
                parts = urlsplit(address)
            except ValueError:
                raise ProviderUnavailable(ODD) from None
            if (
                parts.scheme == ("https" if self._settings.secure else "http")
                and parts.netloc.lower() in self._settings.origin_hosts
                and not parts.fragment
            ):
                return address
        raise ProviderUnavailable(
            "the provider of OpenID Connect names an address at another host than its issuer's; "
            "name that host in STRONGROOM_OIDC_HOSTS if it is the provider's"
        )

    def get(self, address: str, *, token: str | None = None) -> dict[str, Any]:
        """The JSON object at an address. Raises ``ProviderUnavailable``."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        status, body = self._ask("GET", address, headers, None)
        if status != 200 or body is None:
            raise ProviderUnavailable(AWAY if status >= 500 else ODD)
        return body

    def post(
        self, address: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any] | None]:
        """What the provider answers to a form: its status, and its JSON object if it is one."""
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", address, form, urlencode(fields).encode())

    def _ask(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any] | None]:
        asked = {"Accept": "application/json", **headers}
        ours = self.require_ours(address)
        with self._patience.asking():
            until = time.monotonic() + self._settings.timeout_s
            try:
                answer = self._pool.request(
                    method, ours, headers=asked, body=body, redirect=False, preload_content=False
                )
                try:
                    content = _read(answer, until=until)
                finally:
                    answer.close()
            except (urllib3.exceptions.HTTPError, OSError, ValueError):
                # Not from exc: it quotes the address, with whatever stands in it.
                raise ProviderUnavailable(AWAY) from None
        if len(content) > BYTES_MAX:
            raise ProviderUnavailable(ODD)
        return answer.status, _object(content)


def _read(answer: urllib3.BaseHTTPResponse, *, until: float) -> bytes:
    """What it says, up to a byte more than it may. Whoever sends a byte now and then is cut off, too."""
    content = bytearray()
    while len(content) <= BYTES_MAX and (piece := answer.read1(_PIECE_BYTES, decode_content=True)):
        if time.monotonic() > until:
            raise TimeoutError
        content += piece
    return bytes(content)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None
