"""Whatever the order of placing, widening, releasing, receiving, correcting: what is held lives, and nothing else is.

A model that knows only sets says what has to be held; the vault, its verdict and the store are compared with it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.holding import PROFILE, officer
from vault.customers import Profile
from vault.destruction import Targets
from vault.disposition import Standing, verdict
from vault.errors import Conflict, NotAllowed
from vault.holds import HoldScope, MatterState
from vault.ids import CustomerId, MatterId, RecordId
from vault.records import Description
from vault.workflows import customers, destruction, holding, intake, matters, mirror, placing
from vault.workflows.schedules import rule_of
from vault.workflows.vault import Vault

WORDS = ("harbour", "lease", "crane")
CLASSES = ("contract", "house")
PEOPLE = ("one", "two", "three")
words = st.sets(st.sampled_from(WORDS)).map(sorted).map(" ".join)
queries = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(" ".join)


@dataclass(slots=True)
class KnownRecord:
    title: str
    class_code: str
    customer: int | None
    alive: bool = True


@dataclass(slots=True)
class KnownMatter:
    number: str
    state: MatterState = MatterState.IN_FORCE
    proposed_by: str = ""
    records: set[RecordId] = field(default_factory=set)
    customers: set[int] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    queries: list[str] = field(default_factory=list)


def machine_over(vault: Vault) -> type[RuleBasedStateMachine]:
    """The machine, over a vault that all of its runs share; each run has records and matters of its own."""

    class Holds(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.records: dict[RecordId, KnownRecord] = {}
            self.matters: dict[MatterId, KnownMatter] = {}
            self.customers: list[CustomerId] = []
            self.run = vault.new_id()

        @initialize()
        def somebody(self) -> None:
            actor = officer("one")
            self.customers = [customers.add_customer(vault, actor, Profile(name=name)).customer.id for name in "ab"]

        def teardown(self) -> None:
            for matter_id, known in self.matters.items():
                if known.state is MatterState.IN_FORCE:
                    matters.propose_release(vault, officer("one"), matter_id, "over")
                    known.proposed_by = "one"
                if known.state is not MatterState.RELEASED:
                    matters.release_hold(vault, officer("three" if known.proposed_by != "three" else "two"), matter_id)

        # ---- records -------------------------------------------------------------------------------------------------

        @rule(title=words, class_code=st.sampled_from(CLASSES), customer=st.sampled_from((None, 0, 1)))
        def receive(self, title: str, class_code: str, customer: int | None) -> None:
            filing = intake.Filing(
                class_code=class_code,
                customer_id=self.customers[customer] if customer is not None else None,
                description=Description.checked(title=f"{self.run} {title}"),
                file_name="file.bin",
            )
            with intake.begin(vault, officer("one"), filing) as receiving:
                record_id = intake.receive_from(vault, receiving, io.BytesIO(b"bytes").readinto).record_id
            self.records[record_id] = KnownRecord(title, class_code, customer)
            self._catch(record_id)

        @precondition(lambda self: self._alive())
        @rule(data=st.data(), title=words, with_bytes=st.booleans())
        def correct(self, data: Any, title: str, with_bytes: bool) -> None:
            record_id = data.draw(st.sampled_from(self._alive()))
            said = Description.checked(title=f"{self.run} {title}", reason="it was wrong")
            if with_bytes:
                with intake.begin_correction(vault, officer("one"), record_id, said, "file.bin") as receiving:
                    intake.receive_from(vault, receiving, io.BytesIO(b"other bytes").readinto)
            else:
                intake.revise_description(vault, officer("one"), record_id, said)
            self.records[record_id].title = title
            self._catch(record_id)

        @precondition(lambda self: self._alive())
        @rule(data=st.data(), class_code=st.sampled_from(CLASSES))
        def file(self, data: Any, class_code: str) -> None:
            record_id = data.draw(st.sampled_from(self._alive()))
            holding.file_record(vault, officer("one"), record_id, class_code=class_code)
            self.records[record_id].class_code = class_code

        @precondition(lambda self: self._alive())
        @rule(data=st.data())
        def destroy(self, data: Any) -> None:
            record_id = data.draw(st.sampled_from(self._alive()))
            targets = Targets(records=frozenset({record_id}))
            if self._held(record_id):
                with pytest.raises(Conflict, match="is held by matter"):
                    destruction.destroy(vault, officer("one"), targets, alone=True, error=True)
            else:
                destruction.destroy(vault, officer("one"), targets, alone=True, error=True)
                self.records[record_id].alive = False

        # ---- matters -------------------------------------------------------------------------------------------------

        @precondition(lambda self: self.records)
        @rule(data=st.data(), asked=st.lists(queries, max_size=1), customer=st.sampled_from((None, 0, 1)))
        def place(self, data: Any, asked: list[str], customer: int | None) -> None:
            self._widen(data, asked, customer, None)

        @precondition(lambda self: self._in(MatterState.IN_FORCE) and self.records)
        @rule(data=st.data(), asked=st.lists(queries, max_size=1), customer=st.sampled_from((None, 0, 1)))
        def add_scope(self, data: Any, asked: list[str], customer: int | None) -> None:
            self._widen(data, asked, customer, data.draw(st.sampled_from(self._in(MatterState.IN_FORCE))))

        @precondition(lambda self: self._in(MatterState.IN_FORCE))
        @rule(data=st.data(), name=st.sampled_from(PEOPLE))
        def propose_release(self, data: Any, name: str) -> None:
            matter_id = data.draw(st.sampled_from(self._in(MatterState.IN_FORCE)))
            matters.propose_release(vault, officer(name), matter_id, "settled")
            self.matters[matter_id].state = MatterState.RELEASE_PROPOSED
            self.matters[matter_id].proposed_by = name

        @precondition(lambda self: self._in(MatterState.RELEASE_PROPOSED))
        @rule(data=st.data(), name=st.sampled_from(PEOPLE), withdraw=st.booleans())
        def decide(self, data: Any, name: str, withdraw: bool) -> None:
            matter_id = data.draw(st.sampled_from(self._in(MatterState.RELEASE_PROPOSED)))
            known = self.matters[matter_id]
            if withdraw:
                matters.withdraw_release(vault, officer(name), matter_id)
                known.state = MatterState.IN_FORCE
            elif known.proposed_by == name:
                with pytest.raises(NotAllowed):
                    matters.release_hold(vault, officer(name), matter_id)
            else:
                matters.release_hold(vault, officer(name), matter_id)
                known.state = MatterState.RELEASED

        @rule()
        def mirror(self) -> None:
            mirror.mirror(vault)
            with vault.catalogue.read() as tx:
                assert tx.holds.mirror_lag() == 0
                versions = {each: tx.records.versions(each) for each in self._alive()}
            for record_id, found in versions.items():
                assert {version.legal_hold for version in found} == {bool(self._held(record_id))}
                facts = vault.store.head(found[-1].object.key, found[-1].version_id)
                assert facts is not None
                assert facts.legal_hold == bool(self._held(record_id))

        # ---- what has to be ------------------------------------------------------------------------------------------

        @invariant()
        def the_vault_says_what_the_model_says(self) -> None:
            with vault.catalogue.read() as tx:
                found = tx.holds.of_records(self._alive())
                for record_id in self._alive():
                    named = found.get(record_id, ())
                    assert [each.number for each in named] == self._held(record_id)
                    record = tx.records.get(record_id)
                    assert record is not None
                    standing = verdict(record, rule_of(tx, record.class_code), named, vault.now()).standing
                    assert (standing is Standing.HELD) == bool(named)

        def _alive(self) -> list[RecordId]:
            return [record_id for record_id, known in self.records.items() if known.alive]

        def _in(self, state: MatterState) -> list[MatterId]:
            return [matter_id for matter_id, known in self.matters.items() if known.state is state]

        def _held(self, record_id: RecordId) -> list[str]:
            known = self.records[record_id]
            return sorted(
                matter.number
                for matter in self.matters.values()
                if matter.state is not MatterState.RELEASED
                and (
                    record_id in matter.records
                    or known.customer in matter.customers
                    or known.class_code in matter.classes
                )
            )

        def _catch(self, record_id: RecordId) -> None:
            """What a record says now is caught by the queries of the matters in force, for as long as those are."""
            title = self.records[record_id].title
            for matter in self.matters.values():
                asked = matter.queries if matter.state is not MatterState.RELEASED else ()
                if any(all(word in title for word in query.split()) for query in asked):
                    matter.records.add(record_id)

        def _widen(self, data: Any, asked: list[str], customer: int | None, matter_id: MatterId | None) -> None:
            named = data.draw(st.sets(st.sampled_from(sorted(self.records)), max_size=2))
            classes = data.draw(st.sets(st.sampled_from(CLASSES), max_size=1))
            scope = HoldScope(
                records=frozenset(named),
                customers=frozenset({self.customers[customer]} if customer is not None else ()),
                # Classes are of the whole vault, and so would hold what other runs left; their words are their own.
                classes=frozenset(classes),
                queries=tuple(f"{self.run} {query}" for query in asked),
            )
            if not scope:
                return

            def act() -> Any:
                if matter_id is None:
                    return placing.place_hold(vault, officer("one"), PROFILE, scope)
                return placing.add_to_hold(vault, officer("one"), matter_id, scope)

            if any(not self.records[record_id].alive for record_id in named):
                with pytest.raises(Conflict, match="too late"):
                    act()
                return
            matter = act().matter
            known = self.matters.setdefault(matter.id, KnownMatter(matter.number))
            known.records |= named
            known.customers |= {customer} if customer is not None else set()
            known.classes |= classes
            known.queries += asked
            for record_id in self._alive():
                self._catch(record_id)

    return Holds


def test_what_is_held_lives_and_nothing_else_is_held_in_any_order(vault: Vault) -> None:
    run_state_machine_as_test(
        machine_over(vault),
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
