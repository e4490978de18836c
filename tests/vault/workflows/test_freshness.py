"""What is grave asks for a fresh proof before it looks at anything else, and is never done by an API token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.vault.workflows.faults import ON_SQLITE
from vault.destruction import Targets
from vault.errors import NotAllowed, StepUpNeeded
from vault.ids import ListId, MatterId, PersonId, RecordId
from vault.paper import PaperMethod
from vault.permissions import Action, Actor, Role
from vault.sessions import FRESH
from vault.workflows import (
    backups,
    borrowing,
    destruction,
    execution,
    expiry,
    groups,
    logkeys,
    matters,
    paper,
    passwords,
    people,
    restricting,
    retrieval,
    schedules,
    sessions,
)
from vault.workflows.vault import Vault

NOBODY = PersonId("a" * 26)
RECORD = RecordId("a" * 26)

Step = Callable[[Vault, Actor], Any]
GRAVE: dict[str, Step] = {
    "approve a rule": lambda vault, actor: schedules.approve(vault, actor, "contract"),
    "execute a list": lambda vault, actor: execution.execute(vault, actor, ListId("a" * 26)),
    "release a hold": lambda vault, actor: matters.release_hold(vault, actor, MatterId("a" * 26)),
    "lift a restriction": lambda vault, actor: restricting.lift_restriction(vault, actor, RECORD, "a reason"),
    "lend a record": lambda vault, actor: borrowing.decide_loan(vault, actor, "a" * 26, grant=True),
    "destroy": lambda vault, actor: destruction.destroy(vault, actor, Targets(records=frozenset({RECORD})), alone=True),
    "replace the root": lambda vault, actor: destruction.rotate_root(vault, actor),
    "change the log's key": lambda vault, actor: logkeys.rotate_key(vault, actor),
    "give a key away": lambda vault, actor: retrieval.export_sealed(vault, actor, RECORD),
    "let expiry go on": lambda vault, actor: expiry.resume(vault, actor),
    "confirm holds": lambda vault, actor: backups.confirm_holds(vault, actor),
    "destroy paper": lambda vault, actor: paper.destroy_paper(
        vault, actor, RECORD, method=PaperMethod.SHREDDING, weight_grams=1, vendor="v", witnesses=("a", "b")
    ),
    "reset a password": lambda vault, actor: passwords.offer_reset(vault, actor, NOBODY, drops_factors=False),
    "deactivate": lambda vault, actor: people.deactivate(vault, actor, NOBODY),
    "reactivate": lambda vault, actor: people.reactivate(vault, actor, NOBODY),
    "invite": lambda vault, actor: people.invite(vault, actor, ("records",)),
    "let a group do more": lambda vault, actor: groups.grant_role(vault, actor, "readers", Role.READER, "contract"),
    "add somebody to a group": lambda vault, actor: groups.add_member(vault, actor, "readers", NOBODY),
    "end sessions": lambda vault, actor: sessions.end_sessions_of(vault, actor, NOBODY),
}


@ON_SQLITE
@pytest.mark.parametrize("deed", GRAVE)
def test_what_is_grave_asks_for_a_proof_first(vault: Vault, deed: str) -> None:
    stale = Actor(person_id=PersonId("b" * 26), roles=frozenset(Role))
    for actor in (stale, replace(stale, stepped_up_at=vault.now() - FRESH - timedelta(seconds=1))):
        with pytest.raises(StepUpNeeded):
            GRAVE[deed](vault, actor)
    program = replace(stale, stepped_up_at=vault.now(), scope=frozenset(Action))
    with pytest.raises(NotAllowed, match="API token"):
        GRAVE[deed](vault, program)
