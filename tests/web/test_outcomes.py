"""Outcomes of duties are told in the visitor's language."""

from __future__ import annotations

import re

from vault.workflows import upkeep
from vault.workflows.vault import Vault
from web.i18n import load_languages
from web.outcomes import DONE, FAILED, OUTCOMES, outcome_text

CHINESE = next(language for language in load_languages().values() if language.tag.startswith("zh"))


def test_what_every_duty_says_of_a_quiet_vault_is_known_to_the_pages(fresh_vault: Vault) -> None:
    for run in upkeep.run_due(fresh_vault, starting=True):
        told = outcome_text(CHINESE, run.outcome)
        assert re.search("[\u4e00-\u9fff]", told), run
        assert told not in {CHINESE.text(DONE), CHINESE.text(FAILED)}, run


def test_counts_stand_where_they_stood() -> None:
    assert outcome_text(CHINESE, "held: 38 of 39 attacks withstood") == "锁定有效：39 次攻击中抵御了 38 次"
    assert "settled {0}, {1} left to the doctor" in OUTCOMES


def test_an_outcome_of_its_own_is_told_by_what_it_comes_to() -> None:
    assert outcome_text(CHINESE, "failed: store-unavailable") == CHINESE.text(FAILED)
    assert outcome_text(CHINESE, "took 20261121t101500z-0a1b, 7 objects copied") == CHINESE.text(DONE)
