"""Groups, invitations and the permission table for programs."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import NotFound
from vault.permissions import PERMISSIONS, Role
from vault.workflows import groups, people
from vault.workflows.groups import GroupView
from web.api.paging import JSON, moment
from web.forms import text_of
from web.site import Visit


async def invite(visit: Visit) -> Response:
    """Makes an invitation; its address is in this answer only."""
    codes: list[str] = visit.json["groups"]  # type: ignore[assignment]  # a list of texts by the schema
    token = await visit.site.call(people.invite, visit.vault, visit.actor, codes)
    return JSONResponse({"url": visit.base_url + visit.path("welcome", token=token)}, 201)


async def list_groups(visit: Visit) -> Response:
    """Every group with its members and grants."""
    views = await visit.site.call(groups.list_groups, visit.vault, visit.actor)
    return JSONResponse({"groups": [_group_json(each) for each in views]})


async def add_group(visit: Visit) -> Response:
    """Makes a group that grants nothing yet."""

    def add() -> GroupView:
        group = groups.add_group(visit.vault, visit.actor, text_of(visit.json, "group"))
        return groups.show_group(visit.vault, visit.actor, group.code)

    return JSONResponse(_group_json(await visit.site.call(add)), 201)


async def show_group(visit: Visit) -> Response:
    """One group."""
    view = await visit.site.call(groups.show_group, visit.vault, visit.actor, visit.parameter("group"))
    return JSONResponse(_group_json(view))


async def grant_role(visit: Visit) -> Response:
    """Lets a group give a role on a class, or on all of them."""
    code, role = visit.parameter("group"), Role(text_of(visit.json, "role"))
    grant = await visit.site.call(groups.grant_role, visit.vault, visit.actor, code, role, text_of(visit.json, "class"))
    return JSONResponse({"role": grant.role.value, "class": grant.class_code}, 201)


async def revoke_role(visit: Visit) -> Response:
    """Takes a grant back."""
    try:
        role = Role(visit.parameter("role"))
    except ValueError:
        raise NotFound("there is no such role; look at the group") from None
    code, class_code = visit.parameter("group"), visit.parameter("class")
    await visit.site.call(groups.revoke_role, visit.vault, visit.actor, code, role, class_code)
    return Response(status_code=204)


async def add_member(visit: Visit) -> Response:
    """Adds somebody to a group."""
    code, person = visit.parameter("group"), text_of(visit.json, "person")
    made = await visit.site.call(groups.add_member, visit.vault, visit.actor, code, person)
    return JSONResponse({"person_id": made.person_id, "since": moment(made.added_at)}, 201)


async def remove_member(visit: Visit) -> Response:
    """Takes somebody out of a group."""
    code, person = visit.parameter("group"), visit.parameter("person")
    await visit.site.call(groups.remove_member, visit.vault, visit.actor, code, person)
    return Response(status_code=204)


async def leave_group(visit: Visit) -> Response:
    """Leaves a group oneself."""
    actor = visit.actor
    await visit.site.call(groups.remove_member, visit.vault, actor, visit.parameter("group"), actor.person_id)
    return Response(status_code=204)


async def show_permissions(visit: Visit) -> Response:
    """The one permission table, and what whoever asks holds themselves."""
    actor = visit.actor
    mine = await visit.site.call(groups.groups_of, visit.vault, actor)
    return JSONResponse(
        {
            "permissions": [
                {
                    "action": action.value,
                    "roles": sorted(role.value for role in permission.roles),
                    "by_class": permission.by_class,
                    "yours": actor.may(action),
                }
                for action, permission in PERMISSIONS.items()
            ],
            "groups": list(mine),
            "roles": sorted(role.value for role in actor.roles),
            "class_roles": [{"role": role.value, "class": code} for role, code in sorted(actor.class_roles)],
        }
    )


def _group_json(view: GroupView) -> JSON:
    administration = view.group.administration
    return {
        "group": view.group.code,
        "administration": None if administration is None else administration.value,
        "grants": [{"role": each.role.value, "class": each.class_code} for each in view.grants],
        "members": [
            {
                "person_id": each.membership.person_id,
                "name": each.name,
                "active": each.active,
                "since": moment(each.membership.added_at),
            }
            for each in view.members
        ],
    }
