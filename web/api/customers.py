"""Customers and classes for programs."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.customers import Profile
from vault.workflows import customers
from web.api.views import class_json, customer_json
from web.classes import classes_of
from web.forms import PAGE_SIZE, PAGE_SIZE_MAX, text_of, whole_number_of
from web.site import Visit


async def list_customers(visit: Visit) -> Response:
    """A page of customers, by number."""
    limit = whole_number_of(visit.request.query_params, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    views = await visit.site.call(
        customers.list_customers, visit.vault, visit.actor, after=visit.query("after") or None, limit=limit
    )
    following = views[-1].customer.number if len(views) == limit else None
    return JSONResponse({"customers": [customer_json(view) for view in views], "next": following})


async def add_customer(visit: Visit) -> Response:
    """Adds a customer."""
    profile = Profile.checked(name=text_of(visit.json, "name"), note=text_of(visit.json, "note"))
    view = await visit.site.call(customers.add_customer, visit.vault, visit.actor, profile)
    return JSONResponse(customer_json(view), 201)


async def show_customer(visit: Visit) -> Response:
    """One customer, by id or number."""
    view = await visit.site.call(customers.find_customer, visit.vault, visit.actor, visit.parameter("customer"))
    return JSONResponse(customer_json(view))


async def list_classes(visit: Visit) -> Response:
    """Every record class."""
    known = await visit.site.call(classes_of, visit)
    return JSONResponse({"classes": [class_json(record_class) for record_class in known.offered]})
