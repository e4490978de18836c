"""Why a record cannot be destroyed, in the visitor's language.

Rule 1: ``VERDICTS`` says every code of a verdict's reasons (``vault.disposition``); values take their places in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from vault.disposition import Reason, Verdict
from web.i18n import Language, later

VERDICTS: Final[Mapping[str, str]] = {
    "dead": later("It has been destroyed already."),
    "held": later("Matter {matter} holds it until two people have released the hold."),
    "restricted": later("It may only be stored ({mandate})."),
    "permanent": later("Its class is kept for ever{law}."),
    "not-filed": later("It is not filed yet: nobody has confirmed its class and the event from which its period runs."),
    "unknown-trigger": later("The event from which its period runs is not known; file it again with the date."),
    "kept-until": later("Its class keeps it until {date}{law}."),
    "kept-for-ever": later("It is kept for ever: a reviewer decided so, or its period ends after the year 9999."),
    "unsettled": later("Debts or claims that it proves are not settled ({mandate})."),
    "due": later("Its period was over on {date}."),
    "needs-approval": later("Nobody has approved what is to become of it."),
    "supervised": later("Two supervisors have to attend its destruction{law}."),
    "approved": later("Its destruction is approved."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reason as a sentence; ``matter`` is the number of a matter and ``code`` of a class that it is about, if any."""

    text: str
    matter: str = ""
    code: str = ""


def reasons_said(language: Language, verdict: Verdict) -> list[Said]:
    """Every reason of a verdict, with what it leads to, the one that decides first."""
    return [
        Said(text=_text(language, each), matter=each.values.get("matter", ""), code=each.values.get("class", ""))
        for each in verdict.reasons
    ]


def _text(language: Language, reason: Reason) -> str:
    values = dict(reason.values)
    mandate = values.get("mandate", "")
    values["law"] = f" ({mandate})" if mandate else ""
    if "date" in values:
        values["date"] = language.day(date.fromisoformat(values["date"]))
    return language.text(VERDICTS[reason.code]).format(**values)
