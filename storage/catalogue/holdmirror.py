"""How far the legal holds in the store follow the matters.

Rule 1: a legal hold in the store is recorded only if nobody else recorded one for that version meanwhile; otherwise it
is not known (NULL), and set again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    union,
    update,
)

from storage.catalogue.holdtables import COLUMNS, HOLDING, LIVING, covered, matter_scopes, matters
from storage.catalogue.records import records
from storage.catalogue.rows import Rows
from storage.catalogue.versions import versions
from vault.holds import MirrorStep
from vault.ids import RecordId

_STEP: Final = (
    versions.c.record_id,
    versions.c.ordinal,
    versions.c.object_key,
    versions.c.version_id,
    versions.c.hold_turn,
)
_IS_HELD = exists().where(
    matter_scopes.c.matter_id == matters.c.id,
    HOLDING,
    matters.c.fonds_id == records.c.fonds_id,
    or_(
        *(
            and_(matter_scopes.c.kind == kind.value, matter_scopes.c.subject == column)
            for kind, column in COLUMNS.items()
        )
    ),
)
_TO_HOLD = union(
    *(
        covered(kind, *_STEP, literal(True).label("held"))
        .join(versions, versions.c.record_id == records.c.id)
        .where(HOLDING, LIVING, text("versions.legal_hold IS NOT TRUE"))
        for kind in COLUMNS
    )
)
# In the words of the partial index, or SQLite would walk every version.
_TO_FREE = (
    select(*_STEP, literal(False).label("held"))
    .join(records, records.c.id == versions.c.record_id)
    .where(text("versions.legal_hold IS NOT FALSE"), or_(~LIVING, ~_IS_HELD))
)
_TO_HOLD_SOME = _TO_HOLD.order_by(text("1"), text("2")).limit(bindparam("at_most"))
_TO_FREE_SOME = _TO_FREE.order_by(versions.c.record_id, versions.c.ordinal).limit(bindparam("at_most"))
_HOLD_LAG = select(func.count()).select_from(_TO_HOLD.subquery())
_FREE_LAG = select(func.count()).select_from(_TO_FREE.subquery())
_MIRRORED = (
    update(versions)
    .where(versions.c.record_id == bindparam("its_record"), versions.c.ordinal == bindparam("its_ordinal"))
    .values(
        legal_hold=case((versions.c.hold_turn == bindparam("its_turn"), bindparam("its_hold")), else_=None),
        hold_turn=versions.c.hold_turn + 1,
    )
)
_DOUBT = text("UPDATE versions SET legal_hold = NULL, hold_turn = hold_turn + 1 WHERE legal_hold IS NOT FALSE")


class SqlHoldMirror:
    """The part of ``vault.shelves.HoldShelf`` that is about the store."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def to_mirror(self, *, limit: int = 10_000) -> Sequence[MirrorStep]:
        # What is to be held goes first: it is the one that protects.
        steps: list[MirrorStep] = []
        for statement in (_TO_HOLD_SOME, _TO_FREE_SOME):
            rows = self._rows.all(statement, {"at_most": limit - len(steps)}) if len(steps) < limit else ()
            steps += (
                MirrorStep(
                    record_id=RecordId(row.record_id),
                    ordinal=row.ordinal,
                    key=row.object_key,
                    version_id=row.version_id,
                    held=bool(row.held),
                    turn=row.hold_turn,
                )
                for row in rows
            )
        return steps

    def mirror_lag(self) -> int:
        counted = (self._rows.first(statement) for statement in (_HOLD_LAG, _FREE_LAG))
        return sum(0 if row is None else int(row[0]) for row in counted)

    def mirrored(self, steps: Sequence[MirrorStep]) -> None:
        self._rows.run_many(
            _MIRRORED,
            [
                {
                    "its_record": step.record_id,
                    "its_ordinal": step.ordinal,
                    "its_turn": step.turn,
                    "its_hold": step.held,
                }
                for step in steps
            ],
        )

    def doubt_mirror(self) -> None:
        self._rows.run(_DOUBT)
