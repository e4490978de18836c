"""The schedule: what governs each class, its versions, and rules that one person proposes and another approves.

Rule 1: before a rule is proposed, and again before it is approved, the page shows how many records it touches and which
dates they get. Both forms carry a digest of exactly that; what has changed since is looked at again.
Rule 2: a form that is sent twice leads to the proposal, or the version, that it made.
"""

from __future__ import annotations

import hashlib

from starlette.responses import RedirectResponse, Response

from vault.classes import DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.errors import Conflict, InvalidInput, NotFound, Refused
from vault.objects import LockMode
from vault.permissions import Action
from vault.schedule import RuleState, RuleVersion
from vault.statutes import FIRST_SET, SHIPPED
from vault.workflows import schedules
from vault.workflows.rulepreview import RulePreview
from web.forms import PAGE_SIZE, text_of
from web.problems import PROBLEMS, describe
from web.rendering import WORDS
from web.ruleforms import CHOICES, PARTS, TICKS, changed_parts, part_text, rule_of, values_of, word_of
from web.site import Visit

_FRESH = RecordClass(
    code="",
    title_zh="",
    title_en="",
    nature=Nature.CONTRACT,
    sensitivity=Sensitivity.SENSITIVE,
    trigger=Trigger.CONTRACT_ENDED,
    period_years=5,
    lock_mode=LockMode.GOVERNANCE,
    mandate="",
    action=DisposalAction.REVIEW,
)
"""What the form of a class of its own begins with."""


async def show_schedule(visit: Visit) -> Response:
    """What governs each class, and what waits for a second person."""
    return await visit.site.call(_schedule_page, visit)


async def show_class(visit: Visit) -> Response:
    """Every version of a class's rule."""
    return await visit.site.call(_class_page, visit, visit.parameter("code"))


async def show_form(visit: Visit) -> Response:
    """The form that says another rule for a class, or a class of its own."""
    return await visit.site.call(_form_page, visit, visit.query("class"), None)


async def look_at_rule(visit: Visit) -> Response:
    """What a rule would change, with the form that proposes it. A POST, for it carries a reason; it changes nothing."""
    return await visit.site.call(_look, visit, text_of(visit.form, "class"), None)


async def propose_rule(visit: Visit) -> Response:
    """Proposes what was looked at, once."""
    return await visit.site.call(_propose, visit, text_of(visit.form, "class"))


async def adopt_rules(visit: Visit) -> Response:
    """Proposes the classes of a set that ships."""
    try:
        await visit.site.call(
            schedules.adopt, visit.vault, visit.actor, text_of(visit.form, "set"), text_of(visit.form, "reason")
        )
    except Refused as refusal:
        return await visit.site.call(_schedule_page, visit, refusal)
    return RedirectResponse(visit.path("schedule"), 303)


async def show_affected(visit: Visit) -> Response:
    """Every record whose due date a proposed rule would change."""
    return await visit.site.call(_affected_page, visit, visit.parameter("code"))


async def show_proposal(visit: Visit) -> Response:
    """What a proposed rule would change, for whoever decides on it."""
    return await visit.site.call(_proposal_page, visit, visit.parameter("code"))


async def approve_rule(visit: Visit) -> Response:
    """Puts a proposed rule in force, once."""
    return await visit.site.call(_approve, visit, visit.parameter("code"))


async def withdraw_rule(visit: Visit) -> Response:
    """Takes a proposed rule back."""
    return await visit.site.call(_withdraw, visit, visit.parameter("code"))


async def retire_class(visit: Visit) -> Response:
    """Retires a class that no living record has."""
    code = visit.parameter("code")
    try:
        if text_of(visit.form, "confirm").strip() != code:
            raise InvalidInput("this is not the class's code; type it as it stands above", field="confirm")
        await visit.site.call(schedules.retire, visit.vault, visit.actor, code)
    except Refused as refusal:
        return await visit.site.call(_class_page, visit, code, refusal)
    return RedirectResponse(visit.path("class-rules", code=code), 303)


def _schedule_page(visit: Visit, refusal: Refused | None = None) -> Response:
    found = schedules.list_rules(visit.vault, visit.actor)
    sets: dict[str, int] = {}
    if visit.may(Action.PROPOSE_RULE):
        counts = {name: len(schedules.adoptable(visit.vault, visit.actor, name)) for name in sorted(SHIPPED)}
        sets = {name: count for name, count in counts.items() if count and name != FIRST_SET}
    return visit.site.templates.page(
        visit,
        "schedule.html",
        status=_status(refusal),
        rules=[each for each in found if each.governs],
        proposals=[each for each in found if each.state is RuleState.PROPOSED],
        sets=sets,
        error=describe(visit, refusal) if refusal is not None else None,
    )


def _class_page(visit: Visit, code: str, refusal: Refused | None = None) -> Response:
    views = schedules.show_class(visit.vault, visit.actor, code)
    rules = [each.rule for each in views]
    following = [*rules[1:], None]
    return visit.site.templates.page(
        visit,
        "class.html",
        status=_status(refusal),
        code=code,
        views=views,
        shown=next((each for each in rules if each.governs), rules[0]),
        proposal=next((each for each in rules if each.state is RuleState.PROPOSED), None),
        changes=[
            _parts(visit, each.rule, before.rule if before is not None else None)
            for each, before in zip(rules, following, strict=True)
        ],
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _form_page(visit: Visit, code: str, refusal: Refused | None) -> Response:
    governing = _governing(visit, code)
    values = dict(visit.form) if refusal is not None else values_of(governing.rule if governing else _FRESH)
    return visit.site.templates.page(
        visit,
        "rule_form.html",
        status=_status(refusal),
        code=code,
        governing=governing,
        values=values,
        parts=PARTS,
        choices={name: [(each.value, word_of(name, each.value)) for each in kind] for name, kind in CHOICES.items()},
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _look(visit: Visit, code: str, refusal: Refused | None) -> Response:
    try:
        rule, seen = _previewed(visit, code)
        if not text_of(visit.form, "reason").strip():
            raise InvalidInput("a rule needs a reason; say why it is to change", field="reason")
    except Refused as wrong:
        return _form_page(visit, code, wrong)
    carried = {**values_of(rule), "reason": visit.form.get("reason", ""), "class": code, "code": rule.code}
    carried = {name: value for name, value in carried.items() if value or name not in TICKS}
    return visit.site.templates.page(
        visit,
        "rule_preview.html",
        status=_status(refusal),
        seen=seen,
        rule=rule,
        carried={**carried, "seen": _digest_of(seen)},
        changes=_parts(visit, rule, seen.before),
        error=describe(visit, refusal) if refusal is not None else None,
    )


def _propose(visit: Visit, code: str) -> Response:
    try:
        rule, seen = _previewed(visit, code)
    except Refused as wrong:
        return _form_page(visit, code, wrong)
    try:
        if visit.form.get("seen") != _digest_of(seen):
            raise Conflict("what the rule would change is not what was shown; look at it again")
        schedules.propose(visit.vault, visit.actor, rule, text_of(visit.form, "reason"))
    except Refused as refusal:
        waiting = _waiting(visit, rule.code)
        if waiting is None or waiting.rule != rule or waiting.proposed_by != visit.actor.person_id:
            return _look(visit, code, refusal)
        # Sent twice: the other one was first.
    return RedirectResponse(visit.path("proposal", code=rule.code), 303)


def _proposal_page(visit: Visit, code: str, refusal: Refused | None = None) -> Response:
    waiting = _waiting(visit, code)
    if waiting is None:
        if refusal is not None:
            raise refusal
        return RedirectResponse(visit.path("class-rules", code=code), 303)
    seen = schedules.preview_proposal(visit.vault, visit.actor, code)
    reasons = {each.rule.version: each.reason for each in schedules.show_class(visit.vault, visit.actor, code)}
    return visit.site.templates.page(
        visit,
        "proposal.html",
        status=_status(refusal),
        proposal=waiting,
        reason=reasons.get(waiting.version, ""),
        own=waiting.proposed_by == visit.actor.person_id,
        seen=seen,
        rule=waiting.rule,
        digest=_digest_of(seen),
        changes=_parts(visit, waiting.rule, seen.before),
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _affected_page(visit: Visit, code: str) -> Response:
    waiting = _waiting(visit, code)
    if waiting is None:
        return RedirectResponse(visit.path("class-rules", code=code), 303)
    after = visit.query("after")
    page = schedules.affected(visit.vault, visit.actor, waiting.rule, after=after, limit=PAGE_SIZE)
    return visit.site.templates.page(
        visit, "rule_affected.html", rule=waiting.rule, moved=page.moved, following=page.following, first_page=not after
    )


def _approve(visit: Visit, code: str) -> Response:
    waiting, version = _waiting(visit, code), text_of(visit.form, "version")
    if waiting is None or str(waiting.version) != version:
        return _decided(visit, code, version)
    try:
        if visit.form.get("seen") != _digest_of(schedules.preview_proposal(visit.vault, visit.actor, code)):
            raise Conflict("what the rule would change is not what was shown; look at it again")
        if waiting.rule.automatic and text_of(visit.form, "confirm").strip() != code:
            raise InvalidInput("this is not the class's code; type it as it stands above", field="confirm")
        schedules.approve(visit.vault, visit.actor, code)
    except NotFound:
        return _decided(visit, code, version)
    except Refused as refusal:
        return _proposal_page(visit, code, refusal)
    return RedirectResponse(visit.path("class-rules", code=code), 303)


def _decided(visit: Visit, code: str, version: str) -> Response:
    """Leads to the class if a proposal was decided on by whoever asks, now for the second time."""
    for each in schedules.show_class(visit.vault, visit.actor, code):
        if str(each.rule.version) == version and each.rule.decided_by == visit.actor.person_id:
            return RedirectResponse(visit.path("class-rules", code=code), 303)
    raise Conflict("this proposal has been decided on already; look at the class again")


def _withdraw(visit: Visit, code: str) -> Response:
    waiting, version = _waiting(visit, code), text_of(visit.form, "version")
    if waiting is None or str(waiting.version) != version:
        return _decided(visit, code, version)
    schedules.withdraw(visit.vault, visit.actor, code)
    return RedirectResponse(visit.path("class-rules", code=code), 303)


def _governing(visit: Visit, code: str) -> RuleVersion | None:
    """What governs a class, None for a class of its own. Raises ``NotFound``."""
    if not code:
        return None
    for each in schedules.governing_rules(visit.vault, visit.actor):
        if each.code == code:
            return each
    raise NotFound("there is no such class; look it up in the schedule")


def _waiting(visit: Visit, code: str) -> RuleVersion | None:
    found = schedules.list_rules(visit.vault, visit.actor)
    return next((each for each in found if each.code == code and each.state is RuleState.PROPOSED), None)


def _previewed(visit: Visit, code: str) -> tuple[RecordClass, RulePreview]:
    governing = _governing(visit, code)
    rule = rule_of(visit.form, governing.rule if governing is not None else None)
    if not code and any(each.code == rule.code for each in schedules.governing_rules(visit.vault, visit.actor)):
        raise InvalidInput("there is a class with this code already; open it, and propose a change there", field="code")
    return rule, schedules.preview(visit.vault, visit.actor, rule)


def _parts(visit: Visit, rule: RecordClass, before: RecordClass | None) -> list[tuple[str, str, str]]:
    """What changes, part by part: its name, what was said before, and what is said now."""

    def text(of: RecordClass, name: str) -> str:
        return part_text(visit.language, of, name, WORDS)

    return [
        (visit.language.text(PARTS[name]), text(before, name) if before is not None else "", text(rule, name))
        for name in changed_parts(before, rule)
    ]


def _digest_of(seen: RulePreview) -> str:
    """Names exactly what was shown; the order of the rule's fields is its class's."""
    shown = [repr(seen.rule), *(str(each) for each in (seen.filed, seen.earlier, seen.later, seen.unchanged))]
    shown += [f"{each.number} {each.due_on} {each.new_due_on}" for each in seen.sample]
    return hashlib.sha256("\n".join(shown).encode()).hexdigest()


def _status(refusal: Refused | None) -> int:
    return PROBLEMS[refusal.code].status if refusal is not None else 200
