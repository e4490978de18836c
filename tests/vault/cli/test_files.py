"""Files that commands write, and the session that lies in the home."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vault.cli import session
from vault.cli.files import TemporaryFile
from vault.errors import AlreadyExists, InvalidInput, NotAllowed


def test_a_file_stands_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "paper.pdf"
    with TemporaryFile(target) as file:
        file.write(b"half")
        assert not target.exists()
        file.write(memoryview(b" and half"))
        file.keep()
    assert target.read_bytes() == b"half and half"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["paper.pdf"]


def test_a_file_that_was_not_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    with TemporaryFile(tmp_path / "paper.pdf") as file:
        file.write(b"half")
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


def test_what_exists_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "paper.pdf"
    target.write_bytes(b"mine")
    with pytest.raises(AlreadyExists):
        TemporaryFile(target)
    with TemporaryFile(target, overwrite=True) as file:
        file.write(b"other")
        assert target.read_bytes() == b"mine"
        file.keep()
    assert target.read_bytes() == b"other"


def test_a_name_taken_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "paper.pdf"
    with TemporaryFile(target) as file:
        target.symlink_to("elsewhere")
        with pytest.raises(AlreadyExists):
            file.keep()
    assert os.listdir(tmp_path) == ["paper.pdf"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        TemporaryFile(tmp_path / "no such folder" / "paper.pdf")


def test_a_session_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert session.kept(tmp_path) is None
    session.keep(tmp_path, "token")
    session.keep(tmp_path, "newer-token")
    assert session.kept(tmp_path) == "newer-token"
    assert stat.S_IMODE(session.path_in(tmp_path).stat().st_mode) == 0o600
    session.path_in(tmp_path).chmod(0o640)
    with pytest.raises(NotAllowed, match="not yours alone"):
        session.kept(tmp_path)
    assert session.forget(tmp_path)
    assert not session.forget(tmp_path)
