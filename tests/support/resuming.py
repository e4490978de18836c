"""Big files sent by tus clients that others wrote, over a line that is cut, to a server that is killed.

The line is a relay; where the upload is, is asked past it. Each interruption waits for its place in the file, so that
they lie all over it, and the last one comes when all bytes are there and the record is being made.
"""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.support.clients import Api, Command, digest_of
from tests.support.relay import Relay, relay
from tests.support.server import LOGIN, PASSWORD, Server, served

MIB: Final = 1024 * 1024
CUT_S: Final = 0.3
GIVE_UP_AFTER_S: Final = 600.0
SCRIPT: Final = Path(__file__).parents[1] / "browser" / "resume.mjs"

Send = Callable[[str, str, Path], None]
"""Sends a file to an endpoint with a token, however often the line breaks, until the server has all of it."""


@dataclass(slots=True, kw_only=True)
class Resumed:
    """What came of one file."""

    interruptions: int = 0
    kills: int = 0
    seconds: float = 0.0
    records: int = 0
    identical: bool = False
    ails: list[str] = field(default_factory=list)


def by_tuspy(chunk_bytes: int) -> Send:
    """The reference client for Python, each piece with its checksum."""

    def send(endpoint: str, token: str, path: Path) -> None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"tuspy {path.name}"}
        client, url = TusClient(endpoint, headers=headers), None
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                with path.open("rb") as file:
                    uploader = client.uploader(
                        file_stream=file,
                        url=url,
                        chunk_size=chunk_bytes,
                        metadata={"filename": path.name, "class": "contract"},
                        upload_checksum=True,
                    )
                    if url is None:
                        url = uploader.create_url()
                        uploader.set_url(url)
                    uploader.upload()
            except (TusCommunicationError, TusUploadFailed, requests.RequestException):
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.1)
            else:
                return

    return send


def by_tus_js(chunk_bytes: int) -> Send:
    """The reference client for JavaScript, in Node; it resumes by itself."""

    def send(endpoint: str, token: str, path: Path) -> None:
        subprocess.run(
            ["node", str(SCRIPT), endpoint, token, str(path), str(chunk_bytes)], check=True, timeout=GIVE_UP_AFTER_S
        )

    return send


def resume(scratch: Path, send: Send, *, size: int, interruptions: int, kills: int, seed: int = 7) -> Resumed:
    """Sends one file of that many bytes to a new vault, interrupted so often, ``kills`` times by SIGKILL."""
    chance = random.Random(seed)  # the same run again
    path = scratch / "a big scan.bin"
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(chance.randbytes(min(MIB, size - file.tell())))
    result = Resumed()
    with served(scratch / "home") as server, relay(server.port) as line:
        token = server.sign_up()
        command = Command(home=server.home)
        command.login(LOGIN, PASSWORD)
        deaths = {round((number + 1) * (interruptions - 1) / kills) for number in range(kills)}
        places = [(number + chance.random()) / interruptions * size for number in range(interruptions - 1)] + [size]
        breaker = _Breaker(server, line, token, result, [int(place) for place in places], deaths)
        thread = threading.Thread(target=breaker.run, name="breaker", daemon=True)
        thread.start()
        begun = time.monotonic()
        send(f"http://127.0.0.1:{line.port}/api/v1/uploads", token, path)
        record = breaker.record_when_finished()
        result.seconds = time.monotonic() - begun
        thread.join(GIVE_UP_AFTER_S)
        breaker.close()
        with Api(server.url, token) as api:
            result.records = api.count()
            result.identical = api.digest(record) == digest_of(path)
        result.ails = command.ails()
    path.unlink()
    return result


class _Breaker:
    """Interrupts at places of the file."""

    def __init__(
        self,
        server: Server,
        line: Relay,
        token: str,
        result: Resumed,
        places: Sequence[int],
        deaths: set[int],
    ) -> None:
        self._server = server
        self._line = line
        self._result = result
        self._places = places
        self._deaths = deaths
        # One client for all questions: each new one reads the certificates of the system.
        self._client = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )
        self._upload: str | None = None

    def run(self) -> None:
        """Waits for each place, and interrupts there."""
        for number, place in enumerate(self._places):
            while self._offset() < place:
                time.sleep(0.01)
            self._result.interruptions += 1
            if number in self._deaths:
                self._result.kills += 1
                self._server.stop(signal.SIGKILL)
                self._server.start()
            else:
                self._line.cut()
                time.sleep(CUT_S)
                self._line.mend()

    def close(self) -> None:
        """Asks no more."""
        self._client.close()

    def record_when_finished(self) -> str:
        """The record that the upload became."""
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while time.monotonic() < give_up_at:
            document = self._ask(f"/api/v1/uploads/{self._upload}") if self._upload is not None else None
            if document is not None and document["state"] == "finished":
                return str(document["receipt"]["id"])
            time.sleep(0.2)
        raise RuntimeError("the upload did not become a record")

    def _offset(self) -> int:
        """How much the server has, past the line: asked by the list, which finishes nothing."""
        listed = self._ask("/api/v1/uploads")
        if listed is None:
            return -1
        for document in listed["uploads"]:
            self._upload = str(document["id"])
            return int(document["offset_bytes"])
        return self._places[-1] if self._upload is not None else -1

    def _ask(self, path: str) -> dict[str, Any] | None:
        """What the server tells; None while it does not answer."""
        try:
            answer = self._client.get(path)
        except httpx.HTTPError:
            return None
        document: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return document
