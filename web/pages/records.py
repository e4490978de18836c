"""The list of records, finding, a record's page, filing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, NotFound, Refused
from vault.ids import RecordId
from vault.paper import PaperMethod
from vault.shelves import RecordFilter
from vault.workflows import customers, finding, holding, paper, retrieval
from web.classes import Classes, classes_of
from web.contents import manner_of
from web.forms import PAGE_SIZE, cursor, cursor_of, date_of, state_of, text_of
from web.openings import answer_opening, record_id_of
from web.pages.keepers import keepers_now
from web.problems import PROBLEMS, describe
from web.site import Visit
from web.verdicts import reasons_said

FOUND_MAX: Final = 100
CUSTOMERS_OFFERED: Final = 200


async def show_records(visit: Visit) -> Response:
    """A page of records, newest first, filtered by class, customer number and state."""
    return await visit.site.call(_list, visit)


def _list(visit: Visit) -> Response:
    chosen = {name: visit.query(name) for name in ("class", "customer", "state")}
    error = None
    filter = RecordFilter()
    known = classes_of(visit)
    try:
        filter = _filter(visit, chosen, known)
    except NotFound:
        error = visit.language.text("There is no such class or customer.")
    before = cursor_of(visit.query("before"))
    views = (
        retrieval.list_records(
            visit.vault,
            visit.actor,
            filter,
            before=(before[0], RecordId(before[1])) if before is not None else None,
            limit=PAGE_SIZE + 1,
        )
        if error is None
        else []
    )
    shown = views[:PAGE_SIZE]
    following = None
    if len(views) > PAGE_SIZE:
        last = shown[-1].record
        asked = {name: value for name, value in chosen.items() if value}
        following = "?" + urlencode({**asked, "before": cursor(last.received_at, last.id)})
    return visit.site.templates.page(
        visit,
        "records.html",
        records=shown,
        following=following,
        first_page=before is None,
        # The first start has nothing else to show yet.
        keepers=keepers_now(visit) if not (shown or error or before or any(chosen.values())) else None,
        chosen=chosen,
        filtered=any(chosen.values()),
        searched=None,
        result=None,
        error=error,
        classes=known.offered,
        class_title=known.title,
    )


def _filter(visit: Visit, chosen: Mapping[str, str], known: Classes) -> RecordFilter:
    """Raises ``NotFound`` for a class or customer that does not exist."""
    if chosen["class"] and chosen["class"] not in known.known:
        raise NotFound("there is no such class")
    filter = RecordFilter(class_code=chosen["class"] or None, state=state_of(chosen["state"]))
    if chosen["customer"]:
        customer = customers.find_customer(visit.vault, visit.actor, chosen["customer"])
        filter = replace(filter, customer_id=customer.customer.id)
    return filter


async def find_records(visit: Visit) -> Response:
    """What a search found. The form is a POST, for what people search for stands in no address."""
    text = visit.form.get("text", "").strip()
    if not text:
        return RedirectResponse(visit.path("records"), 303)
    result = await visit.site.call(finding.find, visit.vault, visit.actor, text, limit=FOUND_MAX)
    known = await visit.site.call(classes_of, visit)
    return visit.site.templates.page(
        visit,
        "records.html",
        records=result.views,
        following=None,
        first_page=True,
        keepers=None,
        chosen={"class": "", "customer": "", "state": ""},
        filtered=False,
        searched=text,
        result=result,
        error=None,
        classes=known.offered,
        class_title=known.title,
    )


async def show_record(visit: Visit) -> Response:
    """A record's page; with a purpose, and asked to, it shows a preview."""
    record_id = await record_id_of(visit)
    story = await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)
    purpose = visit.query("purpose")
    preview, preview_kind = None, None
    content = story.view.content
    if content is not None:
        manner = manner_of(content.media_type, show=True)
        if manner.shown:
            preview_kind = "image" if manner.media_type.startswith("image/") else "document"
    if preview_kind is not None and purpose in retrieval.PURPOSES:
        preview = visit.path("record-preview", record=record_id) + "?" + urlencode({"purpose": purpose})
    return visit.site.templates.page(
        visit,
        "record.html",
        story=story,
        view=story.view,
        record=story.view.record,
        record_class=story.rule,
        paper=await visit.site.call(paper.show_paper, visit.vault, visit.actor, record_id),
        paper_methods=tuple(PaperMethod),
        reasons=reasons_said(visit.language, story.verdict),
        preview=preview,
        preview_kind=preview_kind,
        purpose=purpose,
    )


async def open_content(visit: Visit) -> Response:
    """A version as a download."""
    return await answer_opening(visit, show=False)


async def open_preview(visit: Visit) -> Response:
    """A version for the browser to show, where that is safe."""
    return await answer_opening(visit, show=True)


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
    return RedirectResponse(visit.path("record", record=record_id), 303)


async def _filing_page(
    visit: Visit, record_id: RecordId, *, values: Mapping[str, str], error: Refused | None = None
) -> Response:
    story = await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)
    known = await visit.site.call(classes_of, visit)
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
