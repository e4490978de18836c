"""The log over the API: entries, proofs, keys, and checks of the whole."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import JSONResponse, Response

from vault.audit import Event, NumberedEntry
from vault.errors import InvalidInput, NotFound
from vault.ids import LogCheckId
from vault.logchecks import KeptCheck
from vault.permissions import Action
from vault.workflows import log, logchecks, logstore
from web.api.paging import key_of, limit_of, moment, page_of, whole_key_of
from web.forms import whole_number_of
from web.site import Visit

JSON = dict[str, Any]
NUMBER_MAX = 10**15


async def list_entries(visit: Visit) -> Response:
    """A page of entries, newest first."""
    return JSONResponse(await visit.site.call(_entries, visit))


async def prove_entry(visit: Visit) -> Response:
    """The proof that an entry is in the published log (C2SP tlog-proof)."""
    number = whole_number_of({"number": visit.parameter("number")}, "number", default=0, low=0, high=NUMBER_MAX)
    if not number:
        raise NotFound("there is no such entry; look it up in the log")
    visit.actor.require(Action.READ_LOG)
    proof = await visit.site.call(log.prove, visit.vault, number)
    return JSONResponse(
        {
            "number": number,
            "entry": proof.entry.decode(),
            "proof": proof.to_bytes().decode(),
            "keys": [key.text for key in proof.keys],
        }
    )


async def list_keys(visit: Visit) -> Response:
    """The log's verifier keys, oldest first."""
    visit.actor.require(Action.READ_LOG)
    keys = await visit.site.call(logstore.verifier_keys, visit.vault)
    return JSONResponse({"keys": [key.text for key in keys]})


async def list_checks(visit: Visit) -> Response:
    """The newest checks of the whole log; the one that is open comes first."""
    return JSONResponse({"checks": await visit.site.call(_checks, visit)})


async def ask_check(visit: Visit) -> Response:
    """Asks for a check of the whole log."""
    check = await visit.site.call(logchecks.ask, visit.vault, visit.actor)
    return JSONResponse(_check_json(check), 202)


async def show_check(visit: Visit) -> Response:
    """One check, and how far it is."""
    check_id = LogCheckId(visit.parameter("check"))
    return JSONResponse(_check_json(await visit.site.call(logchecks.show, visit.vault, visit.actor, check_id)))


def _entries(visit: Visit) -> JSON:
    visit.actor.require(Action.READ_LOG)
    limit = limit_of(visit)
    with visit.vault.catalogue.read() as tx:
        found = tx.audit.page(
            subject=key_of(visit, "subject") or None,
            actor=key_of(visit, "actor") or None,
            event=_event(visit.query("event")),
            before=whole_key_of(visit, "before") or None,
            limit=limit + 1,
        )
    return page_of("entries", found, limit, shown=_entry_json, key=lambda each: each.number)


def _event(code: str) -> Event | None:
    try:
        return Event(code) if code else None
    except ValueError:
        raise InvalidInput("choose one of those that are offered", field="event") from None


def _checks(visit: Visit) -> list[JSON]:
    underway = logchecks.underway(visit.vault, visit.actor)
    ended = logchecks.newest(visit.vault, visit.actor)
    return [_check_json(each) for each in (*([underway] if underway is not None else []), *ended)]


def _entry_json(numbered: NumberedEntry) -> JSON:
    entry = numbered.entry
    return {
        "number": numbered.number,
        "at": entry.at.isoformat(),
        "actor": str(entry.actor),
        "event": entry.event.value,
        "subject": entry.subject,
        "detail": dict(entry.detail),
    }


def _check_json(check: KeptCheck) -> JSON:
    told = check.verdict
    verdict = None
    if told is not None:
        verdict = {
            "holds": told.holds,
            "size": told.size,
            "root": base64.b64encode(told.root).decode("ascii"),
            "waiting": told.waiting,
            "changed": list(told.changed),
            "missing": list(told.missing),
            "problems": list(told.problems),
        }
    return {
        "id": check.id,
        "asked_by": check.asked_by,
        "asked_at": moment(check.asked_at),
        "begun_at": moment(check.begun_at),
        "ended_at": moment(check.ended_at),
        "done": check.done,
        "total": check.total,
        "verdict": verdict,
    }
