"""Lists of the API, page by page: never by offset, always by the key of the last one that was shown.

A stub's key is its number in its batch, which has them from 1 without gaps and for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from vault.errors import InvalidInput
from vault.ids import could_be_key
from web.forms import PAGE_SIZE, PAGE_SIZE_MAX, whole_number_of
from web.site import Visit

JSON = dict[str, Any]
T = TypeVar("T")


def limit_of(visit: Visit) -> int:
    """How many a page has. Raises ``InvalidInput``."""
    return whole_number_of(visit.request.query_params, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)


def key_of(visit: Visit, name: str) -> str:
    """Where a list goes on, empty for its beginning. Raises ``InvalidInput``."""
    key = visit.query(name)
    if key and not could_be_key(key):
        raise InvalidInput("this is not where a page ended", field=name)
    return key


def whole_key_of(visit: Visit, name: str) -> int:
    """The same where it is a number, 0 for the beginning."""
    return whole_number_of(visit.request.query_params, name, default=0, low=0, high=10**12)


def page_of(
    name: str, found: Sequence[T], limit: int, *, shown: Callable[[T], JSON], key: Callable[[T], str | int]
) -> JSON:
    """A page of what was found, which is asked for with one more than the page has."""
    listed = found[:limit]
    return {name: [shown(each) for each in listed], "next": str(key(listed[-1])) if len(found) > limit else None}


def moment(at: datetime | None) -> str | None:
    """A time for programs."""
    return None if at is None else at.isoformat()


def day(on: date | None) -> str | None:
    """A date for programs."""
    return None if on is None else on.isoformat()
