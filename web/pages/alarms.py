"""Early warning: alarms with what they are made of, who is suspended, and the rule.

Rule 1: a page tells how often and when, never what: that the log tells those who read it, to whom a way leads.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, Refused
from vault.permissions import Action
from vault.watching import NUMBERS_OF_RULE, Sign, WatchRule, beginning_of
from vault.workflows import alarms
from web.forms import text_of, whole_number_of
from web.problems import PROBLEMS, describe
from web.site import Visit

NUMBER_MAX: Final = 1_000_000
SUSPENDS: Final = "s-"
"""Fields of the signs that suspend are named so."""


async def list_alarms(visit: Visit) -> Response:
    """Alarms, the newest first."""
    return await visit.site.call(_page, visit)


async def settle(visit: Visit) -> Response:
    """Says what an alarm was; lets in again, where the button says so."""
    return await visit.site.call(_settle, visit)


async def suspend(visit: Visit) -> Response:
    """Suspends whom an alarm is about."""
    return await visit.site.call(_suspend, visit)


async def set_rule(visit: Visit) -> Response:
    """Puts another rule in force."""
    return await visit.site.call(_set_rule, visit)


def _page(visit: Visit, refusal: Refused | None = None) -> Response:
    told: dict[str, Any] = {"error": None, "error_field": ""}
    if refusal is not None:
        told = {"error": describe(visit, refusal), "error_field": getattr(refusal, "field", None) or ""}
    rule = alarms.show_rule(visit.vault, visit.actor)
    return visit.site.templates.page(
        visit,
        "alarms.html",
        status=200 if refusal is None else PROBLEMS[refusal.code].status,
        unsettled=alarms.list_alarms(visit.vault, visit.actor, unsettled=True),
        settled=[each for each in alarms.list_alarms(visit.vault, visit.actor) if not each.alarm.is_open],
        suspended=alarms.list_suspended(visit.vault, visit.actor),
        beginning=beginning_of,
        rule=rule,
        numbers=[(name, str(getattr(rule, name))) for name in NUMBERS_OF_RULE],
        signs=tuple(Sign),
        **told,
    )


def _settle(visit: Visit) -> Response:
    words = text_of(visit.form, "words").replace("\r\n", "\n")
    lifting = text_of(visit.form, "what") == "lift"
    workflow = alarms.lift_suspension if lifting else alarms.settle_alarm
    try:
        workflow(visit.vault, visit.actor, visit.parameter("alarm"), words)
    except Refused as refusal:
        return _page(visit, _shown(refusal))
    return _to_list(visit)


def _suspend(visit: Visit) -> Response:
    try:
        alarms.suspend_person(visit.vault, visit.actor, visit.parameter("alarm"))
    except Refused as refusal:
        return _page(visit, _shown(refusal))
    return _to_list(visit)


def _set_rule(visit: Visit) -> Response:
    try:
        numbers = {
            name: whole_number_of(visit.form, name, default=getattr(WatchRule(), name), low=0, high=NUMBER_MAX)
            for name in NUMBERS_OF_RULE
        }
        suspends = [sign for sign in Sign if visit.form.get(SUSPENDS + sign.value) == "yes"]
        alarms.set_rule(visit.vault, visit.actor, **numbers, suspends=suspends)
    except Refused as refusal:
        return _page(visit, _shown(refusal))
    return _to_list(visit)


def _shown(refusal: Refused) -> Refused:
    """What the page tells; who is not let in, or has to prove themselves, is answered as everywhere."""
    if not isinstance(refusal, InvalidInput) and PROBLEMS[refusal.code].status != 409:
        raise refusal
    return refusal


def _to_list(visit: Visit) -> Response:
    return RedirectResponse(visit.path("alarms"), 303)


def alarms_now(visit: Visit) -> int:
    """How many alarms nobody has settled, for the first page of those who may see them."""
    if not visit.may(Action.SEE_ALARMS):
        return 0
    return len(alarms.list_alarms(visit.vault, visit.actor, unsettled=True))
