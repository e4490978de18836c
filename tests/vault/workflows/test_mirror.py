"""The mirror of holds against a real store: it follows the catalogue, and goes on where it was cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from storage.doctor import examine
from tests.support.holding import officer, place, release
from tests.support.store import RunningStore
from tests.support.vault import add_bytes, running_vault, settings_over
from tests.vault.workflows.faults import Fault, interposed, with_clock
from vault.audit import Event
from vault.destruction import Targets
from vault.errors import NotAllowed, ObjectMissing, StillLocked, StoreUnavailable
from vault.ids import RecordId
from vault.permissions import Actor, Role
from vault.workflows import destruction, matters, mirror, upkeep
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.mirror import Mirrored
from vault.workflows.vault import Vault

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def own_vault(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[Vault]:
    """A new vault for one test, on both databases."""
    if request.param == "sqlite":
        with running_vault(shared_store.settings, tmp_path / "home") as opened:
            yield opened
        return
    cluster = request.getfixturevalue("postgres")
    with (
        cluster.fresh_database(migrated=True) as url,
        running_vault(shared_store.settings, tmp_path / "home", catalogue_url=url) as opened,
    ):
        yield opened


def in_store(vault: Vault, *records: RecordId) -> list[bool]:
    """Whether the store holds each version of these records, asked of the store itself."""
    with vault.catalogue.read() as tx:
        versions = [version for record_id in records for version in tx.records.versions(record_id)]
    found = [vault.store.head(version.object.key, version.version_id) for version in versions]
    return [facts is not None and facts.legal_hold for facts in found]


def add(vault: Vault, actor: Actor, count: int) -> list[RecordId]:
    return [add_bytes(vault, actor, b"%d" % number).record_id for number in range(count)]


def test_the_store_follows_what_the_catalogue_holds(own_vault: Vault) -> None:
    vault, actor = own_vault, officer("one")
    records = add(vault, actor, 5)
    assert mirror.mirror(vault) == Mirrored(held=0, freed=0, left=0, waiting=0)
    first = place(vault, actor, *records[:3])
    second = place(vault, actor, records[2], classes=frozenset({"house"}))
    assert in_store(vault, *records) == [False] * 5
    assert mirror.mirror_now(vault, actor, dry_run=True).waiting == 3
    told: list[tuple[int, int]] = []
    run = mirror.mirror_now(vault, actor, told=lambda done, of: told.append((done, of)))
    assert run == Mirrored(held=3, freed=0, left=0, waiting=0)
    assert told[-1] == (3, 3)
    assert in_store(vault, *records) == [True, True, True, False, False]
    coverage = matters.show_matter(vault, actor, first.matter.id).view.coverage
    assert (coverage.versions, coverage.versions_held) == (3, 3)
    late = add_bytes(vault, actor, b"late", class_code="house").record_id
    assert upkeep.state(vault, actor).holds_waiting == 1
    outcome = mirror.mirror_holds(vault)
    assert outcome.text == "1 held in the store, 0 freed, 0 left to the doctor, 0 to do"
    release(vault, first.matter.id)
    assert mirror.mirror(vault) == Mirrored(held=0, freed=2, left=0, waiting=0)
    assert in_store(vault, *records, late) == [False, False, True, False, False, True]
    release(vault, second.matter.id)
    mirror.mirror(vault)
    assert in_store(vault, *records, late) == [False] * 6
    with vault.catalogue.read() as tx:
        entries = [each.entry for each in tx.audit.page(subject=vault.vault_id)]
    mirrored = [dict(entry.detail) for entry in reversed(entries) if entry.event is Event.HOLDS_MIRRORED]
    assert mirrored == [
        {"held": 3, "freed": 0},
        {"held": 1, "freed": 0},
        {"held": 0, "freed": 2},
        {"held": 0, "freed": 2},
    ]


def test_a_version_that_the_store_holds_is_not_deleted_by_anybody(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, officer("one")
    (record_id,) = add(vault, actor, 1)
    place(vault, actor, record_id)
    mirror.mirror(vault)
    with vault.catalogue.read() as tx:
        version = tx.records.version(record_id, 1)
    assert version is not None
    with pytest.raises(StillLocked):
        vault.store.delete_version(version.object.key, version.version_id)


def test_bytes_of_a_destroyed_record_go_only_when_the_store_has_let_go(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, officer("one")
    (record_id,) = add(vault, actor, 1)
    matter = place(vault, actor, record_id).matter
    mirror.mirror(vault)
    release(vault, matter.id)
    destruction.destroy(vault, actor, Targets(records=frozenset({record_id})), alone=True, error=True)
    later, clock = with_clock(vault)
    clock.advance(RECEIPT_LOCK * 2)
    with later.catalogue.read() as tx:
        assert tx.batches.ciphertext_due(now=later.now()) == []
    assert mirror.mirror(later).freed == 1
    with later.catalogue.read() as tx:
        assert tx.batches.ciphertext_due(now=later.now()) == [record_id]


def test_a_store_that_is_away_keeps_what_was_set_and_the_rest_waits(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, officer("one")
    records = add(vault, actor, 12)
    place(vault, actor, *records)
    away = Fault(point="before:set_legal_hold", error=lambda: StoreUnavailable("away"), times=1)
    with pytest.raises(StoreUnavailable):
        mirror.mirror(replace(vault, store=interposed(vault.store, away.watch)), recorded_at_once=3)
    with vault.catalogue.read() as tx:
        left = tx.holds.mirror_lag()
    assert 1 <= left <= 12
    assert mirror.mirror(vault) == Mirrored(held=left, freed=0, left=0, waiting=0)
    assert in_store(vault, *records) == [True] * 12


def test_one_object_that_is_gone_does_not_keep_the_others_from_being_held(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, officer("one")
    records = add(vault, actor, 4)
    place(vault, actor, *records)
    gone = Fault(point="before:set_legal_hold", error=lambda: ObjectMissing("gone"), times=1)
    run = mirror.mirror(replace(vault, store=interposed(vault.store, gone.watch)))
    assert run == Mirrored(held=3, freed=0, left=1, waiting=1)
    assert mirror.mirror(vault).held == 1


def test_a_bounded_run_ends_and_the_next_goes_on(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, officer("one")
    place(vault, actor, *add(vault, actor, 9))
    later, clock = with_clock(vault)

    def slow(point: str) -> None:
        clock.advance(mirror.WINDOW / 4)

    slowly = replace(later, store=interposed(later.store, slow))
    run = mirror.mirror(slowly, window=mirror.WINDOW, recorded_at_once=2)
    assert 0 < run.held < 9
    assert run.waiting == 9 - run.held
    assert mirror.mirror(vault).waiting == 0


def test_mirroring_by_hand_is_for_those_who_may(fresh_vault: Vault) -> None:
    clerk = Actor(person_id=officer("clerk").person_id, roles=frozenset({Role.RECORDS}))
    with pytest.raises(NotAllowed):
        mirror.mirror_now(fresh_vault, clerk)


@pytest.mark.faults
@pytest.mark.parametrize("answered", [False, True])
def test_a_mirror_that_is_killed_goes_on_where_it_was(
    shared_store: RunningStore, tmp_path: Path, answered: bool
) -> None:
    home, actor = tmp_path / "home", officer("one")
    with running_vault(shared_store.settings, home) as vault:
        records = add(vault, actor, 20)
        matter = place(vault, actor, *records).matter
    _killed(shared_store, home, die_at=14, answered=answered)
    with running_vault(shared_store.settings, home) as vault:
        with vault.catalogue.read() as tx:
            left = tx.holds.mirror_lag()
        assert 8 <= left < 20
        run = mirror.mirror(vault)
        assert run == Mirrored(held=left, freed=0, left=0, waiting=0)
        assert in_store(vault, *records) == [True] * 20
        release(vault, matter.id)
    _killed(shared_store, home, die_at=9, answered=answered)
    with running_vault(shared_store.settings, home) as vault:
        upkeep.run_due(vault)
        assert in_store(vault, *records) == [False] * 20


def _killed(store: RunningStore, home: Path, *, die_at: int, answered: bool) -> None:
    order = {
        "store": {**asdict(store.settings), "data_folder": None, "ca_bundle": None},
        "home": str(home),
        "catalogue_url": None,
        "die_at": die_at,
        "answered": answered,
        "recorded_at_once": 2,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.support.mirrorkilled"],
        input=json.dumps(order),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_the_doctor_says_how_many_wait_and_finds_what_the_store_does_not_hold(
    shared_store: RunningStore, tmp_path: Path
) -> None:
    home, actor = tmp_path / "home", officer("one")
    settings = settings_over(shared_store.settings, home)
    with running_vault(shared_store.settings, home) as vault:
        records = add(vault, actor, 2)
        place(vault, actor, *records)
        assert "2 legal holds wait" in _finding(settings, "holds")[1]
        mirror.mirror(vault)
        assert _finding(settings, "holds") == (True, "the store's legal holds follow the matters")
        with vault.catalogue.read() as tx:
            version = tx.records.version(records[0], 1)
        assert version is not None
        vault.store.set_legal_hold(version.object.key, version.version_id, held=False)
        ok, text = _finding(settings, "versions-in-store", deep=True)
    assert not ok
    assert "its legal hold is off" in text


def _finding(settings: object, check: str, *, deep: bool = False) -> tuple[bool, str]:
    found = {each.check: each for each in examine(settings, deep=deep)}  # type: ignore[arg-type]
    return found[check].ok, found[check].text
