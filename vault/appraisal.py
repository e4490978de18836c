"""Appraisal (鉴定): what whoever reviewed a disposal list thinks of each of its records, as a document.

    destroy · keep longer · keep for ever · another class · hand over · leave alone, each with its reason

Rule 1: the opinion (档案鉴定意见书) is a record of its own, kept for ever; the proposer's signature names it
(会计档案管理办法, art. 16).
Rule 2: it names records by number, class and dates, never by title: it outlives those that are destroyed.
Rule 3: the same review gives the same bytes; so it is kept once, however often a signature is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from vault.classes import FOR_EVER, RecordClass
from vault.disposal import Decision

OPINION_CLASS: Final = "appraisal"
_WORDS: Final[Mapping[Decision, tuple[str, str]]] = MappingProxyType(
    {
        Decision.DESTROY: ("销毁", "destroy"),
        Decision.EXTEND: ("延长保管", "keep longer"),
        Decision.RECLASSIFY: ("改归类别", "file under another class"),
        Decision.TRANSFER: ("移交", "hand over"),
        Decision.KEEP: ("暂不处置", "leave alone"),
        Decision.OBJECTED: ("有异议", "objected to"),
    }
)
_FOR_EVER: Final = ("永久保管", "keep for ever")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What was thought of one record. ``until`` is ``FOR_EVER`` for one that is kept permanently."""

    number: str
    due_on: date | None
    decision: Decision
    until: date | None
    target: str | None
    reason: str

    @property
    def words(self) -> tuple[str, str]:
        """The decision, in Chinese and in English."""
        kept = self.decision is Decision.EXTEND and self.until == FOR_EVER
        return _FOR_EVER if kept else _WORDS[self.decision]


def opinion_title(list_number: str) -> str:
    """What the record is called."""
    return f"档案鉴定意见书 {list_number} / Appraisal opinion {list_number}"


def opinion_text(
    *, list_number: str, rule: RecordClass, rule_version: int, appraiser: str, opinions: Sequence[Opinion]
) -> str:
    """The document, in both languages."""
    return "\n".join(_lines(list_number, rule, rule_version, appraiser, opinions)) + "\n"


def _lines(
    list_number: str, rule: RecordClass, rule_version: int, appraiser: str, opinions: Sequence[Opinion]
) -> Iterator[str]:
    yield "档案鉴定意见书"
    yield "Appraisal opinion"
    yield ""
    yield f"处置清单 / Disposal list: {list_number}"
    yield f"类别 / Class: {rule.title_zh} / {rule.title_en} ({rule.code})"
    yield f"规则 / Rule: 第 {rule_version} 版 / version {rule_version}"
    if rule.mandate:
        yield f"依据 / Law: {rule.mandate}"
    yield f"鉴定人 / Appraised by: {appraiser}"
    yield f"件数 / Records: {len(opinions)}"
    counted: dict[tuple[str, str], int] = {}
    for each in opinions:
        counted[each.words] = counted.get(each.words, 0) + 1
    for (zh, en), count in sorted(counted.items(), key=lambda item: item[0][1]):
        yield f"  {zh} / {en}: {count}"
    yield ""
    for each in opinions:
        zh, en = each.words
        due = each.due_on.isoformat() if each.due_on is not None else "-"
        yield f"{each.number}  到期 / due {due}  {zh} / {en}"
        if each.target is not None:
            yield f"    类别 / class: {each.target}"
        if each.until is not None and each.until != FOR_EVER:
            yield f"    至 / until: {each.until.isoformat()}"
        for line in each.reason.splitlines():
            yield f"    {line}"
