"""A parser that a file took over: it gets nowhere, it ends, and others go on."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.parsing.confinement import NOBODY
from storage.parsing.parsers import Parsers
from tests.support import files, hostile
from vault.errors import NotReadable, ParsersUnavailable
from vault.previews import Parsed


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    taken_over = Parsers(command=hostile.command)
    yield taken_over
    taken_over.close()


def test_a_parser_that_was_taken_over_is_refused_everything(parsers: Parsers, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root key")
    secret.chmod(0o644)
    key_socket = tmp_path / "key.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(key_socket))
        listener.listen()
        key_socket.chmod(0o666)
        said = _order(
            parsers,
            "try-everything",
            key_socket=str(key_socket),
            secret_path=str(secret),
            new_path=str(tmp_path / "new"),
            warden_pid=_warden(parsers),
        )
    assert {name: came for name, came in said.facts["came"].items() if not came.startswith("refused")} == {}
    refused = set(said.facts["came"].values())
    assert refused <= {"refused", f"refused {errno.EPERM}"}, "by the kernel's list, not by luck"
    assert said.facts["descriptors"] == []
    assert said.facts["environment"] == ["LC_ALL", "PATH"]
    assert secret.read_bytes() == b"root key"
    assert not (tmp_path / "new").exists()


def test_what_a_parser_has_is_seen_from_outside(parsers: Parsers) -> None:
    with _under_way(parsers, "hang") as pid:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        )
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
        if os.geteuid() == 0:
            assert status["Uid"].split() == [str(NOBODY)] * 4
            assert status["Groups"].split() == []
            assert int(status["CapEff"], 16) == 0
        assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1"]
        assert all(os.readlink(f"/proc/{pid}/fd/{each}").startswith("pipe:") for each in "01")
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
        assert _limit(limits, "Max address space") == str(hostile.MEMORY_BYTES)
        assert _limit(limits, "Max file size") == "0"
        assert _limit(limits, "Max processes") == "0"
        assert _limit(limits, "Max core file size") == "0"
        if parsers.has_no_network:
            assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
            ways = Path(f"/proc/{pid}/net/route").read_text(encoding="ascii").splitlines()
            assert len(ways) <= 1, "a network with no way out"


@pytest.mark.parametrize(
    ("order", "reasons"),
    [
        ("hang", {"took-too-long", "gave-up"}),
        ("spin", {"took-too-long", "gave-up"}),
        ("flood", {"took-too-long", "gave-up"}),
        ("eat", {"too-large"}),
        ("crash", {"gave-up"}),
        ("say-nonsense", {"gave-up"}),
        ("say-endless", {"gave-up"}),
        ("say-no-json", {"gave-up"}),
        ("say-a-list", {"gave-up"}),
        ("read-outside", {"gave-up"}),
        ("read-before", {"gave-up"}),
        ("say-strange-reason", {"broken"}),
    ],
)
def test_whatever_a_parser_does_ends_in_a_reason(parsers: Parsers, order: str, reasons: set[str]) -> None:
    with pytest.raises(NotReadable) as refused:
        _order(parsers, order)
    assert refused.value.reason in reasons
    assert refused.value.message.startswith("it cannot be previewed, because ")
    assert _still_works(parsers)


def test_others_are_looked_at_while_one_parser_hangs(parsers: Parsers) -> None:
    with _under_way(parsers, "spin"):
        began = time.monotonic()
        assert _still_works(parsers)
        assert time.monotonic() - began < hostile.SECONDS, "it did not wait for the one that hangs"


def test_a_parser_ends_by_itself_when_nobody_waits_for_it_any_more(parsers: Parsers) -> None:
    with _under_way(parsers, "spin") as pid:
        pass
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_warden_that_was_killed_is_started_again(parsers: Parsers) -> None:
    assert _still_works(parsers)
    before = _warden(parsers)
    os.kill(before, 9)
    assert _still_works(parsers)
    assert _warden(parsers) != before


def test_nothing_is_parsed_where_the_warden_does_not_start() -> None:
    parsers = Parsers(command=lambda control: ["/bin/false", str(control)])
    with pytest.raises(ParsersUnavailable):
        _still_works(parsers)
    parsers.close()


def _order(parsers: Parsers, do: str, **more: object) -> Parsed:
    return parsers.parse({"do": do, **more}, files.held(b"some bytes"))


def _still_works(parsers: Parsers) -> bool:
    said = parsers.parse({"do": "passage", "kind": "text", "page": 0}, files.held("合同".encode()))
    return said.body.decode() == "合同"


def _warden(parsers: Parsers) -> int:
    process = parsers._warden
    if process is None:
        assert _still_works(parsers)
        process = parsers._warden
    assert process is not None
    return process.pid


class _under_way:  # noqa: N801 - reads as a phrase
    """A parser at work on an order that takes as long as it may; gives its pid."""

    def __init__(self, parsers: Parsers, do: str) -> None:
        self._parsers = parsers
        self._do = do
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> int:
        warden = _warden(self._parsers)
        before = _children(warden)
        self._thread.start()
        deadline = time.monotonic() + 10
        while True:
            for pid in _children(warden) - before:
                # It has given everything up once the filter is in force.
                if "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text(encoding="ascii"):
                    return pid
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _ask(self) -> None:
        with pytest.raises(NotReadable):
            _order(self._parsers, self._do)


def _children(pid: int) -> set[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(each) for each in told.split()}


def _limit(lines: list[str], name: str) -> str:
    return next(line for line in lines if line.startswith(name))[26:].split()[0]
