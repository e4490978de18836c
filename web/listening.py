"""The server and the socket that it listens on, and how it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from vault.errors import SettingsWrong
from web.connections import HEAD_WITHIN_S, patient_for

GRACE_S: Final = 20
"""How long requests that run get to end."""
BACKLOG: Final = 2048
WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, not listened on


def make_server(
    application: ASGIApp, *, behind_proxy: bool = False, head_within_s: float = HEAD_WITHIN_S
) -> uvicorn.Server:
    """The server. Forwarded addresses are believed behind a proxy on this machine only: guesses are counted by them."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            loop="uvloop",
            http=patient_for(head_within_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=behind_proxy,
            timeout_graceful_shutdown=GRACE_S,
            backlog=BACKLOG,
        )
    )


def run_server(server: uvicorn.Server, listening: socket.socket) -> None:
    """Runs it on a socket that is bound already, until a signal."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        try:
            runner.run(server.serve(sockets=[listening]))
        except KeyboardInterrupt:
            # uvicorn has stopped cleanly by then and raises the signal once more for whoever waits for it.
            return


@contextmanager
def terminating_as_interrupt() -> Iterator[None]:
    """Within the block SIGTERM unwinds like Ctrl-C, so that everything opened is closed, also while starting."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def bound_socket(host: str, port: int) -> Iterator[socket.socket]:
    """The listening socket. Raises ``SettingsWrong``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as exc:
            raise SettingsWrong(
                f"the pages cannot listen on {host} port {port}: {exc.strerror}; name another by STRONGROOM_LISTEN"
            ) from exc
        listening.listen(BACKLOG)
        listening.setblocking(False)
        yield listening
    finally:
        listening.close()


def address_of(host: str, listening: socket.socket) -> str:
    """Where a browser on this machine finds the socket."""
    port = int(listening.getsockname()[1])
    named = "127.0.0.1" if host in WILDCARDS else host
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


def hosts_of(host: str) -> set[str]:
    """Names that requests may give besides loopback and the public address: the interface, and this machine's own name
    where every interface is listened on."""
    if host in WILDCARDS:
        return {socket.gethostname(), socket.getfqdn()}
    return {f"[{host}]" if ":" in host else host}
