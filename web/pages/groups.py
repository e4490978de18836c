"""Groups: who is in them, and what they grant."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput
from vault.permissions import ABOUT_RECORDS, Role
from vault.workflows import groups
from web.forms import text_of
from web.site import Visit


async def list_groups(visit: Visit) -> Response:
    """Every group with its members and grants."""
    views = await visit.site.call(groups.list_groups, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "groups.html", views=views)


async def add_group(visit: Visit) -> Response:
    """Makes a group that grants nothing yet."""
    group = await visit.site.call(groups.add_group, visit.vault, visit.actor, text_of(visit.form, "group"))
    return RedirectResponse(visit.path("group", group=group.code), 303)


async def show_group(visit: Visit) -> Response:
    """One group, and what can be changed about it."""
    view = await visit.site.call(groups.show_group, visit.vault, visit.actor, visit.parameter("group"))
    everybody = await visit.site.call(groups.list_people, visit.vault, visit.actor)
    classes = await visit.site.call(groups.grantable_classes, visit.vault, visit.actor)
    members = {each.membership.person_id for each in view.members}
    return visit.site.templates.page(
        visit,
        "group.html",
        view=view,
        others=[(each, name) for each, name in everybody.items() if each not in members],
        classes=[(each.code, visit.language.class_title(each)) for each in classes],
        titles={each.code: visit.language.class_title(each) for each in classes},
        grantable=sorted(ABOUT_RECORDS),
    )


async def grant_role(visit: Visit) -> Response:
    """Lets a group give a role on a class."""
    code = visit.parameter("group")
    await visit.site.call(groups.grant_role, visit.vault, visit.actor, code, _role(visit), text_of(visit.form, "class"))
    return _to_group(visit, code)


async def revoke_role(visit: Visit) -> Response:
    """Takes a grant back."""
    code = visit.parameter("group")
    await visit.site.call(
        groups.revoke_role, visit.vault, visit.actor, code, _role(visit), text_of(visit.form, "class")
    )
    return _to_group(visit, code)


async def add_member(visit: Visit) -> Response:
    """Adds somebody to a group."""
    code = visit.parameter("group")
    await visit.site.call(groups.add_member, visit.vault, visit.actor, code, text_of(visit.form, "person"))
    return _to_group(visit, code)


async def remove_member(visit: Visit) -> Response:
    """Takes somebody out of a group."""
    code, person_id = visit.parameter("group"), text_of(visit.form, "person")
    await visit.site.call(groups.remove_member, visit.vault, visit.actor, code, person_id)
    if person_id == visit.actor.person_id:
        return RedirectResponse(visit.path("permissions"), 303)
    return _to_group(visit, code)


async def leave_group(visit: Visit) -> Response:
    """Leaves a group oneself."""
    actor = visit.actor
    await visit.site.call(groups.remove_member, visit.vault, actor, visit.parameter("group"), actor.person_id)
    return RedirectResponse(visit.path("permissions"), 303)


def _role(visit: Visit) -> Role:
    try:
        return Role(text_of(visit.form, "role"))
    except ValueError:
        raise InvalidInput("there is no such role", field="role") from None


def _to_group(visit: Visit, code: str) -> Response:
    return RedirectResponse(visit.path("group", group=code), 303)
