"""Before something grave somebody proves again, within the last five minutes, that it is them.

Workflows that approve, sign, lend, destroy, release, give rights, change keepers or give keys away call
``require_fresh``; so it is asked whoever comes in between: page, command or program. An API token never can: nobody
sits there to prove anything.
"""

from __future__ import annotations

from vault.errors import NotAllowed, StepUpNeeded
from vault.people import OPERATOR_ID
from vault.permissions import Actor
from vault.sessions import FRESH
from vault.workflows.vault import Vault


def require_fresh(vault: Vault, actor: Actor) -> None:
    """Raises ``StepUpNeeded`` unless the actor proved themselves within five minutes; ``NotAllowed`` for API tokens.

    The machine's operator has nothing to prove it with but the machine, and may do little once there are people.
    """
    require_oneself(actor)
    if actor.person_id == OPERATOR_ID:
        return
    if not actor.proved_within(FRESH, now=vault.now()):
        raise StepUpNeeded("prove again that it is you: a code or a passkey, or your password if you have neither")


def require_oneself(actor: Actor) -> None:
    """Raises ``NotAllowed`` for an API token: it tends no account and proves nothing."""
    if actor.scope is not None:
        raise NotAllowed("an API token cannot do this; sign in, and do it yourself")
