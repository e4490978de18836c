"""Challenges: what somebody has begun to prove."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, Table, Text, bindparam, delete, insert, select

from storage.catalogue.metadata import UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows
from vault.challenges import Challenge, ChallengeKind
from vault.ids import PersonId

challenges = Table(
    "challenges",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, ForeignKey("people.id")),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    one_of("kind", ChallengeKind),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
)

_ADD = insert(challenges)
_GET = select(challenges).where(challenges.c.token_sha256 == bindparam("its_token"))
_TAKE = delete(challenges).where(challenges.c.token_sha256 == bindparam("its_token"))
_DROP_OF = delete(challenges).where(challenges.c.person_id == bindparam("its_person"))
_FORGET = delete(challenges).where(challenges.c.expires_at <= bindparam("now"))


class SqlChallengeShelf:
    """``vault.shelves.ChallengeShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, challenge: Challenge) -> None:
        self._rows.run(
            _ADD,
            {
                "token_sha256": challenge.token_sha256,
                "kind": challenge.kind.value,
                "person_id": challenge.person_id,
                "expires_at": challenge.expires_at,
            },
        )

    def get(self, token_sha256: bytes) -> Challenge | None:
        row = self._rows.first(_GET, {"its_token": token_sha256})
        if row is None:
            return None
        return Challenge(
            token_sha256=row.token_sha256,
            kind=ChallengeKind(row.kind),
            person_id=None if row.person_id is None else PersonId(row.person_id),
            expires_at=row.expires_at,
        )

    def take(self, token_sha256: bytes) -> bool:
        return self._rows.run(_TAKE, {"its_token": token_sha256}) == 1

    def drop_of(self, person_id: PersonId) -> None:
        self._rows.run(_DROP_OF, {"its_person": person_id})

    def forget_expired(self, *, now: datetime) -> None:
        self._rows.run(_FORGET, {"now": now})
