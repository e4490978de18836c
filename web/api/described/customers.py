"""Customers and classes, described."""

from __future__ import annotations

from typing import Final

from web.api.operations import AFTER, LIMIT, Operation
from web.api.shapes import MAYBE_WHOLE, MOMENT, TEXT, WHOLE, Schema, asked, page, ref, shape

SCHEMAS: Final[dict[str, Schema]] = {
    "Class": shape(
        {
            "code": TEXT,
            "title_zh": TEXT,
            "title_en": TEXT,
            "nature": TEXT,
            "sensitivity": TEXT,
            "trigger": TEXT,
            "period_years": MAYBE_WHOLE,
            "period_months": WHOLE,
            "action": {"type": "string", "enum": ["destroy", "review", "transfer", "keep"]},
            "lock_mode": TEXT,
            "mandate": TEXT,
        }
    ),
    "Classes": shape({"classes": {"type": "array", "items": ref("Class")}}),
    "NewCustomer": asked({"name": TEXT, "note": TEXT}, "name"),
    "Customer": shape({"id": TEXT, "number": TEXT, "name": TEXT, "note": TEXT, "created_at": MOMENT}),
    "CustomerPage": page("customers", "Customer"),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-classes": Operation(tag="classes", summary="Every record class", answers={200: ("Classes", "Classes")}),
    "api-customers": Operation(
        tag="customers",
        summary="Customers, by number",
        answers={200: ("A page", "CustomerPage")},
        query=(AFTER, LIMIT),
    ),
    "api-add-customer": Operation(
        tag="customers",
        summary="Add a customer",
        answers={201: ("Added", "Customer")},
        body="NewCustomer",
        once=True,
    ),
    "api-customer": Operation(
        tag="customers",
        summary="One customer, by id or number",
        answers={200: ("The customer", "Customer")},
        problems=(404,),
    ),
}
