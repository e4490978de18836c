"""Who may do what, and what a person may be called."""

from __future__ import annotations

import pytest

from vault.errors import InvalidInput, NotAllowed
from vault.ids import PersonId
from vault.people import (
    LOGIN_MAX_CHARACTERS,
    PASSWORD_MAX_CHARACTERS,
    PASSWORD_MIN_CHARACTERS,
    PersonProfile,
    checked_password,
)
from vault.permissions import PERMISSIONS, Action, Actor, Role


def acting(*roles: Role) -> Actor:
    return Actor(person_id=PersonId("someone"), roles=frozenset(roles))


@pytest.mark.parametrize("role", list(Role))
def test_an_action_that_the_table_does_not_name_is_refused_for_every_role(
    role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(PERMISSIONS, Action.LIST_RECORDS)
    assert not acting(role).may(Action.LIST_RECORDS)
    with pytest.raises(NotAllowed):
        acting(role).require(Action.LIST_RECORDS)


def test_every_action_stands_in_the_table() -> None:
    assert set(PERMISSIONS) == set(Action)


@pytest.mark.parametrize("action", list(Action))
def test_somebody_without_a_role_may_do_nothing(action: Action) -> None:
    with pytest.raises(NotAllowed, match=action.value):
        acting().require(action)


def test_a_reader_reads_and_changes_nothing() -> None:
    allowed = {action for action in Action if acting(Role.READER).may(action)}
    assert allowed == {Action.LIST_RECORDS, Action.OPEN_RECORD, Action.LIST_CUSTOMERS, Action.SEE_NOTICES}


def test_records_staff_neither_invite_nor_take_keys_out() -> None:
    staff = acting(Role.RECORDS)
    assert not any(staff.may(action) for action in (Action.INVITE_PERSON, Action.EXPORT_SEALED, Action.SEE_STATE))
    assert all(staff.may(action) for action in (Action.ADD_RECORD, Action.FILE_RECORD, Action.MAKE_LINK))


def test_roles_add_up() -> None:
    assert acting(Role.READER, Role.RECORDS).may(Action.ADD_RECORD)


def test_a_profile_is_trimmed() -> None:
    assert PersonProfile.checked(login=" wang ", name="王 伟 ") == PersonProfile(login="wang", name="王 伟")


@pytest.mark.parametrize("text", ["", "   ", "x" * (LOGIN_MAX_CHARACTERS + 1), "a\nb", "a\0b", "\ud800", "a\x7fb"])
@pytest.mark.parametrize("field", ["login", "name"])
def test_a_profile_that_does_not_fit_is_refused_naming_the_field(field: str, text: str) -> None:
    values = {"login": "wang", "name": "王伟", field: text}
    with pytest.raises(InvalidInput) as refused:
        PersonProfile.checked(**values)
    assert refused.value.field == field


@pytest.mark.parametrize("length", [PASSWORD_MIN_CHARACTERS, PASSWORD_MAX_CHARACTERS])
def test_a_password_between_the_limits_is_taken_as_it_is(length: int) -> None:
    assert checked_password("密" * length) == "密" * length


@pytest.mark.parametrize("length", [0, PASSWORD_MIN_CHARACTERS - 1, PASSWORD_MAX_CHARACTERS + 1])
def test_a_password_outside_the_limits_is_refused_and_not_repeated(length: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_password("q" * length)
    assert refused.value.field == "password"
    assert "qq" not in refused.value.message
