"""Nothing acknowledged is lost when a part is killed (the benchmark ``kills`` does it more often)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.kills import FILES, kill_while_filing

pytestmark = [pytest.mark.journey, pytest.mark.faults]


def test_what_was_acknowledged_survives_a_kill_of_the_application_and_of_the_store(tmp_path: Path) -> None:
    result = kill_while_filing(tmp_path, 2)
    assert result.kills == 2
    assert result.interrupted >= 1
    assert result.filed == 2 * FILES
    assert (result.lost, result.doubled, result.differing) == (0, 0, 0)
    assert result.ails == []
