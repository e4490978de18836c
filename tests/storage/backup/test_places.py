"""Every backup place keeps the same promises: a folder, and a bucket of another name."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.backup import scratch
from storage.backup.bucket import BucketPlace
from storage.backup.folder import FolderPlace
from storage.backup.place import BackupPlace, object_name, read_small
from storage.backup.wiring import copy_pages
from storage.settings import load_settings
from tests.support.backups import own_bucket
from tests.support.store import RunningStore
from vault.errors import ObjectMissing, SealBroken, SettingsWrong, StoreUnavailable

PART = 5 << 20


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BackupPlace]:
    made: BackupPlace
    if request.param == "folder":
        (tmp_path / "backups").mkdir()
        made = FolderPlace(tmp_path / "backups")
    else:
        running: RunningStore = request.getfixturevalue("shared_store")
        made = BucketPlace(own_bucket(running), part_bytes=PART)
    yield made
    made.close()


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 2 * PART])
@pytest.mark.parametrize("told", [True, False])
def test_bytes_come_back_whole(place: BackupPlace, size: int, told: bool) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    chunks = [content[start : start + 999_999] for start in range(0, size, 999_999)]
    assert place.put("a/b", chunks, size_bytes=size if told else None) == hashlib.sha256(content).digest()
    assert place.size("a/b") == size
    assert read_small(place, "a/b") == content


def test_what_is_cut_short_is_never_seen_under_its_name(place: BackupPlace) -> None:
    def breaking() -> Iterator[bytes]:
        yield bytes(PART + 10)
        raise StoreUnavailable("away")

    with pytest.raises(SealBroken):
        place.put("a/short", [b"12"], size_bytes=3)
    with pytest.raises(SealBroken):
        place.put("a/long", [bytes(PART), bytes(PART)], size_bytes=PART + 1)
    with pytest.raises(StoreUnavailable):
        place.put("a/broken", breaking(), size_bytes=None)
    assert list(place.names("")) == []
    assert place.size("a/short") is None
    with pytest.raises(ObjectMissing), place.read("a/broken"):
        pass


def test_names_are_listed_and_forgotten(place: BackupPlace) -> None:
    for name in ("x/1", "x/2/3", "y"):
        place.put(name, [name.encode()], size_bytes=len(name))
    assert sorted(place.names("")) == ["x/1", "x/2/3", "y"]
    assert sorted(place.names("x/")) == ["x/1", "x/2/3"]
    assert list(place.names("z/")) == []
    place.delete("x/1")
    place.delete("x/1")
    assert sorted(place.names("")) == ["x/2/3", "y"]


def test_key_pages_wait_for_a_place_that_is_there(place: BackupPlace) -> None:
    copy = copy_pages(place)
    with pytest.raises(StoreUnavailable, match="mounted"):
        copy("trees/t/0000000002-a", b"pages")
    place.put("vault", [b"v\n"], size_bytes=2)
    copy("trees/t/0000000002-a", b"pages")
    copy("trees/t/0000000002-a", b"pages")
    assert read_small(place, "pages/trees/t/0000000002-a") == b"pages"


def test_a_folder_that_is_not_mounted_is_said_and_not_made(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "away")
    for ask in (lambda: place.put("x", [b""], size_bytes=0), lambda: place.size("x"), lambda: list(place.names(""))):
        with pytest.raises(StoreUnavailable, match="mounted"):
            ask()
    assert not (tmp_path / "away").exists()


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.put("a/b", [b"x"], size_bytes=1)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o600


def test_versions_of_any_store_have_names_that_differ() -> None:
    names = {object_name("records/aa/aa", version) for version in ("abc", "ABC", "v-abc", "x-abc", "616263", "a.b_c")}
    assert len(names) == 6
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize(
    "given",
    [
        {"backup_folder": "home/backups"},
        {"backup_folder": "."},
        {"backup_folder": "home-keeper/x"},
        {"backup_s3_endpoint": "http://127.0.0.1:1"},
        {"backup_folder": "b", "backup_s3_endpoint": "http://127.0.0.1:1"},
    ],
)
def test_settings_that_would_lose_backups_with_the_home_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    named = {key: tmp_path / value if key == "backup_folder" else value for key, value in given.items()}
    with pytest.raises(SettingsWrong, match="backup"):
        load_settings(home=tmp_path / "home", **named)


def test_the_scratch_of_a_killed_process_is_removed_by_the_next_and_a_living_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    left = tmp_path / "strongroom-scratch-left"
    left.mkdir(mode=0o700)
    (left / "catalogue.sqlite").write_bytes(b"a dump")
    long_ago = time.time() - 3600
    os.utime(left, (long_ago, long_ago))
    with scratch.scratch_folder() as mine:
        assert not left.exists()
        os.utime(mine, (long_ago, long_ago))
        with scratch.scratch_folder():
            assert mine.exists()
    assert list(tmp_path.iterdir()) == []
