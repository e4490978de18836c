"""The machine: who is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC

import pytest

from storage.machine import SystemClock, SystemRandomness, describe_process, is_gone


def test_a_process_is_there_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    described = describe_process(child.pid)
    assert not is_gone(described)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(described), "dead, though nobody has collected it yet"
    child.communicate()
    assert is_gone(described)


def test_this_process_is_there() -> None:
    assert not is_gone(describe_process(os.getpid()))


def test_a_pid_that_was_given_to_another_process_is_not_the_process_of_before() -> None:
    boot, namespace, pid, started = describe_process(os.getpid()).split(" ")
    assert is_gone(f"{boot} {namespace} {pid} {int(started) - 1}")


@pytest.mark.parametrize(
    "description",
    [
        "",
        "somewhere",
        "a b c d",
        "other-boot pid:[1] 1 1",
        "a b c d e",
        f"{'x' * 36} pid:[4026531836] 999999999 1",
    ],
)
def test_of_a_process_elsewhere_nothing_is_known(description: str) -> None:
    assert not is_gone(description)


def test_another_container_is_elsewhere() -> None:
    boot, _, pid, started = describe_process(os.getpid()).split(" ")
    assert not is_gone(f"{boot} pid:[1] {pid} {int(started) - 1}")


def test_the_clock_tells_aware_times_and_randomness_as_many_bytes_as_asked() -> None:
    assert SystemClock().now().tzinfo is UTC
    assert [len(SystemRandomness().token_bytes(count)) for count in (0, 1, 32)] == [0, 1, 32]
    assert SystemRandomness().token_bytes(32) != SystemRandomness().token_bytes(32)
