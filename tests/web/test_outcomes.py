"""Outcomes of duties are told in the visitor's language."""

from __future__ import annotations

import re

from vault.outcomes import FORMS, Outcome
from vault.workflows import upkeep
from vault.workflows.vault import Vault
from web.i18n import load_languages
from web.outcomes import BROKEN, DONE, FAILED, OUTCOMES, outcome_text
from web.rendering import WORDS

CHINESE = next(language for language in load_languages().values() if language.tag.startswith("zh"))


def test_what_every_duty_says_of_a_quiet_vault_is_known_to_the_pages(fresh_vault: Vault) -> None:
    for run in upkeep.run_due(fresh_vault, starting=True):
        assert run.outcome is not None
        told = outcome_text(CHINESE, run.outcome)
        assert re.search("[\u4e00-\u9fff]", told), run
        assert told not in {CHINESE.text(DONE), CHINESE.text(FAILED)}, run


def test_every_code_is_said_by_the_pages_with_values_that_it_has() -> None:
    assert OUTCOMES.keys() == FORMS.keys() - {"said", "failed"}
    for code, said in OUTCOMES.items():
        assert set(re.findall(r"\{\w+\}", said)) <= set(re.findall(r"\{\w+\}", FORMS[code])), code


def test_every_duty_has_a_name_on_pages() -> None:
    assert [each.name for each in upkeep.JOBS if each.name not in WORDS] == []


def test_counts_stand_where_they_belong() -> None:
    assert outcome_text(CHINESE, Outcome.of("lock-held", held=38, tried=39)) == "锁定有效：39 次攻击中抵御了 38 次"


def test_an_outcome_in_words_of_its_own_is_told_by_what_it_comes_to() -> None:
    assert outcome_text(CHINESE, Outcome.of("failed", error="store-unavailable")) == CHINESE.text(FAILED)
    assert outcome_text(CHINESE, Outcome.said("took 20261121t101500z-0a1b")) == CHINESE.text(DONE)
    assert outcome_text(CHINESE, Outcome.said("BROKEN: two of them")) == CHINESE.text(BROKEN)
