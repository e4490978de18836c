"""Notices of destruction for programs: what they say, and that customers were told."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput, NotFound
from vault.ids import CustomerId
from vault.notices import Channel
from vault.workflows import customers, notices
from vault.workflows.notices import NoticeView
from web.api.disposal import list_named
from web.api.paging import JSON, key_of, limit_of, moment, page_of
from web.forms import text_of
from web.site import Visit


async def list_notices(visit: Visit) -> Response:
    """A page of notices, newest first."""
    before, limit = key_of(visit, "before") or None, limit_of(visit)
    waiting = visit.query("state") == "waiting"
    found = await visit.site.call(
        notices.list_notices, visit.vault, visit.actor, only_waiting=waiting, before=before, limit=limit + 1
    )
    return JSONResponse(page_of("notices", found, limit, shown=_notice_json, key=lambda each: each.notice.id))


async def show_notice(visit: Visit) -> Response:
    """One notice, with what it says."""
    view = await visit.site.call(notices.show_notice, visit.vault, visit.actor, visit.parameter("notice"))
    return JSONResponse({**_notice_json(view), "text_zh": view.words.text_zh, "text_en": view.words.text_en})


async def list_notices_of(visit: Visit) -> Response:
    """All notices of a list, the staff's first."""

    def seen() -> JSON:
        found = notices.notices_of_list(visit.vault, visit.actor, list_named(visit).id)
        return {"notices": [_notice_json(each) for each in found]}

    return JSONResponse(await visit.site.call(seen))


async def tell_customers(visit: Visit) -> Response:
    """Says that customers were told, all that wait where none is named."""

    def tell() -> JSON:
        named = visit.json.get("customers")
        told = notices.tell(
            visit.vault,
            visit.actor,
            list_named(visit).id,
            Channel(text_of(visit.json, "channel")),
            customers=None if named is None else [_customer(visit, str(each)) for each in named],  # type: ignore[attr-defined]  # a list by the schema
            remark=text_of(visit.json, "remark"),
        )
        return {"notices": [_notice_json(each) for each in told]}

    return JSONResponse(await visit.site.call(tell))


def _customer(visit: Visit, key: str) -> CustomerId:
    try:
        return customers.find_customer(visit.vault, visit.actor, key).customer.id
    except NotFound as error:
        raise InvalidInput(error.message, field="customers") from None


def _notice_json(view: NoticeView) -> JSON:
    notice = view.notice
    return {
        "id": notice.id,
        "list": view.list_number,
        "audience": notice.audience.value,
        "customer": view.customer_number,
        "records": notice.record_count,
        "state": notice.state.value,
        "made_at": moment(notice.made_at),
        "channel": None if notice.channel is None else notice.channel.value,
        "told_at": moment(notice.told_at),
        "told_by": notice.told_by,
        "remark": view.words.remark,
    }
