"""Groups: what gives people their roles. A group grants roles on classes; its members have them.

Rule 1: a group of an administration grants that administration and nothing else; every other roles about records.
Rule 2: nobody adds themselves to a group, nor gives a group of theirs more (``workflows/groups.py``).
Rule 3: groups are known by codes, which are in clear: they name no person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.errors import InvalidInput
from vault.ids import FondsId, PersonId
from vault.permissions import ABOUT_RECORDS, ADMINISTRATIONS, ALL_CLASSES, Role

CODE_SHAPE: Final = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")

SECURITY: Final = "security"
FOUNDING: Final = frozenset({SECURITY, "officers", "records"})
"""The groups of the first person, who begins alone: security administration, and all that is done with records.

One person has to be able to file, open and set rules before there is a second one, and to invite that second one. They
are neither system nor audit administration: the machine's operator tends keepers and backups by commands, and whoever
reads the log is somebody else from the first day. Nothing that takes two people is done by them alone.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group. ``administration`` is the one that it stands for, or None."""

    code: str
    administration: Role | None
    created_by: PersonId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role that a group gives, on one class of a fonds or on ``ALL_CLASSES``."""

    group: str
    fonds_id: FondsId
    role: Role
    class_code: str
    granted_by: PersonId
    granted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Somebody's place in a group. ``provided`` is the provider's group that it follows at each sign-in, or empty;
    ``added_by`` is then whoever mapped that one, so that nobody comes into a group by a mapping of their own."""

    group: str
    person_id: PersonId
    added_by: PersonId
    added_at: datetime
    provided: str = ""


SHIPPED: Final[tuple[tuple[str, Role], ...]] = (
    (SECURITY, Role.SECURITY),
    ("system", Role.SYSTEM),
    ("audit", Role.AUDIT),
    ("officers", Role.OFFICER),
    ("records", Role.RECORDS),
    ("readers", Role.READER),
)
"""The groups of a new vault, each with its role on every class."""


def checked_code(code: str) -> str:
    """A group's code. Raises ``InvalidInput``."""
    clean = code.strip()
    if CODE_SHAPE.fullmatch(clean) is None:
        raise InvalidInput("a group's code has 2 to 40 characters a-z, 0-9 and hyphens, a letter first", field="group")
    return clean


def require_grantable(group: Group, role: Role, class_code: str) -> None:
    """Rule 1. Raises ``InvalidInput``."""
    if group.administration is not None:
        raise InvalidInput(
            f"group {group.code} is the {group.administration.value} administration and grants nothing else; "
            "make another group",
            field="role",
        )
    if role not in ABOUT_RECORDS:
        named = "administrations have groups of their own" if role in ADMINISTRATIONS else "nobody is given it"
        raise InvalidInput(f"a group does not grant '{role.value}': {named}", field="role")
    if class_code != ALL_CLASSES and CODE_SHAPE.fullmatch(class_code) is None:
        raise InvalidInput("there is no such class; name one of the schedule, or * for all", field="class")
