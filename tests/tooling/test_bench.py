"""The frame that benchmarks run in."""

from __future__ import annotations

import json

import pytest

from scripts.benchmarks import Measure, at_least, at_most, frame

MEASURES = [
    at_least("in / plain", 1.0, 1.25),
    at_most("CPU, in", 1.8, 2.0, "s/GiB"),
    Measure(measure="cold", goal="-", figure=3.0, unit="ms"),
]


def run(monkeypatch: pytest.MonkeyPatch, measures: list[Measure], *arguments: str) -> int:
    """Runs a benchmark that gives these measures."""
    monkeypatch.setattr(frame, "benchmark_names", lambda: ["bytes"])
    monkeypatch.setattr(frame, "measure_of", lambda _name: lambda _quick: measures)
    return frame.main(arguments)


def test_a_table_shows_each_measure_with_goal_figure_and_whether_it_is_met(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, MEASURES, "bytes", "--quick") == 1
    said = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in said.splitlines() if "│" in line]
    assert rows == [
        ["in / plain", ">= 1", "1.25", "yes"],
        ["CPU, in", "<= 1.8", "2 s/GiB", "no"],
        ["cold", "-", "3 ms", "-"],
    ]


def test_json_has_the_same_measures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, MEASURES[:1], "bytes", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["benchmark"] == "bytes"
    assert said["quick"] is False
    assert said["measures"] == [{"measure": "in / plain", "goal": ">= 1", "figure": 1.25, "unit": "", "met": True}]


def test_an_unknown_name_is_answered_with_those_that_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, [], "nothing") == 2
    assert "there are: bytes" in capsys.readouterr().err
