"""Executing a disposal list, and where automatic expiry stands, for programs."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.disposal import Pause
from vault.errors import Conflict
from vault.workflows import execution, expiry
from vault.workflows.execution import Judged
from web.api.disposal import list_named
from web.api.paging import JSON, moment
from web.forms import text_of
from web.seen import digest_of_judged, require_same
from web.site import Visit


async def preview_execution(visit: Visit) -> Response:
    """What an execution would do now, with the digest that names exactly that."""

    def seen() -> JSON:
        return _judged_json(execution.preview_execution(visit.vault, visit.actor, list_named(visit).id))

    return JSONResponse(await visit.site.call(seen))


async def execute(visit: Visit) -> Response:
    """Executes a list, if it is what was looked at."""

    def execute_now() -> JSON:
        found = list_named(visit)
        judged = execution.preview_execution(visit.vault, visit.actor, found.id)
        require_same(
            digest=text_of(visit.json, "seen"),
            now=digest_of_judged(judged),
            count=visit.json["count"],
            now_count=len(judged.dying),
        )
        said = {name: text_of(visit.json, name) for name in ("place", "method", "remarks")}
        done = execution.execute(visit.vault, visit.actor, found.id, **said)
        return {
            "number": done.disposal.number,
            "state": done.disposal.state.value,
            "destruction": done.disposal.batch_id,
            "records": done.batch.record_count if done.batch is not None else 0,
            "left_out": [{"record_id": each, "cause": cause} for each, cause in sorted(done.left_out.items())],
        }

    return JSONResponse(await visit.site.call(execute_now), 201)


async def show_expiry(visit: Visit) -> Response:
    """Which classes expire by themselves, and whether that is paused."""
    state = await visit.site.call(expiry.show_expiry, visit.vault, visit.actor)
    return JSONResponse(
        {
            "classes": list(state.classes),
            "waiting": [each.number for each in state.waiting],
            "pause": None if state.pause is None else _pause_json(state.pause),
            "last_run": moment(state.last_run),
        }
    )


async def resume_expiry(visit: Visit) -> Response:
    """Lets automatic expiry go on, if it is paused for what was looked at."""

    def resume() -> JSON:
        if expiry.require_paused(visit.vault, visit.actor).id != visit.json["pause"]:
            raise Conflict("automatic expiry stopped for another reason meanwhile; look at it again")
        return _pause_json(expiry.resume(visit.vault, visit.actor))

    return JSONResponse(await visit.site.call(resume))


def _judged_json(judged: Judged) -> JSON:
    return {
        "number": judged.disposal.number,
        "records": [{"record_id": each.record.id, "number": each.record.number} for each in judged.dying],
        "left_out": [{"record_id": each, "cause": cause} for each, cause in sorted(judged.left_out.items())],
        "count": len(judged.dying),
        "seen": digest_of_judged(judged),
    }


def _pause_json(pause: Pause) -> JSON:
    return {
        "id": pause.id,
        "cause": pause.cause.value,
        "measure": pause.measure,
        "living": pause.living,
        "at": moment(pause.at),
        "resumed_by": pause.resumed_by,
        "resumed_at": moment(pause.resumed_at),
    }
