"""People with accounts, for tests: made by an invitation, signed in, with a second factor or without."""

from __future__ import annotations

import itertools

import pyotp

from tests.support.people import everything
from vault.groups import FOUNDING
from vault.sessions import Client
from vault.workflows import credentials, people, sessions
from vault.workflows.sessions import Introduced, SignedIn
from vault.workflows.vault import Vault

PASSWORD = "correct horse battery"
HERE = Client(address="192.0.2.1", agent="Firefox")
THERE = Client(address="192.0.2.2", agent="Safari")
READERS = "readers"
_numbers = itertools.count(1)


def new_person(vault: Vault, *groups: str) -> str:
    """Somebody new, a founder where no group is named; gives their sign-in name."""
    name = f"person{next(_numbers)}"
    token = people.invite(vault, everything(), groups or FOUNDING)
    people.accept_invitation(vault, token, login=name, name=name.title(), password=PASSWORD)
    return name


def sign_in(vault: Vault, login: str, client: Client = HERE) -> tuple[str, Introduced]:
    """Signs somebody without a second factor in."""
    return sessions.sign_in(vault, login=login, password=PASSWORD, client=client)


def with_authenticator(vault: Vault, who: SignedIn) -> tuple[pyotp.TOTP, list[str]]:
    """Sets an authenticator app up, judged by somebody else's; gives the app and the recovery codes.

    The code that was shown is used up, so a clock in the hand has to move on before the next one.
    """
    enrolment = credentials.begin_authenticator(vault, who.actor)
    app = pyotp.parse_uri(enrolment.uri)
    assert isinstance(app, pyotp.TOTP)
    codes = credentials.confirm_authenticator(vault, who.actor, app.at(vault.now()))
    return app, list(codes)
