"""Where the index lies: in memory, in a folder of its owner's, and what is said of swap."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.searchindex.place import bare_swap, index_folder, private_folder
from vault.errors import SettingsWrong


def test_it_lies_in_memory_and_each_home_has_a_place_of_its_own(tmp_path: Path) -> None:
    one, other = index_folder(tmp_path / "one", None), index_folder(tmp_path / "other", None)
    assert one is not None
    assert other is not None
    assert one != other
    assert str(tmp_path) not in str(one)


def test_a_folder_on_a_disk_is_refused(tmp_path: Path) -> None:
    if os.statvfs(tmp_path).f_fsid == os.statvfs("/dev/shm").f_fsid:
        pytest.fail("this test needs its folder on a disk")
    with pytest.raises(SettingsWrong, match="memory-backed"):
        index_folder(tmp_path, tmp_path)


def test_a_folder_that_others_may_read_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir(mode=0o755)
    with pytest.raises(SettingsWrong, match="this user alone"):
        private_folder(folder)
    folder.chmod(0o700)
    private_folder(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(SettingsWrong, match="this user alone"):
        private_folder(link)


def test_swap_is_told_unless_it_is_encrypted_or_memory(tmp_path: Path) -> None:
    swaps, devices = tmp_path / "swaps", tmp_path / "block"
    swaps.write_text(
        "Filename Type Size Used Priority\n"
        "/dev/sda2 partition 1 0 -2\n/dev/dm-1 partition 1 0 -3\n/dev/zram0 partition 1 0 5\n"
        "/dev/zram1 partition 1 0 5\n/swapfile file 1 0 -4\n"
    )
    for name, content in (
        ("dm-1/dm/uuid", "CRYPT-LUKS2-0123-swap\n"),
        ("zram0/backing_dev", "none\n"),
        ("zram1/backing_dev", "/dev/sda3\n"),
    ):
        (devices / name).parent.mkdir(parents=True)
        (devices / name).write_text(content)
    assert list(bare_swap(swaps, devices)) == ["/dev/sda2", "/dev/zram1", "/swapfile"]
    assert list(bare_swap(tmp_path / "none", devices)) == []
