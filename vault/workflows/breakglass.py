"""The machine's operator lets the one security administrator in again who has lost everything: breaking the glass.

Rule 1: only whoever lets everybody else in again is let in here, and only where nobody else could: another active
security administrator makes the link, unless the operator says that none of them can, which is logged.
Rule 2: whoever runs the command has unlocked a keeper for it (``vault/cli/people.py``): a seat at the machine, or a key
process that somebody else unlocked, does not do.
Rule 3: it cannot be hidden: the log keeps it, every session of that person ends, and for thirty days every
administration sees it on its first page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.errors import Conflict, NotFound
from vault.ids import PersonId
from vault.people import OPERATOR_ID
from vault.permissions import ADMINISTRATIONS, Action, Actor
from vault.resets import RESET_LIFETIME, Reset
from vault.workflows import descriptions
from vault.workflows.groups import everybody_acting
from vault.workflows.onetime import digest_of, new_token
from vault.workflows.sessions import login_index
from vault.workflows.vault import Vault

SHOWN_FOR: Final = timedelta(days=30)
_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenGlass:
    """That the operator made a way in for somebody."""

    person_id: PersonId
    name: str
    made_at: datetime


def let_in_again(vault: Vault, key: str, *, nobody_else_can: bool) -> tuple[PersonId, str]:
    """A one-time token by which somebody (id or sign-in name) chooses a new password; their second factors go with it.

    Raises ``NotFound``, ``Conflict``.
    """
    token, now = new_token(vault), vault.now()
    with vault.catalogue.write() as tx:
        person = tx.people.get(PersonId(key)) or tx.people.by_login_index(login_index(vault, key))
        if person is None:
            raise NotFound("there is no such person; their sign-in name is written exactly as they chose it")
        letting_in = {each.person_id for each in everybody_acting(tx, vault.fonds.id) if each.may(Action.INVITE_PERSON)}
        if person.id not in letting_in:
            raise Conflict(
                "only an active security administrator is let in again by the machine; one of them helps everybody "
                "else: `strongroom person reset`"
            )
        if letting_in != {person.id} and not nobody_else_can:
            raise Conflict(
                "there is another active security administrator, who makes the link: `strongroom person reset`; if "
                "none of them can sign in either, say --nobody-else-can, which is logged"
            )
        tx.resets.withdraw(person.id, now=now)
        tx.resets.add(
            Reset(
                token_sha256=digest_of(token),
                person_id=person.id,
                offered_by=OPERATOR_ID,
                drops_factors=True,
                expires_at=now + RESET_LIFETIME,
                used_at=None,
            )
        )
        ended = tx.sessions.end_all(person.id)
        tx.challenges.drop_of(person.id)
        detail: Detail = {"ended": ended, "nobody_else_can": nobody_else_can}
        tx.audit.append(vault.entry(OPERATOR_ID, Event.GLASS_BROKEN, person.id, detail))
    return person.id, token


def lately_broken(vault: Vault, actor: Actor) -> Sequence[BrokenGlass]:
    """What the operator did so in the last thirty days, for who is of an administration: the newest 20."""
    if actor.roles.isdisjoint(ADMINISTRATIONS):
        return ()
    with vault.catalogue.read() as tx:
        # From the log, which comes back with every backup and which nobody takes anything out of.
        made = tx.audit.page(event=Event.GLASS_BROKEN, since=vault.now() - SHOWN_FOR, limit=_SHOWN_MAX)
        people = [(each.entry.at, tx.people.get(PersonId(each.entry.subject))) for each in made]
    found = []
    for made_at, person in people:
        if person is None:
            continue
        profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
        found.append(BrokenGlass(person_id=person.id, name=profile.name, made_at=made_at))
    return found
