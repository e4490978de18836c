"""The list of records: by filter, by words, by saved view.

Rule 1: the address keeps all of what is asked; words stand in it as a sealed reference only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, NotFound, Refused
from vault.ids import RecordId
from vault.queries import read_query
from vault.savedviews import ViewWords
from vault.workflows import deriving, finding, recentsearches, retrieval, savedviews
from vault.workflows.finding import FindResult
from vault.workflows.retrieval import RecordView
from web.classes import classes_of
from web.forms import PAGE_SIZE, cursor, cursor_of, text_of
from web.notices import say
from web.pages.searches import recent_of
from web.problems import PROBLEMS, describe
from web.recordfilters import FIELDS, WORDS, Asked, asked_of, chips_of, nothing_asked
from web.rendering import WORDS as CODES
from web.site import Visit

TYPED_MAX: Final = 8


async def show_records(visit: Visit) -> Response:
    """A page of records, newest first."""
    return await visit.site.call(_list, visit)


async def find_records(visit: Visit) -> Response:
    """Leads to what a search finds. The form is a POST, for what people search for stands in no address."""
    text = visit.form.get("text", "").strip()
    if not text:
        return RedirectResponse(visit.path("records"), 303)
    read_query(text)
    reference = await visit.site.call(_remembered, visit, text)
    return RedirectResponse(f"{visit.path('records')}?{WORDS}={reference}", 303)


def _remembered(visit: Visit, text: str) -> str:
    recentsearches.remember_search(visit.vault, visit.actor, text)
    return savedviews.refer_to(visit.vault, visit.actor, text)


async def save_view(visit: Visit) -> Response:
    """Keeps what the list shows under a name."""
    return await visit.site.call(_save, visit)


async def forget_view(visit: Visit) -> Response:
    """Removes a view."""
    await visit.site.call(savedviews.forget_view, visit.vault, visit.actor, visit.parameter("view"))
    return say(visit, RedirectResponse(visit.path("records"), 303), "view-forgotten")


def _save(visit: Visit) -> Response:
    reference = text_of(visit.form, WORDS)
    filter = {name: text_of(visit.form, name) for name in FIELDS}
    words = savedviews.words_of_reference(visit.vault, visit.actor, reference) if reference else ""
    try:
        view = ViewWords.checked(name=text_of(visit.form, "name"), words=words, filter=filter)
        savedviews.save_view(visit.vault, visit.actor, view)
    except Refused as refusal:
        return _list(visit, refusal)
    return say(visit, RedirectResponse(_address(visit, view), 303), "view-saved")


def _address(visit: Visit, view: ViewWords) -> str:
    asked = nothing_asked()
    more = dict(view.filter)
    if view.words:
        more[WORDS] = savedviews.refer_to(visit.vault, visit.actor, view.words)
    return visit.path("records") + asked.query(**more)


def _list(visit: Visit, refusal: Refused | None = None) -> Response:
    known, error = classes_of(visit), refusal
    asked, records, following, found = nothing_asked(), list[RecordView](), None, None
    before = cursor_of(visit.query("before"))
    behind = (before[0], RecordId(before[1])) if before is not None else None
    try:
        asked = asked_of(visit, known)
        if asked.words:
            found, following = _found(visit, asked, behind)
            records = list(found.views)
        else:
            records, following = _page(visit, asked, behind)
    except (InvalidInput, NotFound) as raised:
        error = raised
    pictured = (
        deriving.pictured(visit.vault, visit.actor, [view.record for view in records])
        if asked.pictures
        else frozenset[RecordId]()
    )
    state = asked.fields["state"]
    return visit.site.templates.page(
        visit,
        "records.html",
        status=PROBLEMS[error.code].status if error is not None and not isinstance(error, NotFound) else 200,
        records=records,
        following=following,
        first_page=before is None,
        asked=asked,
        pictured=pictured,
        chips=list(chips_of(visit, asked, known, visit.language.text(CODES[state]) if state else "")),
        result=found,
        views=_views(visit, asked),
        searches=recent_of(visit),
        error=describe(visit, error) if error is not None else None,
        classes=known.offered,
        class_title=known.title,
    )


def _page(visit: Visit, asked: Asked, before: tuple[datetime, RecordId] | None) -> tuple[list[RecordView], str | None]:
    views = retrieval.list_records(
        visit.vault,
        visit.actor,
        asked.filter,
        before=before,
        limit=PAGE_SIZE + 1,
    )
    shown = list(views[:PAGE_SIZE])
    if len(views) <= PAGE_SIZE:
        return shown, None
    last = shown[-1].record
    return shown, asked.query(before=cursor(last.received_at, last.id))


def _found(visit: Visit, asked: Asked, before: tuple[datetime, RecordId] | None) -> tuple[FindResult, str | None]:
    result = finding.find(visit.vault, visit.actor, asked.words, narrow=asked.filter, before=before, limit=PAGE_SIZE)
    if not result.has_more:
        return result, None
    last = result.views[-1].record
    return result, asked.query(before=cursor(last.received_at, last.id))


async def find_while_typing(visit: Visit) -> Response:
    """The first few that a search finds, or recent searches where nothing is typed, as a part of a page.

    A POST: what people search for stands in no address.
    """
    return await visit.site.call(_typed, visit)


def _typed(visit: Visit) -> Response:
    text, result, error = text_of(visit.form, "text").strip(), None, None
    if not text:
        return visit.site.templates.page(
            visit, "recent.html", headers={"Cache-Control": "no-store"}, searches=recent_of(visit)
        )
    try:
        result = finding.find(visit.vault, visit.actor, text, limit=TYPED_MAX)
    except InvalidInput as raised:
        error = describe(visit, raised)
    known = classes_of(visit)
    return visit.site.templates.page(
        visit,
        "found.html",
        headers={"Cache-Control": "no-store"},
        result=result,
        error=error,
        class_title=known.title,
    )


def _views(visit: Visit, asked: Asked) -> Sequence[Mapping[str, object]]:
    """The views of whoever asks, with their addresses; ``here`` is the one that is shown."""
    now = {name: value for name, value in asked.fields.items() if value}
    return [
        {
            "id": each.view.id,
            "name": each.words.name,
            "address": _address(visit, each.words),
            "here": dict(each.words.filter) == now and each.words.words == asked.words,
        }
        for each in savedviews.list_views(visit.vault, visit.actor)
    ]
