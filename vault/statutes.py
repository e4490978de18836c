"""The classes that ship, as data: a Chinese set, which a new vault begins with, and one of European and American law.

They are rules to begin with, not legal advice: whoever adopts them answers for them. None is ``automatic``: that takes
two people who say so.

Sources. 会计档案管理办法 (2015) art. 14, 16, 18, 19 and its table; 电子商务法 (2018) art. 31; 反洗钱法 (2024) art. 34;
个人信息保护法 (2021) art. 56. Regulation (EU) 2016/679 (GDPR); Directive (EU) 2015/849 art. 40; Handelsgesetzbuch § 257
and Abgabenordnung § 147 (vouchers 8 years since 2025). 29 CFR 1602.14; 26 CFR 31.6001-1(e)(2); 17 CFR 240.17a-4;
17 CFR 210.2-06; 31 CFR 1010.430; 45 CFR 164.316(b)(2).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from vault.classes import DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.objects import LockMode

_ACCOUNTING: Final = "会计档案管理办法 art. 14"
_HGB: Final = "HGB § 257, AO § 147"
_GENERAL, _SENSITIVE, _IMPORTANT = Sensitivity.GENERAL, Sensitivity.SENSITIVE, Sensitivity.IMPORTANT


def _class(
    code: str,
    title_zh: str,
    title_en: str,
    nature: Nature,
    sensitivity: Sensitivity,
    trigger: Trigger,
    years: int | None,
    mandate: str = "",
    **more: Any,
) -> RecordClass:
    values: dict[str, Any] = {"lock_mode": LockMode.GOVERNANCE, **more}
    if years is None:
        values["action"] = DisposalAction.KEEP
    return RecordClass(
        code=code,
        title_zh=title_zh,
        title_en=title_en,
        nature=nature,
        sensitivity=sensitivity,
        trigger=trigger,
        period_years=years,
        mandate=mandate,
        **values,
    ).checked()


def _accounts(code: str, title_zh: str, title_en: str, years: int | None) -> RecordClass:
    """An accounting file: two supervisors (art. 18), and what is not settled stays (art. 19)."""
    return _class(
        code,
        title_zh,
        title_en,
        Nature.TRANSACTION,
        _GENERAL,
        Trigger.FISCAL_YEAR_END,
        years,
        _ACCOUNTING,
        lock_mode=LockMode.COMPLIANCE if years is not None else LockMode.GOVERNANCE,
        supervised=years is not None,
        unsettled_keeps=years is not None,
        lead_days=90,
    )


_CN: Final = (
    _class("identity", "身份证明", "Identity papers", Nature.PERSONAL, _SENSITIVE, Trigger.RELATION_ENDED, 5),
    _class("contract", "合同", "Contracts", Nature.CONTRACT, _GENERAL, Trigger.CONTRACT_ENDED, 10),
    _class(
        "transaction",
        "电子商务交易记录",
        "E-commerce transactions",
        Nature.TRANSACTION,
        _GENERAL,
        Trigger.LAST_TRANSACTION,
        3,
        "电子商务法 art. 31",
    ),
    _accounts("voucher", "会计凭证", "Accounting vouchers", 30),
    _accounts("ledger", "会计账簿", "Accounting ledgers", 30),
    _accounts("interim-report", "月度、季度、半年度财务报告", "Interim financial reports", 10),
    _accounts("annual-report", "年度财务报告", "Annual financial reports", None),
    _accounts("bank-statement", "银行对账单、纳税申报表", "Bank statements and tax returns", 10),
    _class(
        "due-diligence",
        "客户尽职调查资料",
        "Customer due diligence",
        Nature.PERSONAL,
        _IMPORTANT,
        Trigger.RELATION_ENDED,
        10,
        "反洗钱法 art. 34",
    ),
    _class(
        "aml-transaction",
        "客户交易信息（反洗钱）",
        "Transactions under anti-money-laundering law",
        Nature.TRANSACTION,
        _IMPORTANT,
        Trigger.LAST_TRANSACTION,
        10,
        "反洗钱法 art. 34",
    ),
    _class(
        "impact-assessment",
        "个人信息保护影响评估报告",
        "Personal information impact assessments",
        Nature.HOUSE,
        _GENERAL,
        Trigger.CREATED,
        3,
        "个人信息保护法 art. 56",
    ),
    _class("deal", "并购与资产转让档案", "Deals and transfers of assets", Nature.CONTRACT, _IMPORTANT,
           Trigger.DEAL_CLOSED, 10, action=DisposalAction.REVIEW),
    _class("correspondence", "往来函件", "Correspondence", Nature.COMMUNICATION, _GENERAL, Trigger.CREATED, 3),
    _class("appraisal", "档案鉴定意见书", "Appraisal opinions", Nature.HOUSE, _GENERAL, Trigger.CREATED, None,
           "会计档案管理办法 art. 16"),
    _class("house", "内部档案", "House files", Nature.HOUSE, _GENERAL, Trigger.CREATED, None),
)  # fmt: skip

_EU_US: Final = (
    _class("eu-applicant", "求职者资料（欧盟）", "Applicants (EU)", Nature.PERSONAL, _SENSITIVE, Trigger.RELATION_ENDED,
           0, "GDPR art. 5(1)(e)", period_months=6, objection_days=14, notify=True),
    _class("eu-consent", "同意记录（欧盟）", "Proofs of consent (EU)", Nature.PERSONAL, _GENERAL,
           Trigger.RELATION_ENDED, 3, "GDPR art. 7(1)"),
    _class("eu-subject-request", "数据主体请求（欧盟）", "Requests of data subjects (EU)", Nature.PERSONAL, _SENSITIVE,
           Trigger.CREATED, 3, "GDPR art. 5(2)"),
    _class("eu-due-diligence", "客户尽职调查资料（欧盟）", "Customer due diligence (EU)", Nature.PERSONAL, _IMPORTANT,
           Trigger.RELATION_ENDED, 5, "Directive (EU) 2015/849 art. 40"),
    _class("de-accounts", "账簿与年度决算（德国）", "Books and annual accounts (Germany)", Nature.TRANSACTION, _GENERAL,
           Trigger.FISCAL_YEAR_END, 10, _HGB, lock_mode=LockMode.COMPLIANCE),
    _class("de-voucher", "会计凭证（德国）", "Vouchers (Germany)", Nature.TRANSACTION, _GENERAL,
           Trigger.FISCAL_YEAR_END, 8, _HGB, lock_mode=LockMode.COMPLIANCE),
    _class("de-letter", "商业函件（德国）", "Business letters (Germany)", Nature.COMMUNICATION, _GENERAL,
           Trigger.FISCAL_YEAR_END, 6, _HGB, lock_mode=LockMode.COMPLIANCE),
    _class("us-personnel", "人事档案（美国）", "Personnel records (US)", Nature.PERSONAL, _SENSITIVE,
           Trigger.RELATION_ENDED, 1, "29 CFR 1602.14"),
    _class("us-payroll-tax", "雇佣税记录（美国）", "Employment tax records (US)", Nature.TRANSACTION, _GENERAL,
           Trigger.FISCAL_YEAR_END, 4, "26 CFR 31.6001-1(e)(2)"),
    _class("us-broker", "经纪商业务函件（美国）", "Broker-dealer communications (US)", Nature.COMMUNICATION, _IMPORTANT,
           Trigger.CREATED, 3, "17 CFR 240.17a-4(b)(4)", lock_mode=LockMode.COMPLIANCE),
    _class("us-audit", "审计底稿（美国）", "Audit workpapers (US)", Nature.TRANSACTION, _IMPORTANT,
           Trigger.DEAL_CLOSED, 7, "17 CFR 210.2-06", lock_mode=LockMode.COMPLIANCE),
    _class("us-bank-secrecy", "银行保密法记录（美国）", "Bank Secrecy Act records (US)", Nature.TRANSACTION, _IMPORTANT,
           Trigger.LAST_TRANSACTION, 5, "31 CFR 1010.430(d)"),
    _class("us-health-policy", "健康信息制度文件（美国）", "Health information policies (US)", Nature.HOUSE, _GENERAL,
           Trigger.RELATION_ENDED, 6, "45 CFR 164.316(b)(2)(i)"),
)  # fmt: skip

SHIPPED: Final[Mapping[str, tuple[RecordClass, ...]]] = MappingProxyType({"cn": _CN, "eu-us": _EU_US})
"""The sets that ship, by name. ``cn`` is in force in a new vault; the others are adopted."""

FIRST_SET: Final = "cn"
