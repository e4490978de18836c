"""What only devices do: go away, come back, refuse a PIN, be cleared, be another one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pkcs11
import pytest

from storage.keeper.folder import KeeperFolder
from storage.keeper.pkcs11 import Pkcs11Keeper
from storage.keeper.tpm import TpmKeeper
from storage.machine import SystemRandomness
from tests.support.keepers import PIN, TOKEN, KeeperSpec, SoftToken, SoftTpm, newest_root
from vault.errors import KeeperUnavailable, NotFound, SettingsWrong
from vault.seal.secrets import Secret
from vault.seal.unlock import tpm_password

ROOT = Secret(bytes(range(32)))
REPOSITORY = Path(__file__).parents[3]
LOOK = """
import sys
from tests.support.keepers import KeeperSpec
keeper = KeeperSpec.from_json(sys.argv[1]).open()
for _ in range(100):
    assert keeper.held(bytes.fromhex(sys.argv[2]))
"""


@pytest.fixture
def tree() -> bytes:
    return os.urandom(16)


@pytest.fixture
def on_token(token: SoftToken, tmp_path: Path, tree: bytes) -> KeeperSpec:
    """A keeper with generation 1 in force, in the token."""
    return _in_force(KeeperSpec(kind="pkcs11", folder=str(tmp_path / "keeper"), device=str(token.module)), tree)


@pytest.fixture
def on_tpm(tpm: SoftTpm, tmp_path: Path, tree: bytes) -> KeeperSpec:
    """A keeper with generation 1 in force, in the TPM."""
    return _in_force(KeeperSpec(kind="tpm", folder=str(tmp_path / "keeper"), device=tpm.tcti), tree)


def _in_force(spec: KeeperSpec, tree: bytes) -> KeeperSpec:
    keeper = spec.open()
    keeper.set_up()
    keeper.stage(tree, 1, bytes(range(16)), ROOT)
    keeper.promote(tree, 1, bytes(range(16)))
    return spec


def test_a_token_that_was_removed_is_taken_up_again(token: SoftToken, on_token: KeeperSpec, tree: bytes) -> None:
    keeper = on_token.open()
    assert newest_root(keeper, tree) == ROOT
    away = token.folder.with_name("away")
    token.folder.rename(away)
    token.folder.mkdir()
    try:
        pkcs11.lib(str(token.module)).reinitialize()
        with pytest.raises(KeeperUnavailable, match="unharmed: see that it is plugged in"):
            keeper.held(tree)
        assert not keeper.describe().answers
    finally:
        shutil.rmtree(token.folder)
        away.rename(token.folder)
    assert newest_root(keeper, tree) == ROOT
    assert keeper.describe().answers


def test_a_token_that_several_processes_use_at_once_is_never_taken_for_away(
    token: SoftToken, on_token: KeeperSpec, tree: bytes
) -> None:
    command = [sys.executable, "-c", LOOK, on_token.to_json(), tree.hex()]
    with ExitStack() as stack:
        others = [
            stack.enter_context(subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE)) for _ in range(2)
        ]
        keeper, made = on_token.open(), 1
        while made < 10 or any(other.poll() is None for other in others):
            made += 1
            keeper.stage(tree, made, os.urandom(16), ROOT)
            time.sleep(0.02)
        assert [other.communicate()[1].decode() for other in others] == ["", ""]
    assert len(keeper.held(tree)) == made


def test_a_device_that_another_process_does_not_let_go_of_is_waited_for_and_then_told(
    on_token: KeeperSpec, tree: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.keeper.pkcs11.TURN_WITHIN_S", 0.2)
    with (
        KeeperFolder(Path(on_token.folder)).use(within_s=0),
        pytest.raises(KeeperUnavailable, match="another process has used"),
    ):
        on_token.open().held(tree)
    assert newest_root(on_token.open(), tree) == ROOT


def test_a_session_that_the_token_ended_is_opened_anew(token: SoftToken, on_token: KeeperSpec, tree: bytes) -> None:
    keeper = on_token.open()
    assert newest_root(keeper, tree) == ROOT
    # Every session of this process ends, as when an HSM restarts.
    pkcs11.lib(str(token.module)).reinitialize()
    assert newest_root(keeper, tree) == ROOT


def test_another_token_of_the_same_name_is_not_taken_for_it(on_token: KeeperSpec, tree: bytes) -> None:
    (Path(on_token.folder) / "keeper.check").write_bytes(b"pkcs11 00aa00aa\n")
    with pytest.raises(KeeperUnavailable, match="not the one"):
        on_token.open().held(tree)


def test_a_pin_that_the_token_refused_is_not_tried_again(token: SoftToken, on_token: KeeperSpec, tree: bytes) -> None:
    keeper = Pkcs11Keeper(
        Path(on_token.folder), SystemRandomness(), module=token.module, token=TOKEN, pin="99999999", name="off-site"
    )
    for _ in range(3):
        with pytest.raises(SettingsWrong, match="not tried again"):
            keeper.held(tree)
    assert keeper.name == "off-site"
    assert on_token.open().describe().answers


def test_a_key_in_the_token_cannot_be_read_or_decrypt(token: SoftToken, on_token: KeeperSpec, tree: bytes) -> None:
    with pkcs11.lib(str(token.module)).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        wanted = {pkcs11.Attribute.ID: tree + (1).to_bytes(4, "big") + bytes(range(16))}
        (key,) = list(session.get_objects(wanted))
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
        flags = (
            pkcs11.Attribute.EXTRACTABLE,
            pkcs11.Attribute.DECRYPT,
            pkcs11.Attribute.WRAP,
            pkcs11.Attribute.SENSITIVE,
        )
        assert [key[flag] for flag in flags] == [False, False, False, True]


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    keeper = Pkcs11Keeper(tmp_path / "k", SystemRandomness(), module=Path("/nonexistent/lib.so"), token=TOKEN, pin=PIN)
    with pytest.raises(KeeperUnavailable, match=r"lib\.so"):
        keeper.set_up()


def test_a_cleared_tpm_says_what_is_safe_and_what_to_do(tpm: SoftTpm, on_tpm: KeeperSpec, tree: bytes) -> None:
    assert tpm.run("clear", "-c", "p").returncode == 0
    keeper = on_tpm.open()
    assert keeper.held(tree) == []
    with pytest.raises(NotFound, match=r"cleared.*unharmed: open the vault with another keeper"):
        keeper.root(tree, 1, bytes(range(16)))
    with pytest.raises(KeeperUnavailable, match=r"cleared.*remove this one and add it again"):
        keeper.stage(tree, 2, bytes(16), ROOT)
    assert "lost their key in the TPM" in keeper.describe().warnings[-1]


def test_a_tpm_that_is_away_is_taken_up_again(tpm: SoftTpm, on_tpm: KeeperSpec, tree: bytes) -> None:
    keeper = on_tpm.open()
    tpm.stop()
    with pytest.raises(KeeperUnavailable, match="does not answer"):
        keeper.held(tree)
    assert not keeper.describe().answers
    tpm.start()
    assert newest_root(keeper, tree) == ROOT


def test_a_tpm_locked_by_wrong_pins_says_so_and_one_process_cannot_lock_it(
    tpm: SoftTpm, on_tpm: KeeperSpec, tree: bytes
) -> None:
    wrong = on_tpm.open(secret="0000 wrong")
    for _ in range(10):
        with pytest.raises(SettingsWrong, match="not tried again"):
            wrong.root(tree, 1, bytes(range(16)))
    assert newest_root(on_tpm.open(), tree) == ROOT
    for _ in range(4):
        with pytest.raises((SettingsWrong, KeeperUnavailable)):
            on_tpm.open(secret="0000 wrong").root(tree, 1, bytes(range(16)))
    with pytest.raises(KeeperUnavailable, match="locked after too many wrong PINs"):
        on_tpm.open().root(tree, 1, bytes(range(16)))


def test_a_full_tpm_says_so_and_keeps_what_it_has(tpm: SoftTpm, on_tpm: KeeperSpec, tree: bytes) -> None:
    for at in range(200):
        if tpm.run("nvdefine", hex(0x01870000 + at), "-C", "o", "-s", "2048").returncode != 0:
            break
    for at in range(200):
        if tpm.run("nvdefine", hex(0x01880000 + at), "-C", "o", "-s", "1").returncode != 0:
            break
    with pytest.raises(KeeperUnavailable, match="no room"):
        on_tpm.open().stage(tree, 2, bytes(16), ROOT)
    assert newest_root(on_tpm.open(), tree) == ROOT


def test_a_tpm_without_a_pin_warns_and_works_with_an_owner_password(tpm: SoftTpm, tmp_path: Path, tree: bytes) -> None:
    assert tpm.run("changeauth", "-c", "o", "the owner").returncode == 0
    keeper = TpmKeeper(tmp_path / "k", SystemRandomness(), tcti=tpm.tcti, owner_password="the owner")
    keeper.set_up()
    keeper.stage(tree, 1, bytes(range(16)), ROOT)
    assert keeper.root(tree, 1, bytes(range(16))) == ROOT
    assert "no PIN" in keeper.describe().warnings[0]
    without = TpmKeeper(tmp_path / "k", SystemRandomness(), tcti=tpm.tcti)
    with pytest.raises(SettingsWrong, match="owner password"):
        without.stage(tree, 2, bytes(16), ROOT)


def test_a_tpms_folder_and_a_files_folder_are_not_mixed_up(tpm: SoftTpm, on_tpm: KeeperSpec) -> None:
    mixed = KeeperSpec(kind="file-key", folder=on_tpm.folder).open()
    assert not mixed.describe().answers


def test_no_secret_is_an_argument_of_a_program(
    on_tpm: KeeperSpec, tree: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, log = tmp_path / "programs", tmp_path / "arguments"
    programs.mkdir()
    # The real program, behind one that notes its arguments and environment.
    (programs / "tpm2").write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >>{log}\nexec {shutil.which("tpm2")} "$@"\n')
    (programs / "tpm2").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    keeper = on_tpm.open()
    keeper.stage(tree, 2, bytes(range(16)), ROOT)
    keeper.promote(tree, 2, bytes(range(16)))
    assert keeper.destroy_others(tree, 2, bytes(range(16))) == 1
    noted = log.read_text()
    assert "nvdefine" in noted
    assert "file:/proc/self/fd/" in noted
    for secret in (PIN, tpm_password(PIN), ROOT.expose().hex()):
        assert secret not in noted
