"""Paper originals for programs: in which box they are, and how they were destroyed after their record."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput, NotFound
from vault.ids import RecordId
from vault.paper import PaperMethod
from vault.workflows import paper
from vault.workflows.paper import PaperView
from web.api.paging import JSON, moment
from web.forms import text_of
from web.openings import record_id_of
from web.site import Visit


async def show_paper(visit: Visit) -> Response:
    """A record's paper original. Raises ``NotFound`` where it has none."""

    def seen(record_id: RecordId) -> PaperView:
        view = paper.show_paper(visit.vault, visit.actor, record_id)
        if view is None:
            raise NotFound("nobody said that this record has a paper original; look at the record")
        return view

    return await _answer(visit, seen, 200)


async def keep_paper(visit: Visit) -> Response:
    """Says in which box the paper is, or that it was moved to another one."""
    box, place = text_of(visit.json, "box").strip(), text_of(visit.json, "place")
    return await _answer(
        visit, lambda record_id: paper.keep_paper(visit.vault, visit.actor, record_id, box=box, place=place), 201
    )


async def destroy_paper(visit: Visit) -> Response:
    """Says how the paper of a destroyed record was destroyed."""
    witnesses: list[str] = visit.json["witnesses"]  # type: ignore[assignment]  # a list of texts by the schema
    weight: int = visit.json["weight_grams"]  # type: ignore[assignment]  # a whole number by the schema

    def destroy(record_id: RecordId) -> PaperView:
        return paper.destroy_paper(
            visit.vault,
            visit.actor,
            record_id,
            method=PaperMethod(text_of(visit.json, "method")),
            weight_grams=weight,
            vendor=text_of(visit.json, "vendor"),
            witnesses=witnesses,
        )

    return await _answer(visit, destroy, 200)


async def list_box(visit: Visit) -> Response:
    """What is, or was, in a box."""
    box = visit.query("box")
    if not box:
        raise InvalidInput("say which box", field="box")
    views = await visit.site.call(paper.list_box, visit.vault, visit.actor, box)
    return JSONResponse({"papers": [_paper_json(each) for each in views]})


async def _answer(visit: Visit, deed: Callable[[RecordId], PaperView], status: int) -> Response:
    record_id = await record_id_of(visit)
    return JSONResponse(_paper_json(await visit.site.call(deed, record_id)), status)


def _paper_json(view: PaperView) -> JSON:
    kept = view.paper
    return {
        "record_id": kept.record_id,
        "record": view.record_number,
        "box": kept.box,
        "state": kept.state.value,
        "place": view.words.place,
        "method": None if kept.method is None else kept.method.value,
        "weight_grams": kept.weight_grams,
        "vendor": view.words.vendor,
        "witnesses": list(view.words.witnesses),
        "destroyed_by": kept.destroyed_by,
        "destroyed_at": moment(kept.destroyed_at),
    }
