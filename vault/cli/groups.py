"""``strongroom group`` and ``strongroom permission``: who is in which group, what groups grant, what roles may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.permissions import ABOUT_RECORDS, ALL_CLASSES, PERMISSIONS, Role
from vault.workflows import groups

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vault.cli.speech import JSON
    from vault.workflows.groups import GroupView

_GRANTABLE: Final = click.Choice(sorted(role.value for role in ABOUT_RECORDS))


def _role_on_class(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--class", "class_code", default=ALL_CLASSES, help="Its class; otherwise every class.")(
        command
    )
    return click.option("--role", required=True, type=_GRANTABLE, help="The role.")(command)


@click.command("list")
@speaking
@pass_invocation
def list_groups(invocation: Invocation) -> None:
    """List groups with what they grant, and how many are in them."""
    with invocation.acting() as (vault, actor):
        views = groups.list_groups(vault, actor)
    rows = [(view.group.code, _granted(view), str(len(view.members))) for view in views]
    invocation.speech.data({"groups": [_document(view) for view in views]}, table(("GROUP", "GRANTS", "MEMBERS"), rows))


@click.command("show")
@click.argument("group")
@speaking
@pass_invocation
def show(invocation: Invocation, group: str) -> None:
    """Show who is in a group, and what it grants."""
    with invocation.acting() as (vault, actor):
        view = groups.show_group(vault, actor, group)
    rows = [(each.membership.person_id, plain(each.name), local(each.membership.added_at)) for each in view.members]
    invocation.speech.data(
        _document(view), [f"grants {_granted(view)}", *(table(("PERSON", "NAME", "SINCE"), rows) if rows else ())]
    )


@click.command("people")
@speaking
@pass_invocation
def list_people(invocation: Invocation) -> None:
    """List everybody with the id by which they are added to groups."""
    with invocation.acting() as (vault, actor):
        people = groups.list_people(vault, actor)
    document: dict[str, JSON] = {"people": [{"person_id": each, "name": name} for each, name in people.items()]}
    invocation.speech.data(document, (f"{each}  {plain(name)}" for each, name in people.items()))


@click.command("add")
@click.argument("group")
@speaking
@pass_invocation
def add(invocation: Invocation, group: str) -> None:
    """Make a group, which grants nothing yet."""
    with invocation.acting() as (vault, actor):
        made = groups.add_group(vault, actor, group)
    invocation.speech.data({"group": made.code}, [made.code])


@click.command("grant")
@click.argument("group")
@_role_on_class
@speaking
@pass_invocation
def grant(invocation: Invocation, group: str, role: str, class_code: str) -> None:
    """Let a group give a role, on a class or on all."""
    with invocation.acting(fresh=True) as (vault, actor):
        groups.grant_role(vault, actor, group, Role(role), class_code)
    invocation.speech.data({"group": group, "role": role, "class": class_code}, ())
    invocation.speech.talk(f"group {group} grants {role}")


@click.command("revoke")
@click.argument("group")
@_role_on_class
@speaking
@pass_invocation
def revoke(invocation: Invocation, group: str, role: str, class_code: str) -> None:
    """Take back what a group grants."""
    with invocation.acting() as (vault, actor):
        groups.revoke_role(vault, actor, group, Role(role), class_code)
    invocation.speech.data({"group": group, "role": role, "class": class_code}, ())
    invocation.speech.talk(f"group {group} does not grant {role} any more")


@click.command("join")
@click.argument("group")
@click.argument("person")
@speaking
@pass_invocation
def join(invocation: Invocation, group: str, person: str) -> None:
    """Add somebody (by id: `strongroom group people`) to a group."""
    with invocation.acting(fresh=True) as (vault, actor):
        groups.add_member(vault, actor, group, person)
    invocation.speech.data({"group": group, "person_id": person}, ())
    invocation.speech.talk(f"added to group {group}")


@click.command("leave")
@click.argument("group")
@click.argument("person", required=False)
@speaking
@pass_invocation
def leave(invocation: Invocation, group: str, person: str | None) -> None:
    """Take somebody out of a group; yourself, where nobody is named."""
    with invocation.acting() as (vault, actor):
        gone = person or actor.person_id
        groups.remove_member(vault, actor, group, gone)
    invocation.speech.data({"group": group, "person_id": gone}, ())
    invocation.speech.talk(f"taken out of group {group}")


@click.command("list")
@speaking
@pass_invocation
def list_permissions(invocation: Invocation) -> None:
    """Show the one table: what each role may do."""
    rows = [
        (action.value, "class" if held.by_class else "vault", " ".join(sorted(held.roles)))
        for action, held in PERMISSIONS.items()
    ]
    document: dict[str, JSON] = {
        "permissions": [
            {"action": action.value, "by_class": held.by_class, "roles": sorted(role.value for role in held.roles)}
            for action, held in PERMISSIONS.items()
        ]
    }
    invocation.speech.data(document, table(("ACTION", "BY", "ROLES"), rows))


def _granted(view: GroupView) -> str:
    named = [
        each.role.value if each.class_code == ALL_CLASSES else f"{each.role.value}:{each.class_code}"
        for each in view.grants
    ]
    return " ".join(named) or "nothing"


def _document(view: GroupView) -> dict[str, JSON]:
    return {
        "group": view.group.code,
        "administration": view.group.administration.value if view.group.administration is not None else None,
        "grants": [{"role": each.role.value, "class": each.class_code} for each in view.grants],
        "members": [
            {"person_id": each.membership.person_id, "name": each.name, "since": iso(each.membership.added_at)}
            for each in view.members
        ],
    }
