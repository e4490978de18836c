"""Bytes in and out over HTTP, beside what people would use instead, in turns in one run on one store: each round
begins with another one, and each turn on a machine at rest.

Peers write plain bytes (rclone crypt and restic: their own sealed bytes) to a bucket of their own on the same embedded
server, with the operator's credentials. Sources and targets of files are in memory-backed storage. Medians.
Needs the Debian packages curl, rclone and restic.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from minio import Minio

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.objects.embedded import EmbeddedStore
from storage.objects.settings import S3Settings
from tests.support.server import Server, served
from vault.seal.envelope import FRAME_LENGTH, Sealer, object_context
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
BUCKET: Final = "peers"
CLIENTS: Final = 8
SMALL_BYTES: Final = 100 * 1024
IDLE_S: Final = 2.0
REST_MAX_S: Final = 60.0

_Times = dict[str, list[float]]
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much work one run does."""

    file_bytes: int
    rounds: int
    small_files: int
    growth_bytes: int
    ranges: int


FULL: Final = Size(file_bytes=GIB, rounds=5, small_files=2000, growth_bytes=10 * GIB, ranges=31)
QUICK: Final = Size(file_bytes=64 * MIB, rounds=3, small_files=160, growth_bytes=512 * MIB, ranges=9)


def measure(quick: bool) -> list[Measure]:
    """Every measure of the byte path."""
    size = QUICK if quick else FULL
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108 - memory-backed, removed at the end
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-bench-", dir=memory) as scratch_name,
        tempfile.TemporaryDirectory(prefix="strongroom-bench-home-") as home_name,
        served(Path(home_name) / "home", STRONGROOM_KEEPER_FOLDER=f"{home_name}/keeper") as server,
    ):
        bench = _Bench(server, Path(scratch_name), size)
        try:
            return [
                *bench.large_files(),
                *bench.ranges(),
                *bench.small_files(),
                _sealing(size),
                bench.growth(),
                bench.starts_again(),
            ]
        finally:
            bench.close()


class _Bench:
    """The server under test, its peers, and the files that both move."""

    def __init__(self, server: Server, scratch: Path, size: Size) -> None:
        self.server, self.scratch, self.size = server, scratch, size
        self.token = server.sign_up()
        self._joined = EmbeddedStore(server.home / "store")
        endpoint = self._joined.start()
        self.store: S3Settings = endpoint.operator
        self.sdk: S3Client = boto3.client(
            "s3",
            endpoint_url=self.store.endpoint_url,
            aws_access_key_id=self.store.access_key,
            aws_secret_access_key=self.store.secret_key,
            region_name=self.store.region,
            config=Config(max_pool_connections=CLIENTS * 2),
        )
        self.minio = Minio(
            self.store.host, self.store.access_key, self.store.secret_key, secure=False, region=self.store.region
        )
        self.sdk.create_bucket(Bucket=BUCKET)
        self.file = scratch / "source.bin"
        with self.file.open("wb") as file:
            for _ in range(size.file_bytes // MIB):
                file.write(os.urandom(MIB))
        self._last_record = ""
        self.environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(scratch), **self._peer_settings()}
        (scratch / "rclone.conf").write_text("")

    def close(self) -> None:
        """Leaves the store."""
        self._joined.stop()

    # ---- large files -------------------------------------------------------------------------------------------------

    def large_files(self) -> Iterator[Measure]:
        """1 GiB in and out, the vault and its peers in turns."""
        self._run("restic", "init", "--quiet")
        times: dict[str, list[float]] = {}
        cpu: dict[str, list[float]] = {"in": [], "out": []}
        turns = (self._vault_turn, self._boto3_turn, self._curl_turn, self._rclone_turn, self._restic_turn)
        self._vault_turn(0, times, cpu)  # Warms files, connections and code.
        times.clear()
        for each in cpu.values():
            each.clear()
        for number in range(1, self.size.rounds + 1):
            # Each round begins with another one: what the one before left to the server is nobody's for good.
            first = number % len(turns)
            for turn in turns[first:] + turns[:first]:
                turn(number, times, cpu)
            for key in (f"plain-{number}", f"curl-{number}"):
                self.sdk.delete_object(Bucket=BUCKET, Key=key)
        (self.scratch / "out.bin").unlink()
        middle_of = {name: statistics.median(taken) for name, taken in times.items()}
        megabytes = self.size.file_bytes / 1e6
        yield Measure(measure="vault in", goal="", figure=megabytes / middle_of["vault in"], unit="MB/s")
        yield Measure(measure="vault out", goal="", figure=megabytes / middle_of["vault out"], unit="MB/s")
        for name, goal in (("boto3", 1.0), ("curl", 0.85), ("rclone", 1.8), ("restic", 1.8)):
            ratio = middle_of[f"{name} in"] / middle_of["vault in"]
            yield at_least(f"in: vault / {LONG_NAMES[name]}", goal, ratio)
        for name, goal in (("curl", 0.6), ("rclone", 1.4), ("restic", 1.4)):
            ratio = middle_of[f"{name} out"] / middle_of["vault out"]
            yield at_least(f"out: vault / {LONG_NAMES[name]}", goal, ratio)
        yield at_most("application's CPU, in", 1.8, statistics.median(cpu["in"]), "s/GiB")
        yield at_most("application's CPU, out", 1.0, statistics.median(cpu["out"]), "s/GiB")

    def _timed(self, name: str, times: _Times, act: Callable[[], _Result]) -> _Result:
        """What it gives; how long it took, beginning on a machine at rest, is noted."""
        _rest()
        begun = time.perf_counter()
        result = act()
        times.setdefault(name, []).append(time.perf_counter() - begun)
        return result

    def _vault_turn(self, _number: int, times: _Times, cpu: _Times) -> None:
        def spent(name: str, way: str, act: Callable[[], _Result]) -> _Result:
            before = _cpu_seconds(self.server.pid)
            result = self._timed(name, times, act)
            cpu[way].append((_cpu_seconds(self.server.pid) - before) / (self.size.file_bytes / GIB))
            return result

        self._last_record = spent("vault in", "in", lambda: self._upload_file(self.file))
        opened = f"{self.server.url}/api/v1/records/{self._last_record}/content?purpose=business"
        spent("vault out", "out", lambda: self._curl(opened, "--header", self._bearer))

    def _boto3_turn(self, number: int, times: _Times, _cpu: _Times) -> None:
        self._timed("boto3 in", times, lambda: self.sdk.upload_file(str(self.file), BUCKET, f"plain-{number}"))

    def _curl_turn(self, number: int, times: _Times, _cpu: _Times) -> None:
        named = {"Bucket": BUCKET, "Key": f"curl-{number}"}
        put, get = (self.sdk.generate_presigned_url(way, Params=named) for way in ("put_object", "get_object"))
        self._timed("curl in", times, lambda: self._curl(put, "--upload-file", str(self.file)))
        self._timed("curl out", times, lambda: self._curl(get))

    def _rclone_turn(self, number: int, times: _Times, _cpu: _Times) -> None:
        self._timed("rclone in", times, lambda: self._rclone("copyto", str(self.file), f"sealed:f{number}"))
        out = str(self.scratch / "out.bin")
        self._timed("rclone out", times, lambda: self._rclone("copyto", f"sealed:f{number}", out))

    def _restic_turn(self, number: int, times: _Times, _cpu: _Times) -> None:
        self._touch_source(number)
        self._timed("restic in", times, lambda: self._run("restic", "backup", "--quiet", str(self.file)))
        out = str(self.scratch / "out")
        self._timed("restic out", times, lambda: self._run("restic", "restore", "latest", "--target", out))
        shutil.rmtree(out)

    def ranges(self) -> Iterator[Measure]:
        """1 MiB in the middle of the large file."""
        self.sdk.upload_file(str(self.file), BUCKET, "ranges")
        vault, plain = [], []
        client = _Client(self.server.port)
        middle = self.size.file_bytes // 2
        for number in range(self.size.ranges):
            start = middle + number * 777_777
            wanted = f"bytes={start}-{start + MIB - 1}"
            path = f"/api/v1/records/{self._last_record}/content?purpose=business"
            headers = {"Authorization": f"Bearer {self.token}", "Range": wanted}
            vault.append(_seconds(lambda headers=headers, path=path: client.ask("GET", path, headers, 206)))  # type: ignore[misc]
            plain.append(_seconds(lambda wanted=wanted: self._plain_range(wanted)))  # type: ignore[misc]
        self.sdk.delete_object(Bucket=BUCKET, Key="ranges")
        yield at_most(
            "1 MiB range in the middle: vault / plain", 2.0, statistics.median(vault) / statistics.median(plain)
        )

    def _plain_range(self, wanted: str) -> bytes:
        return self.sdk.get_object(Bucket=BUCKET, Key="ranges", Range=wanted)["Body"].read()

    # ---- small files -------------------------------------------------------------------------------------------------

    def small_files(self) -> Iterator[Measure]:
        """Many files of 100 KiB, 8 at once, by threads of this process.

        The vault is asked by ``http.client``, which costs this process half of what the cheaper SDK does; so the same
        client puts and gets plain objects too, by addresses signed before: that is the server's own limit.
        """
        content = os.urandom(SMALL_BYTES)
        keys = [f"small/{number}" for number in range(self.size.small_files)]
        clients = local()
        store = urlsplit(self.store.endpoint_url)

        def client(name: str, host: str, port: int) -> _Client:
            if not hasattr(clients, name):
                setattr(clients, name, _Client(port, host=host))
            made: _Client = getattr(clients, name)
            return made

        def put_vault(key: str) -> str:
            answer = client("vault", "127.0.0.1", self.server.port).ask(
                "POST", "/api/v1/records", self._upload_headers(key), 201, content
            )
            return str(json.loads(answer)["id"])

        def get_vault(record: str) -> object:
            path = f"/api/v1/records/{record}/content?purpose=business"
            return client("vault", "127.0.0.1", self.server.port).ask(
                "GET", path, {"Authorization": f"Bearer {self.token}"}, 200
            )

        def ask_store(method: str, signed: str, body: bytes | None = None) -> object:
            plain = client("store", store.hostname or "127.0.0.1", store.port or 80)
            return plain.ask(method, signed, {}, 200, body)

        peers: Mapping[str, tuple[Callable[[str], object], Callable[[str], object]]] = {
            "boto3": (
                lambda key: self.sdk.put_object(Bucket=BUCKET, Key=key, Body=content),
                lambda key: self.sdk.get_object(Bucket=BUCKET, Key=key)["Body"].read(),
            ),
            "minio": (lambda key: self._minio_put(key, content), self._minio_get),
        }
        rates: dict[str, list[float]] = {}
        cpu: dict[str, list[float]] = {"in": [], "out": []}
        rounds = max(3, self.size.rounds)
        with ThreadPoolExecutor(CLIENTS) as pool:
            for number in range(rounds):
                part = keys[number * len(keys) // rounds : (number + 1) * len(keys) // rounds]
                before = _cpu_seconds(self.server.pid)
                records = _rate(pool, rates, "vault put", put_vault, part)
                cpu["in"].append((_cpu_seconds(self.server.pid) - before) / len(part))
                for name, (put, get) in peers.items():
                    _rate(pool, rates, f"{name} put", put, part)
                    _rate(pool, rates, f"{name} get", get, part)
                puts, gets = (
                    [self._signed(kind, f"signed/{key}") for key in part] for kind in ("put_object", "get_object")
                )
                _rate(pool, rates, "signed put", lambda signed: ask_store("PUT", signed, content), puts)
                _rate(pool, rates, "signed get", lambda signed: ask_store("GET", signed), gets)
                before = _cpu_seconds(self.server.pid)
                _rate(pool, rates, "vault get", get_vault, [str(record) for record in records])
                cpu["out"].append((_cpu_seconds(self.server.pid) - before) / len(part))
        medians = {name: statistics.median(taken) for name, taken in rates.items()}
        for way, kind in (("in", "put"), ("out", "get")):
            yield Measure(measure=f"small files {way}", goal="", figure=medians[f"vault {kind}"], unit="files/s")
            spent = statistics.median(cpu[way]) * 1000
            yield Measure(measure=f"application's CPU, a small file {way}", goal="", figure=spent, unit="ms")
        for way, kind, goal in (("in", "put", 0.6), ("out", "get", 0.5)):
            vault, method = medians[f"vault {kind}"], kind.upper()
            sdk = max(medians[f"boto3 {kind}"], medians[f"minio {kind}"])
            yield at_least(f"100 KiB {way}, 8 at once: vault / plain {method}, faster SDK", goal, vault / sdk)
            ratio = vault / medians[f"signed {kind}"]
            yield Measure(measure=f"the same / plain {method} by the vault's own client", goal="", figure=ratio)

    def _signed(self, kind: str, key: str) -> str:
        """Path and query of an address that was signed for one request."""
        parts = urlsplit(self.sdk.generate_presigned_url(kind, Params={"Bucket": BUCKET, "Key": key}))
        return f"{parts.path}?{parts.query}"

    # ---- the process -------------------------------------------------------------------------------------------------

    def growth(self) -> Measure:
        """How much more memory a large upload takes than a small one; both are streamed."""
        self._upload_zeros(10 * MIB)
        before = _peak_memory(self.server.pid)
        self._upload_zeros(self.size.growth_bytes)
        grown = (_peak_memory(self.server.pid) - before) / MIB
        return at_most("growth of peak memory, 10 MiB to 10 GiB upload", 100, grown, "MiB")

    def starts_again(self) -> Measure:
        """A home that exists: seconds to the first page."""
        self._joined.stop()
        self.server.stop()
        return at_most("serve again: first page", 5.0, self.server.start(), "s")

    # ---- helpers -----------------------------------------------------------------------------------------------------

    @property
    def _bearer(self) -> str:
        return f"Authorization: Bearer {self.token}"

    def _upload_headers(self, name: str) -> dict[str, str]:
        said = {"title": name, "class": "contract", "file_name": "scan.bin"}
        metadata = base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
        return {
            "Authorization": f"Bearer {self.token}",
            "Strongroom-Metadata": metadata,
            "Content-Type": "application/octet-stream",
        }

    def _upload_file(self, path: Path) -> str:
        headers = [
            argument
            for name, value in self._upload_headers("large").items()
            for argument in ("--header", f"{name}: {value}")
        ]
        answer = self._curl(f"{self.server.url}/api/v1/records", "-X", "POST", "-T", str(path), *headers, keep=True)
        return str(json.loads(answer)["id"])

    def _upload_zeros(self, size_bytes: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=600)
        block = bytes(MIB)
        connection.putrequest("POST", "/api/v1/records")
        for name, value in (*self._upload_headers("growth").items(), ("Content-Length", str(size_bytes))):
            connection.putheader(name, value)
        connection.endheaders()
        for _ in range(size_bytes // MIB):
            connection.send(block)
        answer = connection.getresponse()
        if answer.status != 201:
            raise RuntimeError(f"upload was answered by {answer.status}: {answer.read()[:500]!r}")
        connection.close()

    def _touch_source(self, number: int) -> None:
        # restic stores equal content once; every round has other bytes in every chunk of its.
        with self.file.open("r+b") as file:
            for at in range(0, self.size.file_bytes, 256 * 1024):
                file.seek(at)
                file.write(hashlib.sha256(f"{number} {at}".encode()).digest())

    def _minio_put(self, key: str, content: bytes) -> object:
        return self.minio.put_object(BUCKET, key, io.BytesIO(content), len(content))

    def _minio_get(self, key: str) -> object:
        answer = self.minio.get_object(BUCKET, key)
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()

    def _curl(self, url: str, *arguments: str, keep: bool = False) -> str:
        output = () if keep else ("--output", os.devnull)
        command = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", "Expect:", *output, *arguments]
        return self._call([*command, url]).decode()

    def _rclone(self, *arguments: str) -> None:
        self._run("rclone", "--config", str(self.scratch / "rclone.conf"), *arguments)

    def _run(self, *command: str) -> None:
        self._call(list(command))

    def _call(self, command: Sequence[str]) -> bytes:
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr)[-2000:].decode(errors='replace')}")
        return done.stdout

    def _peer_settings(self) -> dict[str, str]:
        secret = self._call_plain(["rclone", "obscure", "a passphrase of the peers"])
        remote = {
            "RCLONE_CONFIG_PLAIN_TYPE": "s3",
            "RCLONE_CONFIG_PLAIN_PROVIDER": "Other",
            "RCLONE_CONFIG_PLAIN_ENDPOINT": self.store.endpoint_url,
            "RCLONE_CONFIG_PLAIN_ACCESS_KEY_ID": self.store.access_key,
            "RCLONE_CONFIG_PLAIN_SECRET_ACCESS_KEY": self.store.secret_key,
            "RCLONE_CONFIG_SEALED_TYPE": "crypt",
            "RCLONE_CONFIG_SEALED_REMOTE": f"plain:{BUCKET}/rclone",
            "RCLONE_CONFIG_SEALED_PASSWORD": secret,
        }
        return remote | {
            "AWS_ACCESS_KEY_ID": self.store.access_key,
            "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "RESTIC_REPOSITORY": f"s3:{self.store.endpoint_url}/{BUCKET}/restic",
            "RESTIC_PASSWORD": "a passphrase of the peers",
        }

    def _call_plain(self, command: Sequence[str]) -> str:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


LONG_NAMES: Final = {
    "boto3": "boto3.upload_file",
    "curl": "curl, presigned",
    "rclone": "rclone crypt",
    "restic": "restic",
}


class _Client:
    """One keep-alive connection to a server."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._asked_at = time.monotonic()

    def ask(self, method: str, path: str, headers: Mapping[str, str], status: int, body: bytes | None = None) -> bytes:
        """The answer's body; another status is an error."""
        if time.monotonic() - self._asked_at > IDLE_S:
            self._connection.close()  # a server ends connections that nobody uses; the next request opens another
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        content = answer.read()
        self._asked_at = time.monotonic()
        if answer.status != status:
            raise RuntimeError(f"{method} was answered by {answer.status}: {content[:500]!r}")
        return content


def _sealing(size: Size) -> Measure:
    plain, out = os.urandom(8 * MIB), bytearray(9 * MIB)
    leaf = LeafAddress(tree_id=bytes(16), extent=1, leaf=1)
    context = object_context(vault_id="bench", leaf=leaf, object_id="bench")
    aead = AESGCM(os.urandom(32))
    view = memoryview(out)
    ours, raw = [], []
    for _ in range(size.rounds * 8):
        sealer = Sealer.new(Secret(os.urandom(32)), context, token_bytes=os.urandom)
        ours.append(_seconds(lambda sealer=sealer: sealer.seal_frames(1, plain, out, final=True)))  # type: ignore[misc]
        nonce = os.urandom(12)
        raw.append(_seconds(lambda nonce=nonce: aead.encrypt_into(nonce, plain, None, view[: len(plain) + 16])))  # type: ignore[misc]
    ratio = statistics.median(raw) / statistics.median(ours)
    return at_least(f"sealing in memory ({FRAME_LENGTH // 1024} KiB frames) / AES-256-GCM, one core", 0.5, ratio)


def _rate(
    pool: ThreadPoolExecutor, rates: dict[str, list[float]], name: str, act: Callable[[str], object], keys: list[str]
) -> list[object]:
    begun = time.perf_counter()
    results = list(pool.map(act, keys))
    rates.setdefault(name, []).append(len(keys) / (time.perf_counter() - begun))
    return results


def _seconds(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _rest() -> None:
    """Waits until the machine is at rest, a minute at most: a server goes on with what was deleted before."""
    give_up_at = time.monotonic() + REST_MAX_S
    quiet, before = 0, _busy_seconds()
    while quiet < 3 and time.monotonic() < give_up_at:
        time.sleep(0.5)
        now = _busy_seconds()
        quiet = quiet + 1 if now - before < 0.1 else 0
        before = now


def _busy_seconds() -> float:
    """CPU seconds that the machine has spent, waiting for disks included, all cores together."""
    user, nice, system, _idle, *rest = (
        int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell a process's peak memory")
