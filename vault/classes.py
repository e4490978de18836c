"""Record classes: nature, sensitivity, how long a class is kept under which law, and what happens then.

A ``RecordClass`` is one rule. Which rules are in force the catalogue says (``vault/schedule.py``); those that ship are
data in ``vault/statutes.py``.

Rule 1: a period runs from a trigger that a person names when filing; without a known trigger nothing ever becomes due.
Rule 2: a permanent class has no period and the action ``keep``; every other has a period, which may be zero.
Rule 3: a class whose statute wants two supervisors is never destroyed without a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput
from vault.objects import LockMode

CODE_SHAPE: Final = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
TEXT_MAX_CHARACTERS: Final = 200
PERIOD_YEARS_MAX: Final = 9999
SIGNING_MAX: Final = 8
ONE_APPROVER: Final = ("approver",)
DAYS_MAX: Final = 3650
FOR_EVER: Final = date.max
"""No day after it can be written: what is due then is kept for ever."""


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
    DEAL_CLOSED = "deal-closed"
    RELATION_ENDED = "relation-ended"


class DisposalAction(StrEnum):
    """What is proposed for a record once its period is over."""

    DESTROY = "destroy"
    REVIEW = "review"
    TRANSFER = "transfer"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordClass:
    """One class. ``period_years`` None is permanent; ``mandate`` cites the law, or is empty where none sets a floor.

    ``automatic``: destroyed when due without a person; the two who approved the rule stand in. ``supervised``: a
    statute wants two supervisors. ``lead_days``: how long before the due date it is announced. ``objection_days``: how
    long those concerned may object, 0 for no window. ``notify``: they are told. ``unsettled_keeps``: a record with
    debts or claims that are not settled stays (会计档案管理办法, art. 19). ``signing``: the titles of those who approve
    a disposal list, in their order; each is another person.
    """

    code: str
    title_zh: str
    title_en: str
    nature: Nature
    sensitivity: Sensitivity
    trigger: Trigger
    period_years: int | None
    lock_mode: LockMode
    mandate: str
    period_months: int = 0
    action: DisposalAction = DisposalAction.DESTROY
    automatic: bool = False
    supervised: bool = False
    lead_days: int = 30
    objection_days: int = 0
    notify: bool = False
    unsettled_keeps: bool = False
    signing: tuple[str, ...] = ONE_APPROVER

    @property
    def is_permanent(self) -> bool:
        """Whether no period ever ends."""
        return self.period_years is None

    def checked(self) -> RecordClass:
        """The class, if it may be a rule at all (rules 2 and 3). Raises ``InvalidInput`` naming the field."""
        if CODE_SHAPE.fullmatch(self.code) is None:
            _refuse("a code has 2 to 40 characters a-z, 0-9 and hyphens, and begins with a letter", "code")
        for field, text in (("title_zh", self.title_zh), ("title_en", self.title_en), ("mandate", self.mandate)):
            if len(text) > TEXT_MAX_CHARACTERS or not text.isprintable():
                _refuse(f"{field} has more than {TEXT_MAX_CHARACTERS} characters, or one that is not printed", field)
        if not self.title_zh.strip() or not self.title_en.strip():
            _refuse("a class needs a title in Chinese and one in English", "title_zh")
        if self.is_permanent != (self.action is DisposalAction.KEEP):
            _refuse("a class without a period is kept for ever, and no other is; give a period, or 'keep'", "action")
        if not 0 <= (self.period_years or 0) <= PERIOD_YEARS_MAX or not 0 <= self.period_months <= 11:
            _refuse(f"a period has 0 to {PERIOD_YEARS_MAX} years and 0 to 11 months", "period_years")
        if self.is_permanent and self.period_months:
            _refuse("a class that is kept for ever has no months", "period_months")
        for field, days in (("lead_days", self.lead_days), ("objection_days", self.objection_days)):
            if not 0 <= days <= DAYS_MAX:
                _refuse(f"{field} are 0 to {DAYS_MAX}", field)
        if not 1 <= len(self.signing) <= SIGNING_MAX:
            _refuse(f"1 to {SIGNING_MAX} people approve a list; name the title of each", "signing")
        for title in self.signing:
            if not title.strip() or len(title) > TEXT_MAX_CHARACTERS or not title.isprintable():
                _refuse("the title of somebody who approves is empty, too long, or has what is not printed", "signing")
        if self.automatic and len(self.signing) > 1:
            _refuse("what needs more than one approver is never destroyed without a person", "automatic")
        if self.automatic and self.supervised:
            _refuse("a class that needs two supervisors is never destroyed without a person", "automatic")
        if self.automatic and self.action is not DisposalAction.DESTROY:
            _refuse("only destruction goes without a person; choose the action 'destroy'", "automatic")
        if self.lock_mode is LockMode.COMPLIANCE and not self.mandate:
            _refuse("COMPLIANCE, which nobody can shorten, is for periods that a law sets; cite it", "lock_mode")
        return self

    def due_on(self, trigger_on: date) -> date | None:
        """The first day on which the period is over, or None for a permanent class.

        A fiscal year's period runs from the first day after the year (会计档案管理办法, art. 14). A day that the due
        month does not have becomes the first of the next one: what began on 29 February ends on 1 March. What would
        lie beyond the year 9999 is ``FOR_EVER``.
        """
        if self.period_years is None:
            return None
        start = trigger_on
        if self.trigger is Trigger.FISCAL_YEAR_END:
            if trigger_on.year == date.max.year:
                return FOR_EVER
            start = date(trigger_on.year + 1, 1, 1)
        years, month = divmod(start.month - 1 + self.period_months, 12)
        year = start.year + self.period_years + years
        if year > date.max.year:
            return FOR_EVER
        try:
            return start.replace(year=year, month=month + 1)
        except ValueError:
            # No December lacks a day, so the next month is in the same year.
            return date(year, month + 2, 1)


def _refuse(message: str, field: str) -> None:
    raise InvalidInput(message, field=field)
