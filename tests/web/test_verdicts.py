"""Why a record cannot be destroyed, in the visitor's language."""

from __future__ import annotations

import re

import pytest

from tests.vault.samples import NOW, a_class, a_record
from vault.disposition import _TEXTS, verdict
from vault.holds import MatterRef
from vault.ids import MatterId
from web.i18n import load_languages
from web.verdicts import VERDICTS, reasons_said

CHINESE, ENGLISH = load_languages()["zh-Hans"], load_languages()["en"]


def test_pages_say_every_reason_that_a_verdict_gives() -> None:
    assert set(VERDICTS) == set(_TEXTS)


@pytest.mark.parametrize("code", sorted(VERDICTS))
def test_every_reason_is_said_in_chinese(code: str) -> None:
    assert re.search("[\u4e00-\u9fff]", CHINESE.text(VERDICTS[code]))


def test_a_reason_names_the_date_the_law_and_the_matter() -> None:
    matter = MatterRef(id=MatterId("m" * 26), number="H-2026-0001")
    found = verdict(a_record(), a_class(mandate="电子商务法 art. 31"), [matter], NOW)
    assert [each.text for each in reasons_said(ENGLISH, found)] == [
        "Matter H-2026-0001 holds it until two people have released the hold.",
        "Its class keeps it until May 4, 2030 (电子商务法 art. 31).",
    ]
    assert "2030年5月4日" in reasons_said(CHINESE, found)[1].text
    assert [(each.matter, each.code) for each in reasons_said(ENGLISH, found)] == [
        ("H-2026-0001", ""),
        ("", "sample"),
    ]
