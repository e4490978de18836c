"""Several keepers as one: who has to answer, who serves, who delays effect, who catches up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.keeper.file import FileKeeper
from storage.keeper.several import KeeperGroup
from storage.machine import SystemRandomness
from vault.errors import AlreadyExists, Conflict, KeeperUnavailable, NotFound, SettingsWrong
from vault.seal.secrets import Secret

TREE = bytes(range(16))


def opened(folder: Path) -> FileKeeper:
    return FileKeeper(folder, SystemRandomness(), name=folder.name, key=b"a key of the keepers of tests...")


def set_up(tmp_path: Path, *names: str) -> list[FileKeeper]:
    keepers = [opened(tmp_path / name) for name in names]
    for keeper in keepers:
        keeper.set_up()
    return keepers


def advance(group: KeeperGroup, generation: int) -> tuple[bytes, Secret]:
    """One batch, as far as keepers see it."""
    attempt, root = os.urandom(16), Secret(os.urandom(32))
    group.stage(TREE, generation, attempt, root)
    group.promote(TREE, generation, attempt)
    group.destroy_others(TREE, generation, attempt)
    return attempt, root


class Away:
    """A keeper's folder that is not there for a while."""

    def __init__(self, keeper: FileKeeper) -> None:
        self.folder = keeper.folder

    def __enter__(self) -> None:
        self.folder.rename(self.folder.with_name("unmounted"))

    def __exit__(self, *_: object) -> None:
        self.folder.with_name("unmounted").rename(self.folder)


def test_all_keepers_get_every_root(tmp_path: Path) -> None:
    one, two, three = set_up(tmp_path, "one", "two", "three")
    group = KeeperGroup([one, two, three])
    first, _ = advance(group, 1)
    attempt, root = advance(group, 2)
    assert group.root(TREE, 2, attempt) == root
    assert all(keeper.root(TREE, 2, attempt) == root for keeper in (one, two, three))
    assert [(held.generation, held.promoted) for held in group.held(TREE)] == [(2, True)]
    assert group.is_effective(TREE, 2, attempt) == (True, [])
    assert group.is_effective(TREE, 1, first) == (True, [])
    assert list(group.trees()) == [TREE]
    with pytest.raises(NotFound):
        group.root(TREE, 1, first)


def test_two_of_several_have_to_stage(tmp_path: Path) -> None:
    one, two = set_up(tmp_path, "one", "two")
    group = KeeperGroup([one, two])
    attempt, root = advance(group, 1)
    with Away(two), pytest.raises(KeeperUnavailable, match=r"2 keepers have to keep a new root, and 1 did.*two: "):
        group.stage(TREE, 2, os.urandom(16), root)
    assert group.root(TREE, 1, attempt) == root
    with pytest.raises(AlreadyExists):
        group.stage(TREE, 1, attempt, Secret(os.urandom(32)))


def test_a_keeper_that_is_away_delays_effect_and_catches_up_any_number_of_generations(tmp_path: Path) -> None:
    one, two, late = set_up(tmp_path, "one", "two", "late")
    group = KeeperGroup([late, one, two])
    old, old_root = advance(group, 1)
    with Away(late):
        for generation in (2, 3, 4):
            newest, newest_root = advance(group, generation)
        assert group.is_effective(TREE, 4, newest) == (False, ["late"])
        assert "late is away" in " ".join(group.describe().warnings)
        assert group.describe().answers
    # It is back, and still has what was to be destroyed; it serves neither that nor what it lacks.
    standing = {each.name: each for each in group.standing(TREE, 4, newest)}
    assert [held.generation for held in standing["late"].still_held] == [1]
    assert standing["late"].text == "behind"
    assert group.is_effective(TREE, 4, newest) == (False, ["late"])
    with pytest.raises(NotFound):
        group.root(TREE, 1, old)
    assert group.root(TREE, 4, newest) == newest_root

    assert group.catch_up(TREE) == ["late"]
    assert group.catch_up(TREE) == []
    assert late.root(TREE, 4, newest) == newest_root
    assert late.root(TREE, 1, old) == old_root
    assert {each.name: each.text for each in group.standing(TREE, 4, newest)}["late"] == "older roots not yet destroyed"
    assert group.destroy_others(TREE, 4, newest) == 1
    assert group.is_effective(TREE, 4, newest) == (True, [])


def test_a_keeper_that_missed_the_stage_gets_the_root_at_promotion(tmp_path: Path) -> None:
    one, two, late = set_up(tmp_path, "one", "two", "late")
    group = KeeperGroup([one, two, late])
    advance(group, 1)
    attempt, root = os.urandom(16), Secret(os.urandom(32))
    with Away(late):
        group.stage(TREE, 2, attempt, root)
    group.promote(TREE, 2, attempt)
    assert late.root(TREE, 2, attempt) == root
    assert group.destroy_others(TREE, 2, attempt) == 3


def test_promotion_that_was_cut_off_between_keepers_is_finished(tmp_path: Path) -> None:
    one, two = set_up(tmp_path, "one", "two")
    group = KeeperGroup([one, two])
    advance(group, 1)
    attempt, root = os.urandom(16), Secret(os.urandom(32))
    group.stage(TREE, 2, attempt, root)
    one.promote(TREE, 2, attempt)
    assert group.root(TREE, 2, attempt) == root
    group.promote(TREE, 2, attempt)
    group.destroy_others(TREE, 2, attempt)
    assert group.is_effective(TREE, 2, attempt) == (True, [])


def test_a_place_where_a_keeper_is_not_mounted_is_never_taken_for_it(tmp_path: Path) -> None:
    one, two, late = set_up(tmp_path, "one", "two", "late")
    group = KeeperGroup([one, two, late])
    advance(group, 1)
    with Away(late):
        late.folder.mkdir(mode=0o700)
        attempt, _ = advance(group, 2)
        assert group.catch_up(TREE) == []
        assert group.is_effective(TREE, 2, attempt) == (False, ["late"])
        (late.folder / ".lock").unlink(missing_ok=True)
        late.folder.rmdir()
    assert [held.generation for held in late.held(TREE)] == [1]


def test_a_new_keeper_is_added_by_catching_up(tmp_path: Path) -> None:
    (one,) = set_up(tmp_path, "one")
    alone = KeeperGroup([one])
    attempt, root = advance(alone, 1)
    assert "one keeper: lose it, lose everything" in alone.describe().warnings[0]
    (two,) = set_up(tmp_path, "two")
    group = KeeperGroup([one, two])
    assert group.is_effective(TREE, 1, attempt) == (False, ["two"])
    assert group.catch_up(TREE) == ["two"]
    assert group.is_effective(TREE, 1, attempt) == (True, [])
    with Away(one):
        assert group.root(TREE, 1, attempt) == root


def test_a_keeper_removed_out_of_reach_is_never_proven(tmp_path: Path) -> None:
    one, two = set_up(tmp_path, "one", "two")
    group = KeeperGroup([one, two], lost=["off-site"])
    attempt, _ = advance(group, 1)
    assert group.is_effective(TREE, 1, attempt) == (False, ["off-site"])
    assert "off-site was removed" in " ".join(group.describe().warnings)


def test_keepers_that_disagree_are_not_mended_by_guessing(tmp_path: Path) -> None:
    one, two = set_up(tmp_path, "one", "two")
    for keeper in (one, two):
        advance(KeeperGroup([keeper]), 1)
    group = KeeperGroup([one, two])
    with pytest.raises(SettingsWrong, match="disagree"):
        group.catch_up(TREE)
    assert [len(keeper.held(TREE)) for keeper in (one, two)] == [1, 1]


def test_nothing_is_destroyed_for_a_root_that_no_keeper_promoted(tmp_path: Path) -> None:
    group = KeeperGroup(set_up(tmp_path, "one", "two"))
    attempt, root = advance(group, 1)
    with pytest.raises(Conflict):
        group.destroy_others(TREE, 2, os.urandom(16))
    assert group.root(TREE, 1, attempt) == root


def test_keepers_without_names_of_their_own_are_refused(tmp_path: Path) -> None:
    (one,) = set_up(tmp_path, "one")
    for keepers in ([], [one, opened(tmp_path / "elsewhere" / "one")]):
        with pytest.raises(SettingsWrong):
            KeeperGroup(keepers)
