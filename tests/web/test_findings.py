"""What was found when a record was filed, in the visitor's language."""

from __future__ import annotations

import re

import pytest

from vault.filingreports import Examination, Facts, Finding, Property, Verdict
from vault.findings import SENTENCES, explain
from vault.previews import Unreadable
from web.findings import FINDINGS, properties_said
from web.i18n import load_languages

CHINESE, ENGLISH = load_languages()["zh-Hans"], load_languages()["en"]
FACTS: Facts = {"sha256": "ab", "bytes": 3, "stored": 2, "entry": 9, "pages": 4, "version": 1, "type": "image/png"}


def test_every_reason_why_a_file_is_not_opened_has_a_finding() -> None:
    assert {f"not-opened-{each.value}" for each in Unreadable} <= set(SENTENCES)
    assert set(FINDINGS) == set(SENTENCES)


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_every_finding_is_said_in_chinese_and_english_with_its_facts(code: str) -> None:
    found = Finding(property=Property.SAFE, code=code, verdict=Verdict.WARNED, facts=FACTS)
    for language in (CHINESE, ENGLISH):
        said = properties_said(language, Examination(ordinal=1, findings=(found,)), ())
        (sentence,) = said[3].findings
        assert "{" not in sentence.text
        assert bool(re.search("[\u4e00-\u9fff]", sentence.text)) is (language is CHINESE)
    assert "{" not in explain(found)


def test_a_property_of_which_nothing_was_found_is_not_checked() -> None:
    assert [each.verdict for each in properties_said(ENGLISH, Examination(ordinal=1, findings=()), ())] == [
        Verdict.UNCHECKED
    ] * 4
