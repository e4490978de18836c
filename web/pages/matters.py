"""Matters: placing a hold, its scope, how far the store follows, and the release by two people.

Rule 1: words that a matter looks for are typed into a POST; addresses name records, customers and classes by number.
Rule 2: a look at what would be held changes nothing; placing takes one person, for a late hold is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.errors import Conflict, InvalidInput, NotFound, Refused
from vault.holds import HoldScope, Matter, MatterProfile, MatterState
from vault.ids import RecordId
from vault.permissions import Action
from vault.workflows import customers, matters, placing, retrieval, upkeep
from vault.workflows.matters import MatterView
from web.classes import classes_of
from web.forms import PAGE_SIZE, text_of
from web.problems import PROBLEMS, describe
from web.site import Visit

ITEMS_SHOWN: Final = 100
CLASS_FIELD: Final = "class-"
NAMED_MAX: Final = 500


async def list_matters(visit: Visit) -> Response:
    """Every matter, newest first."""
    before = visit.query("before") or None
    found = await visit.site.call(matters.list_matters, visit.vault, visit.actor, before=before, limit=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    state = await visit.site.call(upkeep.state, visit.vault, visit.actor) if visit.may(Action.SEE_STATE) else None
    return visit.site.templates.page(
        visit,
        "matters.html",
        matters=shown,
        following=shown[-1][0].number if len(found) > PAGE_SIZE else None,
        first_page=before is None,
        waiting=state.holds_waiting if state is not None else 0,
    )


async def show_form(visit: Visit) -> Response:
    """The form that places a hold; records, customers and classes may be named in the address."""
    return await visit.site.call(_blank_form, visit)


async def place_hold(visit: Visit) -> Response:
    """Places a hold, once; or shows what it would hold."""
    return await visit.site.call(_place, visit)


async def show_matter(visit: Visit) -> Response:
    """One matter: why, what it holds, how far the store follows, and what may be done."""
    return await visit.site.call(_matter_page, visit, visit.parameter("matter"))


async def add_to_hold(visit: Visit) -> Response:
    """Adds to a matter's scope."""
    return await visit.site.call(_add, visit, visit.parameter("matter"))


async def propose_release(visit: Visit) -> Response:
    """Proposes to release a matter."""
    return await visit.site.call(_propose_release, visit, visit.parameter("matter"))


async def withdraw_release(visit: Visit) -> Response:
    """Takes a proposed release back."""
    return await visit.site.call(_withdraw_release, visit, visit.parameter("matter"))


async def release_hold(visit: Visit) -> Response:
    """Releases a matter whose release another person proposed."""
    return await visit.site.call(_release, visit, visit.parameter("matter"))


def _blank_form(visit: Visit) -> Response:
    query = visit.request.query_params
    named = query.getlist("record")[:NAMED_MAX]
    numbers = [retrieval.find_record(visit.vault, visit.actor, each).number for each in named]
    values = {"records": "\n".join(numbers), "customers": "\n".join(query.getlist("customer")[:NAMED_MAX])}
    values |= {CLASS_FIELD + each: "yes" for each in query.getlist("class")}
    return _form_page(visit, values)


def _form_page(
    visit: Visit, values: dict[str, str], *, refusal: Refused | None = None, seen: MatterView | None = None
) -> Response:
    return visit.site.templates.page(
        visit,
        "matter_form.html",
        status=_status(refusal),
        values=values,
        seen=seen,
        once=values.get("once") or visit.vault.new_id(),
        classes=classes_of(visit).known.values(),
        opened=_opened(visit, values.get("records", "")),
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=_field(refusal),
    )


def _place(visit: Visit) -> Response:
    values = dict(visit.form)
    try:
        profile = MatterProfile.checked(
            title=text_of(visit.form, "title"),
            reason=text_of(visit.form, "reason").replace("\r\n", "\n"),
            issuer=text_of(visit.form, "issuer"),
        )
        scope = _scope(visit)
        if text_of(visit.form, "step") == "look":
            seen = placing.place_hold(visit.vault, visit.actor, profile, scope, dry_run=True)
            return _form_page(visit, values, seen=seen)
        number = visit.site.submissions.once(
            _token(visit),
            lambda: placing.place_hold(visit.vault, visit.actor, profile, scope).matter.number,
        )
    except Refused as refusal:
        return _form_page(visit, values, refusal=refusal)
    return RedirectResponse(visit.path("matter", matter=number), 303)


def _matter_page(visit: Visit, key: str, *, refusal: Refused | None = None, seen: MatterView | None = None) -> Response:
    kind, _, subject = visit.query("after").partition(".")
    matter = matters.find_matter(visit.vault, visit.actor, key)
    story = matters.show_matter(
        visit.vault, visit.actor, matter.id, after=(kind, subject) if subject else None, limit=ITEMS_SHOWN
    )
    last = story.items[-1].item if story.more else None
    return visit.site.templates.page(
        visit,
        "matter.html",
        status=_status(refusal),
        story=story,
        view=story.view,
        matter=matter,
        own=matter.release_proposed_by == visit.actor.person_id,
        seen=seen,
        values=visit.form,
        once=visit.form.get("once") or visit.vault.new_id(),
        classes=classes_of(visit).known.values(),
        class_title=classes_of(visit).title,
        following=f"{last.kind.value}.{last.subject}" if last is not None else None,
        first_page=not subject,
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=_field(refusal),
    )


def _add(visit: Visit, key: str) -> Response:
    matter = matters.find_matter(visit.vault, visit.actor, key)
    try:
        scope = _scope(visit)
        if text_of(visit.form, "step") == "look":
            seen = placing.add_to_hold(visit.vault, visit.actor, matter.id, scope, dry_run=True)
            return _matter_page(visit, key, seen=seen)
        visit.site.submissions.once(
            _token(visit),
            lambda: placing.add_to_hold(visit.vault, visit.actor, matter.id, scope).matter.number,
        )
    except Refused as refusal:
        return _matter_page(visit, key, refusal=refusal)
    return _to(visit, matter)


def _propose_release(visit: Visit, key: str) -> Response:
    matter = matters.find_matter(visit.vault, visit.actor, key)
    try:
        matters.propose_release(visit.vault, visit.actor, matter.id, text_of(visit.form, "reason"))
    except Conflict as refusal:
        now = matters.find_matter(visit.vault, visit.actor, key)
        if now.state is not MatterState.RELEASE_PROPOSED or now.release_proposed_by != visit.actor.person_id:
            return _matter_page(visit, key, refusal=refusal)
    except Refused as refusal:
        return _matter_page(visit, key, refusal=refusal)
    return _to(visit, matter)


def _withdraw_release(visit: Visit, key: str) -> Response:
    matter = matters.find_matter(visit.vault, visit.actor, key)
    try:
        matters.withdraw_release(visit.vault, visit.actor, matter.id)
    except Conflict as refusal:
        if matters.find_matter(visit.vault, visit.actor, key).state is not MatterState.IN_FORCE:
            return _matter_page(visit, key, refusal=refusal)
    return _to(visit, matter)


def _release(visit: Visit, key: str) -> Response:
    matter = matters.find_matter(visit.vault, visit.actor, key)
    if matter.state is MatterState.RELEASED and matter.released_by == visit.actor.person_id:
        return _to(visit, matter)
    try:
        if text_of(visit.form, "confirm").strip() != matter.number:
            raise InvalidInput("this is not the matter's number; type it as it stands above", field="confirm")
        matters.release_hold(visit.vault, visit.actor, matter.id)
    except Refused as refusal:
        return _matter_page(visit, key, refusal=refusal)
    return _to(visit, matter)


def _scope(visit: Visit) -> HoldScope:
    """What a form names. Raises ``NotFound`` telling which number there is not."""

    def words(name: str) -> Sequence[str]:
        return text_of(visit.form, name).replace(",", " ").split()[:NAMED_MAX]

    return HoldScope(
        records=frozenset(_record(visit, each) for each in words("records")),
        customers=frozenset(
            customers.find_customer(visit.vault, visit.actor, each).customer.id for each in words("customers")
        ),
        classes=frozenset(
            name.removeprefix(CLASS_FIELD)
            for name, said in visit.form.items()
            if name.startswith(CLASS_FIELD) and said == "yes"
        ),
        queries=tuple(line.strip() for line in text_of(visit.form, "queries").splitlines() if line.strip()),
    )


def _record(visit: Visit, key: str) -> RecordId:
    try:
        return retrieval.find_record(visit.vault, visit.actor, key).id
    except NotFound:
        raise InvalidInput("one of the numbers names no record; look it up in the list", field="records") from None


def _opened(visit: Visit, records: str) -> list[tuple[str, str]]:
    """Numbers and titles of the records that a form names, as far as they can be told."""
    found = []
    for key in records.split()[:ITEMS_SHOWN]:
        try:
            found.append(retrieval.find_record(visit.vault, visit.actor, key).id)
        except NotFound:
            continue
    views = retrieval.views_of(visit.vault, found)
    return [(view.record.number, view.description.title if view.description else "–") for view in views]


def _token(visit: Visit) -> str:
    """The form's own token, with whose it is."""
    once = text_of(visit.form, "once")
    return f"{visit.actor.person_id} {once}" if once else ""


def _to(visit: Visit, matter: Matter) -> Response:
    return RedirectResponse(visit.path("matter", matter=matter.number), 303)


def _field(refusal: Refused | None) -> str:
    """The field of the form that a refusal is about; a query is one line of several."""
    named = str(getattr(refusal, "field", None) or "")
    return "queries" if named == "query" else named


def _status(refusal: Refused | None) -> int:
    return PROBLEMS[refusal.code].status if refusal is not None else 200
