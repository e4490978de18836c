"""People who work with the vault, what they may do, and how they are known to be who they say.

Rule 1: deny by default. ``PERMISSIONS`` is the one table; whatever it does not name is refused.
Rule 2: a name or sign-in name is sealed; a sign-in name is found by a keyed index.
Rule 3: the operator (whoever runs commands on the machine itself) acts as a person only until the first person exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput, NotAllowed
from vault.ids import PersonId
from vault.seal.keytree import LeafAddress

OPERATOR_ID: Final = PersonId("operator")
"""Stands as the actor in the log for commands run by the machine's operator."""

CLOCK_ID: Final = PersonId("clock")
"""Stands as the actor in the log for what upkeep does by itself."""

PASSWORD_MIN_CHARACTERS = 12
PASSWORD_MAX_CHARACTERS = 256
LOGIN_MAX_CHARACTERS = 64


class Role(StrEnum):
    """What somebody is in the vault."""

    ADMINISTRATOR = "administrator"
    RECORDS = "records"
    READER = "reader"
    OPERATOR = "operator"


class Action(StrEnum):
    """What somebody may be allowed to do."""

    LIST_RECORDS = "list-records"
    ADD_RECORD = "add-record"
    OPEN_RECORD = "open-record"
    CORRECT_RECORD = "correct-record"
    FILE_RECORD = "file-record"
    EXPORT_SEALED = "export-sealed"
    LIST_CUSTOMERS = "list-customers"
    ADD_CUSTOMER = "add-customer"
    LIST_LINKS = "list-links"
    MAKE_LINK = "make-link"
    REVOKE_LINK = "revoke-link"
    SEE_STATE = "see-state"
    INVITE_PERSON = "invite-person"
    DESTROY_RECORDS = "destroy-records"
    CHANGE_KEEPERS = "change-keepers"
    READ_LOG = "read-log"
    PROPOSE_RULE = "propose-rule"
    APPROVE_RULE = "approve-rule"
    SEE_HOLDS = "see-holds"
    PLACE_HOLD = "place-hold"
    RELEASE_HOLD = "release-hold"
    KEEP_PAPER = "keep-paper"
    SEE_RESTRICTED = "see-restricted"
    RESTRICT_RECORD = "restrict-record"
    MARK_UNSETTLED = "mark-unsettled"
    SEE_DISPOSALS = "see-disposals"
    PROPOSE_DISPOSAL = "propose-disposal"
    REVIEW_DISPOSAL = "review-disposal"
    SIGN_DISPOSAL = "sign-disposal"
    SUPERVISE_DISPOSAL = "supervise-disposal"
    RESUME_EXPIRY = "resume-expiry"
    SEE_NOTICES = "see-notices"
    GIVE_NOTICE = "give-notice"


_STAFF = frozenset({Role.ADMINISTRATOR, Role.RECORDS, Role.OPERATOR})
_EVERYBODY = _STAFF | {Role.READER}

PERMISSIONS: dict[Action, frozenset[Role]] = {
    Action.LIST_RECORDS: _EVERYBODY,
    Action.ADD_RECORD: _STAFF,
    Action.OPEN_RECORD: _EVERYBODY,
    Action.CORRECT_RECORD: _STAFF,
    Action.FILE_RECORD: _STAFF,
    Action.EXPORT_SEALED: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.LIST_CUSTOMERS: _EVERYBODY,
    Action.ADD_CUSTOMER: _STAFF,
    Action.LIST_LINKS: _STAFF,
    Action.MAKE_LINK: _STAFF,
    Action.REVOKE_LINK: _STAFF,
    Action.SEE_STATE: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.INVITE_PERSON: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.DESTROY_RECORDS: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.CHANGE_KEEPERS: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.READ_LOG: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.PROPOSE_RULE: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.APPROVE_RULE: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.SEE_HOLDS: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.PLACE_HOLD: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.RELEASE_HOLD: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.KEEP_PAPER: _STAFF,
    Action.SEE_RESTRICTED: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.RESTRICT_RECORD: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.MARK_UNSETTLED: _STAFF,
    Action.SEE_DISPOSALS: _STAFF,
    Action.PROPOSE_DISPOSAL: _STAFF,
    Action.REVIEW_DISPOSAL: _STAFF,
    Action.SIGN_DISPOSAL: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.SUPERVISE_DISPOSAL: _STAFF,
    Action.RESUME_EXPIRY: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Action.SEE_NOTICES: _EVERYBODY,
    Action.GIVE_NOTICE: _STAFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is acting, as the log will name them."""

    person_id: PersonId
    roles: frozenset[Role]

    def may(self, action: Action) -> bool:
        """Whether the table allows it; for menus. Workflows call ``require``."""
        return not self.roles.isdisjoint(PERMISSIONS.get(action, frozenset()))

    def require(self, action: Action) -> None:
        """Raises ``NotAllowed`` unless the table allows it."""
        if not self.may(action):
            raise NotAllowed(f"your roles do not include '{action.value}'; ask an administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person. ``sealed_profile`` opens to ``PersonProfile``; ``login_index`` is 32 bytes, keyed."""

    id: PersonId
    login_index: bytes
    profile_leaf: LeafAddress
    sealed_profile: bytes
    password_hash: str
    roles: frozenset[Role]
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonProfile:
    """What is known of a person: sealed."""

    login: str
    name: str

    @classmethod
    def checked(cls, *, login: str, name: str) -> PersonProfile:
        """A profile from outside. Raises ``InvalidInput`` naming the field."""
        clean_login, clean_name = login.strip(), name.strip()
        for field, text in (("login", clean_login), ("name", clean_name)):
            if not text:
                raise InvalidInput(f"{field} is empty; give one", field=field)
            if len(text) > LOGIN_MAX_CHARACTERS:
                raise InvalidInput(f"{field} is longer than {LOGIN_MAX_CHARACTERS} characters", field=field)
            if any(
                ord(character) < 32 or ord(character) == 127 or "\ud800" <= character <= "\udfff" for character in text
            ):
                raise InvalidInput(f"{field} holds a control character; remove it", field=field)
        return cls(login=clean_login, name=clean_name)


def checked_password(password: str) -> str:
    """A password that is long enough (NIST SP 800-63B-4: length, no composition rules). Raises ``InvalidInput``."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        raise InvalidInput(f"the password is shorter than {PASSWORD_MIN_CHARACTERS} characters", field="password")
    if len(password) > PASSWORD_MAX_CHARACTERS:
        raise InvalidInput(f"the password is longer than {PASSWORD_MAX_CHARACTERS} characters", field="password")
    return password


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser or command line. Only the SHA-256 of its token is kept."""

    token_sha256: bytes
    person_id: PersonId
    csrf_token: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A one-time link that lets somebody become a person with these roles. Only the token's SHA-256 is kept."""

    token_sha256: bytes
    roles: frozenset[Role]
    expires_at: datetime
    used_at: datetime | None
