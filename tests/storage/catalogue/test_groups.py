"""Groups in the catalogue: the database itself keeps administrations apart."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from vault.errors import AlreadyExists, CatalogueBroken
from vault.groups import SHIPPED, Grant, Group, Membership
from vault.ids import PersonId
from vault.permissions import ALL_CLASSES, Role
from vault.shelves import Transaction

SOMEBODY = PersonId("somebody")


def joining(tx: Transaction, home: Home, code: str, person_id: PersonId, *, by: PersonId = SOMEBODY) -> None:
    group = tx.groups.get(code)
    assert group is not None
    tx.groups.join(group, Membership(group=code, person_id=person_id, added_by=by, added_at=NOW))


def granting(tx: Transaction, home: Home, code: str, role: Role, class_code: str = ALL_CLASSES) -> None:
    group = tx.groups.get(code)
    assert group is not None
    grant = Grant(
        group=code, fonds_id=home.fonds.id, role=role, class_code=class_code, granted_by=SOMEBODY, granted_at=NOW
    )
    tx.groups.grant(group, grant)


def person(catalogue: SqlCatalogue, home: Home) -> PersonId:
    with catalogue.write() as tx:
        made = home.person(tx)
        tx.people.add(made)
    return made.id


def test_the_groups_that_ship_are_there(catalogue: SqlCatalogue) -> None:
    with catalogue.read() as tx:
        found = {group.code: group.administration for group in tx.groups.all()}
    assert {code: found[code] for code, _ in SHIPPED} == {
        "security": Role.SECURITY,
        "system": Role.SYSTEM,
        "audit": Role.AUDIT,
        "officers": None,
        "records": None,
        "readers": None,
    }


def test_the_database_lets_nobody_be_of_two_administrations(catalogue: SqlCatalogue, home: Home) -> None:
    somebody = person(catalogue, home)
    with catalogue.write() as tx:
        joining(tx, home, "security", somebody)
        joining(tx, home, "readers", somebody)
    for second in ("system", "audit"):
        with pytest.raises(AlreadyExists), catalogue.write() as tx:
            joining(tx, home, second, somebody)
    with catalogue.write() as tx:
        assert tx.groups.leave("security", somebody)
        joining(tx, home, "audit", somebody)


@pytest.mark.parametrize(
    "statement",
    [
        # A membership that hides which administration it is of, or claims another.
        "INSERT INTO memberships VALUES ('audit', '{person}', '', 'x', '2026-01-01 00:00:00.000000')",
        "INSERT INTO memberships VALUES ('audit', '{person}', 'system', 'x', '2026-01-01 00:00:00.000000')",
        # Somebody who adds themselves.
        "INSERT INTO memberships VALUES ('readers', '{person}', '', '{person}', '2026-01-01 00:00:00.000000')",
        # An administration that grants more, or elsewhere than everywhere, or is granted by another group.
        "INSERT INTO grants VALUES ('audit', '{fonds}', 'officer', '*', 'audit', 'x', '2026-01-01 00:00:00.000000')",
        "INSERT INTO grants VALUES ('audit', '{fonds}', 'officer', '*', '', 'x', '2026-01-01 00:00:00.000000')",
        "INSERT INTO grants VALUES ('audit', '{fonds}', 'audit', 'tax', 'audit', 'x', '2026-01-01 00:00:00.000000')",
        "INSERT INTO grants VALUES ('readers', '{fonds}', 'audit', '*', '', 'x', '2026-01-01 00:00:00.000000')",
        "INSERT INTO grants VALUES ('readers', '{fonds}', 'operator', '*', '', 'x', '2026-01-01 00:00:00.000000')",
        "UPDATE memberships SET group_code = 'security'",
        "UPDATE grants SET role = 'officer'",
    ],
)
def test_the_database_refuses_what_would_join_administrations(
    catalogue: SqlCatalogue, home: Home, statement: str
) -> None:
    somebody = person(catalogue, home)
    with catalogue.write() as tx:
        if tx.groups.get("team") is None:
            tx.groups.add(Group(code="team", administration=None, created_by=SOMEBODY, created_at=NOW))
        joining(tx, home, "team", somebody)
        if not tx.groups.grants(home.fonds.id):
            granting(tx, home, "team", Role.READER)
    refused = text(statement.format(person=somebody, fonds=home.fonds.id))
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.groups._rows.run(refused)  # type: ignore[attr-defined]  # the shelf's own way in


def test_roles_are_those_of_the_groups_in_the_fonds(catalogue: SqlCatalogue, home: Home) -> None:
    somebody, nobody = person(catalogue, home), person(catalogue, home)
    code = f"g-{an_id()[:8]}"
    with catalogue.write() as tx:
        tx.groups.add(Group(code=code, administration=None, created_by=SOMEBODY, created_at=NOW))
        granting(tx, home, code, Role.READER, "contract")
        granting(tx, home, code, Role.RECORDS)
        joining(tx, home, code, somebody)
    with catalogue.read() as tx:
        assert set(tx.groups.held_by(somebody, home.fonds.id)) == {
            (Role.READER, "contract"),
            (Role.RECORDS, ALL_CLASSES),
        }
        assert tx.groups.held_by(somebody, type(home.fonds.id)("another")) == []
        assert tx.groups.held_by(nobody, home.fonds.id) == []
        assert {each[0] for each in tx.groups.held_by_all(home.fonds.id)} >= {somebody}
        assert [each.added_at for each in tx.groups.memberships() if each.person_id == somebody] == [NOW]
    with pytest.raises(AlreadyExists), catalogue.write() as tx:
        joining(tx, home, code, somebody, by=PersonId("other"))
    with pytest.raises(AlreadyExists), catalogue.write() as tx:
        granting(tx, home, code, Role.RECORDS)
    with catalogue.write() as tx:
        assert tx.groups.revoke(code, home.fonds.id, Role.RECORDS, ALL_CLASSES)
        assert not tx.groups.revoke(code, home.fonds.id, Role.RECORDS, ALL_CLASSES)
        assert tx.groups.leave(code, somebody)
        assert not tx.groups.leave(code, somebody)
