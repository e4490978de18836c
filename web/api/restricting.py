"""What may only be stored (封存), and what proves unsettled debts, for programs."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from vault.ids import RecordId
from vault.permissions import Actor
from vault.records import Record
from vault.workflows import restricting
from vault.workflows.vault import Vault
from web.forms import text_of
from web.openings import record_id_of
from web.site import Visit

Deed = Callable[[Vault, Actor, RecordId, str], Record]


async def restrict(visit: Visit) -> Response:
    """Lets a record only be stored."""
    return await _said(visit, restricting.restrict_record)


async def lift(visit: Visit) -> Response:
    """Lifts a restriction that somebody else placed."""
    return await _said(visit, restricting.lift_restriction)


async def mark_unsettled(visit: Visit) -> Response:
    """Says that debts or claims which a record proves are not settled."""
    return await _said(visit, restricting.mark_unsettled)


async def mark_settled(visit: Visit) -> Response:
    """Says that they are settled."""
    return await _said(visit, restricting.mark_settled)


async def _said(visit: Visit, deed: Deed) -> Response:
    record_id, reason = await record_id_of(visit), text_of(visit.json, "reason")
    record = await visit.site.call(deed, visit.vault, visit.actor, record_id, reason)
    return JSONResponse(
        {
            "record_id": record.id,
            "number": record.number,
            "restricted": record.is_restricted,
            "unsettled": record.is_unsettled,
        }
    )
