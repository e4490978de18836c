"""What a work list is asked for: read off its address, for pages and for programs.

Rule 1: an address holds codes, days and opaque ids; where a page begins is the last record of the one before.
"""

from __future__ import annotations

from vault.errors import InvalidInput, NotFound
from vault.ids import RecordId, could_be_key
from vault.quality import DAYS_MAX, STALE_AFTER_DAYS, Flaw, WorkList
from vault.workflows import worklists
from vault.workflows.worklists import WorkPage
from web.forms import whole_number_of
from web.site import Visit


def work_of(name: str) -> WorkList:
    """The list of that name. Raises ``NotFound``."""
    if name not in list(WorkList):
        raise NotFound("there is no such work list; choose one on the page of data quality")
    return WorkList(name)


def flaw_of(text: str) -> Flaw | None:
    """The flaw of that name, None without one. Raises ``InvalidInput``."""
    if text and text not in list(Flaw):
        raise InvalidInput("there is no such flaw; choose one", field="flaw")
    return Flaw(text) if text else None


def position_of(text: str) -> RecordId | None:
    """Where a page begins: behind a record. Raises ``InvalidInput``."""
    if not text:
        return None
    if not could_be_key(text):
        raise InvalidInput("this is no place in a list; begin at its first page", field="before")
    return RecordId(text)


def asked_page(visit: Visit, work: WorkList, *, limit: int) -> WorkPage:
    """What the address asks for. Raises ``InvalidInput``, ``NotAllowed``."""
    query = visit.request.query_params
    return worklists.list_work(
        visit.vault,
        visit.actor,
        work,
        flaw=flaw_of(visit.query("flaw")),
        class_code=visit.query("class") or None,
        days=whole_number_of(query, "days", default=STALE_AFTER_DAYS, low=0, high=DAYS_MAX),
        before=position_of(visit.query("before")),
        limit=limit,
    )
