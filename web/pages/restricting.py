"""What may only be stored (封存), and what proves unsettled debts: said, and taken back, on the page of a record."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import RedirectResponse, Response

from vault.errors import Conflict
from vault.ids import RecordId
from vault.permissions import Actor
from vault.records import Record
from vault.workflows import restricting, retrieval
from vault.workflows.vault import Vault
from web.forms import text_of
from web.openings import record_id_of
from web.site import Visit

Deed = Callable[[Vault, Actor, RecordId, str], Record]


async def restrict_record(visit: Visit) -> Response:
    """Lets a record only be stored."""
    return await _said(visit, restricting.restrict_record, lambda record: record.is_restricted)


async def lift_restriction(visit: Visit) -> Response:
    """Lifts a restriction that somebody else placed."""
    return await _said(visit, restricting.lift_restriction, lambda record: not record.is_restricted)


async def mark_unsettled(visit: Visit) -> Response:
    """Says that debts or claims which a record proves are not settled."""
    return await _said(visit, restricting.mark_unsettled, lambda record: record.is_unsettled)


async def mark_settled(visit: Visit) -> Response:
    """Says that they are settled."""
    return await _said(visit, restricting.mark_settled, lambda record: not record.is_unsettled)


async def _said(visit: Visit, deed: Deed, is_done: Callable[[Record], bool]) -> Response:
    """Does it, once; a form that comes twice, when all is as it says already, leads to the record."""
    record_id = await record_id_of(visit)
    reason = text_of(visit.form, "reason").replace("\r\n", "\n")
    try:
        await visit.site.call(deed, visit.vault, visit.actor, record_id, reason)
    except Conflict:
        if not is_done(await visit.site.call(retrieval.find_record, visit.vault, visit.actor, record_id)):
            raise
    return RedirectResponse(visit.path("record", record=record_id), 303)
