"""Groups: what they grant reaches exactly as far as it says, and nobody gives it to themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.people import acting, everything
from tests.support.vault import add_bytes, read_bytes
from tests.vault.workflows.faults import ON_SQLITE
from vault.audit import Event
from vault.customers import Profile
from vault.destruction import Targets
from vault.errors import AlreadyExists, Conflict, InvalidInput, NotAllowed, NotFound
from vault.groups import FOUNDING
from vault.ids import CustomerId, PersonId, RecordId
from vault.permissions import ALL_CLASSES, Action, Actor, Role
from vault.records import Description
from vault.shelves import RecordFilter
from vault.workflows import (
    batches,
    customers,
    destructionscope,
    finding,
    groups,
    holding,
    intake,
    listing,
    paper,
    people,
    restricting,
    retrieval,
    sharing,
)
from vault.workflows.vault import Vault

PASSWORD = "long enough to be one"
OWN, OTHER = "contract", "correspondence"


@pytest.fixture(scope="module")
def founder(vault: Vault) -> Actor:
    """The first person."""
    return joined(vault, "founder", FOUNDING)


@pytest.fixture(scope="module")
def clerk(vault: Vault, founder: Actor) -> Actor:
    """Somebody with every role about records, on one class only."""
    groups.add_group(vault, founder, "contracts")
    for role in (Role.RECORDS, Role.OFFICER, Role.READER):
        groups.grant_role(vault, founder, "contracts", role, OWN)
    return joined(vault, "clerk", {"contracts"})


def joined(vault: Vault, login: str, codes: object) -> Actor:
    token = people.invite(vault, everything(), codes)  # type: ignore[arg-type]  # any iterable of codes
    person = people.accept_invitation(vault, token, login=login, name=login.title(), password=PASSWORD)
    return acting(vault, person.id)


def test_the_first_person_begins_alone_and_is_neither_the_machine_nor_the_auditor(founder: Actor) -> None:
    assert founder.roles == {Role.SECURITY, Role.OFFICER, Role.RECORDS}
    for action in (Action.INVITE_PERSON, Action.ADD_RECORD, Action.OPEN_RECORD, Action.PLACE_HOLD):
        founder.require(action)
    for action in (Action.CHANGE_KEEPERS, Action.READ_LOG):
        with pytest.raises(NotAllowed):
            founder.require(action)


def test_a_class_on_which_somebody_has_no_role_does_not_exist_for_them(
    vault: Vault, founder: Actor, clerk: Actor
) -> None:
    theirs = add_bytes(vault, founder, b"lease", title="orchid lease", class_code=OWN).record_id
    hidden = add_bytes(vault, founder, b"letter", title="orchid letter", class_code=OTHER)
    gone = hidden.record_id
    sharing.make_link(vault, founder, gone, lifetime=timedelta(days=1), uses_max=1, pass_code=None)
    paper.keep_paper(vault, founder, gone, box="B-9")
    listed = {view.record.id for view in retrieval.list_records(vault, clerk, RecordFilter(), limit=500)}
    assert theirs in listed
    assert gone not in listed
    assert not retrieval.list_records(vault, clerk, RecordFilter(class_code=OTHER))
    assert [view.record.id for view in finding.find(vault, clerk, "orchid").views] == [theirs]
    assert gone not in {view.link.record_id for view in sharing.list_links(vault, clerk)}
    assert gone not in {view.paper.record_id for view in paper.list_box(vault, clerk, "B-9")}
    said = Description.checked(title="x", reason="y")
    for refused in (
        lambda: retrieval.find_record(vault, clerk, hidden.number),
        lambda: retrieval.show(vault, clerk, gone),
        lambda: read_bytes(vault, clerk, gone),
        lambda: retrieval.export_sealed(vault, clerk, gone),
        lambda: intake.revise_description(vault, clerk, gone, said),
        lambda: intake.begin_correction(vault, clerk, gone, said, "a.txt"),
        lambda: holding.file_record(vault, clerk, gone),
        lambda: sharing.make_link(vault, clerk, gone, lifetime=timedelta(days=1), uses_max=1, pass_code=None),
        lambda: sharing.list_links(vault, clerk, record_id=gone),
        lambda: restricting.restrict_record(vault, clerk, gone, "why"),
        lambda: restricting.mark_unsettled(vault, clerk, gone, "why"),
        lambda: paper.show_paper(vault, clerk, gone),
        lambda: paper.keep_paper(vault, clerk, gone, box="B-1"),
        lambda: listing.propose_error(vault, clerk, [gone], "why"),
        lambda: destructionscope.preview(vault, clerk, Targets(records=frozenset({gone}))),
        lambda: batches.batch_of(vault, clerk, Targets(records=frozenset({gone}))),
    ):
        with pytest.raises(NotFound):
            refused()


def test_what_a_role_on_one_class_allows_ends_with_the_class(vault: Vault, founder: Actor, clerk: Actor) -> None:
    record_id = add_bytes(vault, clerk, b"mine", title="Mine", class_code=OWN).record_id
    assert read_bytes(vault, clerk, record_id) == b"mine"
    with pytest.raises(NotAllowed, match=OTHER):
        add_bytes(vault, clerk, b"not mine", class_code=OTHER)
    with pytest.raises(NotAllowed, match=OTHER):
        holding.file_record(vault, clerk, record_id, class_code=OTHER)
    with pytest.raises(NotAllowed):
        listing.propose_class(vault, clerk, OTHER)
    for action in (Action.PLACE_HOLD, Action.SEE_DESTRUCTIONS, Action.RESUME_EXPIRY):
        with pytest.raises(NotAllowed):
            clerk.require(action)
    customer = add_customer(vault, founder)
    with pytest.raises(NotAllowed, match="every class"):
        destructionscope.preview(vault, clerk, Targets(customers=frozenset({customer})))


def add_customer(vault: Vault, actor: Actor) -> CustomerId:
    return customers.add_customer(vault, actor, Profile(name="Hillside")).customer.id


def test_pages_of_several_classes_follow_each_other_without_a_gap(vault: Vault, founder: Actor) -> None:
    for number in range(6):
        add_bytes(vault, founder, b"x", title=f"page {number}", class_code=(OWN, OTHER, "house")[number % 3])
    both = Actor(
        person_id=PersonId("both"), roles=frozenset(), class_roles=frozenset({(Role.READER, OWN), (Role.READER, OTHER)})
    )
    everywhere = retrieval.list_records(vault, founder, RecordFilter(), limit=500)
    wanted = [view.record.id for view in everywhere if view.record.class_code in (OWN, OTHER)]
    seen: list[RecordId] = []
    before = None
    while page := retrieval.list_records(vault, both, RecordFilter(), before=before, limit=2):
        seen += [view.record.id for view in page]
        before = (page[-1].record.received_at, page[-1].record.id)
    assert seen == wanted


def test_a_restricted_record_is_seen_by_officers_of_its_class_alone(vault: Vault, founder: Actor, clerk: Actor) -> None:
    mine, other = (add_bytes(vault, founder, b"x", title="Shut", class_code=code).record_id for code in (OWN, OTHER))
    for record_id in (mine, other):
        restricting.restrict_record(vault, founder, record_id, "asked for")
    mixed = Actor(
        person_id=PersonId("mixed"),
        roles=frozenset({Role.READER}),
        class_roles=frozenset({(Role.OFFICER, OWN)}),
    )
    listed = {view.record.id for view in retrieval.list_records(vault, mixed, RecordFilter(), limit=500)}
    assert (mine in listed, other in listed) == (True, False)
    assert mine in {view.record.id for view in retrieval.list_records(vault, clerk, RecordFilter(), limit=500)}
    assert retrieval.show(vault, mixed, mine).view.record.is_restricted
    with pytest.raises(NotFound):
        retrieval.show(vault, mixed, other)


def test_nobody_adds_themselves_or_gives_a_group_of_theirs_more(vault: Vault, founder: Actor) -> None:
    for group in ("readers", "system"):
        with pytest.raises(NotAllowed, match="themselves"):
            groups.add_member(vault, founder, group, founder.person_id)
    with pytest.raises(NotAllowed, match="member"):
        groups.grant_role(vault, founder, "records", Role.OFFICER, ALL_CLASSES)


def test_nobody_is_of_two_administrations(vault: Vault, founder: Actor) -> None:
    with pytest.raises(InvalidInput, match="two administrations"):
        people.invite(vault, founder, {"system", "audit"})
    machinist = joined(vault, "machinist", {"system"})
    for group in ("audit", "security"):
        with pytest.raises(Conflict, match="excludes"):
            groups.add_member(vault, founder, group, machinist.person_id)
    groups.remove_member(vault, founder, "system", machinist.person_id)
    groups.add_member(vault, founder, "audit", machinist.person_id)
    auditor = acting(vault, machinist.person_id)
    assert {action for action in Action if auditor.may(action)} == {
        Action.READ_LOG,
        Action.SEE_REVIEWS,
        Action.SEE_ALARMS,
    }
    for role in (Role.READER, Role.SYSTEM):
        with pytest.raises(InvalidInput, match="administration"):
            groups.grant_role(vault, founder, "audit", role, ALL_CLASSES)


def test_somebody_always_lets_people_in(vault: Vault, founder: Actor) -> None:
    others = [
        each.membership.person_id
        for each in groups.show_group(vault, founder, "security").members
        if each.membership.person_id != founder.person_id
    ]
    assert others == []
    with pytest.raises(Conflict, match="add another security administrator"):
        groups.remove_member(vault, founder, "security", founder.person_id)


def test_a_grant_is_revoked_at_once_and_may_be_given_again(vault: Vault, founder: Actor) -> None:
    groups.add_group(vault, founder, "complaints")
    groups.grant_role(vault, founder, "complaints", Role.READER, "house")
    reader = joined(vault, "complainer", {"complaints"})
    assert reader.reach(Action.LIST_RECORDS) == frozenset({"house"})
    with pytest.raises(AlreadyExists):
        groups.grant_role(vault, founder, "complaints", Role.READER, "house")
    groups.revoke_role(vault, founder, "complaints", Role.READER, "house")
    assert not acting(vault, reader.person_id).may(Action.LIST_RECORDS)
    with pytest.raises(NotFound):
        groups.revoke_role(vault, founder, "complaints", Role.READER, "house")
    groups.grant_role(vault, founder, "complaints", Role.READER, "house")
    assert acting(vault, reader.person_id).may(Action.LIST_RECORDS, "house")


@ON_SQLITE
def test_changes_of_groups_stand_in_the_log_by_ids(vault: Vault, founder: Actor) -> None:
    with vault.catalogue.read() as tx:
        told = [each.entry for each in tx.audit.page(actor=founder.person_id, limit=200)]
    assert {Event.GROUP_ADDED, Event.ROLE_GRANTED, Event.ROLE_REVOKED, Event.MEMBER_ADDED, Event.MEMBER_REMOVED} <= {
        entry.event for entry in told
    }
    assert "Machinist" not in str(told)


@ON_SQLITE
def test_only_security_administrators_see_and_change_groups(vault: Vault, clerk: Actor) -> None:
    for refused in (
        lambda: groups.list_groups(vault, clerk),
        lambda: groups.list_people(vault, clerk),
        lambda: groups.add_group(vault, clerk, "mine"),
        lambda: groups.grant_role(vault, clerk, "contracts", Role.READER, OTHER),
        lambda: groups.revoke_role(vault, clerk, "contracts", Role.READER, OWN),
        lambda: groups.add_member(vault, clerk, "officers", clerk.person_id),
        lambda: groups.remove_member(vault, clerk, "security", "somebody"),
    ):
        with pytest.raises(NotAllowed):
            refused()


@ON_SQLITE
def test_what_is_unknown_is_refused_with_the_way_out(vault: Vault, founder: Actor) -> None:
    with pytest.raises(NotFound, match="group list"):
        groups.add_member(vault, founder, "nobodys", founder.person_id)
    with pytest.raises(NotFound, match="class list"):
        groups.grant_role(vault, founder, "contracts", Role.READER, "no-such-class")
    with pytest.raises(NotFound, match="person"):
        groups.add_member(vault, founder, "readers", "nobody")
    with pytest.raises(AlreadyExists):
        groups.add_group(vault, founder, "readers")
    for code in ("", "x", "Two words", "über"):
        with pytest.raises(InvalidInput):
            groups.add_group(vault, founder, code)
