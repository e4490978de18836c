"""The doctor: a sound vault is found sound, and every damage is named."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from minio import Minio

from storage.assembly import open_vault
from storage.doctor import examine
from storage.layout import RECORDS_PREFIX
from storage.objects.provision import independent_client
from storage.searchindex.file import FULL_NAME, FULL_OF_TEXTS_NAME, SqliteIndex
from storage.settings import Settings
from tests.support.store import RunningStore, running_store
from tests.support.vault import add_bytes, settings_over, staff
from vault.destruction import Targets
from vault.errors import Conflict, Overloaded
from vault.records import Description, Version
from vault.workflows import indexing, intake, retrieval, upkeep
from vault.workflows.destruction import destroy
from vault.workflows.vault import Vault

DEEP = {"versions-in-store", "objects-in-catalogue", "pending-uploads", "log"}
ALWAYS = {"opens", "private", "search-index", "lock-proof", "upkeep", "holds", "expiry", "intents", "backup"}


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store of its own: the doctor looks at everything that is in one."""
    with running_store(tmp_path_factory.mktemp("doctor") / "store") as running:
        yield running


@pytest.fixture(scope="module")
def settings(own_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_over(own_store.settings, tmp_path_factory.mktemp("examined") / "home")


@pytest.fixture(scope="module")
def vault(settings: Settings) -> Iterator[Vault]:
    with open_vault(settings, create=True) as opened:
        add_bytes(opened, staff(opened), b"content")
        upkeep.run_due(opened)
        yield opened


def failed(settings: Settings, *, deep: bool = True) -> dict[str, str]:
    return {finding.check: finding.text for finding in examine(settings, deep=deep) if not finding.ok}


@contextmanager
def by_operator(own_store: RunningStore, vault: Vault) -> Iterator[tuple[Minio, str, Version]]:
    """The operator's own client, the bucket, and a version of a new record to do harm to."""
    receipt = add_bytes(vault, staff(vault), b"to be harmed")
    version = retrieval.show(vault, staff(vault), receipt.record_id).versions[0].version
    with independent_client(own_store.endpoint.operator) as client:
        yield client, own_store.settings.bucket, version


def delete_by_bypass(client: Minio, bucket: str, version: Version) -> None:
    client._execute(  # the SDK has no call that bypasses governance for one version
        "DELETE",
        bucket_name=bucket,
        object_name=version.object.key,
        query_params={"versionId": version.version_id},
        headers={"x-amz-bypass-governance-retention": "true"},
    )


@contextmanager
def without_rules(database: Path, table: str) -> Iterator[None]:
    """The table without its triggers for a while."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    with closing(sqlite3.connect(database, timeout=30)) as raw:
        rules = raw.execute(query, (table,)).fetchall()
        with raw:
            for name, _ in rules:
                raw.execute(f"DROP TRIGGER {name}")
        yield
        with raw:
            for _, sql in rules:
                raw.execute(sql)


def test_a_sound_vault_is_found_sound(settings: Settings, vault: Vault) -> None:
    findings = examine(settings, deep=True)
    assert {finding.check for finding in findings} == ALWAYS | DEEP
    assert [finding for finding in findings if not finding.ok] == []
    assert {finding.check for finding in examine(settings)} == ALWAYS


def test_an_upload_left_behind_by_a_dead_process_is_named(settings: Settings, vault: Vault) -> None:
    key = vault.layout.record(vault.new_id())
    upload_id = vault.store.start_upload(key)
    assert key in failed(settings)["pending-uploads"]
    vault.store.abort_upload(key, upload_id)


def test_an_object_that_nobody_filed_is_named(settings: Settings, vault: Vault) -> None:
    key = vault.layout.record(vault.new_id())
    stored = vault.store.put(key, b"extra", sha256=hashlib.sha256(b"extra").digest())
    told = failed(settings)
    assert set(told) == {"objects-in-catalogue"}
    assert key in told["objects-in-catalogue"]
    vault.store.delete_version(key, stored.version_id)


def test_what_was_refused_after_the_store_had_it_is_told_and_is_no_damage(settings: Settings, vault: Vault) -> None:
    """A correction that another one overtook stays in the store until its lock lapses."""
    actor = staff(vault)
    record_id = add_bytes(vault, actor, b"original").record_id
    said = Description.checked(title="A record", reason="better")
    with (
        intake.begin_correction(vault, actor, record_id, said, "f") as slow,
        intake.begin_correction(vault, actor, record_id, said, "f") as quick,
    ):
        intake.receive_from(vault, quick, io.BytesIO(b"first").readinto)
        with pytest.raises(Conflict):
            intake.receive_from(vault, slow, io.BytesIO(b"second").readinto)
    upkeep.settle_intents(vault)
    told = {finding.check: finding for finding in examine(settings, deep=True)}
    assert told["objects-in-catalogue"].ok
    assert "1 of uploads that were given up" in told["objects-in-catalogue"].text


def test_sealed_bytes_of_what_was_destroyed_are_told_and_are_no_damage(settings: Settings, vault: Vault) -> None:
    actor = staff(vault)
    record_id = add_bytes(vault, actor, b"doomed").record_id
    destroy(vault, actor, Targets(records=frozenset({record_id}), customers=frozenset()), alone=True, error=True)
    told = {finding.check: finding for finding in examine(settings, deep=True)}
    assert told["objects-in-catalogue"].ok
    assert "1 of destroyed records, until their locks lapse" in told["objects-in-catalogue"].text


def test_a_home_that_others_may_read_is_named(settings: Settings, vault: Vault) -> None:
    settings.home.chmod(0o755)
    assert str(settings.home) in failed(settings, deep=False)["private"]
    settings.home.chmod(0o700)


def test_the_log_cannot_be_changed_behind_the_vaults_back(settings: Settings, vault: Vault) -> None:
    with closing(sqlite3.connect(settings.home / "catalogue.sqlite")) as raw:
        for statement in ("DELETE FROM audit_entries", "UPDATE audit_entries SET actor = 'nobody'"):
            with pytest.raises(sqlite3.DatabaseError, match="audit entry is never"):
                raw.execute(statement)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("sealed_sha256 = zeroblob(32)", "sealed_sha256 = :sealed_sha256"),
        ("leaf = leaf + 1", "leaf = leaf - 1"),
        ("sealed_size_bytes = sealed_size_bytes + 1", "sealed_size_bytes = sealed_size_bytes - 1"),
    ],
)
def test_a_row_of_the_catalogue_that_was_changed_behind_its_back_is_named(
    settings: Settings, vault: Vault, own_store: RunningStore, change: str, back: str
) -> None:
    with by_operator(own_store, vault) as (_, _, version):
        values = {"object": version.object.object_id, "sealed_sha256": version.object.sealed_sha256}

        def rewrite(what: str) -> None:
            with closing(sqlite3.connect(settings.home / "catalogue.sqlite", timeout=30)) as raw, raw:
                raw.execute(f"UPDATE versions SET {what} WHERE object_id = :object", values)

        with pytest.raises(sqlite3.DatabaseError, match="version"):
            rewrite(change)
        # Whoever has the file can take the rule away; then the doctor sees what the rule would have refused.
        with without_rules(settings.home / "catalogue.sqlite", "versions"):
            rewrite(change)
            told = failed(settings)
            rewrite(back)
        assert version.object.object_id in told["versions-in-store"]


def test_an_installation_that_does_not_open_is_a_finding(own_store: RunningStore, tmp_path: Path) -> None:
    findings = examine(settings_over(own_store.settings, tmp_path / "nothing"))
    assert [(finding.check, finding.ok) for finding in findings] == [("opens", False)]
    assert "strongroom" in findings[0].text


def test_a_lock_that_was_shortened_by_the_operator_is_named(
    settings: Settings, vault: Vault, own_store: RunningStore
) -> None:
    with by_operator(own_store, vault) as (client, bucket, version):
        sooner = version.lock.retain_until - timedelta(days=20)
        body = (
            f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{sooner:%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate></Retention>"
        ).encode()
        client._execute(
            "PUT",
            bucket_name=bucket,
            object_name=version.object.key,
            query_params={"versionId": version.version_id, "retention": ""},
            headers={"x-amz-bypass-governance-retention": "true"},
            body=body,
        )
        assert "shorter" in failed(settings)["versions-in-store"]
        vault.store.extend_lock(version.object.key, version.version_id, version.lock)


def test_a_delete_marker_over_a_record_is_named(settings: Settings, vault: Vault, own_store: RunningStore) -> None:
    with by_operator(own_store, vault) as (client, bucket, version):
        client.remove_object(bucket_name=bucket, object_name=version.object.key)
        told = failed(settings)
        assert "delete marker" in told["objects-in-catalogue"]
        for listed in list(vault.store.versions(RECORDS_PREFIX)):
            if listed.is_delete_marker:
                client.remove_object(bucket_name=bucket, object_name=listed.key, version_id=listed.version_id)


def test_an_object_that_was_deleted_by_the_operator_is_named_and_nothing_else(
    settings: Settings, vault: Vault, own_store: RunningStore
) -> None:
    # The last one: nothing brings it back. What the others damaged they mended.
    with by_operator(own_store, vault) as (client, bucket, version):
        delete_by_bypass(client, bucket, version)
        told = failed(settings)
        assert set(told) == {"versions-in-store"}
        assert "1 of " in told["versions-in-store"]
        assert f"{version.object.object_id} (missing)" in told["versions-in-store"]


def test_an_index_without_room_is_named_and_shown(settings: Settings, vault: Vault) -> None:
    assert isinstance(vault.search, SqliteIndex)
    assert vault.search.lead()
    folder = vault.search.folder
    assert folder is not None
    for name, is_found in ((FULL_OF_TEXTS_NAME, False), (FULL_NAME, True)):
        (folder / name).touch()
        told = {each.check: each for each in examine(settings)}["search-index"]
        assert told.ok is not is_found
        assert "enlarge" in told.text.lower()
    state = upkeep.state(vault, staff(vault))
    assert (state.index_full, state.index_full_of_texts) == (True, True)
    with pytest.raises(Overloaded, match="no room"):
        indexing.require_followed(replace(vault, search=SqliteIndex(folder, vault.randomness)))
    for name in (FULL_OF_TEXTS_NAME, FULL_NAME):
        (folder / name).unlink()
    assert not upkeep.state(vault, staff(vault)).index_full
