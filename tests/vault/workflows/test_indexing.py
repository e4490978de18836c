"""Filling the index from sealed records in bulk, and following what changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.manyrecords import add_many, copy_to_postgres
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore
from tests.support.vault import add_bytes, running_vault, staff
from vault.findable import EVERYTHING
from vault.queries import read_query
from vault.records import Description
from vault.workflows import finding, indexing, intake
from vault.workflows.vault import Vault


def found(vault: Vault, text: str) -> list[str]:
    return list(vault.search.find(read_query(text), None, EVERYTHING, limit=10_000))


def test_many_records_are_found_whichever_database_they_come_from(
    shared_store: RunningStore, postgres: PostgresCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 300)
    home = tmp_path / "home"
    with running_vault(shared_store.settings, home) as vault:
        many = add_many(vault, home, 1500)
        assert indexing.follow(vault)
        assert vault.search.standing().records == 1500
        told = {
            text: found(vault, text)
            for text in ("合同", "lease", many.names[0], many.numbers[0], "有限公司 state:filed")
        }
        assert all(told.values())
        newest = finding.find(vault, staff(vault), "合同", limit=20).views
        assert [view.record.id for view in newest] == told["合同"][:20]
        assert sorted((view.record.received_at for view in newest), reverse=True) == [
            view.record.received_at for view in newest
        ]
    with postgres.fresh_database() as url:
        copy_to_postgres(home, url, url.replace("postgresql+psycopg", "postgresql"))
        with running_vault(shared_store.settings, home, catalogue_url=url) as vault:
            assert indexing.follow(vault)
            assert {text: found(vault, text) for text in told} == told


def test_what_changes_while_the_index_fills_is_in_it(fresh_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = staff(fresh_vault)
    made = [add_bytes(fresh_vault, actor, b"x", title=f"curlew {number}").record_id for number in range(8)]
    monkeypatch.setattr(indexing, "BATCH", 1)
    monkeypatch.setattr(indexing, "CHANGES_EVERY", 1)
    steps = iter(range(100))

    def is_left(seconds: float) -> bool:
        """Changes a record that is filled in already, and one that is not, in the middle of it."""
        if next(steps) == 4:
            for record_id in (made[-1], made[0]):
                said = Description.checked(title="heron", reason="it is one")
                intake.revise_description(fresh_vault, actor, record_id, said)
        return bool(seconds)

    indexing.keep_following(fresh_vault, is_left, every_s=1.0)
    assert indexing.is_followed(fresh_vault)
    assert found(fresh_vault, "heron") == [made[-1], made[0]]
    assert found(fresh_vault, "curlew") == made[-2:0:-1]
