"""Record classes: nature, sensitivity, and how long a class is kept under which law.

The built-in set is small: enough to file from the first minute. Periods run from a trigger that a person names when
filing; without a known trigger a record never becomes due (its short lock is renewed instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from vault.errors import NotFound
from vault.objects import LockMode


class Nature(StrEnum):
    """What kind of information a class holds."""

    PERSONAL = "personal"
    TRANSACTION = "transaction"
    CONTRACT = "contract"
    COMMUNICATION = "communication"
    HOUSE = "house"


class Sensitivity(StrEnum):
    """一般 / 敏感 / 重要."""

    GENERAL = "general"
    SENSITIVE = "sensitive"
    IMPORTANT = "important"


class Trigger(StrEnum):
    """The event from which a period runs."""

    CREATED = "created"
    CONTRACT_ENDED = "contract-ended"
    LAST_TRANSACTION = "last-transaction"
    FISCAL_YEAR_END = "fiscal-year-end"
    RELATION_ENDED = "relation-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordClass:
    """One class. ``period_years`` None is permanent; ``mandate`` cites the law, or is empty where none sets a floor."""

    code: str
    title_zh: str
    title_en: str
    nature: Nature
    sensitivity: Sensitivity
    trigger: Trigger
    period_years: int | None
    lock_mode: LockMode
    mandate: str

    def due_on(self, trigger_on: date) -> date | None:
        """The first day on which the period is over, or None for a permanent class.

        A fiscal year's period runs from the first day after the year (会计档案管理办法, art. 14). 29 February is
        followed by 1 March where the due year has none.
        """
        if self.period_years is None:
            return None
        start = trigger_on
        if self.trigger is Trigger.FISCAL_YEAR_END:
            start = date(trigger_on.year + 1, 1, 1) if trigger_on.year < date.max.year else date.max
        year = min(start.year + self.period_years, date.max.year)
        try:
            return start.replace(year=year)
        except ValueError:
            return date(year, 3, 1)


def _class(
    code: str,
    title_zh: str,
    title_en: str,
    nature: Nature,
    sensitivity: Sensitivity,
    trigger: Trigger,
    period_years: int | None,
    lock_mode: LockMode,
    mandate: str,
) -> RecordClass:
    return RecordClass(
        code=code,
        title_zh=title_zh,
        title_en=title_en,
        nature=nature,
        sensitivity=sensitivity,
        trigger=trigger,
        period_years=period_years,
        lock_mode=lock_mode,
        mandate=mandate,
    )


_G, _C = LockMode.GOVERNANCE, LockMode.COMPLIANCE
_S = Sensitivity

BUILT_IN: tuple[RecordClass, ...] = (
    _class("identity", "身份证明", "Identity papers", Nature.PERSONAL, _S.SENSITIVE, Trigger.RELATION_ENDED, 5, _G, ""),
    _class("contract", "合同", "Contracts", Nature.CONTRACT, _S.GENERAL, Trigger.CONTRACT_ENDED, 10, _G, ""),
    _class(
        "transaction",
        "电子商务交易记录",
        "E-commerce transactions",
        Nature.TRANSACTION,
        _S.GENERAL,
        Trigger.LAST_TRANSACTION,
        3,
        _G,
        "电子商务法 art. 31",
    ),
    _class(
        "voucher",
        "会计凭证",
        "Accounting vouchers",
        Nature.TRANSACTION,
        _S.GENERAL,
        Trigger.FISCAL_YEAR_END,
        30,
        _C,
        "会计档案管理办法 art. 14",
    ),
    _class(
        "due-diligence",
        "客户尽职调查资料",
        "Customer due diligence",
        Nature.PERSONAL,
        _S.IMPORTANT,
        Trigger.RELATION_ENDED,
        10,
        _G,
        "反洗钱法 art. 34",
    ),
    _class(
        "correspondence",
        "往来函件",
        "Correspondence",
        Nature.COMMUNICATION,
        _S.GENERAL,
        Trigger.CREATED,
        3,
        _G,
        "",
    ),
    _class("house", "内部档案", "House files", Nature.HOUSE, _S.GENERAL, Trigger.CREATED, None, _G, ""),
)

_BY_CODE = {record_class.code: record_class for record_class in BUILT_IN}


def find_class(code: str) -> RecordClass:
    """The class with a code. Raises ``NotFound`` naming those that exist."""
    try:
        return _BY_CODE[code]
    except KeyError:
        known = ", ".join(sorted(_BY_CODE))
        raise NotFound(f"there is no such class; the classes are: {known}") from None
