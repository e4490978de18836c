"""The sealed file: what unlocks it, what it warns of, and the first version's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.keeper.file import FileKeeper
from storage.keeper.folder import CHECK_NAME
from storage.machine import SystemRandomness
from tests.support.keepers import CHEAP, PASSPHRASE, newest_root
from vault.errors import KeeperUnavailable, NotFound, SealBroken, SettingsWrong
from vault.ports import HeldRoot
from vault.seal.rootfile import V1_ATTEMPT
from vault.seal.secrets import Secret

TREE = bytes(range(100, 116))
V1_KEY = b"k" * 64
V1_ROOT = Secret(bytes(range(32)))
V1_FILE = bytes.fromhex(
    "016465666768696a6b6c6d6e6f7071727300000001101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
    "202122232425262728292a2bcb3e2e6227a5ad66f53908d45d9e055fabc4c1b50f5cbf075c8c814e3ca8a4383afc0671fcb6683e35"
    "05936a69fdab7d"
)


def opened(folder: Path) -> FileKeeper:
    return FileKeeper(folder, SystemRandomness(), passphrase=PASSPHRASE, cost=CHEAP)


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A folder as the first version left it, its key beside."""
    folder = tmp_path / "keeper"
    folder.mkdir(mode=0o700)
    (folder / "unlock.key").write_bytes(V1_KEY + b"\n")
    (folder / f"root-{TREE.hex()}.sealed").write_bytes(V1_FILE)
    return folder


def test_a_keeper_without_settings_draws_a_key_and_warns_that_it_lies_beside(tmp_path: Path) -> None:
    keeper = FileKeeper(tmp_path / "keeper", SystemRandomness())
    keeper.set_up()
    keeper.set_up()
    state = keeper.describe()
    assert state.answers
    assert "same folder" in state.warnings[0]
    keeper.stage(TREE, 1, bytes(range(16)), V1_ROOT)
    assert FileKeeper(tmp_path / "keeper", SystemRandomness()).root(TREE, 1, bytes(range(16))) == V1_ROOT
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keeper").iterdir()} == {0o600}


def test_the_first_versions_file_opens_and_nothing_is_changed_by_that(first_version: Path) -> None:
    keeper = FileKeeper(first_version, SystemRandomness())
    assert keeper.held(TREE) == [HeldRoot(generation=1, attempt=V1_ATTEMPT, promoted=True)]
    assert newest_root(keeper, TREE) == V1_ROOT
    assert keeper.describe().answers
    assert len(list(first_version.iterdir())) == 2


def test_the_first_versions_root_is_followed_by_others_and_destroyed(first_version: Path) -> None:
    keeper = FileKeeper(first_version, SystemRandomness())
    (first_version / f".root-{TREE.hex()}.sealed.4711").write_bytes(V1_FILE)
    attempt = os.urandom(16)
    keeper.stage(TREE, 2, attempt, Secret(bytes(32)))
    keeper.promote(TREE, 2, attempt)
    assert newest_root(keeper, TREE) == Secret(bytes(32))
    assert keeper.destroy_others(TREE, 2, attempt) == 1
    assert all(V1_FILE[-48:] not in path.read_bytes() for path in first_version.iterdir())
    with pytest.raises(NotFound):
        keeper.root(TREE, 1, V1_ATTEMPT)


def test_a_wrong_key_takes_up_no_folder_of_the_first_version(first_version: Path) -> None:
    wrong = FileKeeper(first_version, SystemRandomness(), key=b"x" * 64)
    with pytest.raises(SealBroken):
        wrong.stage(TREE, 2, bytes(16), Secret(bytes(32)))
    assert not (first_version / CHECK_NAME).exists()


def test_one_root_file_and_the_passphrase_are_enough(tmp_path: Path) -> None:
    keeper = opened(tmp_path / "keeper")
    keeper.set_up()
    keeper.stage(TREE, 1, bytes(range(16)), V1_ROOT)
    (tmp_path / "keeper" / CHECK_NAME).unlink()
    again = opened(tmp_path / "keeper")
    assert again.root(TREE, 1, bytes(range(16))) == V1_ROOT
    again.set_up()
    assert opened(tmp_path / "keeper").describe().answers
    assert opened(tmp_path / "keeper").root(TREE, 1, bytes(range(16))) == V1_ROOT


def test_a_keeper_is_not_set_up_anew_with_another_secret(tmp_path: Path) -> None:
    opened(tmp_path / "keeper").set_up()
    with pytest.raises(SettingsWrong, match="not the right one"):
        FileKeeper(tmp_path / "keeper", SystemRandomness(), passphrase="another passphrase", cost=CHEAP).set_up()
    with pytest.raises(SettingsWrong, match="passphrase"):
        FileKeeper(tmp_path / "keeper", SystemRandomness(), key=bytes(32)).set_up()
    with pytest.raises(SettingsWrong, match="fewer than"):
        FileKeeper(tmp_path / "short", SystemRandomness(), passphrase="short", cost=CHEAP).set_up()
    with pytest.raises(SettingsWrong, match="shorter"):
        FileKeeper(tmp_path / "weak", SystemRandomness(), key=b"weak").set_up()
    with pytest.raises(SettingsWrong, match="more than one"):
        FileKeeper(tmp_path / "both", SystemRandomness(), key=bytes(32), passphrase=PASSPHRASE)


def test_an_unlock_key_that_is_away_is_asked_for(tmp_path: Path) -> None:
    key_file = tmp_path / "usb" / "key"
    key_file.parent.mkdir()
    key_file.write_bytes(os.urandom(64))
    keeper = FileKeeper(tmp_path / "keeper", SystemRandomness(), key_file=key_file)
    keeper.set_up()
    keeper.stage(TREE, 1, bytes(range(16)), V1_ROOT)
    assert keeper.describe().warnings == ()
    key_file.rename(key_file.with_name("elsewhere"))
    away = FileKeeper(tmp_path / "keeper", SystemRandomness(), key_file=key_file)
    assert len(away.held(TREE)) == 1
    with pytest.raises(KeeperUnavailable, match="put it back"):
        away.root(TREE, 1, bytes(range(16)))
    assert not away.describe().answers


def test_a_root_file_under_another_name_is_refused(tmp_path: Path) -> None:
    keeper = opened(tmp_path / "keeper")
    keeper.set_up()
    keeper.stage(TREE, 1, bytes(range(16)), V1_ROOT)
    (path,) = (tmp_path / "keeper").glob("root-*")
    path.rename(path.with_name(path.name.replace("0000000001", "0000000002")))
    with pytest.raises(SealBroken, match="another vault, generation or attempt"):
        keeper.root(TREE, 2, bytes(range(16)))
