"""The list of customers, adding one, and one with what it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.customers import Profile
from vault.errors import Refused
from vault.shelves import RecordFilter
from vault.workflows import customers, retrieval
from web.classes import classes_of
from web.forms import PAGE_SIZE
from web.notices import say
from web.problems import PROBLEMS, describe
from web.site import Visit

RECORDS_SHOWN: Final = 20


async def show_customers(visit: Visit) -> Response:
    """A page of customers, with the form that adds one."""
    return await _page(visit, values={})


async def add_customer(visit: Visit) -> Response:
    """Adds a customer."""
    try:
        profile = Profile.checked(name=visit.form.get("name", ""), note=visit.form.get("note", ""))
        await visit.site.call(customers.add_customer, visit.vault, visit.actor, profile)
    except Refused as error:
        return await _page(visit, values=visit.form, error=error)
    return say(visit, RedirectResponse(visit.path("customers"), 303), "customer-added")


async def show_customer(visit: Visit) -> Response:
    """One customer, with the newest of its records."""
    return await visit.site.call(_customer_page, visit)


def _customer_page(visit: Visit) -> Response:
    view = customers.find_customer(visit.vault, visit.actor, visit.parameter("customer"))
    filter = RecordFilter(customer_id=view.customer.id)
    return visit.site.templates.page(
        visit,
        "customer.html",
        view=view,
        records=retrieval.list_records(visit.vault, visit.actor, filter, limit=RECORDS_SHOWN),
        class_title=classes_of(visit).title,
    )


async def _page(visit: Visit, *, values: Mapping[str, str], error: Refused | None = None) -> Response:
    after = visit.query("after") or None
    views = await visit.site.call(customers.list_customers, visit.vault, visit.actor, after=after, limit=PAGE_SIZE + 1)
    shown = views[:PAGE_SIZE]
    return visit.site.templates.page(
        visit,
        "customers.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        customers=shown,
        following=shown[-1].customer.number if len(views) > PAGE_SIZE else None,
        first_page=after is None,
        values=values,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "name",
    )
