"""Uploading: a page that works without a script (one form, several files) and, with one, file by file with progress.

Rule 1: the form's fields come before its files, the form token first, so that nothing is stored before it is known who
asked and what for. Files are sealed while they arrive.
Rule 2: one file that is refused does not stop the others; the receipt says what became of each.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, StrongroomError
from vault.ids import RecordId
from vault.records import Record
from vault.workflows import customers, duplicates, gates, intake, retrieval
from vault.workflows.intake import Receipt
from web.bodies import Pump, open_body, pumping, require_length
from web.classes import classes_of
from web.filings import Begin, beginning_of, corrected_description, correction_beginning_of
from web.multipart import Event, FileBegins, FileBytes, FileEnds, TextField, parse_form
from web.openings import record_id_of
from web.problems import PROBLEMS, describe
from web.sessions import CSRF_FIELD, require_csrf
from web.site import Visit

FORM_OVERHEAD_BYTES = 1024 * 1024
CUSTOMERS_OFFERED = 200

BeginFile = Callable[[Mapping[str, str], str, int], Begin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file of a form."""

    file_name: str
    receipt: Receipt | None
    error: StrongroomError | None
    sent_bytes: int


async def show_upload(visit: Visit) -> Response:
    """The upload page."""
    return await _upload_page(visit, values={})


async def upload(visit: Visit) -> Response:
    """Stores the files of a form."""

    def begin_file(values: Mapping[str, str], file_name: str, index: int) -> Begin:
        key = values.get("batch")
        return beginning_of(visit, values, file_name, idempotency_key=f"{key}/{index}" if key else None)

    outcomes, values = await receive_form(visit, begin_file)
    if not outcomes:
        error = InvalidInput("no file was chosen; choose at least one", field="file")
        return await _upload_page(visit, values=values, error=error)
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(failed) == len(outcomes) and isinstance(failed[0], InvalidInput):
        return await _upload_page(visit, values=values, error=failed[0])
    status = 201 if len(failed) < len(outcomes) else PROBLEMS[failed[0].code].status
    return visit.site.templates.page(
        visit,
        "receipt.html",
        status=status,
        rows=[(outcome, describe(visit, outcome.error) if outcome.error is not None else None) for outcome in outcomes],
        twins=await visit.site.call(_twins, visit, outcomes),
        failures=len(failed),
    )


def _twins(visit: Visit, outcomes: Sequence[Outcome]) -> Mapping[str, Sequence[Record]]:
    """Of what was stored, the records that have the same bytes, as far as the visitor sees them."""
    stored = [each.receipt.record_id for each in outcomes if each.receipt is not None]
    found: Mapping[str, Sequence[Record]] = {}
    with suppress(StrongroomError):  # it is stored all the same, and its page tells of its twins, too
        found = duplicates.twins_of_many(visit.vault, visit.actor, stored[: duplicates.ASKED_MAX])
    return {each: found.get(each, ()) for each in stored}


async def show_correction(visit: Visit) -> Response:
    """The form that corrects a record: what is said of it, its file, or both, with the reason."""
    record_id = await record_id_of(visit)
    await visit.site.call(gates.require_gates, visit.vault, visit.actor, record_id)
    return await _correction_page(visit, record_id, values=None)


async def correct(visit: Visit) -> Response:
    """Corrects a record: with a file a new version, without one a new description."""
    record_id = await record_id_of(visit)

    def begin_file(values: Mapping[str, str], file_name: str, index: int) -> Begin:
        if index > 1:
            raise InvalidInput("a correction has one file; choose one", field="file")
        return correction_beginning_of(visit, record_id, values, file_name, idempotency_key=values.get("batch") or None)

    outcomes, values = await receive_form(visit, begin_file)
    error = next((outcome.error for outcome in outcomes if outcome.error is not None), None)
    if not outcomes:
        try:
            await visit.site.call(_revise, visit, record_id, values)
        except InvalidInput as refused:
            error = refused
    if error is not None:
        return await _correction_page(visit, record_id, values=values, error=error)
    return RedirectResponse(visit.path("record", record=record_id), 303)


def _revise(visit: Visit, record_id: RecordId, values: Mapping[str, str]) -> None:
    description = corrected_description(visit, record_id, values)
    intake.revise_description(visit.vault, visit.actor, record_id, description)


async def receive_form(visit: Visit, begin_file: BeginFile) -> tuple[list[Outcome], Mapping[str, str]]:
    """Receives a form with files; gives what became of each, and the form's other fields.

    Raises ``TooLarge`` before the body is read, ``ForeignRequest`` before any file is taken, ``InvalidInput``.
    """
    request, site = visit.request, visit.site
    require_length(request, site.vault.limits.upload_bytes_max + FORM_OVERHEAD_BYTES)
    values: dict[str, str] = {}
    outcomes: list[Outcome] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(site.uploads.place())
        body = await stack.enter_async_context(open_body(request, idle_s=site.client_idle_s))
        events = await stack.enter_async_context(aclosing(parse_form(body, request.headers.get("content-type", ""))))
        async for event in events:
            if isinstance(event, TextField):
                if outcomes:
                    raise InvalidInput("the form's fields must come before its files")
                values[event.name] = event.value
            elif isinstance(event, FileBegins):
                require_csrf(visit, values.get(CSRF_FIELD))
                outcome = await _receive_file(visit, events, event, len(outcomes) + 1, values, begin_file)
                if outcome is not None:
                    outcomes.append(outcome)
        require_csrf(visit, values.get(CSRF_FIELD))
    return outcomes, values


async def _receive_file(
    visit: Visit,
    events: AsyncIterator[Event],
    announced: FileBegins,
    index: int,
    values: Mapping[str, str],
    begin_file: BeginFile,
) -> Outcome | None:
    """One file of a form, read to its end whatever becomes of it; None for a field where nobody chose a file."""
    pump: Pump | None = None
    error: StrongroomError | None = None
    receipt: Receipt | None = None
    sent_bytes = 0
    async with AsyncExitStack() as stack:
        if announced.file_name:
            try:
                begin = begin_file(values, announced.file_name, index)
                pump = await stack.enter_async_context(pumping(visit.site, begin, size_hint=None))
            except StrongroomError as refused:
                error = refused
        async for event in events:
            try:
                if isinstance(event, FileBytes):
                    sent_bytes += len(event.data)
                    if pump is not None and error is None:
                        await pump.write(event.data)
                elif isinstance(event, FileEnds):
                    if pump is not None and error is None:
                        receipt = await pump.finish()
                    break
            except StrongroomError as refused:
                error = refused
    if not announced.file_name and not sent_bytes:
        return None
    if not announced.file_name:
        error = InvalidInput("the file has no name; give one", field="file_name")
    return Outcome(file_name=announced.file_name, receipt=receipt, error=error, sent_bytes=sent_bytes)


async def _upload_page(visit: Visit, *, values: Mapping[str, str], error: StrongroomError | None = None) -> Response:
    offered = await visit.site.call(customers.list_customers, visit.vault, visit.actor, limit=CUSTOMERS_OFFERED)
    known = await visit.site.call(classes_of, visit)
    return visit.site.templates.page(
        visit,
        "upload.html",
        classes=known.offered,
        status=PROBLEMS[error.code].status if error is not None else 200,
        customers=offered,
        values={"customer": visit.query("customer"), "class": visit.query("class"), **values},
        batch=secrets.token_urlsafe(18),
        limit=visit.vault.limits.upload_bytes_max,
        piece=visit.vault.limits.part_size_bytes,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "file",
    )


async def _correction_page(
    visit: Visit, record_id: RecordId, *, values: Mapping[str, str] | None, error: StrongroomError | None = None
) -> Response:
    story = await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)
    said = story.view.description
    if values is None:
        values = {
            "title": said.title if said is not None else "",
            "dated_on": said.dated_on.isoformat() if said is not None and said.dated_on is not None else "",
            "place": said.place if said is not None else "",
            "note": said.note if said is not None else "",
        }
    return visit.site.templates.page(
        visit,
        "correction.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        view=story.view,
        record=story.view.record,
        values=values,
        batch=secrets.token_urlsafe(18),
        limit=visit.vault.limits.upload_bytes_max,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "reason",
    )
