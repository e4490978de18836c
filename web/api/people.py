"""People for administrators' programs, and one's own profile."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput
from vault.ids import PersonId
from vault.people import PersonProfile
from vault.workflows import passwords, people, sessions
from web.api.views import person_json
from web.forms import text_of
from web.site import Visit


async def list_people(visit: Visit) -> Response:
    """Everybody, with their state."""
    views = await visit.site.call(people.list_people, visit.vault, visit.actor)
    return JSONResponse({"people": [person_json(view) for view in views]})


async def show_person(visit: Visit) -> Response:
    """One person, by id or sign-in name."""
    view = await visit.site.call(people.find_person, visit.vault, visit.actor, visit.parameter("person"))
    return JSONResponse(person_json(view))


async def deactivate(visit: Visit) -> Response:
    """Shuts somebody out."""
    await visit.site.call(people.deactivate, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return Response(status_code=204)


async def reactivate(visit: Visit) -> Response:
    """Lets somebody in again."""
    await visit.site.call(people.reactivate, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return Response(status_code=204)


async def end_sessions(visit: Visit) -> Response:
    """Ends all sessions of somebody."""
    await visit.site.call(sessions.end_sessions_of, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return Response(status_code=204)


async def offer_reset(visit: Visit) -> Response:
    """Makes a one-time address by which somebody chooses a new password."""
    drops = visit.json.get("drops_factors", False)
    if not isinstance(drops, bool):
        raise InvalidInput("drops_factors must be true or false", field="drops_factors")
    person_id = PersonId(visit.parameter("person"))
    token = await visit.site.call(passwords.offer_reset, visit.vault, visit.actor, person_id, drops_factors=drops)
    return JSONResponse({"url": visit.base_url + visit.path("reset", token=token)}, 201)


async def show_profile(visit: Visit) -> Response:
    """One's own profile."""
    return JSONResponse(_profile_json(await visit.site.call(people.own_profile, visit.vault, visit.actor)))


async def change_profile(visit: Visit) -> Response:
    """Changes one's own name or language."""
    name, language = (text_of(visit.json, field) if field in visit.json else None for field in ("name", "language"))
    changed = await visit.site.call(people.change_profile, visit.vault, visit.actor, name=name, language=language)
    return JSONResponse(_profile_json(changed))


def _profile_json(profile: PersonProfile) -> dict[str, str]:
    return {"login": profile.login, "name": profile.name, "language": profile.language}
