"""Groups, invitations and the permission table, described."""

from __future__ import annotations

from typing import Final

from vault.permissions import ABOUT_RECORDS, Action, Role
from web.api.operations import Operation
from web.api.shapes import MAYBE_TEXT, MOMENT, TEXT, YES_NO, Schema, asked, choice, many, ref, shape, text

_CODE: Final = text(low=1, high=64)

SCHEMAS: Final[dict[str, Schema]] = {
    "Invitation": asked({"groups": many(_CODE, minItems=1, maxItems=50)}, "groups"),
    "Invited": shape({"url": TEXT}),
    "Grant": shape({"role": choice(Role), "class": TEXT}),
    "Member": shape({"person_id": TEXT, "name": TEXT, "active": YES_NO, "since": MOMENT}),
    "Membership": shape({"person_id": TEXT, "since": MOMENT}),
    "Group": shape(
        {"group": TEXT, "administration": MAYBE_TEXT, "grants": many(ref("Grant")), "members": many(ref("Member"))}
    ),
    "Groups": shape({"groups": many(ref("Group"))}),
    "NewGroup": asked({"group": _CODE}, "group"),
    "NewGrant": asked({"role": choice(sorted(ABOUT_RECORDS)), "class": _CODE}, "role", "class"),
    "NewMember": asked({"person": _CODE}, "person"),
    "Permissions": shape(
        {
            "permissions": many(
                shape({"action": choice(Action), "roles": many(TEXT), "by_class": YES_NO, "yours": YES_NO})
            ),
            "groups": many(TEXT),
            "roles": many(TEXT),
            "class_roles": many(ref("Grant")),
        }
    ),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-invite": Operation(
        tag="people",
        summary="Make a one-time address by which somebody becomes a member of these groups",
        answers={201: ("Made; `url` is the address to send", "Invited")},
        body="Invitation",
        problems=(404,),
        proof=True,
        once=True,
        secret=True,
    ),
    "api-groups": Operation(tag="groups", summary="Every group, by code", answers={200: ("Groups", "Groups")}),
    "api-add-group": Operation(
        tag="groups",
        summary="Make a group, which grants nothing yet",
        answers={201: ("Made", "Group")},
        body="NewGroup",
        problems=(409,),
        once=True,
    ),
    "api-group": Operation(tag="groups", summary="One group", answers={200: ("The group", "Group")}, problems=(404,)),
    "api-grant": Operation(
        tag="groups",
        summary="Let a group give a role on a class, or on all of them (`*`)",
        answers={201: ("Granted", "Grant")},
        body="NewGrant",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-revoke-grant": Operation(
        tag="groups",
        summary="Take a grant back",
        answers={204: ("Taken back", None)},
        problems=(404, 409),
    ),
    "api-add-member": Operation(
        tag="groups",
        summary="Add somebody, by id, to a group",
        answers={201: ("Added", "Membership")},
        body="NewMember",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-remove-member": Operation(
        tag="groups",
        summary="Take somebody out of a group",
        answers={204: ("Taken out", None)},
        problems=(404, 409),
    ),
    "api-leave-group": Operation(
        tag="groups",
        summary="Leave a group yourself",
        answers={204: ("Left", None)},
        problems=(404, 409),
        once=True,
    ),
    "api-permissions": Operation(
        tag="groups",
        summary="The one permission table, and what you hold yourself",
        answers={200: ("The table", "Permissions")},
    ),
}
