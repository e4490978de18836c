"""How the vault stands, for programs: duties and the lock's proof, keepers, backups, and what waits for whom."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.backups import BackupRun
from vault.outcomes import Outcome
from vault.workflows import awaiting, backups, keepers, upkeep
from vault.workflows.backups import Verdict
from vault.workflows.upkeep import JobRun
from web.api.paging import JSON, moment
from web.site import Visit

RUNS_SHOWN = 20


async def show_state(visit: Visit) -> Response:
    """Counts, duties, and what came of proving the lock."""
    state = await visit.site.call(upkeep.state, visit.vault, visit.actor)
    proof = state.lock_proof
    return JSONResponse(
        {
            "records": state.records,
            "indexed": state.indexed,
            "index_full": state.index_full,
            "index_full_of_texts": state.index_full_of_texts,
            "unsettled_intents": state.unsettled_intents,
            "outbox_waiting": state.outbox_waiting,
            "outbox_since": moment(state.outbox_since),
            "holds_waiting": state.holds_waiting,
            "expiry_paused": state.expiry_paused is not None,
            "jobs": [_job_json(each) for each in state.jobs],
            "lock_proof": None if proof is None else _job_json(proof),
        }
    )


async def show_keepers(visit: Visit) -> Response:
    """How each keeper of the root key stands."""
    view = await visit.site.call(keepers.show_keepers, visit.vault, visit.actor)
    return JSONResponse(
        {
            "generation": view.generation,
            "single": view.single,
            "all_proven": view.all_proven,
            "keepers": [
                {
                    "name": each.name,
                    "standing": each.standing.value,
                    "generations_behind": each.generations_behind,
                    "older": each.older,
                }
                for each in view.keepers
            ],
        }
    )


async def show_backups(visit: Visit) -> Response:
    """The last runs, and what came of trying them."""

    def seen() -> JSON:
        view = backups.show_backups(visit.vault, visit.actor)
        return {
            "configured": view.plan is not None,
            "away": view.away,
            "late": view.late,
            "drill_late": view.drill_late,
            "sound": view.sound,
            "attempt": _verdict_json(view.attempt),
            "drill": _verdict_json(view.drill),
            "verify": _verdict_json(view.verify),
            "runs": [_run_json(each) for each in view.runs[:RUNS_SHOWN]],
        }

    return JSONResponse(await visit.site.call(seen))


async def list_tasks(visit: Visit) -> Response:
    """What waits for whoever asks, then what waits for others."""
    steps = await visit.site.call(awaiting.steps_awaiting, visit.vault, visit.actor)
    return JSONResponse(
        {
            "tasks": [
                {
                    "kind": each.kind,
                    "key": each.key,
                    "class": each.class_code,
                    "since": moment(each.since),
                    "by": each.by,
                    "yours": each.mine,
                    "count": each.count,
                }
                for each in steps
            ]
        }
    )


def _job_json(run: JobRun) -> JSON:
    return {
        "job": run.job,
        "at": moment(run.at),
        "overdue": run.overdue,
        "outcome": None if run.outcome is None else _outcome_json(run.outcome),
    }


def _outcome_json(outcome: Outcome) -> JSON:
    return {"code": outcome.code, "text": outcome.text}


def _verdict_json(verdict: Verdict | None) -> JSON | None:
    return None if verdict is None else {"at": moment(verdict.at), "outcome": _outcome_json(verdict.outcome)}


def _run_json(run: BackupRun) -> JSON:
    return {
        "name": run.name,
        "taken_at": moment(run.taken_at),
        "records": run.records,
        "objects": run.objects,
        "object_bytes": run.object_bytes,
        "generation": run.generation,
    }
