"""Clients that others wrote send a file in pieces, interrupted (the benchmark ``uploads`` does it with more)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.resuming import MIB, Send, by_tus_js, by_tuspy, resume

pytestmark = [pytest.mark.journey, pytest.mark.faults]


@pytest.mark.parametrize("send", [by_tuspy(5 * MIB), by_tus_js(5 * MIB)], ids=["tuspy", "tus-js-client"])
def test_a_file_that_is_interrupted_and_whose_server_is_killed_is_one_record(tmp_path: Path, send: Send) -> None:
    result = resume(tmp_path, send, size=24 * MIB, interruptions=3, kills=1)
    assert (result.interruptions, result.kills) == (3, 1)
    assert result.identical
    assert result.records == 1
    assert result.ails == []
