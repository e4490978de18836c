"""What people may do: roles, actions, the one table between them, and who acts.

Rule 1: deny by default. ``PERMISSIONS`` is the one table; whatever it does not name is refused.
Rule 2: a role is held on every class, or on some. What is about records is asked for a record's class; a class on which
somebody has no role does not exist for them.
Rule 3: system, security and audit exclude each other; ``storage/catalogue/groups.py`` keeps that by a constraint.
Rule 4: the machine's operator stands for every role until the first person exists, for the machine alone afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.errors import NotAllowed, NotFound
from vault.ids import PersonId
from vault.records import Record

ALL_CLASSES: Final = "*"
"""In place of a class's code: every class, those of the time to come included."""


class Role(StrEnum):
    """What somebody is in the vault. Three are administrations, three are about records."""

    SYSTEM = "system"
    """The machine: keepers, backups, how it stands."""
    SECURITY = "security"
    """People: groups, grants, agreements, training."""
    AUDIT = "audit"
    """Reads and verifies the log, nothing else."""
    RECORDS = "records"
    OFFICER = "officer"
    READER = "reader"
    OPERATOR = "operator"
    """Whoever runs commands on the machine; nobody is given it."""


ADMINISTRATIONS: Final = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})
ABOUT_RECORDS: Final = frozenset({Role.RECORDS, Role.OFFICER, Role.READER})


class Action(StrEnum):
    """What somebody may be allowed to do."""

    LIST_RECORDS = "list-records"
    ADD_RECORD = "add-record"
    OPEN_RECORD = "open-record"
    LEND_RECORD = "lend-record"
    CORRECT_RECORD = "correct-record"
    FILE_RECORD = "file-record"
    EXPORT_SEALED = "export-sealed"
    LIST_CUSTOMERS = "list-customers"
    ADD_CUSTOMER = "add-customer"
    LIST_LINKS = "list-links"
    MAKE_LINK = "make-link"
    REVOKE_LINK = "revoke-link"
    KEEP_PAPER = "keep-paper"
    SEE_RESTRICTED = "see-restricted"
    RESTRICT_RECORD = "restrict-record"
    MARK_UNSETTLED = "mark-unsettled"
    DESTROY_RECORDS = "destroy-records"
    PROPOSE_RULE = "propose-rule"
    APPROVE_RULE = "approve-rule"
    SEE_DISPOSALS = "see-disposals"
    PROPOSE_DISPOSAL = "propose-disposal"
    REVIEW_DISPOSAL = "review-disposal"
    SIGN_DISPOSAL = "sign-disposal"
    SUPERVISE_DISPOSAL = "supervise-disposal"
    SEE_HOLDS = "see-holds"
    PLACE_HOLD = "place-hold"
    RELEASE_HOLD = "release-hold"
    SEE_DESTRUCTIONS = "see-destructions"
    RESUME_EXPIRY = "resume-expiry"
    SEE_NOTICES = "see-notices"
    GIVE_NOTICE = "give-notice"
    SEE_STATE = "see-state"
    CHANGE_KEEPERS = "change-keepers"
    INVITE_PERSON = "invite-person"
    SEE_GROUPS = "see-groups"
    CHANGE_GROUPS = "change-groups"
    SET_GATES = "set-gates"
    START_REVIEW = "start-review"
    SEE_REVIEWS = "see-reviews"
    REVIEW_GRANTS = "review-grants"
    SEE_ALARMS = "see-alarms"
    SETTLE_ALARMS = "settle-alarms"
    SET_WATCH = "set-watch"
    READ_LOG = "read-log"
    TEND_WEBHOOKS = "tend-webhooks"
    TEND_FONDS = "tend-fonds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Who may do something. ``by_class``: a role on one class is enough, for that class; otherwise it is on all."""

    roles: frozenset[Role]
    by_class: bool


def _by_class(*roles: Role) -> Permission:
    return Permission(roles=frozenset(roles), by_class=True)


def _whole(*roles: Role) -> Permission:
    return Permission(roles=frozenset(roles), by_class=False)


_IN_RECORDS: Final = (Role.READER, Role.RECORDS, Role.OFFICER)
_STAFF: Final = (Role.RECORDS, Role.OFFICER)

PERMISSIONS: Final[dict[Action, Permission]] = {
    Action.LIST_RECORDS: _by_class(*_IN_RECORDS),
    Action.ADD_RECORD: _by_class(Role.RECORDS),
    Action.OPEN_RECORD: _by_class(*_IN_RECORDS),
    Action.LEND_RECORD: _by_class(Role.OFFICER),
    Action.CORRECT_RECORD: _by_class(Role.RECORDS),
    Action.FILE_RECORD: _by_class(Role.RECORDS),
    Action.EXPORT_SEALED: _by_class(Role.OFFICER),
    Action.LIST_CUSTOMERS: _by_class(*_IN_RECORDS),
    Action.ADD_CUSTOMER: _by_class(Role.RECORDS),
    Action.LIST_LINKS: _by_class(*_STAFF),
    Action.MAKE_LINK: _by_class(Role.RECORDS),
    Action.REVOKE_LINK: _by_class(*_STAFF),
    Action.KEEP_PAPER: _by_class(Role.RECORDS),
    Action.SEE_RESTRICTED: _by_class(Role.OFFICER),
    Action.RESTRICT_RECORD: _by_class(Role.OFFICER),
    Action.MARK_UNSETTLED: _by_class(*_STAFF),
    Action.DESTROY_RECORDS: _by_class(Role.OFFICER),
    Action.PROPOSE_RULE: _by_class(Role.OFFICER),
    Action.APPROVE_RULE: _by_class(Role.OFFICER),
    Action.SEE_DISPOSALS: _by_class(*_STAFF),
    Action.PROPOSE_DISPOSAL: _by_class(*_STAFF),
    Action.REVIEW_DISPOSAL: _by_class(*_STAFF),
    Action.SIGN_DISPOSAL: _by_class(Role.OFFICER),
    Action.SUPERVISE_DISPOSAL: _by_class(*_STAFF),
    Action.SEE_NOTICES: _by_class(*_IN_RECORDS),
    Action.GIVE_NOTICE: _by_class(*_STAFF),
    # Matters, batches and certificates reach across classes; so does the clock.
    Action.SEE_HOLDS: _whole(Role.OFFICER),
    Action.PLACE_HOLD: _whole(Role.OFFICER),
    Action.RELEASE_HOLD: _whole(Role.OFFICER),
    Action.SEE_DESTRUCTIONS: _whole(Role.OFFICER),
    Action.RESUME_EXPIRY: _whole(Role.OFFICER),
    Action.SEE_STATE: _whole(Role.SYSTEM, Role.SECURITY, Role.OFFICER, Role.OPERATOR),
    Action.CHANGE_KEEPERS: _whole(Role.SYSTEM, Role.OPERATOR),
    Action.TEND_WEBHOOKS: _whole(Role.SYSTEM, Role.OPERATOR),
    Action.TEND_FONDS: _whole(Role.SYSTEM, Role.OPERATOR),
    Action.INVITE_PERSON: _whole(Role.SECURITY),
    Action.SEE_GROUPS: _whole(Role.SECURITY),
    Action.CHANGE_GROUPS: _whole(Role.SECURITY),
    Action.SET_GATES: _whole(Role.SECURITY),
    # Of reviews officers see those in which they are named.
    Action.START_REVIEW: _whole(Role.SECURITY),
    Action.SEE_REVIEWS: _by_class(Role.SECURITY, Role.AUDIT, Role.OFFICER),
    Action.REVIEW_GRANTS: _by_class(Role.SECURITY, Role.OFFICER),
    Action.SEE_ALARMS: _whole(Role.SECURITY, Role.AUDIT),
    Action.SETTLE_ALARMS: _whole(Role.SECURITY),
    Action.SET_WATCH: _whole(Role.SECURITY),
    # The doctor, which the operator runs, verifies the log.
    Action.READ_LOG: _whole(Role.AUDIT, Role.OPERATOR),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is acting, as the log will name them: roles on every class, and roles on single classes.

    ``stepped_up_at`` is when they last proved, in this session, to be who they are. ``scope`` is what an API token of
    theirs is for, None when they act themselves.
    """

    person_id: PersonId
    roles: frozenset[Role]
    class_roles: frozenset[tuple[Role, str]] = frozenset()
    stepped_up_at: datetime | None = None
    scope: frozenset[Action] | None = None

    def may(self, action: Action, class_code: str | None = None) -> bool:
        """Whether the table allows it for a class, or (None, for menus) for any. Workflows call ``require``."""
        permission = PERMISSIONS.get(action)
        if permission is None or not self.in_scope(action):
            return False
        if not self.roles.isdisjoint(permission.roles):
            return True
        return permission.by_class and any(
            role in permission.roles and class_code in (None, code) for role, code in self.class_roles
        )

    def reach(self, action: Action) -> frozenset[str] | None:
        """The classes for which the table allows it; None is every class."""
        permission = PERMISSIONS.get(action)
        if permission is None or not self.in_scope(action):
            return frozenset()
        if not self.roles.isdisjoint(permission.roles):
            return None
        return frozenset(code for role, code in self.class_roles if permission.by_class and role in permission.roles)

    def require(self, action: Action, class_code: str | None = None) -> None:
        """Raises ``NotAllowed`` unless the table allows it for that class; ``ALL_CLASSES`` asks for all of them."""
        if not self.in_scope(action):
            raise NotAllowed(f"this API token is not for '{action.value}'; make another one, or sign in")
        if not self.may(action, class_code):
            raise NotAllowed(f"your roles do not include '{action.value}'{_there(class_code)}; ask an administrator")

    def in_scope(self, action: Action) -> bool:
        """Whether an action is among those of the API token; without one all are."""
        return self.scope is None or action in self.scope

    def proved_within(self, span: timedelta, *, now: datetime) -> bool:
        """Whether they proved it so lately; a proof of the time to come was made before the clock was set back."""
        return self.stepped_up_at is not None and abs(now - self.stepped_up_at) < span

    @property
    def role_names(self) -> list[str]:
        """Every role that is held somewhere, as they are written."""
        return sorted({role.value for role in self.roles} | {role.value for role, _ in self.class_roles})


def hides(actor: Actor, record: Record) -> bool:
    """Whether a record does not exist, as far as somebody may know: its class is not theirs, or it is only stored."""
    if not actor.may(Action.LIST_RECORDS, record.class_code):
        return True
    return record.is_restricted and not actor.may(Action.SEE_RESTRICTED, record.class_code)


def require_on(actor: Actor, action: Action, record: Record | None) -> Record:
    """The record, if it exists for somebody who may do that to it. Raises ``NotFound``, ``NotAllowed``."""
    if record is None or hides(actor, record):
        actor.require(action)
        raise NotFound("there is no such record; look it up in the list")
    actor.require(action, record.class_code)
    return record


def _there(class_code: str | None) -> str:
    if class_code is None:
        return ""
    return " for every class" if class_code == ALL_CLASSES else f" for class {class_code}"
