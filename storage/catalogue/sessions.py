"""Sessions. Their tokens are known by their SHA-256 only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from storage.catalogue.fonds import fonds
from storage.catalogue.metadata import UtcDateTime, metadata, one_of
from storage.catalogue.people import people, person_of
from storage.catalogue.rows import Rows
from vault.ids import PersonId, SessionId
from vault.people import Person
from vault.sessions import Session, SessionKind

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("csrf_token", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("stepped_up_at", UtcDateTime),
    Column("sealed_client", LargeBinary, nullable=False),
    one_of("kind", SessionKind),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
)

_ADD = insert(sessions)
_GET = select(sessions).where(sessions.c.token_sha256 == bindparam("its_token"))
_WITH_PERSON = (
    select(people, fonds.c.tree_id, *(column.label(f"session_{column.name}") for column in sessions.c))
    .join(fonds, fonds.c.id == people.c.fonds_id)
    .join(sessions, sessions.c.person_id == people.c.id)
    .where(sessions.c.token_sha256 == bindparam("its_token"))
)
_OF_PERSON = (
    select(sessions)
    .where(sessions.c.person_id == bindparam("its_person"))
    .order_by(sessions.c.created_at.desc(), sessions.c.id)
)
_TOUCH = update(sessions).where(sessions.c.id == bindparam("its_id")).values(seen_at=bindparam("now"))
_RENEW = (
    update(sessions)
    .where(sessions.c.id == bindparam("its_id"), sessions.c.token_sha256 == bindparam("its_token"))
    .values(token_sha256=bindparam("next_token"), stepped_up_at=bindparam("stepped_up"), seen_at=bindparam("seen"))
)
_END = delete(sessions).where(sessions.c.id == bindparam("its_id"), sessions.c.person_id == bindparam("its_person"))
_END_ALL = delete(sessions).where(
    sessions.c.person_id == bindparam("its_person"), sessions.c.id != bindparam("but_this")
)
_END_EXPIRED = delete(sessions).where(sessions.c.expires_at <= bindparam("now"))


def _session_of(row: Row[Any], prefix: str = "") -> Session:
    found = row._mapping
    return Session(
        id=SessionId(found[prefix + "id"]),
        token_sha256=found[prefix + "token_sha256"],
        person_id=PersonId(found[prefix + "person_id"]),
        kind=SessionKind(found[prefix + "kind"]),
        csrf_token=found[prefix + "csrf_token"],
        created_at=found[prefix + "created_at"],
        seen_at=found[prefix + "seen_at"],
        expires_at=found[prefix + "expires_at"],
        stepped_up_at=found[prefix + "stepped_up_at"],
        sealed_client=found[prefix + "sealed_client"],
    )


class SqlSessionShelf:
    """``vault.shelves.SessionShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, session: Session) -> None:
        self._rows.run(
            _ADD,
            {
                "id": session.id,
                "token_sha256": session.token_sha256,
                "person_id": session.person_id,
                "kind": session.kind.value,
                "csrf_token": session.csrf_token,
                "created_at": session.created_at,
                "seen_at": session.seen_at,
                "expires_at": session.expires_at,
                "stepped_up_at": session.stepped_up_at,
                "sealed_client": session.sealed_client,
            },
        )

    def get(self, token_sha256: bytes) -> Session | None:
        row = self._rows.first(_GET, {"its_token": token_sha256})
        return None if row is None else _session_of(row)

    def with_person(self, token_sha256: bytes) -> tuple[Session, Person] | None:
        row = self._rows.first(_WITH_PERSON, {"its_token": token_sha256})
        return None if row is None else (_session_of(row, "session_"), person_of(row))

    def of_person(self, person_id: PersonId) -> Sequence[Session]:
        return [_session_of(row) for row in self._rows.all(_OF_PERSON, {"its_person": person_id})]

    def touch(self, session_id: SessionId, *, seen_at: datetime) -> None:
        self._rows.run(_TOUCH, {"its_id": session_id, "now": seen_at})

    def renew(
        self, session_id: SessionId, *, token_sha256: bytes, of: bytes, stepped_up_at: datetime, seen_at: datetime
    ) -> bool:
        values = {
            "its_id": session_id,
            "its_token": of,
            "next_token": token_sha256,
            "stepped_up": stepped_up_at,
            "seen": seen_at,
        }
        return self._rows.run(_RENEW, values) == 1

    def end(self, session_id: SessionId, *, person_id: PersonId) -> bool:
        return self._rows.run(_END, {"its_id": session_id, "its_person": person_id}) == 1

    def end_all(self, person_id: PersonId, *, but: SessionId | None = None) -> int:
        return self._rows.run(_END_ALL, {"its_person": person_id, "but_this": but or ""})

    def end_expired(self, *, now: datetime) -> int:
        return self._rows.run(_END_EXPIRED, {"now": now})
