"""The key process: who may ask it, where the root is and is not, and what callers notice when it dies or is renewed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from storage.assembly import open_vault
from storage.keeper import keyframes, keystart
from storage.keeper.file import FileKeeper
from storage.keeper.keyclient import KeyClient
from storage.keeper.keyframes import Ask
from storage.keeper.keyholding import KeySettings
from storage.machine import SystemRandomness
from storage.settings import Settings, load_settings
from tests.storage.keeper.test_custody import House, add_two, destroy, leaf_of
from tests.storage.keeper.test_custody import house as house
from tests.support.server import served
from tests.support.vault import add_bytes, read_bytes, staff
from vault.errors import (
    Conflict,
    KeeperUnavailable,
    KeyDestroyed,
    NotAllowed,
    NotFound,
    SealBroken,
    SettingsWrong,
    StrongroomError,
)
from vault.seal.destruction import Doomed
from vault.seal.keytree import LeafAddress, leaf_keys, leaf_secret
from vault.seal.secrets import Secret


def asked_of(settings: Settings) -> KeySettings:
    return keystart.key_settings(settings.keepers(), database_url=settings.database_url)


@pytest.fixture
def keys(house: House) -> Iterator[KeyClient]:
    with KeyClient(asked_of(house.settings)) as client:
        client.open()
        yield client


def root_of(folder: Path) -> tuple[bytes, bytes]:
    """Tree id and the root in force."""
    keeper = FileKeeper(folder, SystemRandomness())
    (tree_id,) = keeper.trees()
    (held,) = keeper.held(tree_id)
    return tree_id, keeper.root(tree_id, held.generation, held.attempt).expose()


def holds(pid: int, wanted: bytes) -> bool:
    """Whether the bytes are anywhere in a process's writable memory."""
    ranges = []
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="ascii", errors="replace").splitlines():
        span, mode = line.split()[:2]
        if mode.startswith("rw"):
            first, last = span.split("-")
            ranges.append((int(first, 16), int(last, 16)))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in ranges:
            with suppress(OSError):
                memory.seek(start)
                if wanted in memory.read(end - start):
                    return True
    return False


def test_a_server_never_has_the_root_in_its_memory_and_the_key_process_has(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with served(home) as server:
        server.sign_up()
        _, root = root_of(tmp_path / "home-keeper")
        # The same search finds a root where there is one.
        with KeyClient(asked_of(load_settings(home=home))) as client:
            client.open()
            assert not holds(server.pid, root)
            try:
                assert holds(int(client.describe()["pid"]), root)
            except PermissionError:
                pytest.skip("this user may not look into a process that is closed to debuggers; the server had no root")


def test_leaves_have_the_keys_that_the_root_gives(house: House, keys: KeyClient) -> None:
    tree_id, root = root_of(house.settings.keeper)
    addresses = [LeafAddress(tree_id=tree_id, extent=extent, leaf=extent % 64) for extent in range(0, 9000, 7)]
    expected = [leaf_keys(leaf_secret(Secret(root), each)) for each in addresses[:20]]
    assert [keys.leaf_keys(each) for each in addresses[:20]] == expected
    assert keys.many_leaf_keys(addresses)[:20] == expected
    assert keys.many_leaf_keys([addresses[3], addresses[900], addresses[3]])[::2] == [expected[3], expected[3]]
    other = LeafAddress(tree_id=bytes(16), extent=0, leaf=0)
    assert isinstance(keys.many_leaf_keys([other])[0], NotFound)
    with pytest.raises(NotFound):
        keys.leaf_keys(other)
    assert root not in repr(keys).encode()


def test_folder_and_socket_are_this_users_alone(house: House, keys: KeyClient) -> None:
    folder = house.settings.home / "keys"
    (found,) = folder.glob("*.sock")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    folder.chmod(0o755)
    with pytest.raises(SettingsWrong, match="chmod 700"), open_vault(house.settings):
        pass
    folder.chmod(0o700)


def test_dumps_are_off_and_nothing_secret_is_in_its_command_line(house: House, keys: KeyClient) -> None:
    pid = int(keys.describe()["pid"])
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert str(house.settings.home).encode() not in command
    assert isinstance(keys.describe()["locked_in_memory"], bool)


ASK_AS_ANOTHER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
line.settimeout(20)
line.connect(sys.argv[1])
try:
    line.sendall(bytes.fromhex(sys.argv[2]))
    print(len(line.recv(100)))
except (BrokenPipeError, ConnectionResetError):
    print(0)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")
def test_another_user_is_not_answered_even_where_the_socket_is_open_to_all(house: House, keys: KeyClient) -> None:
    (found,) = (house.settings.home / "keys").glob("*.sock")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        # The same socket under a path that everybody may walk.
        os.link(found, f"{folder}/open.sock")
        os.chmod(f"{folder}/open.sock", 0o666)  # noqa: S103  # what the peer check is for
        hello = keyframes.greeting(read_only=False, given={}) + keyframes.question(Ask.GENERATION, b"")
        command = [sys.executable, "-I", "-c", ASK_AS_ANOTHER, f"{folder}/open.sock", hello.hex()]
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        assert asked.stdout.strip() == "0"
        os.chmod(found, 0o600)
    assert keys.generation() == 1


@pytest.mark.parametrize(
    "spoken",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x03\x01\x63\x00",
        b"\xff" * 64,
        keyframes.greeting(read_only=False, given={}) + b"\xff\xff\xff\xff\x04",
        keyframes.greeting(read_only=False, given={}) + keyframes.question(Ask.LEAF, b"short"),
        keyframes.greeting(read_only=False, given={}) + b"\x00\x00\x00\x01\x99",
        keyframes.greeting(read_only=False, given={}) + keyframes.question(Ask.PLAN, b"\xff" * 7),
        keyframes.greeting(read_only=False, given={}) + keyframes.question(Ask.STAGE, b"\xff" * 7),
    ],
)
def test_garbage_ends_the_connection_and_nothing_else(house: House, keys: KeyClient, spoken: bytes) -> None:
    pid = keys.describe()["pid"]
    (found,) = (house.settings.home / "keys").glob("*.sock")
    folder = os.open(found.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(20)
            line.connect(f"/proc/self/fd/{folder}/{found.name}")
            line.sendall(spoken)
            with suppress(ConnectionResetError):
                assert line.recv(100) == b""
    finally:
        os.close(folder)
    assert keys.describe()["pid"] == pid


@pytest.mark.parametrize("victim", ["key process", "warden"])
def test_a_key_process_that_is_killed_under_load_is_not_noticed(house: House, keys: KeyClient, victim: str) -> None:
    tree_id, _ = root_of(house.settings.keeper)
    addresses = [LeafAddress(tree_id=tree_id, extent=extent, leaf=3) for extent in range(20_000)]
    expected = dict(zip(addresses[:50], keys.many_leaf_keys(addresses[:50]), strict=True))
    wrong: list[object] = []
    has_ended = threading.Event()

    def read(start: int) -> None:
        with KeyClient(asked_of(house.settings), kept_leaves=0) as mine:
            at = start
            while not has_ended.is_set():
                at = (at + 1) % len(addresses)
                try:
                    known = addresses[at % 50]
                    mine.leaf_keys(addresses[at])
                    if mine.many_leaf_keys([known]) != [expected[known]]:
                        wrong.append(known)
                except StrongroomError as exc:
                    wrong.append(exc)

    threads = [threading.Thread(target=read, args=(start,)) for start in (0, 7_000, 14_000)]
    for thread in threads:
        thread.start()
    pids = set()
    for _ in range(3):
        time.sleep(0.3)
        pid = int(keys.describe()["pid"])
        pids.add(pid)
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        os.kill(int(told[1]) if victim == "warden" else pid, signal.SIGKILL)
    has_ended.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(pids) == 3


def test_leaves_that_another_process_destroyed_are_refused_after_renewal(house: House, keys: KeyClient) -> None:
    one, two = add_two(house)
    with open_vault(house.settings) as vault:
        gone, kept = leaf_of(vault, one), leaf_of(vault, two)
        before = keys.leaf_keys(kept)
        keys.leaf_keys(gone)
        pid = keys.describe()["pid"]
        destroy(vault, one)
        assert keys.renew() == 2
        with pytest.raises(KeyDestroyed):
            keys.leaf_keys(gone)
        assert keys.leaf_keys(kept) == before
        # A process for each generation: the one that had the destroyed root is no more.
        assert keys.describe()["pid"] != pid
        assert not Path(f"/proc/{pid}").exists()
        assert read_bytes(vault, staff(vault), two) == b"two"


def test_an_answer_of_the_new_generation_is_enough_to_forget_what_was_kept(house: House, keys: KeyClient) -> None:
    one, two = add_two(house)
    with open_vault(house.settings) as vault:
        gone = leaf_of(vault, one)
        keys.leaf_keys(gone)
        destroy(vault, one)
        keys.leaf_keys(leaf_of(vault, two))
        keys.generation()
        with pytest.raises(KeyDestroyed):
            keys.leaf_keys(gone)


def test_a_plan_that_died_with_its_process_is_made_again(house: House, keys: KeyClient) -> None:
    one, _ = add_two(house)
    with open_vault(house.settings) as vault:
        increment = vault.keys.plan(Doomed(leaves={leaf_of(vault, one)}))
        os.kill(int(keys.describe()["pid"]), signal.SIGKILL)
        with pytest.raises(Conflict, match="plan it again"):
            vault.keys.stage(increment)
        destroy(vault, one)
        assert vault.keys.generation() == 2


def test_who_only_looks_changes_no_keeper(house: House) -> None:
    one, _ = add_two(house)
    with open_vault(house.settings, keepers_read_only=True) as looking, open_vault(house.settings):
        held = house.held()
        with pytest.raises(NotAllowed):
            destroy(looking, one)
        assert house.held() == held


def test_many_starters_at_once_share_one_process(house: House) -> None:
    pids: list[int | bool] = []
    start = threading.Barrier(8)

    def ask() -> None:
        with KeyClient(asked_of(house.settings)) as client:
            start.wait()
            client.open()
            pids.append(client.describe()["pid"])
            start.wait()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 8
    assert len(set(pids)) == 1


def test_the_process_ends_with_its_last_user(house: House) -> None:
    with KeyClient(asked_of(house.settings)) as client:
        client.open()
        pid = client.describe()["pid"]
    give_up_at = time.monotonic() + 120
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < give_up_at, "the key process outlived its last user"
        time.sleep(0.02)


def test_a_wrong_key_file_is_refused_beside_a_process_that_has_the_right_one(house: House, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(os.urandom(64))
    other = house.settings.model_copy(update={"keeper_key_file": wrong})
    with open_vault(house.settings) as vault:
        with pytest.raises((SettingsWrong, SealBroken)), open_vault(other):
            pass
        unlock = house.settings.keeper / "unlock.key"
        right = unlock.read_bytes()
        unlock.write_bytes(os.urandom(len(right)))
        with pytest.raises((SettingsWrong, SealBroken)), open_vault(house.settings):
            pass
        unlock.write_bytes(right)
        assert add_bytes(vault, staff(vault), b"goes on").record_id


def test_a_keeper_that_is_gone_is_named_at_opening(house: House, tmp_path: Path) -> None:
    shutil.move(house.settings.keeper, tmp_path / "away")
    with pytest.raises((KeeperUnavailable, SettingsWrong)), open_vault(house.settings):
        pass
    shutil.rmtree(house.settings.keeper, ignore_errors=True)
    shutil.move(tmp_path / "away", house.settings.keeper)
    with open_vault(house.settings) as vault:
        assert vault.keys.generation() == 1


def test_a_password_in_the_catalogues_address_is_not_in_the_sockets_name(house: House) -> None:
    settings = asked_of(house.settings)
    names = {
        keystart.socket_name(replace(settings, database_url=f"postgresql://strongroom:{word}@host/base"))
        for word in ("one", "two")
    }
    assert len(names) == 1
