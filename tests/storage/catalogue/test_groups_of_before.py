"""A catalogue of before groups: everybody keeps what they did, in groups, and signs in anew."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, create_engine, text

from storage.backup.load import upgrade_to
from storage.catalogue.database import migrate, open_catalogue
from tests.storage.catalogue.samples import an_id
from vault.errors import CatalogueBroken
from vault.ids import FondsId, PersonId
from vault.permissions import ALL_CLASSES, Role

AT = "2026-01-01 00:00:00.000000"
FONDS = FondsId("fonds")
ROLES = {"first": "administrator,records", "second": "records", "third": "reader", "fourth": ""}
BECAME = {
    "first": {Role.SECURITY, Role.OFFICER, Role.RECORDS},
    "second": {Role.RECORDS},
    "third": {Role.READER},
    "fourth": set(),
}


def fill(connection: Connection) -> None:
    connection.execute(
        text("INSERT INTO fonds VALUES ('fonds', 'vault', :tree, 1, :at)"), {"tree": bytes(16), "at": AT}
    )
    connection.execute(
        text("INSERT INTO extents (fonds_id, number, owner, next_leaf) VALUES ('fonds', 0, 'house', 20)")
    )
    for number, (name, roles) in enumerate(ROLES.items()):
        connection.execute(
            text(
                "INSERT INTO people (id, login_index, fonds_id, extent, leaf, sealed_profile, password_hash, roles,"
                " active, created_at) VALUES (:id, :index, 'fonds', 0, :leaf, :sealed, 'hash', :roles, :yes, :at)"
            ),
            {
                "id": name,
                "index": bytes([number]) * 32,
                "leaf": number + 1,
                "sealed": b"sealed",
                "roles": roles,
                "yes": True,
                "at": AT,
            },
        )
        connection.execute(
            text("INSERT INTO sessions VALUES (:token, :id, 'csrf', :at, :at, '2036-01-01 00:00:00.000000')"),
            {"token": bytes([number]) * 32, "id": name, "at": AT},
        )
        connection.execute(
            text("INSERT INTO saved_views VALUES (:view, 'fonds', :id, :sealed, :at)"),
            {"view": an_id(), "id": name, "sealed": b"sealed", "at": AT},
        )
    connection.execute(
        text("INSERT INTO invitations VALUES (:token, 'administrator', '2036-01-01 00:00:00.000000', NULL)"),
        {"token": b"i" * 32},
    )


def test_everybody_is_in_the_groups_of_what_they_were(fresh_url: str) -> None:
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        upgrade_to(connection, "0013")
        fill(connection)
    engine.dispose()
    migrate(fresh_url)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    with closing(open_catalogue(fresh_url)) as catalogue:
        with catalogue.read() as tx:
            for name, roles in BECAME.items():
                assert set(tx.groups.held_by(PersonId(name), FONDS)) == {(role, ALL_CLASSES) for role in roles}
                assert not tx.sessions.of_person(PersonId(name))
                assert len(tx.saved_views.of_person(PersonId(name))) == 1
            assert [person.id for person in tx.people.all()] == sorted(ROLES)
            invitation = tx.people.invitation(b"i" * 32)
            assert invitation is not None
            assert invitation.groups == {"security", "officers", "records"}
        with catalogue.write() as tx:
            assert tx.people.use_invitation(b"i" * 32, now=now)
        # The rules of the table that was made anew are there: a leaf has one use.
        refused = text(
            "INSERT INTO customers (id, fonds_id, number, extent, leaf, sealed_profile, revision, created_at, change,"
            f" state) VALUES ('c', 'fonds', 'K-1', 0, 1, '', 1, '{AT}', 1, 'live')"
        )
        with pytest.raises(CatalogueBroken), catalogue.write() as tx:
            tx.groups._rows.run(refused)  # type: ignore[attr-defined]  # the shelf's own way in
        orphan = text(f"INSERT INTO challenges VALUES ('{'t' * 32}', 'step-up', 'nobody', '{AT}')")
        with pytest.raises(CatalogueBroken), catalogue.write() as tx:
            tx.groups._rows.run(orphan)  # type: ignore[attr-defined]  # the shelf's own way in
