"""The schedule, described."""

from __future__ import annotations

from typing import Final

from vault.classes import DAYS_MAX, PERIOD_YEARS_MAX
from vault.schedule import RuleState
from vault.statutes import SHIPPED
from web.api.operations import AFTER, LIMIT, Operation
from web.api.shapes import (
    MAYBE_DATE,
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    choice,
    many,
    maybe,
    page,
    ref,
    shape,
    text,
    whole,
)
from web.ruleforms import CHOICES, TICKS

_PARTS: Final[dict[str, Schema]] = {
    "title_zh": TEXT,
    "title_en": TEXT,
    **{name: choice(kind) for name, kind in CHOICES.items()},
    "period_years": whole(0, PERIOD_YEARS_MAX),
    "period_months": whole(0, 11),
    "mandate": TEXT,
    "lead_days": whole(0, DAYS_MAX),
    "objection_days": whole(0, DAYS_MAX),
    **dict.fromkeys(TICKS, YES_NO),
    "signing": many(TEXT),
}
_CLASS: Final[dict[str, Schema]] = {"code": TEXT, **_PARTS, "period_years": maybe(whole(0, PERIOD_YEARS_MAX))}
_RULE: Final[dict[str, Schema]] = {
    **_CLASS,
    "version": WHOLE,
    "state": choice(RuleState),
    "shipped": YES_NO,
    "proposed_by": TEXT,
    "proposed_at": MOMENT,
    "decided_by": MAYBE_TEXT,
    "decided_at": MAYBE_MOMENT,
}
_SAID: Final[dict[str, Schema]] = {"class": text(low=1, high=64), **_PARTS}
SCHEMAS: Final[dict[str, Schema]] = {
    "Rule": shape(_RULE),
    "Rules": shape({"rules": many(ref("Rule"))}),
    "RuleWithReason": shape({**_RULE, "reason": TEXT}),
    "RuleHistory": shape({"versions": many(ref("RuleWithReason"))}),
    "RuleParts": shape(_CLASS),
    "RuleSaid": asked(_SAID, "class"),
    "NewRule": asked({**_SAID, "reason": text(low=1, high=1000)}, "class", "reason"),
    "RuleSet": asked({"set": choice(sorted(SHIPPED)), "reason": text(low=1, high=1000)}, "set", "reason"),
    "RuleApproval": asked({"version": whole(1, 10**9)}, "version"),
    "MovedRecord": shape(
        {"record_id": TEXT, "number": TEXT, "trigger_on": MAYBE_DATE, "due_on": MAYBE_DATE, "new_due_on": MAYBE_DATE}
    ),
    "MovedPage": page("records", "MovedRecord"),
    "RuleEffects": shape(
        {
            "rule": ref("RuleParts"),
            "before": maybe(ref("RuleParts")),
            "received": WHOLE,
            "filed": WHOLE,
            "earlier": WHOLE,
            "later": WHOLE,
            "unchanged": WHOLE,
            "sample": many(ref("MovedRecord")),
        }
    ),
    "RuleProposal": shape({"proposal": ref("Rule"), "effects": ref("RuleEffects")}),
}
OPERATIONS: Final[dict[str, Operation]] = {
    "api-rules": Operation(
        tag="schedule", summary="What governs each class, and what is proposed", answers={200: ("Rules", "Rules")}
    ),
    "api-class-rules": Operation(
        tag="schedule",
        summary="Every version of a class's rule, newest first",
        answers={200: ("Versions", "RuleHistory")},
        problems=(404,),
    ),
    "api-rule-effects": Operation(
        tag="schedule",
        summary="What a rule would change; changes nothing. What is left out of a class that exists stays as it is",
        answers={200: ("Effects", "RuleEffects")},
        body="RuleSaid",
        problems=(404,),
    ),
    "api-propose-rule": Operation(
        tag="schedule",
        summary="Propose a rule; another person approves it",
        answers={201: ("Proposed", "Rule")},
        body="NewRule",
        problems=(404, 409),
        once=True,
    ),
    "api-adopt-rules": Operation(
        tag="schedule",
        summary="Propose the classes of a set that ships",
        answers={201: ("Proposed", "Rules")},
        body="RuleSet",
        problems=(404, 409),
        once=True,
    ),
    "api-proposal": Operation(
        tag="schedule",
        summary="A proposed rule, with what it would change",
        answers={200: ("Proposal", "RuleProposal")},
        problems=(404,),
    ),
    "api-affected": Operation(
        tag="schedule",
        summary="Records whose due date a proposed rule would change",
        answers={200: ("A page", "MovedPage")},
        query=(AFTER, LIMIT),
        problems=(404,),
    ),
    "api-approve-rule": Operation(
        tag="schedule",
        summary="Put a rule in force that somebody else proposed, in the version that you looked at",
        answers={200: ("In force", "Rule")},
        body="RuleApproval",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-withdraw-rule": Operation(
        tag="schedule", summary="Take a proposed rule back", answers={200: ("Withdrawn", "Rule")}, problems=(404,)
    ),
    "api-retire-class": Operation(
        tag="schedule",
        summary="Retire a class that no living record has",
        answers={200: ("Retired", "Rule")},
        problems=(404, 409),
        once=True,
    ),
}
