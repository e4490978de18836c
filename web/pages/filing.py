"""Filing a record (归档): its class and the event from which its period runs are confirmed."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, Refused
from vault.ids import RecordId
from vault.permissions import Action
from vault.workflows import holding, retrieval
from web.classes import classes_of
from web.forms import date_of, text_of
from web.notices import say
from web.openings import record_id_of
from web.problems import PROBLEMS, describe
from web.site import Visit


async def show_filing(visit: Visit) -> Response:
    """The form that files a record (归档)."""
    return await _filing_page(visit, await record_id_of(visit), values={})


async def file_record(visit: Visit) -> Response:
    """Files a record."""
    record_id = await record_id_of(visit)
    try:
        class_code = text_of(visit.form, "class")
        if not class_code:
            raise InvalidInput("a record needs a class; choose one", field="class")
        trigger_on = date_of(visit.form, "trigger_on")
        await visit.site.call(
            holding.file_record, visit.vault, visit.actor, record_id, class_code=class_code, trigger_on=trigger_on
        )
    except Refused as error:
        return await _filing_page(visit, record_id, values=visit.form, error=error)
    return say(visit, RedirectResponse(visit.path("record", record=record_id), 303), "record-filed")


async def _filing_page(
    visit: Visit, record_id: RecordId, *, values: Mapping[str, str], error: Refused | None = None
) -> Response:
    story = await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)
    known = await visit.site.call(classes_of, visit, Action.FILE_RECORD)
    return visit.site.templates.page(
        visit,
        "filing.html",
        classes=known.offered,
        status=PROBLEMS[error.code].status if error is not None else 200,
        view=story.view,
        record=story.view.record,
        values=values,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "class",
    )
