"""Disposal lists: the queue, the review of each record, signatures, objections, and the pause of automatic expiry.

Rule 1: who may do what, and in which order, the vault says; a page offers what is next and tells every refusal.
Rule 2: whoever signs types how many records the list destroys; a list that changed since it was shown is shown again.
Rule 3: a form that is sent twice leads to where the first one led.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.disposal import Decision, DisposalList, ListState, Part, Pause, PauseCause
from vault.errors import Conflict, InvalidInput, NotFound, Refused
from vault.ids import RecordId
from vault.notices import BY_PEOPLE
from vault.permissions import Action
from vault.workflows import awaiting, disposal, expiry, listing, notices, retrieval, reviewing
from vault.workflows.disposal import ListView
from vault.workflows.reviewing import PERMANENT, Choice, choice_of
from web.classes import classes_of
from web.forms import PAGE_SIZE, date_of, text_of
from web.problems import PROBLEMS, describe
from web.rendering import WORDS
from web.site import Visit

CHOSEN: Final = "r-"
"""Fields of chosen records are named so, with the record's id behind it: of one name only the last counts."""
DECISIONS: Final = (
    Decision.DESTROY.value,
    Decision.EXTEND.value,
    PERMANENT,
    Decision.RECLASSIFY.value,
    Decision.TRANSFER.value,
    Decision.KEEP.value,
)
_HOUR: Final = 3600


async def show_queue(visit: Visit) -> Response:
    """The lists, newest first, by state; and where automatic expiry stands."""
    return await visit.site.call(_queue_page, visit)


async def propose_class(visit: Visit) -> Response:
    """Lists what of a class is due; or shows what would be listed."""
    return await visit.site.call(_propose_class, visit)


async def show_error_form(visit: Visit) -> Response:
    """The form that lists records which should never have been filed."""
    named = visit.request.query_params.getlist("record")[:PAGE_SIZE]
    return await visit.site.call(_error_page, visit, named)


async def propose_error(visit: Visit) -> Response:
    """Lists records that were filed in error."""
    return await visit.site.call(_propose_error, visit)


async def resume_expiry(visit: Visit) -> Response:
    """Lets automatic expiry go on."""
    return await visit.site.call(_resume, visit)


async def show_transfers(visit: Visit) -> Response:
    """Records that are to be handed over."""
    return await visit.site.call(_transfers_page, visit)


async def show_list(visit: Visit) -> Response:
    """One list: its records with what was decided, who signed, and what is next."""
    return await visit.site.call(list_page, visit, visit.parameter("list"))


async def review_list(visit: Visit) -> Response:
    """Decides on the chosen records, or on all that are pending."""
    return await visit.site.call(_review, visit, visit.parameter("list"))


async def object_to_list(visit: Visit) -> Response:
    """Takes the chosen records off because somebody objects."""
    return await visit.site.call(_object, visit, visit.parameter("list"))


async def sign_list(visit: Visit) -> Response:
    """Signs a list in the part that is next, once."""
    return await visit.site.call(_sign, visit, visit.parameter("list"))


async def cancel_list(visit: Visit) -> Response:
    """Cancels a list."""
    return await visit.site.call(_cancel, visit, visit.parameter("list"))


def pause_figure(pause: Pause) -> int:
    """What stands on the page of a pause, and is typed to resume: records, or hours."""
    return pause.measure if pause.cause is PauseCause.SHARE_EXCEEDED else pause.measure // _HOUR


def destroyed_by(view: ListView) -> int:
    """How many records a list destroys as it stands."""
    return view.counts.get(Decision.DESTROY, 0)


def _queue_page(visit: Visit, refusal: Refused | None = None, seen: Mapping[str, object] | None = None) -> Response:
    chosen = visit.query("state") if visit.request.method == "GET" else ""
    states = {each.value: each for each in ListState}
    if chosen and chosen not in states:
        raise InvalidInput("there is no such state", field="state")
    before = visit.query("before") or None
    found = disposal.list_lists(visit.vault, visit.actor, state=states.get(chosen), before=before, limit=PAGE_SIZE + 1)
    shown, known = found[:PAGE_SIZE], classes_of(visit)
    standing = expiry.show_expiry(visit.vault, visit.actor)
    return visit.site.templates.page(
        visit,
        "disposals.html",
        status=_status(refusal),
        lists=shown,
        steps={
            each.id: awaiting.step_of_list(visit.vault, visit.actor, each, counts)
            for each, counts in shown
            if each.is_open and not each.automatic
        },
        now=visit.vault.now(),
        following=shown[-1][0].number if len(found) > PAGE_SIZE else None,
        first_page=before is None,
        chosen=chosen,
        list_states=tuple(ListState),
        destroy=Decision.DESTROY,
        pending=Decision.PENDING,
        standing=standing,
        figure=pause_figure(standing.pause) if standing.pause is not None else 0,
        classes=[each for each in known.offered if not each.automatic and not each.is_permanent],
        class_title=known.title,
        seen=seen,
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _propose_class(visit: Visit) -> Response:
    code = text_of(visit.form, "class")
    try:
        if text_of(visit.form, "step") == "look":
            records = listing.preview_class(visit.vault, visit.actor, code)
            return _queue_page(visit, seen={"code": code, "count": len(records), "records": records[:PAGE_SIZE]})
        made = listing.propose_class(visit.vault, visit.actor, code)
    except Refused as refusal:
        return _queue_page(visit, refusal)
    if len(made) == 1:
        return _to(visit, made[0])
    if not made:
        return _queue_page(visit, seen={"code": code, "count": 0, "records": ()})
    return RedirectResponse(visit.path("disposals"), 303)


def _error_page(visit: Visit, named: Sequence[str], refusal: Refused | None = None) -> Response:
    records = [retrieval.find_record(visit.vault, visit.actor, each) for each in named]
    views = retrieval.views_of(visit.vault, [each.id for each in records])
    return visit.site.templates.page(
        visit,
        "disposal_error.html",
        status=_status(refusal),
        views=views,
        named=" ".join(each.record.id for each in views),
        class_title=classes_of(visit).title,
        values=visit.form,
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _propose_error(visit: Visit) -> Response:
    named = text_of(visit.form, "records").split()[:PAGE_SIZE]
    ids = [retrieval.find_record(visit.vault, visit.actor, each).id for each in named]
    try:
        made = listing.propose_error(visit.vault, visit.actor, ids, text_of(visit.form, "reason").replace("\r\n", "\n"))
    except Conflict as refusal:
        mine = _my_list_of(visit, ids)
        if mine is None:
            return _error_page(visit, named, refusal)
        return _to(visit, mine)
    except Refused as refusal:
        return _error_page(visit, named, refusal)
    return _to(visit, made) if made is not None else RedirectResponse(visit.path("disposals"), 303)


def _my_list_of(visit: Visit, ids: Sequence[RecordId]) -> DisposalList | None:
    """The open list that whoever asks has just made of exactly these: the form was sent twice."""
    for found, _ in disposal.list_lists(visit.vault, visit.actor, state=ListState.PROPOSED, limit=5):
        if found.proposed_by == visit.actor.person_id:
            items = disposal.list_items(visit.vault, visit.actor, found.id, limit=len(ids) + 1)
            if {each.item.record_id for each in items} == set(ids):
                return found
    return None


def _transfers_page(visit: Visit) -> Response:
    after = visit.query("after")
    found = disposal.list_transfers(visit.vault, visit.actor, after=after, limit=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    return visit.site.templates.page(
        visit,
        "transfers.html",
        records=retrieval.views_of(visit.vault, [each.id for each in shown]),
        following=shown[-1].id if len(found) > PAGE_SIZE else None,
        first_page=not after,
        class_title=classes_of(visit).title,
    )


def _resume(visit: Visit) -> Response:
    try:
        pause = expiry.show_expiry(visit.vault, visit.actor).pause
        if pause is not None:
            if text_of(visit.form, "pause") != pause.id:
                raise Conflict("automatic expiry stopped for another reason meanwhile; look at it again")
            if text_of(visit.form, "confirm").strip() != str(pause_figure(pause)):
                raise InvalidInput("this is not the number that stands above; type it", field="confirm")
            expiry.resume(visit.vault, visit.actor)
    except NotFound:
        pass  # somebody else was first: it goes on
    except Refused as refusal:
        return _queue_page(visit, refusal)
    return RedirectResponse(visit.path("disposals"), 303)


def list_page(visit: Visit, key: str, refusal: Refused | None = None) -> Response:
    """A list's page, with a refusal if there was one."""
    found = disposal.find_list(visit.vault, visit.actor, key)
    view = disposal.show_list(visit.vault, visit.actor, found.id)
    after = visit.query("after") if visit.request.method == "GET" else text_of(visit.form, "after")
    items = disposal.list_items(visit.vault, visit.actor, found.id, after=after, limit=PAGE_SIZE + 1)
    shown = items[:PAGE_SIZE]
    views = retrieval.views_of(visit.vault, [each.record.id for each in shown])
    part = view.next[0] if view.next is not None else None
    known = classes_of(visit)
    return visit.site.templates.page(
        visit,
        "disposal.html",
        status=_status(refusal),
        view=view,
        disposal=view.disposal,
        counts={each.value: count for each, count in view.counts.items() if count},
        count=destroyed_by(view),
        pending=view.counts.get(Decision.PENDING, 0),
        items=shown,
        titles={each.record.id: each.description.title for each in views if each.description is not None},
        following=shown[-1].item.record_id if len(items) > PAGE_SIZE else None,
        after=after,
        part=part,
        early=view.disposal.is_early(visit.vault.now()),
        may_sign=part is not None and visit.may(disposal.SIGNS[part], view.disposal.class_code),
        signed=any(each.person_id == visit.actor.person_id for each in view.signatures),
        reviewable=view.disposal.state is ListState.PROPOSED and not view.signatures,
        decisions=DECISIONS,
        opinion_id=_opinion_id(visit, view),
        notices=notices.notices_of_list(visit.vault, visit.actor, found.id),
        may_tell=bool(view.untold) and visit.may(Action.GIVE_NOTICE),
        channels=[(each.value, visit.language.text(WORDS[f"channel-{each.value}"])) for each in BY_PEOPLE],
        chosen={name for name in visit.form if name.startswith(CHOSEN)},
        values=visit.form,
        classes=known.offered,
        class_title=known.title,
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _opinion_id(visit: Visit, view: ListView) -> str | None:
    if not view.profile.opinion:
        return None
    return retrieval.find_record(visit.vault, visit.actor, view.profile.opinion).id


def _review(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    everything = text_of(visit.form, "which") == "pending"
    try:
        choice = _choice(visit)
        records = None if everything else _chosen(visit)
        if records is not None and not records:
            raise InvalidInput("nothing is chosen; choose records, or all that are pending", field="records")
        reviewing.review(visit.vault, visit.actor, found.id, choice, records)
    except Refused as refusal:
        return list_page(visit, key, refusal)
    return _to(visit, found, after=text_of(visit.form, "after"))


def _choice(visit: Visit) -> Choice:
    said = text_of(visit.form, "decision")
    if said not in DECISIONS:
        raise InvalidInput("choose one of those that are offered", field="decision")
    return choice_of(
        said,
        reason=_reason(visit),
        until=_until(visit),
        target=text_of(visit.form, "target") or None,
        trigger_on=date_of(visit.form, "trigger_on"),
    )


def _object(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    try:
        reviewing.object_to(visit.vault, visit.actor, found.id, _chosen(visit), _reason(visit), until=_until(visit))
    except Refused as refusal:
        return list_page(visit, key, refusal)
    return _to(visit, found, after=text_of(visit.form, "after"))


def _sign(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    said = text_of(visit.form, "part")
    try:
        part = Part(said)
    except ValueError:
        raise InvalidInput("choose one of those that are offered", field="part") from None
    view = disposal.show_list(visit.vault, visit.actor, found.id)
    if any(each.person_id == visit.actor.person_id and each.part is part for each in view.signatures):
        return _to(visit, found)
    try:
        if text_of(visit.form, "seen") != str(view.disposal.change):
            raise Conflict("the list has changed since it was shown; look at it again")
        if text_of(visit.form, "count").strip() != str(destroyed_by(view)):
            raise InvalidInput(
                "this is not how many would be destroyed; type the number that stands above", field="count"
            )
        disposal.sign(visit.vault, visit.actor, found.id, part)
    except Refused as refusal:
        return list_page(visit, key, refusal)
    return _to(visit, found)


def _cancel(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    if found.state is not ListState.CANCELLED:
        try:
            disposal.cancel(visit.vault, visit.actor, found.id, text_of(visit.form, "cancelled"))
        except Refused as refusal:
            return list_page(visit, key, refusal)
    return _to(visit, found)


def _chosen(visit: Visit) -> list[RecordId]:
    return [RecordId(name.removeprefix(CHOSEN)) for name in visit.form if name.startswith(CHOSEN)]


def _reason(visit: Visit) -> str:
    return text_of(visit.form, "reason").replace("\r\n", "\n")


def _until(visit: Visit) -> date | None:
    return date_of(visit.form, "until")


def _to(visit: Visit, found: DisposalList, *, after: str = "") -> Response:
    behind = f"?after={after}" if after.isascii() and after.isalnum() else ""
    return RedirectResponse(visit.path("disposal", list=found.number) + behind, 303)


def _status(refusal: Refused | None) -> int:
    return PROBLEMS[refusal.code].status if refusal is not None else 200
