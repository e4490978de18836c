"""Walking paths, and reading a file steadily."""

from __future__ import annotations

import hashlib
import inspect
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from vault.cli.sources import Source, SteadyFile, Stopped, Unfit, Unreadable, title_of, walk
from vault.errors import InvalidInput, SourceChanged


def walked(*paths: Path) -> tuple[list[str], dict[str, str]]:
    """The batch paths that are taken, and the codes of what is not."""
    found = list(walk([str(path) for path in paths]))
    taken = [each.batch_path for each in found if isinstance(each, Source)]
    return taken, {os.path.basename(each.path): each.code for each in found if isinstance(each, Unfit)}


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def test_a_folder_means_all_that_is_in_it_sorted(tmp_path: Path) -> None:
    filled(tmp_path / "scans", "b.pdf", "a/z.pdf", "a/合同.pdf", ".hidden", "c")
    taken, unfit = walked(tmp_path / "scans")
    assert taken == ["scans/.hidden", "scans/a/z.pdf", "scans/a/合同.pdf", "scans/b.pdf", "scans/c"]
    assert not unfit


def test_a_batch_path_does_not_depend_on_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = filled(tmp_path / "scans", "a.pdf")
    monkeypatch.chdir(folder)
    assert walked(Path())[0] == walked(folder)[0] == ["scans/a.pdf"]
    assert walked(Path("a.pdf"))[0] == ["a.pdf"]


def test_links_devices_pipes_and_sockets_are_told_not_read(tmp_path: Path) -> None:
    folder = filled(tmp_path / "scans", "real.pdf", "deeper/inside.pdf")
    (folder / "link.pdf").symlink_to("real.pdf")
    (folder / "loop").symlink_to(".")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        taken, unfit = walked(folder, Path("/dev/null"))
    assert taken == ["scans/deeper/inside.pdf", "scans/real.pdf"]
    links = dict.fromkeys(("link.pdf", "loop", "dangling"), "symbolic-link")
    assert unfit == {**links, "pipe": "pipe", "socket": "socket", "null": "device"}


def test_a_linked_folder_that_is_named_is_not_followed_either(tmp_path: Path) -> None:
    filled(tmp_path / "scans", "a.pdf")
    (tmp_path / "link").symlink_to("scans")
    assert walked(tmp_path / "link") == ([], {"link": "symbolic-link"})


@pytest.mark.parametrize("name", ["line\nbreak.pdf", "tab\t.pdf", os.fsdecode(b"not-utf8-\xff.pdf")])
def test_a_name_that_cannot_be_kept_is_told_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    folder = filled(tmp_path / "scans", "good.pdf")
    (folder / name).write_bytes(b"")
    assert walked(folder) == (["scans/good.pdf"], {name: "invalid-input"})


def test_a_path_that_is_not_there_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = filled(tmp_path / "scans", "good.pdf")
    assert walked(tmp_path / "missing", folder) == (["scans/good.pdf"], {"missing": "not-found"})


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    folder = filled(tmp_path / "scans", "a.pdf", "b.pdf")
    assert walked(folder, folder / "a.pdf", folder / ".." / "scans")[0] == ["scans/a.pdf", "scans/b.pdf"]


def test_two_files_of_one_name_in_a_batch_are_told_apart_or_told(tmp_path: Path) -> None:
    filled(tmp_path / "one" / "scans", "a.pdf")
    filled(tmp_path / "two" / "scans", "a.pdf")
    taken, unfit = walked(tmp_path / "one" / "scans", tmp_path / "two" / "scans")
    assert taken == ["scans/a.pdf"]
    assert unfit == {"a.pdf": "same-name"}
    assert walked(tmp_path)[0][-2:] == [f"{tmp_path.name}/one/scans/a.pdf", f"{tmp_path.name}/two/scans/a.pdf"]


def test_a_deep_folder_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    filled(tmp_path, "/".join(["d"] * 300) + "/leaf")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        taken, unfit = walked(tmp_path / "d")
    finally:
        sys.setrecursionlimit(limit)
    assert taken == ["/".join(["d"] * 300) + "/leaf"]
    assert not unfit


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("合同 2026.pdf", "合同 2026"),
        ("archive.tar.gz", "archive.tar"),
        (".profile", ".profile"),
        ("no extension", "no extension"),
        (" .pdf", ".pdf"),
        ("   ", "(3 spaces)"),
    ],
)
def test_a_title_is_the_name_without_extension(name: str, title: str) -> None:
    assert title_of(name) == title


def read_whole(file: SteadyFile, buffer_size: int = 1000) -> bytes:
    buffer, read = bytearray(buffer_size), b""
    while count := file.read_into(memoryview(buffer)):
        read += buffer[:count]
    return read


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(bytes(range(256)) * 20)
    return path


def test_a_steady_file_gives_its_bytes_and_their_digest(paper: Path) -> None:
    with SteadyFile(str(paper)) as file:
        assert read_whole(file) == paper.read_bytes()
        assert file.size_bytes == file.declared_size_bytes == 5120
        assert file.sha256 == hashlib.sha256(paper.read_bytes()).digest()


def test_an_empty_file_is_read(paper: Path) -> None:
    paper.write_bytes(b"")
    with SteadyFile(str(paper)) as file:
        assert read_whole(file) == b""


def test_a_file_that_grows_while_read_is_refused(paper: Path) -> None:
    with SteadyFile(str(paper)) as file:
        file.read_into(memoryview(bytearray(100)))
        with paper.open("ab") as writer:
            writer.write(b"more")
        with pytest.raises(SourceChanged, match="5120 bytes when it was opened and 5124"):
            read_whole(file)


def test_a_file_that_shrinks_while_read_is_refused(paper: Path) -> None:
    with SteadyFile(str(paper)) as file:
        file.read_into(memoryview(bytearray(100)))
        os.truncate(paper, 200)
        with pytest.raises(SourceChanged, match="5120 bytes when it was opened and 200"):
            read_whole(file)


def test_a_file_that_is_overwritten_in_place_while_read_is_refused(paper: Path) -> None:
    with SteadyFile(str(paper)) as file:
        file.read_into(memoryview(bytearray(100)))
        facts = paper.stat()
        with paper.open("r+b") as writer:
            writer.write(b"other")
        os.utime(paper, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
        with pytest.raises(SourceChanged, match="written to"):
            read_whole(file)


def test_a_file_that_cannot_be_read_is_told() -> None:
    # A regular file by its looks, which refuses to be read at 0, to root as well.
    with SteadyFile("/proc/self/mem") as file, pytest.raises(Unreadable, match="cannot be read"):
        read_whole(file)


def test_what_became_a_link_or_a_pipe_since_it_was_found_is_not_read(tmp_path: Path, paper: Path) -> None:
    (tmp_path / "link").symlink_to(paper)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="symbolic link"):
        SteadyFile(str(tmp_path / "link"))
    with pytest.raises(InvalidInput, match="not a file"):
        SteadyFile(str(tmp_path / "pipe"))


def test_reading_ends_when_the_command_is_interrupted(paper: Path) -> None:
    stop = threading.Event()
    with SteadyFile(str(paper), stop=stop) as file:
        file.read_into(memoryview(bytearray(100)))
        stop.set()
        with pytest.raises(Stopped):
            read_whole(file)
