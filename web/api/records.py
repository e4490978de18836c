"""Records for programs: listed, found, created, shown, corrected, filed, opened."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput
from vault.filingreports import Way
from vault.findings import document_of
from vault.ids import RecordId
from vault.shelves import RecordFilter
from vault.workflows import customers, filingreports, finding, holding, intake, retrieval
from web.api.views import filing_report_json, receipt_json, record_json, story_json
from web.bodies import announced_bytes, receive_raw
from web.filings import (
    beginning_of,
    corrected_description,
    correction_beginning_of,
    declared_sha256,
    idempotency_key_of,
    metadata_of,
    require_plain_encoding,
)
from web.forms import PAGE_SIZE, PAGE_SIZE_MAX, cursor, cursor_of, date_of, state_of, text_of, whole_number_of
from web.openings import answer_opening, record_id_of
from web.site import Visit


async def list_records(visit: Visit) -> Response:
    """A page of records, newest first."""
    return await visit.site.call(_list_records, visit)


def _list_records(visit: Visit) -> Response:
    limit = whole_number_of(visit.request.query_params, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    before = cursor_of(visit.query("before"))
    customer_key = visit.query("customer")
    customer = customers.find_customer(visit.vault, visit.actor, customer_key) if customer_key else None
    filter = RecordFilter(
        class_code=visit.query("class") or None,
        customer_id=customer.customer.id if customer is not None else None,
        state=state_of(visit.query("state")),
    )
    views = retrieval.list_records(
        visit.vault,
        visit.actor,
        filter,
        before=(before[0], RecordId(before[1])) if before is not None else None,
        limit=limit,
    )
    last = views[-1].record if len(views) == limit else None
    return JSONResponse(
        {
            "records": [record_json(view) for view in views],
            "next": cursor(last.received_at, last.id) if last is not None else None,
        }
    )


async def find_records(visit: Visit) -> Response:
    """Records whose words hold every word of a text. A POST, for what people search stands in no URL."""
    text = text_of(visit.json, "text").strip()
    if not text:
        raise InvalidInput("text is missing; say what to find", field="text")
    limit = whole_number_of(visit.json, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    found = await visit.site.call(finding.find, visit.vault, visit.actor, text, limit=limit)
    return JSONResponse(
        {
            "records": [record_json(view) for view in found.views],
            "complete": found.complete,
            "indexed": found.indexed,
            "full": found.full,
        }
    )


async def show_record(visit: Visit) -> Response:
    """A record with its story."""
    record_id = await record_id_of(visit)
    return JSONResponse(story_json(await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)))


async def create_record(visit: Visit) -> Response:
    """Stores the body as a new record."""
    request = visit.request
    require_plain_encoding(request)
    values = metadata_of(request)
    begin = beginning_of(
        visit,
        values,
        text_of(values, "file_name"),
        size_bytes=announced_bytes(request),
        sha256=declared_sha256(request),
        idempotency_key=idempotency_key_of(request),
    )
    receipt = await receive_raw(visit.site, request, begin)
    location = visit.path("api-record", record=receipt.record_id)
    return JSONResponse(receipt_json(receipt), 200 if receipt.replayed else 201, {"Location": location})


async def create_version(visit: Visit) -> Response:
    """Stores the body as the next version of a record; the original stays."""
    request = visit.request
    require_plain_encoding(request)
    values = metadata_of(request)
    record_id = await record_id_of(visit)
    begin = correction_beginning_of(
        visit,
        record_id,
        values,
        text_of(values, "file_name"),
        size_bytes=announced_bytes(request),
        sha256=declared_sha256(request),
        idempotency_key=idempotency_key_of(request),
    )
    receipt = await receive_raw(visit.site, request, begin)
    location = visit.path("api-record", record=receipt.record_id)
    return JSONResponse(receipt_json(receipt), 200 if receipt.replayed else 201, {"Location": location})


async def revise_description(visit: Visit) -> Response:
    """Corrects what is said of a record; its bytes stay as they are."""
    record_id = await record_id_of(visit)

    def revise() -> Response:
        description = corrected_description(visit, record_id, visit.json)
        intake.revise_description(visit.vault, visit.actor, record_id, description)
        return JSONResponse(story_json(retrieval.show(visit.vault, visit.actor, record_id)), 201)

    return await visit.site.call(revise)


async def file_record(visit: Visit) -> Response:
    """Files a record (归档)."""
    record_id = await record_id_of(visit)
    class_code, trigger_on = text_of(visit.json, "class") or None, date_of(visit.json, "trigger_on")
    reason = text_of(visit.json, "reason")

    def file() -> Response:
        holding.file_record(
            visit.vault,
            visit.actor,
            record_id,
            class_code=class_code,
            trigger_on=trigger_on,
            reason=reason,
            way=Way.PROGRAM,
            address=visit.origin,
        )
        return JSONResponse(story_json(retrieval.show(visit.vault, visit.actor, record_id)))

    return await visit.site.call(file)


async def examine_filing(visit: Visit) -> Response:
    """What is found about a record if it is filed like that; nothing is changed."""
    record_id = await record_id_of(visit)
    class_code, trigger_on = text_of(visit.json, "class") or None, date_of(visit.json, "trigger_on")

    def examine() -> Response:
        found = holding.examine_filing(
            visit.vault, visit.actor, record_id, class_code=class_code, trigger_on=trigger_on
        )
        return JSONResponse(document_of(found))

    return await visit.site.call(examine)


async def list_filing_reports(visit: Visit) -> Response:
    """The filing reports of a record, newest first."""
    found = await visit.site.call(filingreports.list_reports, visit.vault, visit.actor, await record_id_of(visit))
    return JSONResponse({"reports": [filing_report_json(each.report) for each in found]})


def open_content(visit: Visit) -> Response:
    """A version's bytes, whole or a range."""
    return answer_opening(visit)
