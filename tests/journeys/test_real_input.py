"""Real files of this machine come back as they were, by both doors (the benchmark of the same name takes more)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.real_input import MIB, Work, file_and_open

pytestmark = pytest.mark.journey


def test_real_files_come_back_by_http_and_by_the_command_as_they_were(tmp_path: Path) -> None:
    # 64 MiB are eight whole parts: the last one is longer than the others, by the final frame.
    work = Work(files=60, large_bytes=64 * MIB, opened_by_command=3)
    result = file_and_open(tmp_path, work)

    assert result.files == 61
    assert result.kinds >= 15
    assert result.chinese_names >= 20
    assert result.filed == 2 * result.files
    assert result.opened == 2 * result.files + 2 * work.opened_by_command
    assert result.differing == 0
    assert result.unequal_receipts == 0
    assert result.added_again == 0
    assert result.ails == []
