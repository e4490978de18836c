"""Ways of speaking S3 to the embedded store, beside each other: what a small request and a GiB cost in each.

``strongroom`` is the vault's own adapter, the two SDKs are set up as fast as they can be.
"""

from __future__ import annotations

import hashlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from minio import Minio

from scripts.benchmarks import Measure, at_most
from storage.objects.embedded import EmbeddedStore
from storage.objects.provision import independent_client
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings

SMALL_BYTES = 100 << 10
PART_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One way of putting an object and of reading it, to the last byte, without keeping it."""

    name: str
    put: Callable[[str, bytes, bytes], str]
    read: Callable[[str, str], int]


def _boto3(settings: S3Settings) -> Client:
    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            max_pool_connections=settings.connections,
            s3={"payload_signing_enabled": False, "addressing_style": "path"},
        ),
    )

    def put(key: str, body: bytes, _sha256: bytes) -> str:
        return client.put_object(Bucket=settings.bucket, Key=key, Body=body)["VersionId"]

    def read(key: str, version_id: str) -> int:
        body = client.get_object(Bucket=settings.bucket, Key=key, VersionId=version_id)["Body"]
        return sum(len(chunk) for chunk in body.iter_chunks(1 << 20))

    return Client(name="boto3", put=put, read=read)


def _minio(client: Minio, settings: S3Settings) -> Client:
    def put(key: str, body: bytes, _sha256: bytes) -> str:
        answer = client.put_object(
            bucket_name=settings.bucket, object_name=key, data=io.BytesIO(body), length=len(body), part_size=64 << 20
        )
        return str(answer.version_id)

    def read(key: str, version_id: str) -> int:
        answer = client.get_object(bucket_name=settings.bucket, object_name=key, version_id=version_id)
        try:
            return sum(len(chunk) for chunk in answer.stream(1 << 20))
        finally:
            answer.release_conn()

    return Client(name="minio", put=put, read=read)


def _strongroom(store: S3Store) -> Client:
    def put(key: str, body: bytes, sha256: bytes) -> str:
        return store.put(key, body, sha256=sha256).version_id

    def read(key: str, version_id: str) -> int:
        with store.read(key, version_id) as chunks:
            return sum(len(chunk) for chunk in chunks)

    return Client(name="strongroom", put=put, read=read)


@contextmanager
def _clients() -> Iterator[list[Client]]:
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        embedded = EmbeddedStore(Path(folder) / "objects")
        try:
            settings = embedded.start().application
            store = S3Store(settings)
            with independent_client(settings) as other:
                yield [_strongroom(store), _minio(other, settings), _boto3(settings)]
            store.close()
        finally:
            embedded.stop()


def measure(quick: bool) -> list[Measure]:
    """Small requests and large parts by each client, alternating, medians."""
    small_count, part_count, rounds = (40, 6, 3) if quick else (100, 16, 5)
    small, part = os.urandom(SMALL_BYTES), os.urandom(PART_BYTES)
    digests = hashlib.sha256(small).digest(), hashlib.sha256(part).digest()
    figures: dict[tuple[str, str], list[float]] = {}
    with _clients() as clients:
        for turn in range(rounds + 1):
            for client in clients:
                for work, body, digest, count in (
                    ("small", small, digests[0], small_count),
                    ("part", part, digests[1], part_count),
                ):
                    keys = [f"bench/{client.name}/{work}/{turn}/{number}" for number in range(count)]
                    for way in ("in", "out"):
                        wall, cpu = time.perf_counter(), time.process_time()
                        if way == "in":
                            versions = [client.put(key, body, digest) for key in keys]
                        else:
                            for key, version_id in zip(keys, versions, strict=True):
                                if client.read(key, version_id) != len(body):
                                    raise ValueError(f"{client.name} read {key} short")
                        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                        if turn == 0:
                            continue  # warms up connections and volumes
                        gib = count * len(body) / (1 << 30)
                        figures.setdefault((client.name, f"{work} {way} ms"), []).append(wall / count * 1000)
                        figures.setdefault((client.name, f"{work} {way} cpu ms"), []).append(cpu / count * 1000)
                        figures.setdefault((client.name, f"{work} {way} MB/s"), []).append(gib * 1073.741824 / wall)
                        figures.setdefault((client.name, f"{work} {way} CPU s/GiB"), []).append(cpu / gib)
    median = {name: statistics.median(values) for name, values in figures.items()}
    wanted = [
        ("small in", "ms"),
        ("small in", "cpu ms"),
        ("small out", "ms"),
        ("small out", "cpu ms"),
        ("part in", "MB/s"),
        ("part in", "CPU s/GiB"),
        ("part out", "MB/s"),
        ("part out", "CPU s/GiB"),
    ]
    names = {"small in": "PUT 100 KiB", "small out": "GET 100 KiB", "part in": "PUT 8 MiB", "part out": "GET 8 MiB"}
    measures = []
    for work, unit in wanted:
        label = f"{names[work]}{' CPU' if unit == 'cpu ms' else ''}"
        for client_name in ("strongroom", "minio", "boto3"):
            figure = median[client_name, f"{work} {unit}"]
            measures.append(
                Measure(measure=f"{label}, {client_name}", goal="", figure=figure, unit=unit.removeprefix("cpu "))
            )
        ours = median["strongroom", f"{work} {unit}"]
        others = [median[other, f"{work} {unit}"] for other in ("minio", "boto3")]
        if "cpu" in unit.lower():  # time on the clock is the server's, and the SDKs ask less of it
            measures.append(at_most(f"{label}, strongroom / cheaper SDK", 1.1, ours / min(others)))
    return measures
