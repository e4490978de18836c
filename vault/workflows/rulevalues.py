"""Versions of rules as JSON values, for the register. The reason of one stays sealed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vault.classes import ONE_APPROVER, DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.ids import PersonId
from vault.objects import LockMode
from vault.schedule import RuleState, RuleVersion


def rule_values(rule: RuleVersion) -> dict[str, Any]:
    """A version with everything that the catalogue keeps of it."""
    said = rule.rule
    return {
        "code": rule.code,
        "version": rule.version,
        "title_zh": said.title_zh,
        "title_en": said.title_en,
        "nature": said.nature.value,
        "sensitivity": said.sensitivity.value,
        "trigger": said.trigger.value,
        "years": said.period_years,
        "months": said.period_months,
        "lock_mode": said.lock_mode.value,
        "mandate": said.mandate,
        "action": said.action.value,
        "automatic": said.automatic,
        "supervised": said.supervised,
        "lead_days": said.lead_days,
        "objection_days": said.objection_days,
        "notify": said.notify,
        "unsettled_keeps": said.unsettled_keeps,
        "signing": list(said.signing),
        "state": rule.state.value,
        "shipped": rule.shipped,
        "reason": base64.b64encode(rule.sealed_reason).decode("ascii"),
        "proposed_by": rule.proposed_by,
        "proposed_at": rule.proposed_at.isoformat(),
        "decided_by": rule.decided_by,
        "decided_at": rule.decided_at.isoformat() if rule.decided_at else None,
        "change": rule.change,
    }


def rule_from(values: Mapping[str, Any]) -> RuleVersion:
    """What ``rule_values`` wrote. Raises ``KeyError``, ``TypeError``, ``ValueError`` for anything else."""
    return RuleVersion(
        code=values["code"],
        version=values["version"],
        rule=RecordClass(
            code=values["code"],
            title_zh=values["title_zh"],
            title_en=values["title_en"],
            nature=Nature(values["nature"]),
            sensitivity=Sensitivity(values["sensitivity"]),
            trigger=Trigger(values["trigger"]),
            period_years=values["years"],
            period_months=values["months"],
            lock_mode=LockMode(values["lock_mode"]),
            mandate=values["mandate"],
            action=DisposalAction(values["action"]),
            automatic=values["automatic"],
            supervised=values["supervised"],
            lead_days=values["lead_days"],
            objection_days=values["objection_days"],
            notify=values["notify"],
            unsettled_keeps=values["unsettled_keeps"],
            signing=tuple(values.get("signing", ONE_APPROVER)),
        ),
        state=RuleState(values["state"]),
        shipped=values["shipped"],
        sealed_reason=base64.b64decode(values["reason"]),
        proposed_by=PersonId(values["proposed_by"]),
        proposed_at=datetime.fromisoformat(values["proposed_at"]),
        decided_by=PersonId(values["decided_by"]) if values["decided_by"] else None,
        decided_at=datetime.fromisoformat(values["decided_at"]) if values["decided_at"] else None,
        change=values["change"],
    )
