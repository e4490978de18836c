"""The gates before a record: which one stands, the way through, and back to the record afterwards."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from vault.borrowing import DAYS_MAX, DAYS_USUAL
from vault.errors import Refused
from vault.workflows import alarms, gates, retrieval
from web.forms import text_of
from web.openings import record_id_of
from web.problems import PROBLEMS, describe
from web.site import Visit


async def show_gates(visit: Visit) -> Response:
    """Every gate before a record, as it stands for the visitor."""
    return await _page(visit)


async def open_record(visit: Visit) -> Response:
    """Opens a record for a purpose in words, and leads to its page, where it is shown and downloaded from then on."""
    record_id = await record_id_of(visit)
    purpose, words = text_of(visit.form, "purpose"), text_of(visit.form, "words")
    try:
        await visit.site.call(retrieval.open_version, visit.vault, visit.actor, record_id, purpose=purpose, words=words)
    except Refused as error:
        return await _page(visit, error=error)
    address = visit.path("record", record=record_id) + "?" + urlencode({"purpose": purpose})
    return RedirectResponse(address + "#preview", 303)


async def _page(visit: Visit, *, error: Refused | None = None) -> Response:
    record = await visit.site.call(retrieval.find_record, visit.vault, visit.actor, visit.parameter("record"))
    views = await visit.site.call(gates.show_gates, visit.vault, visit.actor, record.id)
    here = visit.path("gates", record=record.id)
    return visit.site.templates.page(
        visit,
        "gates.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        record=record,
        gates=views,
        suspended=await visit.site.call(alarms.am_suspended, visit.vault, visit.actor),
        back_here="?" + urlencode({"next": here}),
        values=visit.form,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "words",
        days=DAYS_USUAL,
        days_max=DAYS_MAX,
    )
