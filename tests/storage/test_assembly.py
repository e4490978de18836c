"""Wiring: what opens, and what is refused with the way out."""

from __future__ import annotations

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.assembly import open_vault
from storage.doctor import examine
from storage.settings import Settings
from tests.support.store import RunningStore
from tests.support.vault import add_bytes, read_bytes, settings_over, staff
from vault.errors import KeepersBehind, KeeperUnavailable, NotFound, SettingsWrong, StoreUnavailable, StrongroomError
from vault.workflows.retrieval import find_record


@pytest.fixture
def settings(shared_store: RunningStore, tmp_path: Path) -> Settings:
    return settings_over(shared_store.settings, tmp_path / "home")


def test_what_was_filed_is_there_when_it_is_opened_again(settings: Settings) -> None:
    with open_vault(settings, create=True) as vault:
        receipt, vault_id = add_bytes(vault, staff(vault), b"content"), vault.vault_id
    with open_vault(settings) as vault:
        assert vault.vault_id == vault_id
        assert find_record(vault, staff(vault), receipt.number).id == receipt.record_id
        assert read_bytes(vault, staff(vault), receipt.record_id) == b"content"
    with vault.catalogue.read() as tx:
        assert tx.processes.all() == []


def test_without_being_asked_nothing_is_made(settings: Settings) -> None:
    with pytest.raises(SettingsWrong, match="strongroom init"), open_vault(settings):
        pass
    with pytest.raises(SettingsWrong, match="strongroom init"), open_vault(settings, renew=True):
        pass
    assert not settings.keeper.exists()
    assert not (settings.home / "catalogue.sqlite").exists()


def test_home_and_keeper_are_private(settings: Settings) -> None:
    with open_vault(settings, create=True):
        pass
    for folder in (settings.home, settings.keeper):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not settings.keeper.is_relative_to(settings.home)


def test_two_first_starts_at_once_make_one_vault(settings: Settings) -> None:
    def first_start(_: int) -> str:
        with open_vault(settings, create=True) as vault:
            return str(vault.vault_id)

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(first_start, range(2)))) == 1


def test_a_vault_without_its_root_key_is_refused_and_not_made_anew(settings: Settings) -> None:
    with open_vault(settings, create=True) as vault:
        add_bytes(vault, staff(vault), b"content")
    lost = settings.keeper.with_name("lost")
    shutil.move(settings.keeper, lost)
    for create in (False, True):
        with pytest.raises((NotFound, KeeperUnavailable, SettingsWrong)), open_vault(settings, create=create):
            pass
    shutil.rmtree(settings.keeper, ignore_errors=True)
    shutil.move(lost, settings.keeper)
    with open_vault(settings):
        pass


def test_another_vaults_catalogue_does_not_open_with_this_keeper(
    settings: Settings, shared_store: RunningStore, tmp_path: Path
) -> None:
    other = settings_over(shared_store.settings, tmp_path / "other")
    for each in (settings, other):
        with open_vault(each, create=True):
            pass
    shutil.copy(other.home / "catalogue.sqlite", settings.home / "catalogue.sqlite")
    with pytest.raises(KeepersBehind), open_vault(settings):
        pass


def test_a_home_that_cannot_be_made_is_named(shared_store: RunningStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    wrong = settings_over(shared_store.settings, tmp_path / "file" / "home")
    with pytest.raises(SettingsWrong, match="STRONGROOM_HOME"), open_vault(wrong, create=True):
        pass
    assert not examine(wrong)[0].ok


def test_a_store_that_does_not_answer_is_named(settings: Settings) -> None:
    away = settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(StoreUnavailable), open_vault(away, create=True):
        pass
    with open_vault(settings, create=True) as vault:
        assert staff(vault).roles


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql+psycopg://nobody@127.0.0.1:9/none"])
def test_a_catalogue_that_cannot_be_reached_is_an_error_of_ours(settings: Settings, url: str) -> None:
    wrong = settings.model_copy(update={"catalogue_url": url})
    with pytest.raises(StrongroomError), open_vault(wrong, create=True):
        pass
