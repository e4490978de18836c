"""Proving at the terminal that it is you: a code of the authenticator app, a recovery code, or the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vault.cli.asking import ask_secret
from vault.errors import SecondFactorNeeded
from vault.sessions import Client, SessionKind
from vault.workflows import sessions
from vault.workflows.proofs import SecondFactor

if TYPE_CHECKING:
    from vault.workflows.sessions import Introduced
    from vault.workflows.vault import Vault

HERE: Final = Client(kind=SessionKind.COMMAND_LINE, address="command-line", agent="strongroom")
PROGRAM: Final = Client(kind=SessionKind.PROGRAM, address="command-line", agent="strongroom login --print-token")


def sign_in(vault: Vault, login: str, password: str, client: Client) -> tuple[str, Introduced]:
    """Signs somebody in; a second factor is asked for where they have one."""
    try:
        return sessions.sign_in(vault, login=login, password=password, client=client)
    except SecondFactorNeeded as needed:
        factor = SecondFactor(code=ask_secret("Code of your authenticator app, or a recovery code"))
        return sessions.answer_second_factor(vault, needed.challenge, factor, client=client)


def prove(vault: Vault, who: Introduced, token: str) -> tuple[str, Introduced]:
    """Asks for a fresh proof; gives the session's new token."""
    from vault.workflows import credentials

    if credentials.own_factors(vault, who.actor).second:
        factor = SecondFactor(code=ask_secret("Code of your authenticator app, or a recovery code"))
        return sessions.step_up(vault, token, client=HERE, factor=factor)
    return sessions.step_up(vault, token, client=HERE, password=ask_secret("Your password, once more"))
