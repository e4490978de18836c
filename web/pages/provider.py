"""The provider of OpenID Connect, for administrators: how it stands, whose groups are which, and who is who."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import ProviderUnavailable
from vault.ids import PersonId
from vault.permissions import Action
from vault.providers import ProviderState
from vault.workflows import groupmappings, groups, identities
from web.attempts import redirect_uri
from web.forms import text_of
from web.problems import describe, sentence
from web.site import Visit


async def show_provider(visit: Visit) -> Response:
    """What is set up, mapped and bound."""
    return await _page(visit)


async def check_provider(visit: Visit) -> Response:
    """Asks the provider what it is, and shows it."""
    provider = identities.require_provider(visit.vault)
    try:
        return await _page(visit, state=await visit.site.call(provider.examine))
    except ProviderUnavailable as error:
        # Whoever may change groups may read what exactly is wrong: it names settings and no secret.
        told = sentence(error.message) if visit.language.tag == "en" else describe(visit, error)
        return await _page(visit, trouble=told)


async def map_group(visit: Visit) -> Response:
    """Maps one of its groups to a group here."""
    provided, code = text_of(visit.form, "provided"), text_of(visit.form, "group")
    await visit.site.call(groupmappings.map_group, visit.vault, visit.actor, provided, code)
    return RedirectResponse(visit.path("provider"), 303)


async def unmap_group(visit: Visit) -> Response:
    """Ends a mapping."""
    provided, code = text_of(visit.form, "provided"), text_of(visit.form, "group")
    await visit.site.call(groupmappings.unmap_group, visit.vault, visit.actor, provided, code)
    return RedirectResponse(visit.path("provider"), 303)


async def bind_person(visit: Visit) -> Response:
    """Says which subject somebody is."""
    person, subject = PersonId(text_of(visit.form, "person")), text_of(visit.form, "subject")
    await visit.site.call(identities.bind, visit.vault, visit.actor, person, subject)
    return RedirectResponse(visit.path("provider"), 303)


async def unbind_person(visit: Visit) -> Response:
    """Lets the provider sign somebody in no more."""
    person = PersonId(text_of(visit.form, "person"))
    await visit.site.call(identities.unbind, visit.vault, visit.actor, person)
    return RedirectResponse(visit.path("provider"), 303)


async def _page(visit: Visit, *, state: ProviderState | None = None, trouble: str | None = None) -> Response:
    provider = visit.vault.provider
    binds = visit.may(Action.INVITE_PERSON)
    bound = await visit.site.call(identities.list_bound, visit.vault, visit.actor) if binds else ()
    everybody = await visit.site.call(groups.list_people, visit.vault, visit.actor)
    known = {each.identity.person_id for each in bound}
    codes = [view.group.code for view in await visit.site.call(groups.list_groups, visit.vault, visit.actor)]
    return visit.site.templates.page(
        visit,
        "provider.html",
        status=200 if trouble is None else 503,
        facts=provider.facts if provider is not None else None,
        redirect_uri=redirect_uri(visit),
        state=state,
        trouble=trouble,
        mappings=await visit.site.call(groupmappings.list_mappings, visit.vault, visit.actor),
        codes=codes,
        bound=bound,
        others=[(each, name) for each, name in everybody.items() if each not in known],
    )
