"""Loans: who asked for which record, who decided, until when.

Rule 1: whoever asks does not decide; somebody has one open loan of a record at most.
Rule 2: a loan moves along ``vault.borrowing.LoanState``; what was asked for never changes. A trigger keeps this rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, fonds_of_tree, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.records import limits_of, records, seen_by
from storage.catalogue.rows import Rows, Values
from vault.borrowing import Loan, LoanState
from vault.errors import NotFound
from vault.ids import PersonId, RecordId

_OPEN = "state IN ('requested', 'granted')"
_GRANTED = "state = 'granted'"

loans = Table(
    "loans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("record_id", Text, nullable=False),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("days", Counted, nullable=False),
    fonds_column(),
    *leaf_columns(),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("until", UtcDateTime),
    Column("returned_at", UtcDateTime),
    ForeignKeyConstraint(["record_id", "fonds_id"], ["records.id", "records.fonds_id"]),
    one_of("state", LoanState),
    CheckConstraint("days >= 1", name="days"),
    CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name="two_people"),
    CheckConstraint(
        "(decided_by IS NULL) = (state IN ('requested', 'withdrawn')) AND (decided_by IS NULL) = (decided_at IS NULL)",
        name="decided",
    ),
    CheckConstraint(
        "(until IS NOT NULL) = (state IN ('granted', 'returned')) AND (returned_at IS NOT NULL) = (state = 'returned')",
        name="until",
    ),
    Index(
        "uq_loans_record_id_person_id",
        "record_id",
        "person_id",
        unique=True,
        sqlite_where=text(_OPEN),
        postgresql_where=text(_OPEN),
    ),
    Index("ix_loans_person_id_asked_at", "person_id", "asked_at"),
    Index("ix_loans_until", "until", sqlite_where=text(_GRANTED), postgresql_where=text(_GRANTED)),
)

_ADD = insert(loans).values(fonds_id=fonds_of_tree())
_ALL = select(loans, fonds.c.tree_id).join(fonds, fonds.c.id == loans.c.fonds_id)
_GET = _ALL.where(loans.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update(of=loans)
_UPDATE = update(loans).where(loans.c.id == bindparam("its_id"))
_GRANTED_TO = _ALL.where(
    loans.c.person_id == bindparam("its_person"),
    loans.c.record_id == bindparam("its_record"),
    loans.c.state == "granted",
)
_OF_PERSON = (
    _ALL.where(loans.c.person_id == bindparam("its_person"))
    .order_by(loans.c.asked_at.desc(), loans.c.id.desc())
    .limit(bindparam("at_most"))
)
_IN_STATE = (
    _ALL.join(records, records.c.id == loans.c.record_id)
    .where(loans.c.state == bindparam("its_state"))
    .order_by(loans.c.asked_at, loans.c.id)
    .limit(bindparam("at_most"))
)
_IN_STATE_OF_CLASSES = _IN_STATE.where(*seen_by(frozenset({"classes"})))
_OVERDUE = (
    _ALL.where(loans.c.state == "granted", loans.c.until <= bindparam("now"))
    .order_by(loans.c.until, loans.c.id)
    .limit(bindparam("at_most"))
)


class SqlLoanShelf:
    """``vault.shelves.LoanShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, loan: Loan) -> None:
        asked = {
            "id": loan.id,
            "record_id": loan.record_id,
            "person_id": loan.person_id,
            "purpose": loan.purpose,
            "days": loan.days,
            "asked_at": loan.asked_at,
        }
        self._rows.run(_ADD, {**asked, **leaf_values(loan.leaf), **_values(loan)})

    def get(self, loan_id: str, *, for_update: bool = False) -> Loan | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": loan_id})
        return None if row is None else _loan_of(row)

    def update(self, loan: Loan) -> None:
        if self._rows.run(_UPDATE, {"its_id": loan.id, **_values(loan)}) != 1:
            raise NotFound(f"loan {loan.id} is not in the catalogue")

    def granted(self, person_id: PersonId, record_id: RecordId) -> Loan | None:
        row = self._rows.first(_GRANTED_TO, {"its_person": person_id, "its_record": record_id})
        return None if row is None else _loan_of(row)

    def of_person(self, person_id: PersonId, *, limit: int = 100) -> Sequence[Loan]:
        rows = self._rows.all(_OF_PERSON, {"its_person": person_id, "at_most": limit})
        return [_loan_of(row) for row in rows]

    def in_state(self, state: LoanState, classes: frozenset[str] | None, *, limit: int = 100) -> Sequence[Loan]:
        limits, seen = limits_of(classes, None)
        statement = _IN_STATE_OF_CLASSES if limits else _IN_STATE
        rows = self._rows.all(statement, {"its_state": state.value, "at_most": limit, **seen})
        return [_loan_of(row) for row in rows]

    def overdue(self, now: datetime, *, limit: int = 500) -> Sequence[Loan]:
        return [_loan_of(row) for row in self._rows.all(_OVERDUE, {"now": now, "at_most": limit})]


def _values(loan: Loan) -> Values:
    """What of a loan may change."""
    return {
        "state": loan.state.value,
        "sealed": loan.sealed,
        "revision": loan.revision,
        "decided_by": loan.decided_by,
        "decided_at": loan.decided_at,
        "until": loan.until,
        "returned_at": loan.returned_at,
    }


def _loan_of(row: Row[Any]) -> Loan:
    return Loan(
        id=row.id,
        record_id=RecordId(row.record_id),
        person_id=PersonId(row.person_id),
        state=LoanState(row.state),
        purpose=row.purpose,
        days=row.days,
        leaf=leaf_of(row),
        sealed=row.sealed,
        revision=row.revision,
        asked_at=row.asked_at,
        decided_by=None if row.decided_by is None else PersonId(row.decided_by),
        decided_at=row.decided_at,
        until=row.until,
        returned_at=row.returned_at,
    )
