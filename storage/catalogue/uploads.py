"""Resumable uploads and their pieces.

Rule 1: each step is one UPDATE that names the state, and the offset, that it starts from; whoever comes second changes
nothing and is told.
Rule 2: what is sealed (the staging key above all) is there while an upload is open, and at no other time.
Rule 3: one upload that did not end a key of idempotency, by a partial unique index.
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
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, fonds_of_tree, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.rows import Rows
from vault.ids import CustomerId, FondsId, ObjectId, PersonId, RecordId, UploadId
from vault.uploads import Piece, Upload, UploadEnd, UploadState

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("person_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("customer_id", Text, ForeignKey("customers.id")),
    *leaf_columns(),
    Column("record_id", Text, nullable=False),
    Column("size_bytes", Counted, nullable=False),
    Column("offset_bytes", Counted, nullable=False),
    Column("idempotency_key_hash", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended", Text),
    one_of("state", UploadState),
    one_of("ended", UploadEnd),
    CheckConstraint("(state = 'ended') = (ended IS NOT NULL)", name="end"),
    CheckConstraint("(state = 'open') = (length(sealed) > 0)", name="sealed"),
    CheckConstraint("offset_bytes BETWEEN 0 AND size_bytes", name="offset"),
    CheckConstraint("length(idempotency_key_hash) = 32", name="idempotency_key_hash"),
    Index("uq_uploads_leaf", "fonds_id", "extent", "leaf", unique=True),
    Index("ix_uploads_record_id", "record_id"),
    Index(
        "uq_uploads_live_idempotency_key",
        "idempotency_key_hash",
        unique=True,
        sqlite_where=text("state <> 'ended'"),
        postgresql_where=text("state <> 'ended'"),
    ),
    Index(
        "ix_uploads_open",
        "person_id",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", Text, ForeignKey("uploads.id"), primary_key=True),
    Column("start_bytes", Counted, primary_key=True, autoincrement=False),
    Column("size_bytes", Counted, nullable=False),
    Column("object_id", Text, nullable=False, unique=True),
    Column("version_id", Text, nullable=False),
    CheckConstraint("start_bytes >= 0 AND size_bytes > 0", name="range"),
)

_ADD = insert(uploads).values(fonds_id=fonds_of_tree())
_ALL = select(uploads, fonds.c.tree_id).join(fonds, fonds.c.id == uploads.c.fonds_id)
_GET = _ALL.where(uploads.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update(of=uploads)
# The state is a literal, as in the partial indexes: with a parameter the database could not use them.
_OPEN = text("uploads.state = 'open'")
_BY_IDEMPOTENCY_KEY = _ALL.where(
    uploads.c.idempotency_key_hash == bindparam("its_hash"), text("uploads.state <> 'ended'")
)
_OF_PERSON = select(
    func.count().label("open_count"), func.coalesce(func.sum(uploads.c.size_bytes), 0).label("open_bytes")
).where(uploads.c.person_id == bindparam("its_person"), _OPEN)
_OPEN_OF = _ALL.where(uploads.c.person_id == bindparam("its_person"), _OPEN).order_by(
    uploads.c.created_at, uploads.c.id
)
_WHOLE = (
    _ALL.where(_OPEN, uploads.c.offset_bytes == uploads.c.size_bytes)
    .order_by(uploads.c.created_at, uploads.c.id)
    .limit(bindparam("at_most"))
)
_WHOLE_AFTER = _WHOLE.where(
    tuple_(uploads.c.created_at, uploads.c.id)
    > tuple_(bindparam("after_at", type_=UtcDateTime), bindparam("after_id", type_=Text))
)
_EXPIRED = (
    _ALL.where(_OPEN, uploads.c.expires_at <= bindparam("now"))
    .order_by(uploads.c.created_at, uploads.c.id)
    .limit(bindparam("at_most"))
)
_ADVANCE = (
    update(uploads)
    .where(uploads.c.id == bindparam("its_id"), uploads.c.state == "open", uploads.c.offset_bytes == bindparam("was"))
    .values(offset_bytes=bindparam("will_be"), expires_at=bindparam("until"))
)
_ADD_PIECE = insert(upload_pieces)
_PIECES = (
    select(upload_pieces).where(upload_pieces.c.upload_id == bindparam("its_id")).order_by(upload_pieces.c.start_bytes)
)
_FORGET_PIECES = delete(upload_pieces).where(upload_pieces.c.upload_id == bindparam("its_id"))
_FINISH = (
    update(uploads)
    .where(uploads.c.id == bindparam("its_id"), uploads.c.state == "open")
    .values(state="finished", sealed=b"", record_id=bindparam("its_record"))
)
_END = (
    update(uploads)
    .where(uploads.c.id == bindparam("its_id"), uploads.c.state == "open")
    .values(state="ended", sealed=b"", ended=bindparam("why"))
)
_FORGET_ENDED = delete(uploads).where(uploads.c.state == "ended", uploads.c.expires_at < bindparam("before"))


def _upload_of(row: Row[Any]) -> Upload:
    return Upload(
        id=UploadId(row.id),
        fonds_id=FondsId(row.fonds_id),
        person_id=PersonId(row.person_id),
        state=UploadState(row.state),
        class_code=row.class_code,
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        leaf=leaf_of(row),
        record_id=RecordId(row.record_id),
        size_bytes=row.size_bytes,
        offset_bytes=row.offset_bytes,
        idempotency_key_hash=bytes(row.idempotency_key_hash),
        sealed=bytes(row.sealed),
        created_at=row.created_at,
        expires_at=row.expires_at,
        end=None if row.ended is None else UploadEnd(row.ended),
    )


class SqlUploadShelf:
    """``vault.shelves.UploadShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, upload: Upload) -> None:
        self._rows.run(
            _ADD,
            {
                "id": upload.id,
                "person_id": upload.person_id,
                "state": upload.state.value,
                "class_code": upload.class_code,
                "customer_id": upload.customer_id,
                "record_id": upload.record_id,
                "size_bytes": upload.size_bytes,
                "offset_bytes": upload.offset_bytes,
                "idempotency_key_hash": upload.idempotency_key_hash,
                "sealed": upload.sealed,
                "created_at": upload.created_at,
                "expires_at": upload.expires_at,
                **leaf_values(upload.leaf),
            },
        )

    def get(self, upload_id: UploadId, *, for_update: bool = False) -> Upload | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": upload_id})
        return None if row is None else _upload_of(row)

    def by_idempotency_key(self, key_hash: bytes) -> Upload | None:
        row = self._rows.first(_BY_IDEMPOTENCY_KEY, {"its_hash": key_hash})
        return None if row is None else _upload_of(row)

    def of_person(self, person_id: PersonId) -> tuple[int, int]:
        row = self._rows.first(_OF_PERSON, {"its_person": person_id})
        return (0, 0) if row is None else (int(row.open_count), int(row.open_bytes))

    def open_of(self, person_id: PersonId) -> Sequence[Upload]:
        return [_upload_of(row) for row in self._rows.all(_OPEN_OF, {"its_person": person_id})]

    def advance(self, pieces: Sequence[Piece], *, expires_at: datetime) -> bool:
        first, last = pieces[0], pieces[-1]
        step = {"its_id": first.upload_id, "was": first.start_bytes, "until": expires_at}
        if self._rows.run(_ADVANCE, {**step, "will_be": last.start_bytes + last.size_bytes}) != 1:
            return False
        self._rows.run_many(
            _ADD_PIECE,
            [
                {
                    "upload_id": piece.upload_id,
                    "start_bytes": piece.start_bytes,
                    "size_bytes": piece.size_bytes,
                    "object_id": piece.object_id,
                    "version_id": piece.version_id,
                }
                for piece in pieces
            ],
        )
        return True

    def pieces(self, upload_id: UploadId) -> Sequence[Piece]:
        return [
            Piece(
                upload_id=UploadId(row.upload_id),
                start_bytes=row.start_bytes,
                size_bytes=row.size_bytes,
                object_id=ObjectId(row.object_id),
                version_id=row.version_id,
            )
            for row in self._rows.all(_PIECES, {"its_id": upload_id})
        ]

    def finish(self, upload_id: UploadId, *, record_id: RecordId) -> bool:
        if self._rows.run(_FINISH, {"its_id": upload_id, "its_record": record_id}) != 1:
            return False
        self._rows.run(_FORGET_PIECES, {"its_id": upload_id})
        return True

    def end(self, upload_id: UploadId, end: UploadEnd) -> bool:
        if self._rows.run(_END, {"its_id": upload_id, "why": end.value}) != 1:
            return False
        self._rows.run(_FORGET_PIECES, {"its_id": upload_id})
        return True

    def whole(self, *, after: Upload | None = None, limit: int = 100) -> Sequence[Upload]:
        if after is None:
            return [_upload_of(row) for row in self._rows.all(_WHOLE, {"at_most": limit})]
        place = {"after_at": after.created_at, "after_id": after.id}
        return [_upload_of(row) for row in self._rows.all(_WHOLE_AFTER, {**place, "at_most": limit})]

    def expired(self, *, now: datetime, limit: int = 100) -> Sequence[Upload]:
        return [_upload_of(row) for row in self._rows.all(_EXPIRED, {"now": now, "at_most": limit})]

    def forget_ended(self, *, before: datetime) -> int:
        return self._rows.run(_FORGET_ENDED, {"before": before})
