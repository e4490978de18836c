"""A test that is skipped has not shown anything: a skip counts as a failure.

Rule 1: a part that is missing (a server, a browser, a package) makes the run fail and is installed, not stepped over.
Rule 2: where a test truly cannot run everywhere, ``@pytest.mark.may_skip(reason="...")`` says why, and lets it skip.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

ADVICE = "a skip counts as a failure; install what is missing, or mark the test with may_skip(reason=...)"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, as far as it says so."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skip of a test into a failure, unless the test says why it may."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        marker = item.get_closest_marker("may_skip")
        if marker is None or not marker.kwargs.get("reason"):
            report.outcome = "failed"
            report.longrepr = f"{reason_of(report)}\n{ADVICE}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turns a skip of a whole module into a failure."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{reason_of(report)}\n{ADVICE}"
    return report
