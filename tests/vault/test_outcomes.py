"""Outcomes of duties: data in the catalogue, texts for people."""

from __future__ import annotations

import re

import pytest

from vault.outcomes import FORMS, Outcome


def an_outcome(code: str) -> Outcome:
    return Outcome.of(code, **dict.fromkeys(re.findall(r"\{(\w+)\}", FORMS[code]), 7))


@pytest.mark.parametrize("code", FORMS)
def test_what_is_kept_is_read_again(code: str) -> None:
    outcome = an_outcome(code)
    assert Outcome.read(outcome.kept()) == outcome
    assert "{" not in outcome.text


@pytest.mark.parametrize(
    "kept", ["settled 3, 0 left to the doctor", "[1]", "{}", '{"code": "settled"}', '{"code": 1}', "7"]
)
def test_what_an_earlier_version_kept_is_told_as_it_is(kept: str) -> None:
    assert Outcome.read(kept).text == kept


def test_what_failed_and_what_is_broken_are_known() -> None:
    assert an_outcome("failed").is_failed
    assert [code for code in FORMS if an_outcome(code).is_broken] == [
        "expiry-paused",
        "log-broken",
        "lock-broken",
        "backup-damaged",
        "verify-broken",
        "drill-broken",
    ]
    assert Outcome.said("BROKEN: something").is_broken
    assert not Outcome.said("sent 3").is_broken
