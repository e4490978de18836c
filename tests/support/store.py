"""A real object store for tests: the embedded one, in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.objects.embedded import EmbeddedStore, Endpoint
from storage.objects.provision import ensure_bucket
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedStore:
    """A store that the suite of ``tests/storage/objects`` judges: where it is, and the application's adapter to it."""

    endpoint: Endpoint
    store: S3Store

    @property
    def settings(self) -> S3Settings:
        """The application's settings."""
        return self.endpoint.application


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStore(JudgedStore):
    """A served home: who runs it besides."""

    embedded: EmbeddedStore


def start_embedded(home: Path) -> tuple[EmbeddedStore, S3Store]:
    """Starts (or joins) the embedded store of a home; whoever asks closes the adapter and stops the store."""
    embedded = EmbeddedStore(home)
    return embedded, S3Store(embedded.start().application)


@contextmanager
def running_store(home: Path) -> Iterator[RunningStore]:
    """The embedded store of a home for the length of a ``with``."""
    embedded = EmbeddedStore(home)
    try:
        endpoint = embedded.start()
        store = S3Store(endpoint.application)
        try:
            yield RunningStore(embedded=embedded, endpoint=endpoint, store=store)
        finally:
            store.close()
    finally:
        embedded.stop()


NAMED: Final = "STRONGROOM_TEST_S3_"
"""Variables that name another server to judge: ``..._ENDPOINT``, ``_BUCKET``, ``_REGION``, and as whom."""


def is_named() -> bool:
    """Whether the environment names another server to judge."""
    return f"{NAMED}ENDPOINT" in os.environ


@contextmanager
def named_store() -> Iterator[JudgedStore]:
    """The server that the environment names, its bucket made by the operator."""
    said = {name.removeprefix(NAMED): value for name, value in os.environ.items() if name.startswith(NAMED)}

    def seen_by(who: str) -> S3Settings:
        return S3Settings(
            endpoint_url=said["ENDPOINT"],
            bucket=said.get("BUCKET", "strongroom-judged"),
            region=said.get("REGION", "us-east-1"),
            access_key=said[f"{who}ACCESS_KEY"],
            secret_key=said[f"{who}SECRET_KEY"],
        )

    endpoint = Endpoint(application=seen_by(""), operator=seen_by("OPERATOR_"))
    ensure_bucket(endpoint.operator)
    store = S3Store(endpoint.application)
    try:
        yield JudgedStore(endpoint=endpoint, store=store)
    finally:
        store.close()


def sha256(body: bytes | bytearray | memoryview) -> bytes:
    """SHA-256, as the port wants it."""
    return hashlib.sha256(body).digest()


def read_whole(store: S3Store, key: str, version_id: str, *, start: int = 0, length: int | None = None) -> bytes:
    """An object's bytes, through the port."""
    with store.read(key, version_id, start=start, length=length) as chunks:
        return b"".join(chunks)


@contextmanager
def cut_after(host: str, count: int) -> Iterator[int]:
    """A proxy's port before ``host`` (name and port); it breaks each answer after ``count`` bytes."""
    name, _, port = host.rpartition(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, socket.create_connection((name, int(port))) as server:
                    server.sendall(client.recv(1 << 16))
                    left = count
                    while left > 0 and (data := server.recv(min(left, 1 << 16))):
                        client.sendall(data)
                        left -= len(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
