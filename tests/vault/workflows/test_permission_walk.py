"""The permission table, walked: every deed on a record, by every role, in every state of it, of one's own class and of
another; and every other workflow, by every role.

A deed that is allowed is let come as far as its transaction, which is then undone: so each cell meets the same record.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

import pytest

from tests.support.people import Proving, everything
from tests.support.walking import ANY, LIVING, OWN, WALKED, Reached, records_in_every_state, undoing
from tests.vault.samples import a_class
from tests.vault.workflows.faults import ON_SQLITE
from vault import workflows
from vault.destruction import Targets
from vault.errors import NotAllowed, NotFound, Refused
from vault.holds import MatterProfile
from vault.ids import PersonId, RecordId
from vault.paper import PaperMethod
from vault.permissions import PERMISSIONS, Action, Actor, Role
from vault.records import Description
from vault.shelves import RecordFilter
from vault.workflows import (
    destructionscope,
    finding,
    holding,
    indexing,
    intake,
    listing,
    paper,
    restricting,
    retrieval,
    sharing,
)
from vault.workflows.vault import Vault

SAID = Description.checked(title="walked", reason="it is walked")


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What is done to a record, under which action, and in which states of the record that is possible at all."""

    action: Action
    states: frozenset[str]
    do: Callable[[Vault, Actor, RecordId], object]


def _found(vault: Vault, actor: Actor, record_id: RecordId) -> None:
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
    assert record is not None
    if record_id not in {view.record.id for view in finding.find(vault, actor, record.number).views}:
        raise NotFound("not found by its number")


def _listed(vault: Vault, actor: Actor, record_id: RecordId) -> None:
    if record_id not in {view.record.id for view in retrieval.list_records(vault, actor, RecordFilter(), limit=500)}:
        raise NotFound("not listed")


def _preview(vault: Vault, actor: Actor, record_id: RecordId) -> None:
    destructionscope.preview(vault, actor, Targets(records=frozenset({record_id})))


DEEDS: Mapping[str, Deed] = {
    "retrieval.find_record": Deed(
        action=Action.LIST_RECORDS, states=ANY, do=lambda v, a, r: retrieval.find_record(v, a, r)
    ),
    "retrieval.show": Deed(action=Action.LIST_RECORDS, states=ANY, do=lambda v, a, r: retrieval.show(v, a, r)),
    "retrieval.list_records": Deed(action=Action.LIST_RECORDS, states=ANY, do=_listed),
    "finding.find": Deed(action=Action.LIST_RECORDS, states=LIVING, do=_found),
    "paper.show_paper": Deed(action=Action.LIST_RECORDS, states=ANY, do=lambda v, a, r: paper.show_paper(v, a, r)),
    "retrieval.open_version": Deed(
        action=Action.OPEN_RECORD,
        states=LIVING,
        do=lambda v, a, r: retrieval.open_version(v, a, r, purpose="audit"),
    ),
    "retrieval.export_sealed": Deed(
        action=Action.EXPORT_SEALED, states=LIVING, do=lambda v, a, r: retrieval.export_sealed(v, a, r)
    ),
    "intake.revise_description": Deed(
        action=Action.CORRECT_RECORD, states=LIVING, do=lambda v, a, r: intake.revise_description(v, a, r, SAID)
    ),
    "intake.begin_correction": Deed(
        action=Action.CORRECT_RECORD, states=LIVING, do=lambda v, a, r: intake.begin_correction(v, a, r, SAID, "a.txt")
    ),
    "holding.file_record": Deed(
        action=Action.FILE_RECORD, states=LIVING, do=lambda v, a, r: holding.file_record(v, a, r)
    ),
    "sharing.make_link": Deed(
        action=Action.MAKE_LINK,
        states=LIVING,
        do=lambda v, a, r: sharing.make_link(v, a, r, lifetime=timedelta(days=1), uses_max=1, pass_code=None),
    ),
    "sharing.list_links": Deed(
        action=Action.LIST_LINKS, states=ANY, do=lambda v, a, r: sharing.list_links(v, a, record_id=r)
    ),
    "restricting.restrict_record": Deed(
        action=Action.RESTRICT_RECORD,
        states=LIVING,
        do=lambda v, a, r: restricting.restrict_record(v, a, r, "it is walked"),
    ),
    "restricting.lift_restriction": Deed(
        action=Action.RESTRICT_RECORD,
        states=frozenset({"restricted"}),
        do=lambda v, a, r: restricting.lift_restriction(v, a, r, "it is walked"),
    ),
    "restricting.mark_unsettled": Deed(
        action=Action.MARK_UNSETTLED,
        states=LIVING | {"restricted"},
        do=lambda v, a, r: restricting.mark_unsettled(v, a, r, "it is walked"),
    ),
    "paper.keep_paper": Deed(
        action=Action.KEEP_PAPER,
        states=LIVING | {"restricted"},
        do=lambda v, a, r: paper.keep_paper(v, a, r, box="B-1"),
    ),
    "paper.destroy_paper": Deed(
        action=Action.DESTROY_RECORDS,
        states=frozenset(),
        do=lambda v, a, r: paper.destroy_paper(
            v, a, r, method=PaperMethod.PULPING, weight_grams=1, vendor="Mill", witnesses=("One", "Two")
        ),
    ),
    "listing.propose_error": Deed(
        action=Action.PROPOSE_DISPOSAL,
        states=frozenset({"received", "filed", "restricted"}),
        do=lambda v, a, r: listing.propose_error(v, a, [r], "it is walked", dry_run=True),
    ),
    "destructionscope.preview": Deed(action=Action.DESTROY_RECORDS, states=ANY, do=_preview),
}


@pytest.fixture(scope="module")
def walked(vault: Vault) -> Mapping[tuple[str, str], RecordId]:
    """A record in each state, of each class."""
    return records_in_every_state(vault)


def outcome(vault: Vault, deed: Deed, actor: Actor, record_id: RecordId) -> type[Exception] | None:
    """What came of it: None where it was allowed."""
    trying = undoing(vault)
    try:
        deed.do(trying, actor, record_id)
    except Reached:
        return None
    except Refused as refused:
        return type(refused)
    return None


@ON_SQLITE
def test_every_cell_of_the_table_is_as_it_says(
    vault: Vault, walked: Mapping[tuple[str, str], RecordId], capsys: pytest.CaptureFixture[str]
) -> None:
    indexing.follow(vault)
    cells = 0
    for name, deed in DEEDS.items():
        for role in WALKED:
            somebody = PersonId(f"walker-{role.value}")
            in_class = role not in (Role.SYSTEM, Role.SECURITY, Role.AUDIT)
            actor = Proving(
                person_id=somebody,
                roles=frozenset() if in_class else frozenset({role}),
                class_roles=frozenset({(role, OWN)}) if in_class else frozenset(),
            )
            for (state, code), record_id in walked.items():
                told = outcome(vault, deed, actor, record_id)
                cell = (name, role.value, state, code, told)
                cells += 1
                allowed = role in PERMISSIONS[deed.action].roles
                exists = code == OWN and (state != "restricted" or role in PERMISSIONS[Action.SEE_RESTRICTED].roles)
                if not allowed:
                    assert told in (NotAllowed, NotFound), cell
                elif not exists:
                    assert told is NotFound, cell
                elif state in deed.states:
                    assert told is None, cell
                else:
                    assert told is not None, cell
                    assert told is not NotAllowed, cell
    assert cells == len(DEEDS) * len(WALKED) * len(ANY) * 2
    with capsys.disabled():
        print(f"\npermission walk: {cells} cells of deeds on records")


ANNOUNCING: Final = frozenset({"intake.begin_correction"})
"""Deeds that begin with an intent, which is logged when it becomes something."""


@ON_SQLITE
def test_every_deed_has_its_entry_in_its_transaction(
    vault: Vault, walked: Mapping[tuple[str, str], RecordId], capsys: pytest.CaptureFixture[str]
) -> None:
    indexing.follow(vault)
    one = everything()
    trying = undoing(vault)
    logged: dict[str, bool] = {}
    for name, deed in DEEDS.items():
        for state in sorted(deed.states):
            person = Proving(person_id=PersonId("somebody else"), roles=one.roles)
            try:
                deed.do(trying, person, walked[state, OWN])
            except Reached as reached:
                logged[name] = logged.get(name, True) and reached.logged
    assert {name for name, told in logged.items() if not told} <= ANNOUNCING
    assert {"retrieval.open_version", "retrieval.export_sealed", "sharing.make_link"} <= logged.keys()
    with capsys.disabled():
        print(f"\nlog walk: {len(logged)} deeds on records write their entry in their transaction")


OWN_THINGS: Final = frozenset(
    {
        "agreements.current_agreement",
        "alarms.am_suspended",
        "training.current_course",
        "borrowing.give_back",
        "borrowing.my_loans",
        "breakglass.lately_broken",
        "groups.groups_of",
        "groups.remove_member",
        "awaiting.steps_awaiting",
        "retrieval.is_opened",
        "identities.own_identity",
        "people.own_profile",
    }
)
"""What everybody may do for themselves; ``remove_member`` asks for the right on others, and ``lately_broken`` tells
nothing to who is of no administration, which their own tests show."""
OWN_ACCOUNT: Final = frozenset(
    {
        "agreements.sign_agreement",
        "credentials.add_passkey",
        "credentials.begin_authenticator",
        "credentials.begin_passkey",
        "credentials.confirm_authenticator",
        "credentials.known_credentials",
        "credentials.make_recovery_codes",
        "credentials.own_factors",
        "credentials.pending_authenticator",
        "credentials.remove_authenticator",
        "credentials.remove_passkey",
        "credentials.rename_passkey",
        "people.change_profile",
        "sessions.end_other_sessions",
        "sessions.end_session",
        "sessions.own_sessions",
        "tokens.create",
        "tokens.own_tokens",
        "tokens.revoke",
        "training.take_test",
    }
)
"""What everybody does with their own account, by themselves: no API token does it for them."""
INNER: Final = frozenset(
    {
        "accessreviews.pending_for",
        "appraisal.keep_opinion",
        "awaiting.step_of_list",
        "destructionscope.require_theirs",
        "freshness.require_fresh",
        "freshness.require_oneself",
        "gates.require_passage",
        "gates.require_purpose",
        "gates.require_gates",
        "gates.loan_in_force",
        "lists.require_own_list",
        "repeating.begin_request",
        "repeating.give_back_key",
        "repeating.keep_answer",
        "savedviews.refer_to",
        "watching.note_opening",
        "watching.require_unsuspended",
        "savedviews.words_of_reference",
    }
)
"""Steps of other workflows, which have authorised."""


def named_workflows() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every public function of a workflow that somebody acts in."""
    for module in pkgutil.iter_modules(workflows.__path__):
        found = import_module(f"vault.workflows.{module.name}")
        for name, function in inspect.getmembers(found, inspect.isfunction):
            mine = function.__module__ == found.__name__ and not name.startswith("_")
            if mine and "actor" in inspect.signature(function).parameters:
                yield f"{module.name}.{name}", function


@ON_SQLITE
def test_every_other_workflow_refuses_whoever_has_no_role(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = Proving(person_id=PersonId("nobody"), roles=frozenset())
    cells = 0
    named = DEEDS.keys() | OWN_THINGS | OWN_ACCOUNT | INNER
    assert not named - {name for name, _ in named_workflows()}
    for name, function in named_workflows():
        if name not in named:
            cells += 1
            _require_refused(function, vault, nobody)
    with capsys.disabled():
        print(f"\npermission walk: {cells} other workflows refuse whoever has no role")


@ON_SQLITE
def test_no_api_token_tends_an_account(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    one = everything()
    program = Proving(person_id=one.person_id, roles=one.roles, scope=frozenset(Action))
    for name, function in named_workflows():
        if name in OWN_ACCOUNT:
            _require_refused(function, vault, program)
    with capsys.disabled():
        print(f"\npermission walk: {len(OWN_ACCOUNT)} workflows of one's own account refuse an API token")


def _require_refused(function: Callable[..., object], vault: Vault, actor: Actor) -> None:
    """Asks for it with plausible values; only ``NotAllowed`` is an answer."""
    parameters = list(inspect.signature(function).parameters.values())[2:]
    needed = [each for each in parameters if each.default is inspect.Parameter.empty]
    positional = [PLAUSIBLE.get(each.name, "") for each in needed if each.kind is each.POSITIONAL_OR_KEYWORD]
    named = {each.name: PLAUSIBLE.get(each.name, "") for each in needed if each.kind is each.KEYWORD_ONLY}
    with pytest.raises(NotAllowed):
        _begin(function(vault, actor, *positional, **named))


def _begin(told: object) -> None:
    """What yields asks when it begins."""
    if inspect.isgenerator(told):
        next(told)


PLAUSIBLE: Final[Mapping[str, Any]] = {
    "targets": Targets(records=frozenset({RecordId("a" * 26)})),
    "profile": MatterProfile(title="a", reason="a", issuer="a"),
    "rule": a_class(),
    "number": 1,
    "version": 1,
    "answers": (),
    "name": "a name",
    "scopes": frozenset({Action.LIST_RECORDS}),
    "lifetime": timedelta(days=1),
}
