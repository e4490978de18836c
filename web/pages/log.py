"""The audit log: looked through by filters, proved entry by entry, and checked as a whole."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from vault.audit import Event
from vault.errors import InvalidInput, NotFound, Refused
from vault.ids import could_be_key
from vault.outcomes import Outcome
from vault.permissions import Action
from vault.workflows import log, logchecks, logstamps
from web.forms import PAGE_SIZE, date_of, whole_number_of
from web.preferences import zone_named, zone_of
from web.problems import describe
from web.rendering import WORDS
from web.site import Visit

FIELDS: Final = ("event", "actor", "subject", "from", "to")
CHECKS_SHOWN: Final = 5
NUMBER_MAX: Final = 10**15


async def show_log(visit: Visit) -> Response:
    """A page of entries, newest first, by what, whom, about what and when."""
    return await visit.site.call(_page, visit)


async def verify_log(visit: Visit) -> Response:
    """Asks for a check of the whole log; the page follows it."""
    await visit.site.call(logchecks.ask, visit.vault, visit.actor)
    return RedirectResponse(visit.path("log"), 303)


async def prove_entry(visit: Visit) -> Response:
    """The proof that an entry is in the published log (C2SP tlog-proof), to take away."""
    number = whole_number_of({"number": visit.parameter("number")}, "number", default=0, low=0, high=NUMBER_MAX)
    if not number:
        raise NotFound("there is no such entry; look it up in the log")
    visit.actor.require(Action.READ_LOG)
    proof = await visit.site.call(log.prove, visit.vault, number)
    headers = {"Content-Disposition": f'attachment; filename="entry-{number}.tlog-proof"'}
    return Response(proof.to_bytes(), media_type="text/plain; charset=utf-8", headers=headers)


def _page(visit: Visit) -> Response:
    asked = {name: visit.query(name) for name in FIELDS}
    before = whole_number_of({"before": visit.query("before")}, "before", default=0, low=1, high=NUMBER_MAX)
    error, entries = None, []
    try:
        with visit.vault.catalogue.read() as tx:
            entries = list(
                tx.audit.page(
                    subject=_key(asked, "subject"),
                    actor=_key(asked, "actor"),
                    event=_event(asked["event"]),
                    since=_beginning(visit, date_of(asked, "from")),
                    until=_end(visit, date_of(asked, "to")),
                    before=before or None,
                    limit=PAGE_SIZE + 1,
                )
            )
    except Refused as refusal:
        error = describe(visit, refusal)
    with visit.vault.catalogue.read() as tx:
        runs = {job: (Outcome.read(outcome), at) for job, at, outcome in tx.jobs.last_runs()}
    stamped = runs.get(logstamps.STAMP_LOG)
    shown, kept = entries[:PAGE_SIZE], {name: value for name, value in asked.items() if value}
    return visit.site.templates.page(
        visit,
        "log.html",
        entries=shown,
        asked=asked,
        chips=[
            (_chip(visit, name, value), "?" + urlencode({each: kept[each] for each in kept if each != name}))
            for name, value in kept.items()
        ],
        events=[(each.value, visit.language.text(WORDS.get(each.value, each.value))) for each in Event],
        following="?" + urlencode({**kept, "before": shown[-1].number}) if len(entries) > PAGE_SIZE else "",
        first_page=not before,
        stamped=stamped,
        underway=logchecks.underway(visit.vault, visit.actor),
        checks=logchecks.newest(visit.vault, visit.actor, limit=CHECKS_SHOWN),
        error=error,
    )


def _chip(visit: Visit, name: str, value: str) -> str:
    text = visit.language.text
    if name == "event":
        return text(WORDS.get(value, value))
    if name in ("from", "to"):
        try:
            day = visit.language.day(date.fromisoformat(value))
        except ValueError:
            day = value
        return (text("from {day} on") if name == "from" else text("until {day}")).format(day=day)
    return value[:8]


def _event(code: str) -> Event | None:
    if not code:
        return None
    try:
        return Event(code)
    except ValueError:
        raise InvalidInput("choose one of those that are offered", field="event") from None


def _key(asked: dict[str, str], name: str) -> str | None:
    if asked[name] and not could_be_key(asked[name]):
        raise InvalidInput("choose one of those that are offered", field=name)
    return asked[name] or None


def _beginning(visit: Visit, day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time(), tzinfo=zone_named(zone_of(visit.request))).astimezone(UTC)


def _end(visit: Visit, day: date | None) -> datetime | None:
    begins = _beginning(visit, day + timedelta(days=1) if day is not None else None)
    return begins - timedelta(microseconds=1) if begins is not None else None
