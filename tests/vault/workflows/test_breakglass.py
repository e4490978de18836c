"""The machine's operator lets the one security administrator in again who has lost everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import delete

from storage.catalogue.resets import resets
from tests.support.accounts import HERE, new_person, sign_in, with_authenticator
from tests.support.people import everything, somebody
from tests.vault.workflows.faults import with_clock
from vault.audit import Event
from vault.errors import Conflict, NotFound, NotSignedIn
from vault.groups import SECURITY
from vault.permissions import Role
from vault.workflows import breakglass, groups, passwords, people, sessions
from vault.workflows.vault import Vault

NEW = "another correct horse"


def test_the_sole_administrator_comes_in_again_and_everybody_in_charge_is_told(vault: Vault) -> None:
    vault, clock = with_clock(vault)
    login, reader = new_person(vault), new_person(vault, "readers")
    token, who = sign_in(vault, login)
    with_authenticator(vault, who)
    with pytest.raises(NotFound):
        breakglass.let_in_again(vault, "nobody of that name", nobody_else_can=False)
    with pytest.raises(Conflict, match="only an active security administrator"):
        breakglass.let_in_again(vault, reader, nobody_else_can=True)
    person_id, link = breakglass.let_in_again(vault, login, nobody_else_can=False)
    with pytest.raises(NotSignedIn):
        sessions.introduced(vault, token)
    with vault.catalogue.read() as tx:
        newest = tx.audit.page(limit=1)[0].entry
    assert (newest.actor, newest.event, newest.subject) == ("operator", Event.GLASS_BROKEN, person_id)
    assert newest.detail == {"ended": 1, "nobody_else_can": False}

    assert passwords.reset_password(vault, link, password=NEW) == person_id
    # Neither the password of before nor the app counts any more.
    sessions.sign_in(vault, login=login, password=NEW, client=HERE)
    with pytest.raises(NotSignedIn):
        sign_in(vault, login)
    with pytest.raises(NotFound):
        passwords.check_reset(vault, link)

    # Whoever takes the link out of the catalogue, or restores it from a dump, hides nothing.
    with vault.catalogue.write() as tx:
        cast(Any, tx).resets._rows.run(delete(resets).where(resets.c.person_id == person_id))
    for role in (Role.SECURITY, Role.SYSTEM, Role.AUDIT):
        (seen,) = breakglass.lately_broken(vault, somebody("who", role))
        assert (seen.person_id, seen.name, seen.made_at) == (person_id, login.title(), clock.at)
    for role in (Role.RECORDS, Role.OFFICER, Role.READER):
        assert not breakglass.lately_broken(vault, somebody("who", role))
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert len(breakglass.lately_broken(vault, somebody("who", Role.AUDIT))) == 1
    clock.advance(timedelta(seconds=2))
    assert not breakglass.lately_broken(vault, somebody("who", Role.AUDIT))


def test_where_somebody_else_can_help_the_operator_does_not_unless_they_say_that_nobody_can(vault: Vault) -> None:
    first, second = new_person(vault), new_person(vault, SECURITY)
    with pytest.raises(Conflict, match="--nobody-else-can"):
        breakglass.let_in_again(vault, first, nobody_else_can=False)
    _, link = breakglass.let_in_again(vault, first, nobody_else_can=True)
    # A later link takes the place of an earlier one, whoever makes it.
    breakglass.let_in_again(vault, first, nobody_else_can=True)
    with pytest.raises(NotFound):
        passwords.check_reset(vault, link)
    people.deactivate(vault, everything(), people.find_person(vault, everything(), second).person.id)
    with pytest.raises(Conflict, match="only an active security administrator"):
        breakglass.let_in_again(vault, second, nobody_else_can=True)
    for view in groups.show_group(vault, everything(), SECURITY).members:
        if view.active and view.name != first.title():
            groups.remove_member(vault, everything(), SECURITY, view.membership.person_id)
    breakglass.let_in_again(vault, first, nobody_else_can=False)
    assert sign_in(vault, first)[1].profile.login == first
