"""What ``scripts/check`` said beside the tests (``scripts/test`` starts both), in front of pytest's own summary."""

from __future__ import annotations

import os

import pytest

CHECKS_FD = "STRONGROOM_CHECKS_FD"
"""A pipe that ends when the checks do; only the process that sums up reads it."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode) -> None:
    """Waits for the checks, and says what came of them; whoever interrupts the tests waits for nothing."""
    if CHECKS_FD in os.environ and exitstatus != pytest.ExitCode.INTERRUPTED:
        with open(int(os.environ[CHECKS_FD]), encoding="utf-8", errors="replace") as said:
            terminalreporter.section("checks")
            terminalreporter.write(said.read())
