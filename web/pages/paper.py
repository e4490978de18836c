"""A record's paper original: in which box it is, and how it was destroyed after its record."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import Conflict, InvalidInput
from vault.ids import RecordId
from vault.paper import WEIGHT_MAX_GRAMS, PaperMethod, PaperState
from vault.workflows import paper
from web.forms import text_of, whole_number_of
from web.openings import record_id_of
from web.site import Visit


async def keep_paper(visit: Visit) -> Response:
    """Says in which box the paper is."""
    record_id = await record_id_of(visit)
    await visit.site.call(
        paper.keep_paper,
        visit.vault,
        visit.actor,
        record_id,
        box=text_of(visit.form, "box").strip(),
        place=text_of(visit.form, "place"),
    )
    return RedirectResponse(visit.path("record", record=record_id), 303)


async def destroy_paper(visit: Visit) -> Response:
    """Says how the paper was destroyed, once."""
    return await visit.site.call(_destroy, visit, await record_id_of(visit))


def _destroy(visit: Visit, record_id: RecordId) -> Response:
    try:
        method = PaperMethod(text_of(visit.form, "method"))
    except ValueError:
        raise InvalidInput("choose one of those that are offered", field="method") from None
    view = paper.show_paper(visit.vault, visit.actor, record_id)
    if view is not None and text_of(visit.form, "confirm").strip() != view.record_number:
        raise InvalidInput("this is not the record's number; type it as it stands above", field="confirm")
    try:
        paper.destroy_paper(
            visit.vault,
            visit.actor,
            record_id,
            method=method,
            weight_grams=whole_number_of(visit.form, "weight", default=0, low=0, high=WEIGHT_MAX_GRAMS),
            vendor=text_of(visit.form, "vendor"),
            witnesses=[line for line in text_of(visit.form, "witnesses").splitlines() if line.strip()],
        )
    except Conflict:
        now = paper.show_paper(visit.vault, visit.actor, record_id)
        if now is None or now.paper.state is not PaperState.DESTROYED:
            raise
        if now.paper.destroyed_by != visit.actor.person_id:
            raise
    return RedirectResponse(visit.path("record", record=record_id), 303)
