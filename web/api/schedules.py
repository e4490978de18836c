"""The schedule for programs: what governs each class, what a rule would change, proposals and who decides on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from vault.classes import DisposalAction, RecordClass
from vault.errors import Conflict, InvalidInput, NotFound
from vault.objects import LockMode
from vault.schedule import RuleState, RuleVersion
from vault.workflows import schedules
from vault.workflows.rulepreview import Moved, RulePreview
from web.api.paging import JSON, day, key_of, limit_of, moment
from web.forms import text_of
from web.ruleforms import CHOICES, TICKS
from web.site import Visit

_TEXTS: Final = ("title_zh", "title_en", "mandate")
_COUNTS: Final = ("period_years", "period_months", "lead_days", "objection_days")
_NEEDED: Final = ("title_zh", "title_en", "nature", "sensitivity", "trigger", "action")
"""What a class of its own has to say; another version of a rule keeps what is left out."""


async def list_rules(visit: Visit) -> Response:
    """What governs, and what is proposed."""
    found = await visit.site.call(schedules.list_rules, visit.vault, visit.actor)
    return JSONResponse({"rules": [rule_json(each) for each in found]})


async def show_class(visit: Visit) -> Response:
    """Every version of a class's rule."""
    views = await visit.site.call(schedules.show_class, visit.vault, visit.actor, visit.parameter("class"))
    return JSONResponse({"versions": [{**rule_json(each.rule), "reason": each.reason} for each in views]})


async def show_effects(visit: Visit) -> Response:
    """What a rule would change."""

    def seen() -> RulePreview:
        return schedules.preview(visit.vault, visit.actor, _rule_said(visit))

    return JSONResponse(_effects_json(await visit.site.call(seen)))


async def propose_rule(visit: Visit) -> Response:
    """Proposes a rule."""

    def propose() -> RuleVersion:
        return schedules.propose(visit.vault, visit.actor, _rule_said(visit), text_of(visit.json, "reason"))

    return JSONResponse(rule_json(await visit.site.call(propose)), 201)


async def adopt_rules(visit: Visit) -> Response:
    """Proposes the classes of a set that ships."""
    name, reason = text_of(visit.json, "set"), text_of(visit.json, "reason")
    found = await visit.site.call(schedules.adopt, visit.vault, visit.actor, name, reason)
    return JSONResponse({"rules": [rule_json(each) for each in found]}, 201)


async def show_proposal(visit: Visit) -> Response:
    """A proposal with its effects."""

    def seen() -> JSON:
        effects = schedules.preview_proposal(visit.vault, visit.actor, visit.parameter("class"))
        return {"proposal": rule_json(_proposal(visit)), "effects": _effects_json(effects)}

    return JSONResponse(await visit.site.call(seen))


async def list_affected(visit: Visit) -> Response:
    """A page of records that a proposal would move."""
    after, limit = key_of(visit, "after"), limit_of(visit)

    def seen() -> JSON:
        found = schedules.affected(visit.vault, visit.actor, _proposal(visit).rule, after=after, limit=limit)
        return {"records": [_moved_json(each) for each in found.moved], "next": found.following or None}

    return JSONResponse(await visit.site.call(seen))


async def approve_rule(visit: Visit) -> Response:
    """Puts a proposal in force."""

    def approve() -> RuleVersion:
        if _proposal(visit).version != visit.json["version"]:
            raise Conflict("this proposal has been decided on already; look at the class again")
        return schedules.approve(visit.vault, visit.actor, visit.parameter("class"))

    return JSONResponse(rule_json(await visit.site.call(approve)))


async def withdraw_rule(visit: Visit) -> Response:
    """Takes a proposal back."""
    code = visit.parameter("class")
    return JSONResponse(rule_json(await visit.site.call(schedules.withdraw, visit.vault, visit.actor, code)))


async def retire_class(visit: Visit) -> Response:
    """Retires a class."""
    code = visit.parameter("class")
    return JSONResponse(rule_json(await visit.site.call(schedules.retire, visit.vault, visit.actor, code)))


def rule_json(version: RuleVersion) -> JSON:
    """A version of a rule."""
    return {
        **_class_json(version.rule),
        "version": version.version,
        "state": version.state.value,
        "shipped": version.shipped,
        "proposed_by": version.proposed_by,
        "proposed_at": moment(version.proposed_at),
        "decided_by": version.decided_by,
        "decided_at": moment(version.decided_at),
    }


def _class_json(rule: RecordClass) -> JSON:
    chosen = {name: getattr(rule, name).value for name in CHOICES}
    said = {name: getattr(rule, name) for name in (*_TEXTS, *_COUNTS, *TICKS)}
    return {"code": rule.code, **said, **chosen, "signing": list(rule.signing)}


def _effects_json(seen: RulePreview) -> JSON:
    return {
        "rule": _class_json(seen.rule),
        "before": None if seen.before is None else _class_json(seen.before),
        "received": seen.received,
        "filed": seen.filed,
        "earlier": seen.earlier,
        "later": seen.later,
        "unchanged": seen.unchanged,
        "sample": [_moved_json(each) for each in seen.sample],
    }


def _moved_json(moved: Moved) -> JSON:
    return {
        "record_id": moved.record_id,
        "number": moved.number,
        "trigger_on": day(moved.trigger_on),
        "due_on": day(moved.due_on),
        "new_due_on": day(moved.new_due_on),
    }


def _proposal(visit: Visit) -> RuleVersion:
    """The proposal of the class in the path. Raises ``NotFound``."""
    code = visit.parameter("class")
    for each in schedules.list_rules(visit.vault, visit.actor):
        if each.code == code and each.state is RuleState.PROPOSED:
            return each
    raise NotFound("nothing is proposed for this class; look it up in the schedule")


def _rule_said(visit: Visit) -> RecordClass:
    """What governs the class, with what was said in its place; all of it for a class of its own."""
    body: dict[str, Any] = {name: value for name, value in visit.json.items() if value is not None}
    code = text_of(body, "class").strip()
    said: dict[str, Any] = {name: body[name].strip() for name in _TEXTS if name in body}
    said |= {name: kind(body[name]) for name, kind in CHOICES.items() if name in body}
    said |= {name: body[name] for name in (*_COUNTS, *TICKS) if name in body}
    if "signing" in body:
        said["signing"] = tuple(each.strip() for each in body["signing"])
    if said.get("action") is DisposalAction.KEEP:
        said |= {"period_years": None, "period_months": 0}
    governing = next((each for each in schedules.governing_rules(visit.vault, visit.actor) if each.code == code), None)
    if governing is not None:
        return replace(governing.rule, **said).checked()
    needed = _NEEDED if said.get("action") is DisposalAction.KEEP else (*_NEEDED, "period_years")
    for name in needed:
        if name not in said:
            raise InvalidInput(f"{name} is missing; give it", field=name)
    return RecordClass(**{"lock_mode": LockMode.GOVERNANCE, "mandate": "", **said, "code": code}).checked()
