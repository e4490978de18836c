"""A real object store for tests: the embedded one, in a folder of its own."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storage.objects.embedded import EmbeddedStore, Endpoint
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStore:
    """A served home: who runs it, where it is, and the application's adapter to it."""

    embedded: EmbeddedStore
    endpoint: Endpoint
    store: S3Store

    @property
    def settings(self) -> S3Settings:
        """The application's settings."""
        return self.endpoint.application


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


def sha256(body: bytes | bytearray | memoryview) -> bytes:
    """SHA-256, as the port wants it."""
    return hashlib.sha256(body).digest()


def read_whole(store: S3Store, key: str, version_id: str, *, start: int = 0, length: int | None = None) -> bytes:
    """An object's bytes, through the port."""
    with store.read(key, version_id, start=start, length=length) as chunks:
        return b"".join(chunks)


@contextmanager
def cut_after(port: int, count: int) -> Iterator[int]:
    """A proxy's port before ``port`` on the loopback interface; it breaks each answer after ``count`` bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, socket.create_connection(("127.0.0.1", port)) as server:
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
