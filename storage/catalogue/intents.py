"""Intents: open -> sealed -> committed, or aborted from either of the first two.

Rule 1: each step is one UPDATE that names the state it starts from; whoever comes second changes nothing and is told.
Rule 2: one live (not aborted) intent a key of idempotency, by a partial unique index.
Rule 3: a settled intent is never changed; that nothing of an aborted one is left in the store stands in a table beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    exists,
    insert,
    select,
    text,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import lock_of, object_columns, object_of, object_values, shape_values
from storage.catalogue.rows import Rows
from vault.errors import Conflict
from vault.ids import CustomerId, FondsId, IntentId, ObjectId, PersonId, ProcessId, RecordId
from vault.records import Intent, IntentState, SealedObject
from vault.seal.keytree import LeafAddress

intents = Table(
    "intents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    fonds_column(),
    Column("record_id", Text, nullable=False),
    Column("ordinal", Counted, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("customer_id", Text, ForeignKey("customers.id")),
    Column("person_id", Text, nullable=False),
    Column("process_id", Text, nullable=False),
    Column("idempotency_key_hash", LargeBinary),
    *object_columns(),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("sealed_description", LargeBinary, nullable=False),
    Column("upload_id", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("state", IntentState),
    CheckConstraint("ordinal >= 1 AND revision >= 1", name="ordinal"),
    CheckConstraint("idempotency_key_hash IS NULL OR length(idempotency_key_hash) = 32", name="idempotency_key_hash"),
    CheckConstraint("state NOT IN ('sealed', 'committed') OR length(sealed_sha256) = 32", name="sealed_sha256"),
    Index("ix_intents_record_id", "record_id"),
    Index("uq_intents_leaf", "fonds_id", "extent", "leaf", unique=True),
    Index(
        "uq_intents_live_idempotency_key",
        "idempotency_key_hash",
        unique=True,
        sqlite_where=text("state <> 'aborted'"),
        postgresql_where=text("state <> 'aborted'"),
    ),
    Index(
        "ix_intents_unsettled",
        "created_at",
        "id",
        sqlite_where=text("state IN ('open', 'sealed')"),
        postgresql_where=text("state IN ('open', 'sealed')"),
    ),
    Index(
        "ix_intents_aborted",
        "created_at",
        sqlite_where=text("state = 'aborted'"),
        postgresql_where=text("state = 'aborted'"),
    ),
)

cleared_intents = Table(
    "cleared_intents",
    metadata,
    Column("intent_id", Text, ForeignKey("intents.id"), primary_key=True),
    Column("cleared_at", UtcDateTime, nullable=False),
)

_ADD = insert(intents).values(
    # Both must name the same fonds; a tree of another one gives NULL, which the column refuses.
    fonds_id=select(fonds.c.id)
    .where(fonds.c.id == bindparam("its_fonds"), fonds.c.tree_id == bindparam("its_tree"))
    .scalar_subquery()
)
_ALL = select(intents, fonds.c.tree_id).join(fonds, fonds.c.id == intents.c.fonds_id)
_GET = _ALL.where(intents.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update(of=intents)
# The state is a literal, as in the partial index: with a parameter the database could not use the index.
_BY_IDEMPOTENCY_KEY = _ALL.where(
    intents.c.idempotency_key_hash == bindparam("its_hash"), text("intents.state <> 'aborted'")
)
_HAS_LEAF = select(intents.c.id).where(
    intents.c.fonds_id == bindparam("its_fonds"),
    intents.c.extent == bindparam("its_extent"),
    intents.c.leaf == bindparam("its_leaf"),
)
_UNSETTLED = (
    _ALL.where(text("intents.state IN ('open', 'sealed')"))
    .order_by(intents.c.created_at, intents.c.id)
    .limit(bindparam("at_most"))
)
_ABORTED = (
    select(intents.c.id, intents.c.object_key)
    .where(text("intents.state = 'aborted'"), intents.c.created_at >= bindparam("since"))
    .order_by(intents.c.created_at)
)
_LAPSED = (
    select(intents.c.id, intents.c.object_id, intents.c.object_key)
    .where(
        text("intents.state = 'aborted'"),
        intents.c.lock_until <= bindparam("now"),
        intents.c.id > bindparam("after"),
        ~exists().where(cleared_intents.c.intent_id == intents.c.id),
    )
    .order_by(intents.c.id)
    .limit(bindparam("at_most"))
)
_CLEARED = insert(cleared_intents)
_SET_UPLOAD = (
    update(intents)
    .where(intents.c.id == bindparam("its_id"), intents.c.state == "open")
    .values(upload_id=bindparam("its_upload"))
)
_SEAL = update(intents).where(
    intents.c.id == bindparam("its_id"), intents.c.object_id == bindparam("its_object"), intents.c.state == "open"
)
_COMMIT = (
    update(intents).where(intents.c.id == bindparam("its_id"), intents.c.state == "sealed").values(state="committed")
)
_ABORT = (
    update(intents)
    .where(intents.c.id == bindparam("its_id"), intents.c.state.in_(["open", "sealed"]))
    .values(state="aborted")
)
_STATE = select(intents.c.state).where(intents.c.id == bindparam("its_id"))


def intent_of(row: Row[Any]) -> Intent:
    """The intent of a row that was joined with its fonds."""
    return Intent(
        id=IntentId(row.id),
        state=IntentState(row.state),
        fonds_id=FondsId(row.fonds_id),
        record_id=RecordId(row.record_id),
        ordinal=row.ordinal,
        revision=row.revision,
        class_code=row.class_code,
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        person_id=PersonId(row.person_id),
        process_id=ProcessId(row.process_id),
        idempotency_key_hash=row.idempotency_key_hash,
        object=object_of(row),
        lock=lock_of(row),
        sealed_content=row.sealed_content,
        sealed_description=row.sealed_description,
        upload_id=row.upload_id,
        created_at=row.created_at,
    )


class SqlIntentShelf:
    """``vault.shelves.IntentShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, intent: Intent) -> None:
        self._rows.run(
            _ADD,
            {
                "id": intent.id,
                "state": intent.state.value,
                "its_fonds": intent.fonds_id,
                "record_id": intent.record_id,
                "ordinal": intent.ordinal,
                "revision": intent.revision,
                "class_code": intent.class_code,
                "customer_id": intent.customer_id,
                "person_id": intent.person_id,
                "process_id": intent.process_id,
                "idempotency_key_hash": intent.idempotency_key_hash,
                "sealed_content": intent.sealed_content,
                "sealed_description": intent.sealed_description,
                "upload_id": intent.upload_id,
                "created_at": intent.created_at,
                **object_values(intent.object, intent.lock),
            },
        )

    def get(self, intent_id: IntentId, *, for_update: bool = False) -> Intent | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": intent_id})
        return None if row is None else intent_of(row)

    def by_idempotency_key(self, key_hash: bytes) -> Intent | None:
        row = self._rows.first(_BY_IDEMPOTENCY_KEY, {"its_hash": key_hash})
        return None if row is None else intent_of(row)

    def has_leaf(self, fonds_id: FondsId, leaf: LeafAddress) -> bool:
        place = {"its_fonds": fonds_id, "its_extent": leaf.extent, "its_leaf": leaf.leaf}
        return self._rows.first(_HAS_LEAF, place) is not None

    def set_upload(self, intent_id: IntentId, upload_id: str) -> None:
        self._require(self._rows.run(_SET_UPLOAD, {"its_id": intent_id, "its_upload": upload_id}), intent_id)

    def seal(self, intent_id: IntentId, *, object: SealedObject, sealed_content: bytes) -> None:
        changed = self._rows.run(
            _SEAL,
            {
                "its_id": intent_id,
                "its_object": object.object_id,
                "state": IntentState.SEALED.value,
                "sealed_content": sealed_content,
                **shape_values(object),
            },
        )
        self._require(changed, intent_id)

    def commit(self, intent_id: IntentId) -> bool:
        return self._rows.run(_COMMIT, {"its_id": intent_id}) == 1

    def settle(self, intent_id: IntentId, state: IntentState) -> None:
        if state not in (IntentState.COMMITTED, IntentState.ABORTED):
            raise ValueError(f"an intent settles as committed or aborted, not {state.value}")
        statement = _COMMIT if state is IntentState.COMMITTED else _ABORT
        self._require(self._rows.run(statement, {"its_id": intent_id}), intent_id)

    def unsettled(self, *, limit: int = 1000) -> Sequence[Intent]:
        return [intent_of(row) for row in self._rows.all(_UNSETTLED, {"at_most": limit})]

    def aborted_keys(self, *, since: datetime) -> Sequence[tuple[IntentId, str]]:
        return [(IntentId(row.id), row.object_key) for row in self._rows.all(_ABORTED, {"since": since})]

    def given_up(self, *, now: datetime, after: str = "", limit: int = 200) -> Sequence[tuple[IntentId, ObjectId, str]]:
        rows = self._rows.all(_LAPSED, {"now": now, "after": after, "at_most": limit})
        return [(IntentId(row.id), ObjectId(row.object_id), row.object_key) for row in rows]

    def cleared(self, intent_id: IntentId, *, at: datetime) -> None:
        self._rows.run(_CLEARED, {"intent_id": intent_id, "cleared_at": at})

    def _require(self, changed: int, intent_id: IntentId) -> None:
        if changed == 1:
            return
        row = self._rows.first(_STATE, {"its_id": intent_id})
        found = "unknown" if row is None else row.state
        raise Conflict(f"intent {intent_id} is {found} and does not allow this step; look it up again")
