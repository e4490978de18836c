"""Disposal lists for programs: proposed, reviewed, signed, objected to, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.responses import JSONResponse, Response

from vault.disposal import Decision, DisposalList, ListState, Part
from vault.errors import Conflict
from vault.ids import RecordId
from vault.records import Record
from vault.workflows import disposal, listing, retrieval, reviewing
from vault.workflows.disposal import ItemView, ListView
from web.api.paging import JSON, day, key_of, limit_of, moment, page_of
from web.forms import date_of, text_of
from web.site import Visit


async def list_lists(visit: Visit) -> Response:
    """A page of lists, newest first."""
    before, limit = key_of(visit, "before") or None, limit_of(visit)
    said = visit.query("state")
    found = await visit.site.call(
        disposal.list_lists,
        visit.vault,
        visit.actor,
        state=ListState(said) if said else None,
        before=before,
        limit=limit + 1,
    )
    return JSONResponse(
        page_of("lists", found, limit, shown=lambda each: list_json(*each), key=lambda each: each[0].number)
    )


async def preview_class(visit: Visit) -> Response:
    """What would be listed of a class."""
    code = text_of(visit.json, "class")
    found = await visit.site.call(listing.preview_class, visit.vault, visit.actor, code)
    return JSONResponse({"records": [_due_json(each) for each in found]})


async def propose_class(visit: Visit) -> Response:
    """Lists what of a class is due."""
    code = text_of(visit.json, "class")
    made = await visit.site.call(listing.propose_class, visit.vault, visit.actor, code)
    return JSONResponse({"lists": [{"id": each.id, "number": each.number} for each in made]}, 201)


async def propose_error(visit: Visit) -> Response:
    """Lists records that should never have been filed."""

    def propose() -> JSON:
        named = _records(visit)
        made = listing.propose_error(visit.vault, visit.actor, named, text_of(visit.json, "reason"))
        return {"lists": [] if made is None else [{"id": made.id, "number": made.number}]}

    return JSONResponse(await visit.site.call(propose), 201)


async def show_list(visit: Visit) -> Response:
    """One list."""
    return await _answer(visit, lambda found: disposal.show_list(visit.vault, visit.actor, found.id))


async def list_items(visit: Visit) -> Response:
    """A page of what stands, or stood, on a list."""
    after, limit = key_of(visit, "after"), limit_of(visit)

    def seen() -> JSON:
        found = list_named(visit)
        items = disposal.list_items(visit.vault, visit.actor, found.id, after=after, limit=limit + 1)
        return page_of("items", items, limit, shown=_item_json, key=lambda each: each.item.record_id)

    return JSONResponse(await visit.site.call(seen))


async def review(visit: Visit) -> Response:
    """Decides on records of a list, or on all that are pending."""

    def decide(found: DisposalList) -> ListView:
        choice = reviewing.choice_of(
            text_of(visit.json, "decision"),
            reason=text_of(visit.json, "reason"),
            until=date_of(visit.json, "until"),
            target=text_of(visit.json, "class") or None,
            trigger_on=date_of(visit.json, "trigger_on"),
        )
        named = _records(visit) if visit.json.get("records") is not None else None
        return reviewing.review(visit.vault, visit.actor, found.id, choice, named)

    return await _answer(visit, decide)


async def object_to(visit: Visit) -> Response:
    """Takes records off a list because somebody objects."""

    def object_now(found: DisposalList) -> ListView:
        reason, until = text_of(visit.json, "reason"), date_of(visit.json, "until")
        return reviewing.object_to(visit.vault, visit.actor, found.id, _records(visit), reason, until=until)

    return await _answer(visit, object_now)


async def sign(visit: Visit) -> Response:
    """Signs a list in a part, as it was when it was looked at."""

    def sign_now(found: DisposalList) -> ListView:
        if found.change != visit.json["change"]:
            raise Conflict("the list has changed since it was shown; look at it again")
        return disposal.sign(visit.vault, visit.actor, found.id, Part(text_of(visit.json, "part")))

    return await _answer(visit, sign_now)


async def cancel(visit: Visit) -> Response:
    """Cancels an open list."""
    reason = text_of(visit.json, "reason")
    return await _answer(visit, lambda found: disposal.cancel(visit.vault, visit.actor, found.id, reason))


async def list_transfers(visit: Visit) -> Response:
    """A page of records that are to be handed over."""
    after, limit = key_of(visit, "after"), limit_of(visit)
    found = await visit.site.call(disposal.list_transfers, visit.vault, visit.actor, after=after, limit=limit + 1)
    return JSONResponse(page_of("records", found, limit, shown=_due_json, key=lambda each: each.id))


async def _answer(visit: Visit, deed: Callable[[DisposalList], ListView]) -> Response:
    return JSONResponse(_view_json(await visit.site.call(lambda: deed(list_named(visit)))))


def list_named(visit: Visit) -> DisposalList:
    """The list that the path names by id or number. Raises ``NotFound``."""
    return disposal.find_list(visit.vault, visit.actor, visit.parameter("list"))


def _records(visit: Visit) -> Sequence[RecordId]:
    """The records that a body names by id or number. Raises ``NotFound``."""
    named: list[str] = visit.json["records"]  # type: ignore[assignment]  # a list of texts by the schema
    return [retrieval.find_record(visit.vault, visit.actor, each).id for each in named]


def list_json(found: DisposalList, counts: Mapping[Decision, int]) -> JSON:
    """A list with how much was decided."""
    return {
        "id": found.id,
        "number": found.number,
        "class": found.class_code,
        "rule_version": found.rule_version,
        "ground": found.ground.value,
        "state": found.state.value,
        "automatic": found.automatic,
        "proposed_by": found.proposed_by,
        "proposed_at": moment(found.proposed_at),
        "approvers": found.approvers,
        "supervisors": found.supervisors,
        "due_until": day(found.due_until),
        "approved_at": moment(found.approved_at),
        "window_until": moment(found.window_until),
        "executed_at": moment(found.executed_at),
        "destruction": found.batch_id,
        "closed_at": moment(found.closed_at),
        "change": found.change,
        "decisions": {decision.value: counts.get(decision, 0) for decision in Decision},
    }


def _view_json(view: ListView) -> JSON:
    said = view.profile
    upcoming = None
    if view.next is not None:
        upcoming = {"part": view.next[0].value, "step": view.next[1], "title": view.title or None}
    return {
        **list_json(view.disposal, view.counts),
        **{name: getattr(said, name) for name in ("reason", "place", "method", "remarks", "cancelled")},
        "opinion": said.opinion or None,
        "untold_customers": view.untold,
        "signatures": [
            {"person": each.person_id, "part": each.part.value, "step": each.step, "at": moment(each.at)}
            for each in view.signatures
        ],
        "next_signature": upcoming,
    }


def _item_json(view: ItemView) -> JSON:
    item = view.item
    return {
        "record_id": item.record_id,
        "number": view.record.number,
        "decision": item.decision.value,
        "permanent": item.is_permanent,
        "listed": item.listed,
        "decided_by": item.decided_by,
        "decided_at": moment(item.decided_at),
        "reason": view.reason,
        "until": day(item.until),
        "class": item.target,
        "cause": item.cause,
        "due_on": day(view.record.due_on),
    }


def _due_json(record: Record) -> JSON:
    return {
        "record_id": record.id,
        "number": record.number,
        "class": record.class_code,
        "state": record.state.value,
        "due_on": day(record.due_on),
    }
