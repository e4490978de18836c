"""The sets that ship: the law's numbers, and that each may be a rule."""

from __future__ import annotations

import pytest

from vault.classes import DisposalAction, RecordClass, Trigger
from vault.objects import LockMode
from vault.statutes import FIRST_SET, SHIPPED

ALL = [rule for rules in SHIPPED.values() for rule in rules]
CN = {rule.code: rule for rule in SHIPPED[FIRST_SET]}


def test_codes_are_unique_over_all_sets() -> None:
    assert len({each.code for each in ALL}) == len(ALL)


@pytest.mark.parametrize("rule", ALL, ids=lambda each: each.code)
def test_each_may_be_a_rule_and_none_goes_without_a_person(rule: RecordClass) -> None:
    assert rule.checked() is rule
    assert not rule.automatic


def test_compliance_stands_only_where_a_law_sets_a_floor() -> None:
    assert all(each.mandate for each in ALL if each.lock_mode is LockMode.COMPLIANCE)


@pytest.mark.parametrize(
    ("code", "years", "article"),
    [
        ("voucher", 30, "会计档案管理办法 art. 14"),
        ("ledger", 30, "会计档案管理办法 art. 14"),
        ("interim-report", 10, "会计档案管理办法 art. 14"),
        ("bank-statement", 10, "会计档案管理办法 art. 14"),
        ("annual-report", None, "会计档案管理办法 art. 14"),
        ("transaction", 3, "电子商务法 art. 31"),
        ("due-diligence", 10, "反洗钱法 art. 34"),
        ("aml-transaction", 10, "反洗钱法 art. 34"),
        ("impact-assessment", 3, "个人信息保护法 art. 56"),
    ],
)
def test_a_period_is_the_laws(code: str, years: int | None, article: str) -> None:
    assert (CN[code].period_years, CN[code].mandate) == (years, article)


def test_accounting_files_need_two_supervisors_and_stay_while_debts_are_unsettled() -> None:
    accounting = [each for each in CN.values() if each.trigger is Trigger.FISCAL_YEAR_END]
    assert len(accounting) == 5
    for each in accounting:
        ends = each.action is DisposalAction.DESTROY
        assert (each.supervised, each.unsettled_keeps) == (ends, ends)
