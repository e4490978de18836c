"""Store and catalogue away, killed or full: who asks is told when to come again, nothing acknowledged is lost, and all
goes on by itself when the part is back.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from storage.objects.embedded import EmbeddedStore
from storage.objects.s3 import ROOM_BYTES
from storage.objects.sdk import sdk_client
from tests.support.attacked import Attacked, attacked, outside
from tests.support.clients import Command
from tests.support.disks import fill, small_disk
from tests.support.relay import Relay, relay
from tests.support.server import free_port
from tests.support.store import RunningStore, running_store
from vault.cli import exits

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
SMALL, LARGE = 3_000, 11 * MIB
OTHERS = "records/zz/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """A served vault whose store is at the end of a line, and whose catalogue has a small disk of its own."""

    vault: Attacked
    line: Relay
    disk: Path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store that nobody else uses."""
    with running_store(tmp_path_factory.mktemp("store") / "store") as running:
        yield running


def port_of(store: RunningStore) -> int:
    """Where the store is."""
    return urlsplit(store.settings.endpoint_url).port or 0


@pytest.fixture(scope="module")
def apart(store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """See ``Apart``. At the end all that was acknowledged opens, and the log holds no surprise."""
    folder: Path = tmp_path_factory.mktemp("apart")
    with small_disk(folder / "disk", 8 * MIB) as disk, relay(port_of(store)) as line:
        environment = outside(store.settings, port=line.port)
        environment["STRONGROOM_CATALOGUE_URL"] = f"sqlite:///{disk / 'catalogue.sqlite'}"
        with attacked(folder / "home", store=store.settings, **environment) as vault:
            yield Apart(vault=vault, line=line, disk=disk)
            vault.require_whole()
            vault.require_quiet_log()


def require_told(answer: httpx.Response, code: str) -> None:
    """503, when to come again, and nothing of what is inside."""
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    for inner in ("records/", "/tmp", "127.0.0.1", "Error", "sqlite"):
        assert inner not in answer.text


def files(name: str) -> dict[str, bytes]:
    """A small file and a large one, by their keys."""
    return {f"{name}, {size} bytes": os.urandom(size) for size in (SMALL, LARGE)}


# -- the store ---------------------------------------------------------------------------------------------------------


def test_a_first_start_without_its_store_says_why_and_the_next_one_goes_on(store: RunningStore, tmp_path: Path) -> None:
    with relay(port_of(store)) as line:
        line.cut()
        environment = outside(store.settings, port=line.port)
        ended = Command(home=tmp_path / "home", environment=environment).run("serve", "--listen", "127.0.0.1:0")
        assert ended.code == exits.UNAVAILABLE
        assert "the object store does not answer" in ended.talk
        assert "Traceback" not in ended.talk
        line.mend()
        with attacked(tmp_path / "home", store=store.settings, **environment) as vault:
            assert vault.send(b"bytes").status_code == 201
            vault.require_whole()


def test_a_server_that_starts_without_its_store_waits_for_it(apart: Apart) -> None:
    vault, server = apart.vault, apart.vault.server
    record_id = vault.send(b"before").json()["id"]
    server.stop(signal.SIGTERM)
    apart.line.cut()
    starting = threading.Thread(target=server.start)
    starting.start()
    give_up_at = time.monotonic() + 120
    while True:
        try:
            require_told(vault.client.get(f"{server.url}/readyz"), "store-unavailable")
            break
        except httpx.TransportError:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
    assert vault.client.get(f"{server.url}/healthz").status_code == 200
    assert vault.client.get("/api/v1/records").status_code == 200
    require_told(vault.send(b"while it is away"), "store-unavailable")
    apart.line.mend()
    starting.join()
    assert vault.open(record_id).content == b"before"


def test_a_store_that_goes_away_is_told_and_retries_succeed_when_it_is_back(apart: Apart) -> None:
    vault = apart.vault
    record_id = vault.send(os.urandom(LARGE)).json()["id"]
    sent = files("store away")
    apart.line.cut()
    for key, content in sent.items():
        require_told(vault.send(content, key=key), "store-unavailable")
    require_told(vault.open(record_id), "store-unavailable")
    require_told(vault.client.get(f"{vault.server.url}/readyz"), "store-unavailable")
    page = vault.client.get(vault.server.url + vault_link(vault, record_id))
    assert page.status_code == 200  # the landing page needs the catalogue alone
    apart.line.mend()
    receipts = {key: vault.send(content, key=key) for key, content in sent.items()}
    assert {receipt.status_code for receipt in receipts.values()} == {201}
    for key, content in sent.items():
        assert vault.send(content, key=key).json()["id"] == receipts[key].json()["id"]


def vault_link(vault: Attacked, record_id: str) -> str:
    """The path of a new link."""
    return vault.link(record_id)[0]


def test_a_store_that_goes_away_in_the_middle_of_an_upload(apart: Apart) -> None:
    vault, content = apart.vault, os.urandom(3 * LARGE)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(content), MIB):
            if start == 2 * LARGE // MIB * MIB:
                apart.line.cut()
            yield content[start : start + MIB]

    require_told(vault.send(pieces(), key="cut in the middle"), "store-unavailable")
    apart.line.mend()
    assert vault.send(content, key="cut in the middle").status_code == 201
    vault.require_settled()


def test_a_download_whose_store_goes_away_breaks_off_and_goes_on_with_a_range(apart: Apart) -> None:
    vault, content = apart.vault, os.urandom(3 * LARGE)
    record_id = vault.send(content).json()["id"]
    came = bytearray()
    with vault.client.stream("GET", f"/api/v1/records/{record_id}/content?purpose=business") as answer:
        pieces = answer.iter_raw(65536)
        while len(came) < MIB:
            came += next(pieces)
        apart.line.cut()
        with pytest.raises(httpx.RemoteProtocolError):
            came.extend(b"".join(pieces))
    apart.line.mend()
    rest = vault.open(record_id, Range=f"bytes={len(came)}-", **{"If-Range": answer.headers["etag"]})
    assert rest.status_code == 206
    assert bytes(came) + rest.content == content


def test_a_store_that_is_silent_for_a_while_is_waited_for(apart: Apart) -> None:
    apart.line.hold()
    threading.Timer(2.0, apart.line.mend).start()
    began = time.monotonic()
    assert apart.vault.send(b"after a while").status_code == 201
    assert time.monotonic() - began > 1.5


# -- the catalogue -----------------------------------------------------------------------------------------------------


def test_a_catalogue_whose_disk_is_full_refuses_and_keeps_what_it_acknowledged(apart: Apart) -> None:
    vault = apart.vault
    record_id = vault.send(b"before").json()["id"]
    sent = files("catalogue full")
    filler = fill(apart.disk, leave_bytes=0)
    try:
        while vault.send(b"the last that finds room").status_code == 201:
            pass
        for key, content in sent.items():
            require_told(vault.send(content, key=key), "catalogue-unavailable")
        # Opening is logged first, and the log has no room.
        require_told(vault.open(record_id), "catalogue-unavailable")
        assert vault.client.get("/api/v1/records").status_code == 200
    finally:
        filler.unlink()
    for key, content in sent.items():
        assert vault.send(content, key=key).status_code == 201
    assert vault.open(record_id).content == b"before"
    vault.require_whole()


def test_a_start_on_a_full_disk_says_so_and_the_next_one_goes_on(apart: Apart) -> None:
    vault, server = apart.vault, apart.vault.server
    server.stop(signal.SIGTERM)
    filler = fill(apart.disk, leave_bytes=0)
    try:
        command = Command(home=server.home, environment=server.environment)
        ended = command.run("serve", "--listen", f"127.0.0.1:{free_port()}")
        assert (ended.code, "the disk of the catalogue is full" in ended.talk) == (exits.UNAVAILABLE, True)
    finally:
        filler.unlink()
    server.start()
    vault.require_whole()


# -- the embedded store ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Attacked, Path]]:
    """A served vault with an embedded store on a small disk."""
    home: Path = tmp_path_factory.mktemp("embedded") / "home"
    with small_disk(home / "store", ROOM_BYTES + 160 * MIB) as disk, attacked(home) as vault:
        yield vault, disk
        vault.require_whole()
        vault.require_quiet_log()


def sent_at_last(vault: Attacked, content: bytes, key: str) -> None:
    """Sends a file again and again, as who is told 503 does, until it is stored."""
    give_up_at = time.monotonic() + 120
    while (answer := vault.send(content, key=key)).status_code not in (200, 201):
        assert answer.status_code in (409, 503), answer.text
        assert time.monotonic() < give_up_at, answer.text
        time.sleep(min(int(answer.headers.get("retry-after", "1")), 1))


@pytest.mark.parametrize("killed", ["server_pid", "guardian_pid"])
def test_an_embedded_store_that_is_killed_comes_back_and_every_upload_is_stored(
    embedded: tuple[Attacked, Path], killed: str
) -> None:
    vault, _ = embedded
    for number in range(12):
        if number == 4:
            os.kill(getattr(EmbeddedStore(vault.server.home / "store").status(), killed), signal.SIGKILL)
        sent_at_last(vault, os.urandom(SMALL), f"{killed} {number}")
    assert vault.records() == len(vault.kept)


def test_an_embedded_store_whose_disk_is_full_refuses_and_still_opens(embedded: tuple[Attacked, Path]) -> None:
    vault, disk = embedded
    record_id = vault.send(os.urandom(LARGE)).json()["id"]
    for left in (ROOM_BYTES - MIB, 0):
        sent = files(f"{left} bytes of room")
        filler = fill(disk, leave_bytes=left)
        try:
            for key, content in sent.items():
                require_told(vault.send(content, key=key), "store-full")
            assert vault.open(record_id).status_code == 200
            if left == 0:
                _write_metadata(vault)
        finally:
            filler.unlink()
        for key, content in sent.items():
            sent_at_last(vault, content, key)
    for pending in list(vault.store.pending_uploads(OTHERS)):
        vault.store.abort_upload(pending.key, pending.upload_id)
    vault.require_whole()


def _write_metadata(vault: Attacked) -> None:
    """What the store writes by itself from time to time: the first write that finds no room breaks its metadata."""
    embedded = EmbeddedStore(vault.server.home / "store")
    settings = embedded.start().application
    sdk = sdk_client(settings)
    refused = False
    for number in range(2000):
        key = f"{OTHERS}{number:026d}"
        try:
            upload = sdk.create_multipart_upload(Bucket=settings.bucket, Key=key)
            sdk.abort_multipart_upload(Bucket=settings.bucket, Key=key, UploadId=upload["UploadId"])
        except ClientError:
            refused = True
            break
    assert refused
    sdk.close()
    embedded.stop()


def test_room_that_ends_in_the_middle_of_an_upload(embedded: tuple[Attacked, Path]) -> None:
    vault, disk = embedded
    content = os.urandom(3 * LARGE)
    fillers: list[Path] = []

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(content), MIB):
            if start == 2 * LARGE // MIB * MIB:
                fillers.append(fill(disk, leave_bytes=ROOM_BYTES - MIB))
            yield content[start : start + MIB]

    require_told(vault.send(pieces(), key="room ends"), "store-full")
    vault.require_settled()
    fillers[0].unlink()
    sent_at_last(vault, content, "room ends")
