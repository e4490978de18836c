"""Early warning for programs: alarms are read; to settle them, suspend and lift takes a person's proof."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.watching import beginning_of
from vault.workflows import alarms
from vault.workflows.alarms import AlarmView, SuspendedView
from web.api.paging import JSON, moment
from web.forms import text_of
from web.site import Visit


async def list_alarms(visit: Visit) -> Response:
    """Alarms, the newest first, and who is suspended."""
    views = await visit.site.call(alarms.list_alarms, visit.vault, visit.actor)
    suspended = await visit.site.call(alarms.list_suspended, visit.vault, visit.actor)
    return JSONResponse(
        {"alarms": [_json(each) for each in views], "suspended": [_suspended(each) for each in suspended]}
    )


async def settle(visit: Visit) -> Response:
    """Says what an alarm was."""
    words = text_of(visit.json, "words")
    await visit.site.call(alarms.settle_alarm, visit.vault, visit.actor, visit.parameter("alarm"), words)
    return Response(status_code=204)


async def suspend(visit: Visit) -> Response:
    """Suspends whom an alarm is about."""
    await visit.site.call(alarms.suspend_person, visit.vault, visit.actor, visit.parameter("alarm"))
    return Response(status_code=204)


async def lift(visit: Visit) -> Response:
    """Lets whom an alarm is about open records again."""
    words = text_of(visit.json, "words")
    await visit.site.call(alarms.lift_suspension, visit.vault, visit.actor, visit.parameter("alarm"), words)
    return Response(status_code=204)


def _suspended(view: SuspendedView) -> JSON:
    suspension = view.suspension
    return {
        "alarm": suspension.alarm_id,
        "person_id": suspension.person_id,
        "name": view.name,
        "by": suspension.by,
        "at": moment(suspension.at),
    }


def _json(view: AlarmView) -> JSON:
    alarm = view.alarm
    return {
        "alarm": alarm.id,
        "sign": alarm.sign.value,
        "person_id": alarm.person_id,
        "name": view.name,
        "hour": moment(beginning_of(alarm.hour)),
        "measure": alarm.measure,
        "usual": alarm.limit,
        "days": alarm.days,
        "raised_at": moment(alarm.raised_at),
        "settled_by": alarm.settled_by,
        "settled_at": moment(alarm.settled_at),
        "suspended": view.suspension is not None,
    }
