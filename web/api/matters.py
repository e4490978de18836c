"""Matters and their holds for programs: placed by one person, released by two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput, NotFound
from vault.holds import HoldScope, Matter, MatterProfile
from vault.ids import CustomerId, MatterId, RecordId
from vault.permissions import Actor
from vault.workflows import customers, matters, placing, retrieval
from vault.workflows.matters import ItemView, MatterView
from vault.workflows.vault import Vault
from web.api.paging import JSON, key_of, limit_of, moment, page_of
from web.forms import text_of
from web.site import Visit

Deed = Callable[[Vault, Actor, MatterId], MatterView]
NAMED: Final = ("records", "customers", "classes", "queries")


async def list_matters(visit: Visit) -> Response:
    """A page of matters, newest first."""
    before, limit = key_of(visit, "before") or None, limit_of(visit)
    found = await visit.site.call(matters.list_matters, visit.vault, visit.actor, before=before, limit=limit + 1)
    return JSONResponse(
        page_of("matters", found, limit, shown=lambda each: _matter_json(*each), key=lambda each: each[0].number)
    )


async def preview_hold(visit: Visit) -> Response:
    """What a matter would hold."""
    return JSONResponse(_view_json(await _place(visit, dry_run=True)))


async def place_hold(visit: Visit) -> Response:
    """Opens a matter: its scope is held when this answers."""
    return JSONResponse(_view_json(await _place(visit, dry_run=False)), 201)


async def show_matter(visit: Visit) -> Response:
    """One matter, with what it holds."""

    def seen() -> MatterView:
        return matters.show_matter(visit.vault, visit.actor, _matter(visit).id, limit=1).view

    return JSONResponse(_view_json(await visit.site.call(seen)))


async def list_scope(visit: Visit) -> Response:
    """A page of what a matter names."""
    kind, _, subject = visit.query("after").partition(".")
    limit = limit_of(visit)

    def seen() -> JSON:
        after = (kind, subject) if key_of(visit, "after") else None
        story = matters.show_matter(visit.vault, visit.actor, _matter(visit).id, after=after, limit=limit)
        last = story.items[-1].item if story.more else None
        following = f"{last.kind.value}.{last.subject}" if last is not None else None
        return {"items": [_item_json(each) for each in story.items], "next": following}

    return JSONResponse(await visit.site.call(seen))


async def add_to_hold(visit: Visit) -> Response:
    """Adds to a matter's scope."""

    def add() -> MatterView:
        return placing.add_to_hold(visit.vault, visit.actor, _matter(visit).id, _scope(visit))

    return JSONResponse(_view_json(await visit.site.call(add)), 201)


async def propose_release(visit: Visit) -> Response:
    """Proposes to release a matter."""
    reason = text_of(visit.json, "reason")
    return await _done(visit, lambda vault, actor, found: matters.propose_release(vault, actor, found, reason))


async def withdraw_release(visit: Visit) -> Response:
    """Takes a proposed release back."""
    return await _done(visit, matters.withdraw_release)


async def release_hold(visit: Visit) -> Response:
    """Releases a matter whose release somebody else proposed."""
    return await _done(visit, matters.release_hold)


async def _done(visit: Visit, deed: Deed) -> Response:
    def do() -> MatterView:
        return deed(visit.vault, visit.actor, _matter(visit).id)

    return JSONResponse(_view_json(await visit.site.call(do)))


async def _place(visit: Visit, *, dry_run: bool) -> MatterView:
    said = {name: text_of(visit.json, name) for name in ("title", "reason", "issuer")}

    def place() -> MatterView:
        profile = MatterProfile.checked(**said)
        return placing.place_hold(visit.vault, visit.actor, profile, _scope(visit), dry_run=dry_run)

    return await visit.site.call(place)


def _matter(visit: Visit) -> Matter:
    return matters.find_matter(visit.vault, visit.actor, visit.parameter("matter"))


def _scope(visit: Visit) -> HoldScope:
    """What a body names. Raises ``InvalidInput`` for a number that names nothing."""
    named: dict[str, list[str]] = {name: list(visit.json.get(name) or ()) for name in NAMED}  # type: ignore[call-overload]  # lists of texts by the schema
    return HoldScope(
        records=frozenset(_record(visit, each) for each in named["records"]),
        customers=frozenset(_customer(visit, each) for each in named["customers"]),
        classes=frozenset(named["classes"]),
        queries=tuple(named["queries"]),
    )


def _record(visit: Visit, key: str) -> RecordId:
    try:
        return retrieval.find_record(visit.vault, visit.actor, key).id
    except NotFound:
        raise InvalidInput("one of the numbers names no record; look it up in the list", field="records") from None


def _customer(visit: Visit, key: str) -> CustomerId:
    try:
        return customers.find_customer(visit.vault, visit.actor, key).customer.id
    except NotFound as error:
        raise InvalidInput(error.message, field="customers") from None


def _view_json(view: MatterView) -> JSON:
    return {
        **_matter_json(view.matter, view.profile),
        "records": view.coverage.records,
        "destroyed_before": view.coverage.destroyed,
        "versions": view.coverage.versions,
        "versions_held_in_store": view.coverage.versions_held,
    }


def _matter_json(matter: Matter, profile: MatterProfile) -> JSON:
    return {
        "id": matter.id,
        "number": matter.number,
        "state": matter.state.value,
        "title": profile.title,
        "reason": profile.reason,
        "issuer": profile.issuer,
        "placed_at": moment(matter.placed_at),
        "placed_by": matter.placed_by,
        "release_proposed_at": moment(matter.release_proposed_at),
        "release_proposed_by": matter.release_proposed_by,
        "release_reason": profile.release_reason,
        "released_at": moment(matter.released_at),
        "released_by": matter.released_by,
    }


def _item_json(view: ItemView) -> JSON:
    return {
        "kind": view.item.kind.value,
        "subject": view.item.subject,
        "label": view.label,
        "found_by_query": view.item.origin,
        "added_at": moment(view.item.added_at),
        "added_by": view.item.added_by,
    }
