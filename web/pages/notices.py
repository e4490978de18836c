"""Notices of destruction: what is going to be destroyed, for everybody here; whom to tell, and who was told."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, Refused
from vault.ids import CustomerId
from vault.notices import BY_PEOPLE, Channel
from vault.workflows import disposal, notices
from web.forms import PAGE_SIZE, text_of
from web.pages.disposal import CHOSEN, list_page
from web.site import Visit


async def list_notices(visit: Visit) -> Response:
    """Every notice that the visitor may see, newest first."""
    return await visit.site.call(_page, visit)


async def show_notice(visit: Visit) -> Response:
    """What one notice says, in both languages."""
    return await visit.site.call(_notice, visit)


async def tell_customers(visit: Visit) -> Response:
    """Says that customers were told of a list."""
    return await visit.site.call(_tell, visit, visit.parameter("list"))


def _page(visit: Visit) -> Response:
    before, waiting = visit.query("before") or None, visit.query("state") == "waiting"
    found = notices.list_notices(visit.vault, visit.actor, only_waiting=waiting, before=before, limit=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    return visit.site.templates.page(
        visit,
        "notices.html",
        views=shown,
        waiting=waiting,
        following=shown[-1].notice.id if len(found) > PAGE_SIZE else None,
        first_page=before is None,
    )


def _notice(visit: Visit) -> Response:
    view = notices.show_notice(visit.vault, visit.actor, visit.parameter("notice"))
    return visit.site.templates.page(visit, "notice.html", view=view, notice=view.notice)


def _tell(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    chosen = [CustomerId(name.removeprefix(CHOSEN)) for name in visit.form if name.startswith(CHOSEN)]
    said = text_of(visit.form, "channel")
    try:
        if said not in BY_PEOPLE:
            raise InvalidInput("choose one of those that are offered", field="channel")
        if not chosen:
            raise InvalidInput("no customer is named; name some, or all that wait", field="customers")
        notices.tell(
            visit.vault,
            visit.actor,
            found.id,
            Channel(said),
            customers=chosen,
            remark=text_of(visit.form, "remark"),
        )
    except Refused as refusal:
        views = {
            each.notice.customer_id: each.notice for each in notices.notices_of_list(visit.vault, visit.actor, found.id)
        }
        mine = [each for each in (views.get(customer) for customer in chosen) if each is not None]
        if not mine or any(each.told_by != visit.actor.person_id for each in mine):
            return list_page(visit, key, refusal)
        # The same form came twice: the other one was first.
    return RedirectResponse(visit.path("disposal", list=found.number), 303)
