"""The real server for tests and benchmarks: ``strongroom serve`` as a process of its own, on a home of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.support.catalogues import lay_catalogue

READY_WITHIN_S: Final = 120.0
LOGIN, PASSWORD = "first-administrator", "a password of some length"  # of a vault that lives for one test
WELCOME = re.compile(r"(http://\S+/welcome/\S+)")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Server:
    """A server of a home. ``start`` and ``stop`` as often as wanted; the home stays."""

    home: Path
    port: int
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed, of all its runs."""
        return self.home.with_name(self.home.name + ".log")

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        if self.process is None:
            raise RuntimeError("the server does not run")
        return self.process.pid

    def start(self) -> float:
        """Starts it and waits until it is ready; gives the seconds that took."""
        begun = time.monotonic()
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vault.cli", "serve", "--listen", f"127.0.0.1:{self.port}"],
                env={**os.environ, **self.environment, "STRONGROOM_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        # One client for all tries: each new one reads the certificates of the system, which costs more than asking.
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        return time.monotonic() - begun
                except httpx.TransportError:
                    pass
                if self.process.poll() is not None or time.monotonic() - begun > READY_WITHIN_S:
                    self.stop(signal.SIGTERM)
                    raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Sends it a signal and waits for its end; gives the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(120)
        self.process = None
        return code

    def welcome_link(self) -> str:
        """The newest one-time link that it printed."""
        found = WELCOME.findall(self.log.read_text(errors="replace"))
        if not found:
            raise RuntimeError("the server printed no one-time link")
        return str(found[-1]).rstrip(".,;)")

    def sign_up(self) -> str:
        """Becomes the first administrator, if nobody is yet, and signs in; gives a token for the API."""
        with httpx.Client(base_url=self.url, timeout=120) as client:
            if WELCOME.search(self.log.read_text(errors="replace")):
                client.post(
                    self.welcome_link(),
                    data={"login": LOGIN, "name": "First", "password": PASSWORD},
                    headers={"Origin": self.url},
                )
            answer = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD})
            answer.raise_for_status()
            return str(answer.json()["token"])


@contextmanager
def served(home: Path, **environment: str) -> Iterator[Server]:
    """A started server, stopped at the end."""
    lay_catalogue(home)
    server = Server(home=home, port=free_port(), environment=environment)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.stop(signal.SIGTERM)
