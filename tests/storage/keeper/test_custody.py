"""The custody of the root: what opens, what is refused when catalogue and keepers do not fit, and altered key pages."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.assembly import open_vault
from storage.doctor import examine
from storage.keeper.custody import Custody
from storage.keeper.file import FileKeeper
from storage.keeper.readonly import ReadOnlyKeeper
from storage.keeper.several import KeeperGroup
from storage.machine import SystemRandomness
from storage.settings import Settings
from tests.support.destroying import faulty_keys
from tests.support.store import RunningStore
from tests.support.vault import add_bytes, read_bytes, settings_over, staff
from tests.vault.workflows.faults import Died, with_clock
from vault.destruction import Batch, BatchState, Targets
from vault.errors import (
    CatalogueOlder,
    Conflict,
    KeepersBehind,
    KeeperUnavailable,
    KeyDestroyed,
    NotAllowed,
    NotFound,
    SealBroken,
    StoreUnavailable,
)
from vault.ids import RecordId
from vault.records import RecordState
from vault.seal.destruction import Doomed
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret
from vault.workflows import destruction, effect
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A vault's home on disk, and its copies."""

    folder: Path
    settings: Settings

    @property
    def database(self) -> Path:
        return self.settings.home / "catalogue.sqlite"

    def copy_of_database(self, name: str) -> Path:
        """A copy, taken while nobody writes."""
        copy = self.folder / name
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy

    def restore_database(self, copy: Path) -> None:
        for path in self.settings.home.glob("catalogue.sqlite*"):
            path.unlink()
        shutil.copy(copy, self.database)

    def copy_of_keeper(self, name: str) -> Path:
        copy = self.folder / name
        shutil.copytree(self.settings.keeper, copy)
        return copy

    def restore_keeper(self, copy: Path) -> None:
        shutil.rmtree(self.settings.keeper)
        shutil.copytree(copy, self.settings.keeper)

    def keeper(self) -> FileKeeper:
        return FileKeeper(self.settings.keeper, SystemRandomness())

    def held(self) -> dict[str, bytes]:
        """Every file of the keeper."""
        return {path.name: path.read_bytes() for path in self.settings.keeper.iterdir() if path.name != ".lock"}


@pytest.fixture
def house(shared_store: RunningStore, tmp_path: Path) -> House:
    settings = settings_over(shared_store.settings, tmp_path / "home")
    with open_vault(settings, create=True):
        pass
    return House(folder=tmp_path, settings=settings)


def unlocked(vault: Vault) -> Vault:
    later, clock = with_clock(vault)
    clock.advance(RECEIPT_LOCK + timedelta(days=1))
    return later


def destroy(vault: Vault, record_id: RecordId) -> Batch:
    return destruction.destroy(
        unlocked(vault), staff(vault), Targets(records=frozenset({record_id})), alone=True, error=True
    )


def leaf_of(vault: Vault, record_id: RecordId) -> LeafAddress:
    with vault.catalogue.read() as tx:
        (version,) = tx.records.versions(record_id)
    return version.object.leaf


def add_two(house: House) -> tuple[RecordId, RecordId]:
    with open_vault(house.settings) as vault:
        return (add_bytes(vault, staff(vault), b"one").record_id, add_bytes(vault, staff(vault), b"two").record_id)


def die_in_destruction(house: House, record_id: RecordId, point: str) -> None:
    with open_vault(house.settings) as vault, pytest.raises(Died):
        destroy(faulty_keys(vault, point, Died), record_id)


# -- opening: the table of DESIGN 5 ------------------------------------------------------------------------------------


def test_a_restored_older_database_is_refused_and_no_keeper_is_changed(house: House) -> None:
    one, two = add_two(house)
    older = house.copy_of_database("older.sqlite")
    with open_vault(house.settings) as vault:
        destroy(vault, one)
    newer, held = house.copy_of_database("newer.sqlite"), house.held()
    house.restore_database(older)
    for _ in range(2):
        with pytest.raises(CatalogueOlder, match="an older copy"), open_vault(house.settings):
            pass
    assert [finding.ok for finding in examine(house.settings)] == [False]
    assert house.held() == held
    house.restore_database(newer)
    with open_vault(house.settings) as vault:
        assert read_bytes(vault, staff(vault), two) == b"two"


def test_a_keeper_from_before_the_catalogue_is_refused_and_nothing_is_changed(house: House) -> None:
    one, two = add_two(house)
    older = house.copy_of_keeper("older-keeper")
    with open_vault(house.settings) as vault:
        destroy(vault, one)
    newer = house.copy_of_keeper("newer-keeper")
    house.restore_keeper(older)
    held = house.held()
    with pytest.raises(KeepersBehind, match="Bring back the keeper"), open_vault(house.settings):
        pass
    assert house.held() == held
    house.restore_keeper(newer)
    with open_vault(house.settings) as vault:
        assert read_bytes(vault, staff(vault), two) == b"two"


def test_a_catalogue_of_another_copy_at_the_same_generation_is_refused(house: House) -> None:
    one, _ = add_two(house)
    die_in_destruction(house, one, "before:put")
    with sqlite3.connect(house.database) as raw:
        (attempt,) = raw.execute("SELECT attempt FROM trees").fetchone()
    mine = house.copy_of_database("mine.sqlite")
    # The other copy, restored from before the batch, went on by a batch of its own.
    with sqlite3.connect(house.database) as raw:
        raw.execute("DROP TRIGGER trees_batch")
        raw.execute("UPDATE batches SET state = 'promoted'")
    keeper = house.keeper()
    with sqlite3.connect(house.database) as raw:
        (tree_id,) = raw.execute("SELECT tree_id FROM fonds").fetchone()
    keeper.stage(tree_id, 2, b"b" * 16, Secret(b"r" * 32))
    keeper.promote(tree_id, 2, b"b" * 16)
    keeper.destroy_others(tree_id, 2, b"b" * 16)
    assert attempt not in {root.attempt for root in keeper.held(tree_id)}
    house.restore_database(mine)
    held = house.held()
    with pytest.raises(CatalogueOlder, match="another copy"), open_vault(house.settings):
        pass
    assert house.held() == held


def test_a_batch_that_was_cut_off_before_its_commit_leaves_the_catalogue_as_it_was(house: House) -> None:
    one, _ = add_two(house)
    die_in_destruction(house, one, "after:keys.stage")
    with open_vault(house.settings) as vault:
        assert vault.keys.generation() == 1
        held = house.keeper().held(vault.fonds.tree_id)
        assert [(root.generation, root.promoted) for root in held] == [(1, True), (2, False)]
        assert read_bytes(vault, staff(vault), one) == b"one"
        assert destroy(vault, one).state is BatchState.EFFECTIVE
        (left,) = house.keeper().held(vault.fonds.tree_id)
        assert (left.generation, left.promoted) == (2, True)


@pytest.mark.parametrize("point", ["before:put", "after:put", "before:keys.promote", "before:keys.destroy_others"])
def test_opening_finishes_a_batch_that_was_committed(house: House, point: str) -> None:
    one, two = add_two(house)
    die_in_destruction(house, one, point)
    with open_vault(house.settings) as vault:
        (left,) = house.keeper().held(vault.fonds.tree_id)
        assert (left.generation, left.promoted) == (2, True)
        with vault.catalogue.read() as tx:
            record = tx.records.get(one)
        assert record is not None
        assert record.state is RecordState.DESTROYED
        assert read_bytes(vault, staff(vault), two) == b"two"


@pytest.mark.parametrize("point", ["before:put", "before:keys.destroy_others"])
def test_the_doctor_changes_no_keeper(house: House, point: str) -> None:
    one, _ = add_two(house)
    die_in_destruction(house, one, point)
    held = house.held()
    opened = {finding.check: finding.ok for finding in examine(house.settings, deep=True)}
    assert opened["opens"]
    assert house.held() == held


def test_an_older_catalogue_beside_the_live_one_that_only_looks_changes_no_keeper(house: House) -> None:
    one, two = add_two(house)
    older = house.copy_of_database("older.sqlite")
    die_in_destruction(house, one, "before:put")
    held = house.held()
    scratch = house.settings.model_copy(
        update={"catalogue_url": f"sqlite:///{older}", "keeper_folder": house.settings.keeper}
    )
    with open_vault(scratch, keepers_read_only=True) as drill:
        assert read_bytes(drill, staff(drill), two) == b"two"
        with pytest.raises(NotAllowed):
            destroy(drill, two)
    assert house.held() == held
    with open_vault(house.settings) as vault:
        assert vault.keys.generation() == 2


# -- several keepers ---------------------------------------------------------------------------------------------------


class Away:
    """A keeper that is not there while ``away``."""

    def __init__(self, keeper: FileKeeper) -> None:
        self._keeper = keeper
        self.name = keeper.name
        self.away = False

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise KeeperUnavailable("the keeper is away")
        return getattr(self._keeper, name)


@pytest.fixture
def two_keepers(house: House) -> Iterator[tuple[Vault, list[Away]]]:
    with open_vault(house.settings) as vault:
        second = FileKeeper(house.folder / "second", SystemRandomness(), name="second")
        third = FileKeeper(house.folder / "third", SystemRandomness(), name="third")
        second.set_up()
        third.set_up()
        keepers = [Away(house.keeper()), Away(second), Away(third)]
        group = KeeperGroup(keepers)  # type: ignore[arg-type]  # each keeps the promise, or is away
        group.catch_up(vault.fonds.tree_id)
        custody = Custody(vault.catalogue, group, vault.fonds, vault.randomness)
        yield replace(vault, keys=custody), keepers


def test_a_keeper_that_is_away_for_generations_delays_effect_and_catches_up(
    two_keepers: tuple[Vault, list[Away]],
) -> None:
    vault, keepers = two_keepers
    records = [add_bytes(vault, staff(vault), b"x").record_id for _ in range(4)]
    keepers[2].away = True
    for record_id in records[:3]:
        assert destroy(vault, record_id).state is BatchState.PROMOTED
    (waiting, *_) = effect.resume(vault)
    assert waiting.waiting == ["keeper third: the keeper is away"]
    keepers[2].away = False
    assert [root.generation for root in keepers[2].held(vault.fonds.tree_id)] == [1]  # type: ignore[operator]
    assert effect.resume(vault) == []
    assert [root.generation for root in keepers[2].held(vault.fonds.tree_id)] == [4]  # type: ignore[operator]
    for record_id in records[:3]:
        with pytest.raises(KeyDestroyed):
            vault.leaf_keys(leaf_of(vault, record_id))
    assert read_bytes(vault, staff(vault), records[3]) == b"x"


def test_with_one_of_two_keepers_left_nothing_is_destroyed(two_keepers: tuple[Vault, list[Away]]) -> None:
    vault, keepers = two_keepers
    record_id = add_bytes(vault, staff(vault), b"x").record_id
    keepers[1].away = keepers[2].away = True
    with pytest.raises(KeeperUnavailable, match="2 keepers have to keep a new root, and 1 did"):
        destroy(vault, record_id)
    keepers[1].away = keepers[2].away = False
    assert read_bytes(vault, staff(vault), record_id) == b"x"
    assert destroy(vault, record_id).state is BatchState.EFFECTIVE


# -- readers beside batches, altered pages -----------------------------------------------------------------------------


def test_another_process_follows_without_being_told(house: House) -> None:
    one, two = add_two(house)
    with open_vault(house.settings) as vault:
        other = Custody(vault.catalogue, KeeperGroup([house.keeper()]), vault.fonds, vault.randomness)
        kept, gone = leaf_of(vault, two), leaf_of(vault, one)
        keys = other.leaf_keys(kept)
        destroy(vault, one)
        assert other.generation() == 1
        three = add_bytes(vault, staff(vault), b"three").record_id
        destroy(vault, three)
        assert other.leaf_keys(kept) == keys
        assert other.renew() == other.generation() == 3
        assert other.leaf_keys(kept) == keys
        with pytest.raises(KeyDestroyed):
            other.leaf_keys(gone)


def test_a_plan_is_staged_by_whoever_made_it_and_leaves_of_others_are_not_found(house: House) -> None:
    one, _ = add_two(house)
    with open_vault(house.settings) as vault:
        other = Custody(vault.catalogue, KeeperGroup([house.keeper()]), vault.fonds, vault.randomness)
        increment = vault.keys.plan(Doomed(leaves={leaf_of(vault, one)}))
        with pytest.raises(Conflict):
            other.stage(increment)
        with pytest.raises(NotFound):
            other.leaf_keys(LeafAddress(tree_id=bytes(16), extent=0, leaf=0))


def test_read_only_keepers_give_keys(house: House) -> None:
    one, _ = add_two(house)
    with open_vault(house.settings) as vault:
        reading = Custody(vault.catalogue, KeeperGroup([ReadOnlyKeeper(house.keeper())]), vault.fonds, vault.randomness)
        assert reading.leaf_keys(leaf_of(vault, one)) == vault.leaf_keys(leaf_of(vault, one))


ALTERATIONS: dict[str, str] = {
    "two rows are swapped": (
        "UPDATE pages SET sealed = CASE level WHEN 3 THEN (SELECT sealed FROM pages AS p WHERE p.level = 4)"
        " ELSE (SELECT sealed FROM pages AS p WHERE p.level = 3) END WHERE level IN (3, 4)"
    ),
    "a row is deleted": "DELETE FROM pages WHERE level = 3",
    "the root's row is deleted": "DELETE FROM pages WHERE level = 0",
    "every row is deleted": "DELETE FROM pages",
    "a bit is flipped": "UPDATE pages SET sealed = :flipped WHERE level = 5",
    "an old page is replayed": "UPDATE pages SET sealed = :old WHERE level = 4",
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_altered_key_pages_fail_closed(house: House, alteration: str) -> None:
    one, two = add_two(house)
    with open_vault(house.settings) as vault:
        three = add_bytes(vault, staff(vault), b"three").record_id
        destroy(vault, one)
        with sqlite3.connect(house.database) as raw:
            (old,) = raw.execute("SELECT sealed FROM pages WHERE level = 4").fetchone()
        destroy(vault, three)
        leaf = leaf_of(vault, two)
        with sqlite3.connect(house.database) as raw:
            for trigger in ("pages_replaced", "pages_removed", "pages_written"):
                raw.execute(f"DROP TRIGGER {trigger}")
            (page,) = raw.execute("SELECT sealed FROM pages WHERE level = 5").fetchone()
            values = {"old": old, "flipped": page[:1000] + bytes([page[1000] ^ 1]) + page[1001:]}
            raw.execute(ALTERATIONS[alteration], values)
        fresh = Custody(vault.catalogue, KeeperGroup([house.keeper()]), vault.fonds, vault.randomness)
        with pytest.raises(SealBroken, match="restore the pages from the store"):
            fresh.leaf_keys(leaf)
    with pytest.raises(SealBroken), open_vault(house.settings):
        pass


def test_pages_that_were_altered_before_they_reached_the_store_are_not_sent(house: House) -> None:
    one, _ = add_two(house)
    with open_vault(house.settings) as vault:
        away = faulty_keys(vault, "before:put", lambda: StoreUnavailable("away"))
        assert destroy(away, one).state is BatchState.ERASING
        with sqlite3.connect(house.database) as raw:
            raw.execute("DROP TRIGGER pages_replaced")
            raw.execute("UPDATE pages SET sealed = zeroblob(2140) WHERE level = 5")
        with pytest.raises(SealBroken, match="not those that were written"):
            effect.resume(vault)
