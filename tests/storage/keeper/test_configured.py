"""The list of a home's keepers, and what is built from it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from storage.keeper.changing import add_keeper, remove_keeper
from storage.keeper.configured import configured_keepers, secrets_to_ask
from storage.keeper.file import FileKeeper
from storage.keeper.listing import (
    DEFAULT,
    LIST_NAME,
    KeeperKind,
    KeeperList,
    KeeperSpec,
    SecretFrom,
    SecretSource,
    read_list,
    write_list,
)
from storage.keeper.settings import KeeperSettings
from storage.machine import SystemRandomness
from storage.settings import KEEPER_VARIABLE, load_settings
from tests.support.keepers import CHEAP, PASSPHRASE
from vault.errors import KeeperUnavailable, NotAllowed, SettingsWrong
from vault.seal.rootfile import RootId
from vault.seal.secrets import Secret

RANDOMNESS = SystemRandomness()
ROOT = RootId(tree_id=bytes(16), generation=1, attempt=b"a" * 16)
SPECS = (
    DEFAULT,
    KeeperSpec(
        name="stick",
        kind=KeeperKind.FILE,
        folder="/mnt/stick",
        secret=SecretSource(come_from=SecretFrom.DESCRIPTOR, at="7"),
    ),
    KeeperSpec(
        name="token",
        kind=KeeperKind.PKCS11,
        folder="/mnt/token",
        module="/usr/lib/token.so",
        token="records",
        secret=SecretSource(come_from=SecretFrom.FILE, at="/etc/pin"),
    ),
    KeeperSpec(name="chip", kind=KeeperKind.TPM, folder="/mnt/chip", tcti="device:/dev/tpmrm0"),
)


@pytest.fixture
def settings(tmp_path: Path) -> KeeperSettings:
    """A home with its first keeper, which has a root in force."""
    (tmp_path / "home").mkdir()
    made = KeeperSettings(home=str(tmp_path / "home"), folder=str(tmp_path / "home-keeper"))
    keepers = configured_keepers(made, RANDOMNESS)
    keepers.set_up()
    keepers.stage(ROOT.tree_id, ROOT.generation, ROOT.attempt, Secret(b"r" * 32))
    keepers.promote(ROOT.tree_id, ROOT.generation, ROOT.attempt)
    return made


def second(tmp_path: Path) -> KeeperSpec:
    return KeeperSpec(name="second", kind=KeeperKind.FILE, folder=str(tmp_path / "second"))


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    listed = KeeperList(keepers=SPECS[:3], lost=SPECS[3:])
    write_list(tmp_path, listed)
    assert read_list(tmp_path) == listed
    assert (tmp_path / LIST_NAME).stat().st_mode & 0o777 == 0o600
    assert read_list(tmp_path / "elsewhere") == KeeperList()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 1}',
        '{"version": 1, "keepers": [], "lost": []}',
        '{"version": 2, "keepers": [{"name": "file", "kind": "settings"}], "lost": []}',
        '{"version": 1, "keepers": [{"name": "file", "kind": "paper"}], "lost": []}',
        '{"version": 1, "keepers": [{"name": "file", "kind": "settings", "pin": "1234"}], "lost": []}',
        '{"version": 1, "keepers": [{"name": "../x", "kind": "settings"}], "lost": []}',
        '{"version": 1, "keepers": [{"name": "a", "kind": "file", "folder": "/x", "secret": "x"}], "lost": []}',
        '{"version": 1, "keepers": [{"name": "a", "kind": "settings"}, {"name": "a", "kind": "settings"}], "lost": []}',
    ],
)
def test_a_damaged_list_is_refused_and_not_taken_for_none(tmp_path: Path, text: str) -> None:
    (tmp_path / LIST_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsWrong):
        read_list(tmp_path)


def test_a_keeper_that_another_process_added_or_removed_counts_at_once(
    settings: KeeperSettings, tmp_path: Path
) -> None:
    running = configured_keepers(settings, RANDOMNESS)
    assert running.is_effective(ROOT.tree_id, ROOT.generation, ROOT.attempt) == (True, [])
    add_keeper(settings, RANDOMNESS, second(tmp_path), lambda: ROOT)
    assert [keeper.name for keeper in running.keepers] == ["file", "second"]
    running.stage(ROOT.tree_id, 2, b"b" * 16, Secret(b"s" * 32))
    assert len(FileKeeper(tmp_path / "second", RANDOMNESS).held(ROOT.tree_id)) == 2
    remove_keeper(settings, RANDOMNESS, "second", lambda: ROOT)
    assert [keeper.name for keeper in running.keepers] == ["file"]
    assert list((tmp_path / "second").glob("root-*")) == []


def test_a_keeper_whose_secret_was_not_given_is_away_and_says_what_is_missing(
    settings: KeeperSettings, tmp_path: Path
) -> None:
    write_list(Path(settings.home), KeeperList(keepers=SPECS[:2]))
    keepers = configured_keepers(settings, RANDOMNESS)
    assert keepers.root(ROOT.tree_id, ROOT.generation, ROOT.attempt) == Secret(b"r" * 32)
    (_, away) = keepers.standing(ROOT.tree_id, ROOT.generation, ROOT.attempt)
    assert (away.answers, "descriptor 7" in away.text) == (False, True)
    assert any("stick is away" in warning for warning in keepers.describe().warnings)
    with pytest.raises(KeeperUnavailable, match="2 keepers have to"):
        keepers.stage(ROOT.tree_id, 2, b"b" * 16, Secret(b"s" * 32))


def test_keepers_for_reading_are_not_changed(settings: KeeperSettings) -> None:
    with pytest.raises(NotAllowed):
        configured_keepers(settings, RANDOMNESS, read_only=True).stage(ROOT.tree_id, 2, b"b" * 16, Secret(b"s" * 32))


def test_an_older_copy_of_another_vaults_keeper_is_not_added(settings: KeeperSettings, tmp_path: Path) -> None:
    stranger = FileKeeper(tmp_path / "second", RANDOMNESS)
    stranger.set_up()
    stranger.stage(ROOT.tree_id, 3, b"c" * 16, Secret(b"t" * 32))
    stranger.promote(ROOT.tree_id, 3, b"c" * 16)
    with pytest.raises(Exception, match="another copy of this vault"):
        add_keeper(settings, RANDOMNESS, second(tmp_path), lambda: ROOT)
    assert read_list(Path(settings.home)) == KeeperList()
    assert len(stranger.held(ROOT.tree_id)) == 1


def test_secrets_come_by_file_descriptor_or_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, folder = tmp_path / "home", tmp_path / "home-keeper"
    home.mkdir()
    FileKeeper(folder, RANDOMNESS, passphrase=PASSPHRASE, cost=CHEAP).set_up()
    (tmp_path / "words").write_text(PASSPHRASE + "\n", encoding="utf-8")
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE.encode() + b"\n")
    os.close(writing)
    ways: list[dict[str, object]] = [{"keeper_passphrase_file": tmp_path / "words"}, {"keeper_passphrase_fd": reading}]
    try:
        for way in ways:
            # Twice: a pipe gives it once, and the process remembers.
            for _ in range(2):
                keepers = configured_keepers(load_settings(home=home, **way).keepers(), RANDOMNESS)
                assert keepers.describe().answers
    finally:
        os.close(reading)
    bare = load_settings(home=home).keepers()
    assert [source.at for source in secrets_to_ask(bare)] == ["file"]
    assert "STRONGROOM_KEEPER_PASSPHRASE_FILE" in configured_keepers(bare, RANDOMNESS).describe().text
    assert PASSPHRASE not in repr(replace(bare, given={"terminal:file": PASSPHRASE}))

    variable = SecretSource(come_from=SecretFrom.VARIABLE, at=f"{KEEPER_VARIABLE}STICK")
    write_list(home, KeeperList(keepers=(replace(SPECS[1], secret=variable),)))
    assert load_settings(home=home).keepers().given == {}
    monkeypatch.setenv(variable.at, PASSPHRASE)
    given = load_settings(home=home).keepers()
    assert given.given == {variable.key: PASSPHRASE}
    assert KeeperSettings.from_json(given.as_json()) == given
