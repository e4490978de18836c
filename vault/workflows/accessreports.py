"""What a permission review came to, to be taken away: a document, and a table with a line an item (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from vault.workflows.accessreviews import ItemView, ReviewView

COLUMNS: Final = (
    "item",
    "kind",
    "group",
    "person_id",
    "name",
    "role",
    "class",
    "given_at",
    "last_used_at",
    "ruling",
    "decided_by",
    "decided_by_name",
    "decided_at",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet begins to calculate; a name that begins so is written behind an apostrophe."""


def report_document(view: ReviewView) -> Mapping[str, object]:
    """The whole review, for programs."""
    review = view.review
    return {
        "number": review.number,
        "state": "open" if review.is_open else "closed",
        "started_by": _person(view, review.started_by),
        "started_at": _written(review.started_at),
        "ends_at": _written(review.ends_at),
        "closed_at": _written(review.closed_at),
        "reviewers": [_person(view, each) for each in view.reviewers],
        "counts": {ruling.value: count for ruling, count in view.counts.items()},
        "items": [dict(zip(COLUMNS, _row(view, each), strict=True)) for each in view.items],
    }


def report_table(view: ReviewView) -> str:
    """A line an item under a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _row(view, each)] for each in view.items)
    return text.getvalue()


def _row(view: ReviewView, shown: ItemView) -> Sequence[str | int | None]:
    item = shown.item
    return (
        item.ordinal,
        item.kind.value,
        item.group,
        item.person_id,
        shown.name or None,
        None if item.role is None else item.role.value,
        item.class_code,
        _written(item.given_at),
        _written(item.last_used_at),
        item.ruling.value,
        item.decided_by,
        view.names.get(item.decided_by) if item.decided_by is not None else None,
        _written(item.decided_at),
    )


def _person(view: ReviewView, person_id: str) -> Mapping[str, object]:
    return {"person_id": person_id, "name": view.names.get(person_id)}


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _cell(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
