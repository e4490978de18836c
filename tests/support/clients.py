"""Clients as people write them: one for the API, and the command as processes of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

CHUNK_BYTES: Final = 1024 * 1024
COMMAND_LIMIT_S: Final = 900


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file in chunks, so that its size does not matter."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


class Api:
    """A person's client of ``/api/v1``; threads may share it."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False
        )

    def add(self, path: Path, *, class_code: str = "contract", key: str | None = None) -> dict[str, Any]:
        """Files one file; gives the receipt. Raises ``httpx.HTTPError``."""
        said = json.dumps({"class": class_code, "file_name": path.name}).encode()
        headers = {
            "Strongroom-Metadata": base64.urlsafe_b64encode(said).decode().rstrip("="),
            "Content-Length": str(path.stat().st_size),
            "Content-Type": "application/octet-stream",
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self._client.post("/records", content=chunks_of(path), headers=headers)
        answer.raise_for_status()
        receipt: dict[str, Any] = answer.json()
        return receipt

    def digest(self, record: str) -> str:
        """Opens a record (by id or number); gives the SHA-256 of what came."""
        digest = hashlib.sha256()
        address = f"/records/{record}/content?purpose=business"
        with self._client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_raw():
                digest.update(chunk)
        return digest.hexdigest()

    def count(self) -> int:
        """How many records there are, page by page."""
        count, before = 0, ""
        while True:
            answer = self._client.get("/records", params={"limit": 100, **({"before": before} if before else {})})
            answer.raise_for_status()
            page = answer.json()
            count += len(page["records"])
            if page["next"] is None:
                return count
            before = page["next"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: bytes
    talk: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The ``strongroom`` command on a home, each time a process of its own."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, stdin: str = "") -> Ended:
        """Runs it and waits for its end."""
        done = subprocess.run(
            [sys.executable, "-m", "vault.cli", *map(str, arguments)],
            env={**os.environ, **self.environment, "STRONGROOM_HOME": str(self.home)},
            input=stdin.encode(),
            capture_output=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
        return Ended(code=done.returncode, stdout=done.stdout, talk=done.stderr.decode(errors="replace"))

    def login(self, name: str, password: str) -> None:
        """Signs in; later commands on the home act as this person."""
        done = self.run("login", "--login", name, stdin=f"{password}\n")
        if done.code != 0:
            raise RuntimeError(f"strongroom login ended with {done.code}: {done.talk}")

    def digest(self, record: str) -> str:
        """Opens a record to stdout; gives the SHA-256 of what came."""
        process = subprocess.Popen(
            [sys.executable, "-m", "vault.cli", "record", "open", record],
            env={**os.environ, **self.environment, "STRONGROOM_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        digest = hashlib.sha256()
        if process.stdout is not None:
            with process.stdout as stdout:
                while chunk := stdout.read(CHUNK_BYTES):
                    digest.update(chunk)
        code = process.wait(COMMAND_LIMIT_S)
        if code != 0:
            raise RuntimeError(f"strongroom record open {record} ended with {code}")
        return digest.hexdigest()

    def ails(self) -> list[str]:
        """What ``strongroom doctor --deep`` finds that is not as it must be."""
        done = self.run("doctor", "--deep", "--json")
        found = [f"{each['check']}: {each['text']}" for each in done.document["findings"] if not each["ok"]]
        if (done.code == 0) != (not found):
            found.append(f"strongroom doctor ended with {done.code}: {done.talk}")
        return found
