"""Rules of classes as forms: what a form says, as a ``RecordClass``, and back.

Rule 1: a form says every part of a rule that people decide on; what it does not know stays as it is.
Rule 2: what may be a rule at all the vault says (``RecordClass.checked``); here is only read what was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from enum import Enum, StrEnum
from typing import Any, Final, TypeVar

from vault.classes import (
    DAYS_MAX,
    ONE_APPROVER,
    PERIOD_YEARS_MAX,
    DisposalAction,
    Nature,
    RecordClass,
    Sensitivity,
    Trigger,
)
from vault.errors import InvalidInput
from vault.objects import LockMode
from web.forms import text_of, whole_number_of
from web.i18n import Language, later

YES, NO = later("yes"), later("no")
Choice = TypeVar("Choice", bound=StrEnum)

CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "nature": Nature,
    "sensitivity": Sensitivity,
    "trigger": Trigger,
    "action": DisposalAction,
    "lock_mode": LockMode,
}
TICKS: Final = ("automatic", "supervised", "notify", "unsettled_keeps")

PARTS: Final[Mapping[str, str]] = {
    "title_zh": later("Title in Chinese"),
    "title_en": later("Title in English"),
    "nature": later("Kind of information"),
    "sensitivity": later("Sensitivity"),
    "trigger": later("The period runs from"),
    "period_years": later("Years"),
    "period_months": later("Months"),
    "mandate": later("Law"),
    "lock_mode": later("Lock in the store"),
    "action": later("Once the period is over"),
    "automatic": later("Destroyed when due without a person"),
    "supervised": later("Two supervisors attend the destruction"),
    "lead_days": later("Announced before the due date (days)"),
    "objection_days": later("Window for objections (days)"),
    "notify": later("Those concerned are told"),
    "unsettled_keeps": later("What proves unsettled debts or claims stays"),
    "signing": later("Who approves a disposal list, in this order"),
}
"""What the parts of a rule are called."""


def rule_of(form: Mapping[str, str], governing: RecordClass | None) -> RecordClass:
    """The rule that a form says. Raises ``InvalidInput`` naming the field."""
    said: dict[str, Any] = {
        "title_zh": text_of(form, "title_zh").strip(),
        "title_en": text_of(form, "title_en").strip(),
        "mandate": text_of(form, "mandate").strip(),
        "nature": _chosen(form, "nature", Nature),
        "sensitivity": _chosen(form, "sensitivity", Sensitivity),
        "trigger": _chosen(form, "trigger", Trigger),
        "action": _chosen(form, "action", DisposalAction),
        "lock_mode": _chosen(form, "lock_mode", LockMode),
        "period_years": None,
        "period_months": 0,
        "lead_days": whole_number_of(form, "lead_days", default=0, low=0, high=DAYS_MAX),
        "objection_days": whole_number_of(form, "objection_days", default=0, low=0, high=DAYS_MAX),
        "signing": tuple(line.strip() for line in text_of(form, "signing").splitlines() if line.strip()),
        **{name: form.get(name) == "yes" for name in TICKS},
    }
    if said["action"] is not DisposalAction.KEEP:
        said["period_years"] = whole_number_of(form, "period_years", default=0, low=0, high=PERIOD_YEARS_MAX)
        said["period_months"] = whole_number_of(form, "period_months", default=0, low=0, high=11)
    rule = replace(governing, **said) if governing is not None else RecordClass(code=_code(form), **said)
    return rule.checked()


def values_of(rule: RecordClass) -> dict[str, str]:
    """A rule as the values of a form's fields."""
    return {name: _text(value) for name, value in asdict(rule).items()}


def changed_parts(before: RecordClass | None, after: RecordClass) -> list[str]:
    """The parts of a rule that differ; all of them where there was none."""
    names = [each.name for each in fields(after) if each.name in PARTS]
    return names if before is None else [name for name in names if getattr(before, name) != getattr(after, name)]


def part_text(language: Language, rule: RecordClass, name: str, word: Mapping[str, str]) -> str:
    """One part of a rule as people read it; ``word`` says what codes are called."""
    value = getattr(rule, name)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return language.text(YES if value else NO)
    if isinstance(value, tuple):
        return " → ".join(language.text(word[f"part-{each}"]) if (each,) == ONE_APPROVER else each for each in value)
    if isinstance(value, Enum):
        return language.text(word.get(word_of(name, value.value), value.value))
    return language.number(value) if isinstance(value, int) else str(value) or "–"


def word_of(part: str, code: str) -> str:
    """Under which code a choice of a form has its word."""
    return code if part in ("sensitivity", "trigger") else f"{part.replace('_', '-')}-{code.lower()}"


def _code(form: Mapping[str, str]) -> str:
    return text_of(form, "code").strip()


def _chosen(form: Mapping[str, str], name: str, kind: type[Choice]) -> Choice:
    try:
        return kind(text_of(form, name))
    except ValueError:
        raise InvalidInput("choose one of those that are offered", field=name) from None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, tuple):
        return "\n".join(value)
    return value.value if isinstance(value, StrEnum) else str(value)
