"""Resumable uploads and their pieces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0019"
down_revision = "0018"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDENTITY = "id person_id class_code fonds_id extent leaf size_bytes idempotency_key_hash created_at"

RULES: tuple[Rule, ...] = (
    Rule("uploads", "identity", "UPDATE", differ(IDENTITY), "what an upload was begun as is never changed"),
    Rule("uploads", "settled", "UPDATE", "OLD.state <> 'open'", "an upload that is finished or ended stays so"),
)


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("offset_bytes", WHOLE, nullable=False),
        sa.Column("idempotency_key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_uploads_leaf")),
        sa.CheckConstraint("state IN ('open', 'finished', 'ended')", name=op.f("ck_uploads_state")),
        sa.CheckConstraint("ended IN ('expired', 'terminated', 'refused')", name=op.f("ck_uploads_ended")),
        sa.CheckConstraint("(state = 'ended') = (ended IS NOT NULL)", name=op.f("ck_uploads_end")),
        sa.CheckConstraint("(state = 'open') = (length(sealed) > 0)", name=op.f("ck_uploads_sealed")),
        sa.CheckConstraint("offset_bytes BETWEEN 0 AND size_bytes", name=op.f("ck_uploads_offset")),
        sa.CheckConstraint("length(idempotency_key_hash) = 32", name=op.f("ck_uploads_idempotency_key_hash")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_uploads_fonds_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_uploads_customer_id")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_uploads_fonds_id_extent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("uq_uploads_leaf", "uploads", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_index("ix_uploads_record_id", "uploads", ["record_id"], unique=False)
    _partial_index("uq_uploads_live_idempotency_key", "idempotency_key_hash", "state <> 'ended'", unique=True)
    _partial_index("ix_uploads_open", "person_id", "state = 'open'", unique=False)
    op.create_table(
        "upload_pieces",
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("start_bytes", WHOLE, autoincrement=False, nullable=False),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.CheckConstraint("start_bytes >= 0 AND size_bytes > 0", name=op.f("ck_upload_pieces_range")),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name=op.f("fk_upload_pieces_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", "start_bytes", name=op.f("pk_upload_pieces")),
        sa.UniqueConstraint("object_id", name=op.f("uq_upload_pieces_object_id")),
    )
    for statement in statements(RULES, on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def _partial_index(name: str, column: str, condition: str, *, unique: bool) -> None:
    where = sa.text(condition)
    op.create_index(name, "uploads", [column], unique=unique, sqlite_where=where, postgresql_where=where)
