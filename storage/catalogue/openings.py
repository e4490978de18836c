"""Openings: person, record, version and purpose. A purpose is a code, or a keyed digest of what was typed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, bindparam, insert, select

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.errors import InvalidInput
from vault.ids import PersonId, RecordId

_PURPOSE: Final = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)

openings = Table(
    "openings",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("person_id", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("ordinal", Counted, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["record_id", "ordinal"], ["versions.record_id", "versions.ordinal"]),
    CheckConstraint("length(purpose) <= 64", name="purpose"),
    Index("ix_openings_record_id_ordinal_person_id_at", "record_id", "ordinal", "person_id", "at"),
)

_ADD = insert(openings)
_RECENT = (
    select(openings.c.number)
    .where(
        openings.c.record_id == bindparam("its_record"),
        openings.c.ordinal == bindparam("its_ordinal"),
        openings.c.person_id == bindparam("its_person"),
        openings.c.purpose == bindparam("its_purpose"),
        openings.c.at.between(bindparam("since"), bindparam("until")),
    )
    .limit(1)
)


class SqlOpeningShelf:
    """``vault.shelves.OpeningShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def recent(
        self,
        person_id: PersonId,
        record_id: RecordId,
        ordinal: int,
        purpose: str,
        *,
        since: datetime,
        until: datetime,
    ) -> bool:
        values = {
            "its_person": person_id,
            "its_record": record_id,
            "its_ordinal": ordinal,
            "its_purpose": purpose,
            "since": since,
            "until": until,
        }
        return self._rows.first(_RECENT, values) is not None

    def add(self, person_id: PersonId, record_id: RecordId, ordinal: int, purpose: str, *, at: datetime) -> None:
        if _PURPOSE.fullmatch(purpose) is None:
            raise InvalidInput(
                "a purpose is kept as a code of a-z, 0-9 and '-', or as the digest of what was typed", field="purpose"
            )
        self._rows.run(
            _ADD, {"person_id": person_id, "record_id": record_id, "ordinal": ordinal, "purpose": purpose, "at": at}
        )
