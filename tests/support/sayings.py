"""What offices say of their records, in Chinese (seven of ten) and in English; the same for the same seed."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final

from vault.records import Description

SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任卢姚沈钟"
)
GIVEN: Final = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文华建国志玉红海波鹏飞辉斌宇浩然子轩梓涵雨欣嘉怡思远晨曦俊凯"
)
CITIES: Final = tuple(
    "北京上海广州深圳成都杭州武汉西安南京重庆苏州天津长沙郑州青岛宁波厦门合肥福州济南"[at : at + 2]
    for at in range(0, 40, 2)
)
TRADES: Final = tuple(
    "科技贸易物流餐饮建筑医药电子信息文化教育能源机械服饰食品环保"[at : at + 2] for at in range(0, 30, 2)
)
KINDS: Final = (
    *(
        "房屋租赁合同",
        "劳动合同",
        "采购合同",
        "销售发票",
        "增值税专用发票",
        "银行开户资料",
        "身份证复印件",
        "授权委托书",
    ),
    *("客户信息登记表", "保密协议", "验收报告", "会议纪要", "付款凭证", "报价单", "服务协议", "年度审计报告"),
    *("离职证明", "贷款申请书", "保险单", "产权证明"),
)
ENGLISH_KINDS: Final = (
    *("Lease agreement", "Purchase contract", "Invoice", "Bank statement", "Power of attorney", "Employment contract"),
    *("Confidentiality agreement", "Acceptance report", "Minutes of meeting", "Payment voucher", "Quotation"),
    *("Service agreement", "Annual audit report", "Loan application", "Insurance policy"),
)
ENGLISH_NAMES: Final = (
    *("North", "Hill", "River", "Stone", "Bright", "Cedar", "Harbour", "Summit", "Orchard", "Meadow", "Forest", "Lake"),
    *("Valley", "Bridge", "Castle"),
)


def said_of(random: Random, year: int) -> tuple[Description, str, str]:
    """A description, a file's name, and the name of somebody in it (empty in English)."""
    dated_on = date(year, 1, 1) + timedelta(days=random.randrange(365))
    if random.random() < 0.7:
        name = random.choice(SURNAMES) + random.choice(GIVEN) + random.choice(GIVEN)
        kind = random.choice(KINDS)
        note = "原件已核对，押金两千元" if random.random() < 0.2 else ""
        title, place = f"{name} {kind}（{year}年第{random.randrange(400)}号）", f"{random.choice(CITIES)}档案室"
        said = Description(title=title, dated_on=dated_on, place=place, note=note)
        return said, f"{kind}_{name}_{random.randrange(10**6)}.pdf", name
    kind = random.choice(ENGLISH_KINDS)
    note = "original checked" if random.random() < 0.2 else ""
    title = f"{kind} {random.choice(ENGLISH_NAMES)} {year} no {random.randrange(400)}"
    place = f"Archive room {random.randrange(30)}"
    return (
        Description(title=title, dated_on=dated_on, place=place, note=note),
        f"scan_{random.randrange(10**6)}.pdf",
        "",
    )


def company_of(random: Random) -> str:
    """A company's name."""
    if random.random() < 0.7:
        return random.choice(CITIES) + random.choice(GIVEN) + random.choice(GIVEN) + random.choice(TRADES) + "有限公司"
    return f"{random.choice(ENGLISH_NAMES)} {random.choice(ENGLISH_NAMES)} Ltd"
