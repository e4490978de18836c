"""Sends a message to a receiver's address that was judged a moment ago.

Rule 1: redirects are not followed, proxies of the environment are not asked; an answer is read up to a few bytes. TLS,
message and answer together have ``ANSWER_WITHIN_S``, the connection before them ``CONNECT_WITHIN_S``. Limit: how long
the system looks a name up is the system's.
Rule 2: the certificate has to be the name's, whatever address the connection goes to.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from storage.webhooks.addresses import LookUp, Network, Place, address_of, looked_up, place_of
from vault.errors import ReceiverUnavailable
from vault.webhooks import WebhookSending

CONNECT_WITHIN_S: Final = 5.0
ANSWER_WITHIN_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 1024
AGENT: Final = "Strongroom"


class Sender:
    """Posts messages. ``networks`` may be reached although they are not on the internet."""

    def __init__(
        self,
        networks: Sequence[Network],
        *,
        look_up: LookUp = looked_up,
        trusted: ssl.SSLContext | None = None,
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._networks = networks
        self._look_up = look_up
        self._trusted = trusted
        self._within_s = within_s

    def check(self, url: str) -> str:
        """See ``WebhookSending``. A name that has no address now is not refused: it may have one later."""
        place = place_of(url)
        with suppress(ReceiverUnavailable):
            address_of(place, self._networks, self._look_up)
        return place.url

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See ``WebhookSending``."""
        place = place_of(url)
        address = address_of(place, self._networks, self._look_up)
        try:
            with socket.create_connection((address, place.port), CONNECT_WITHIN_S) as line:
                return self._post(self._unsecured(line, place), place, headers, body)
        except (OSError, http.client.HTTPException) as exc:
            raise ReceiverUnavailable("the receiver does not answer as it should") from exc

    def _unsecured(self, line: socket.socket, place: Place) -> socket.socket:
        """The connection, of which TLS has not said anything yet."""
        if place.scheme == "http":
            return line
        context = self._trusted or ssl.create_default_context()
        return context.wrap_socket(line, server_hostname=place.host, do_handshake_on_connect=False)

    def _post(self, line: socket.socket, place: Place, headers: Mapping[str, str], body: bytes) -> int:
        # A receiver that says a byte now and then, of TLS too, would never run into the limit of a single read.
        ends = threading.Timer(self._within_s, _shut, (line,))
        ends.daemon = True
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.sock = line
        line.settimeout(self._within_s)
        ends.start()
        try:
            if isinstance(line, ssl.SSLSocket):
                line.do_handshake()
            connection.request(
                "POST", place.target, body, {**headers, "Host": _host_header(place), "User-Agent": AGENT}
            )
            answer = connection.getresponse()
            answer.read(ANSWER_BYTES_MAX)
            return answer.status
        finally:
            ends.cancel()
            connection.close()


def open_sender(networks: Sequence[Network]) -> WebhookSending:
    """How messages leave this installation."""
    sender = Sender(networks)
    return WebhookSending(check=sender.check, send=sender.send)


def _shut(line: socket.socket) -> None:
    # The one of the connection: that of TLS takes its state away from whoever reads just now.
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _host_header(place: Place) -> str:
    name = f"[{place.host}]" if ":" in place.host else place.host
    return name if place.is_default_port else f"{name}:{place.port}"
