"""Answers that are kept for whoever asks again, by a keyed digest of their key."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.answers import KeptAnswer
from vault.ids import PersonId

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    Column("answered_at", UtcDateTime),
    CheckConstraint("length(key_digest) = 32", name="key_digest"),
)

_its_key: BindParameter[bytes] = bindparam("its_key")
_TAKE: Final = insert(kept_answers)
_GET: Final = select(kept_answers).where(kept_answers.c.key_digest == _its_key)
_ANSWERED: Final = (
    update(kept_answers)
    .where(kept_answers.c.key_digest == _its_key)
    .values(sealed=bindparam("its_answer"), answered_at=bindparam("now"))
)
_GIVE_BACK: Final = delete(kept_answers).where(kept_answers.c.key_digest == _its_key)
_FORGET: Final = delete(kept_answers).where(kept_answers.c.asked_at <= bindparam("before"))


class SqlAnswerShelf:
    """``vault.shelves.AnswerShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def take(self, kept: KeptAnswer) -> None:
        self._rows.run(
            _TAKE,
            {
                "key_digest": kept.key_digest,
                "person_id": kept.person_id,
                "sealed": kept.sealed,
                "asked_at": kept.asked_at,
                "answered_at": kept.answered_at,
            },
        )

    def get(self, key_digest: bytes) -> KeptAnswer | None:
        row = self._rows.first(_GET, {"its_key": key_digest})
        if row is None:
            return None
        return KeptAnswer(
            key_digest=row.key_digest,
            person_id=PersonId(row.person_id),
            sealed=row.sealed,
            asked_at=row.asked_at,
            answered_at=row.answered_at,
        )

    def answered(self, key_digest: bytes, sealed: bytes, *, at: datetime) -> None:
        self._rows.run(_ANSWERED, {"its_key": key_digest, "its_answer": sealed, "now": at})

    def give_back(self, key_digest: bytes) -> None:
        self._rows.run(_GIVE_BACK, {"its_key": key_digest})

    def forget_before(self, before: datetime) -> None:
        self._rows.run(_FORGET, {"before": before})
