"""What is derived from versions: text and a picture, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the table; upkeep fills it."""
    op.create_table(
        "derived",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, autoincrement=False, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("parsers", WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_thumbnail", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(reason) <= 32", name=op.f("ck_derived_reason")),
        sa.CheckConstraint(
            "reason = '' OR (sealed_text IS NULL AND sealed_thumbnail IS NULL)", name=op.f("ck_derived_unreadable")
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "ordinal"],
            ["versions.record_id", "versions.ordinal"],
            name=op.f("fk_derived_record_id_ordinal"),
        ),
        sa.PrimaryKeyConstraint("record_id", "ordinal", name=op.f("pk_derived")),
    )
    op.create_index("uq_derived_number", "derived", ["number"], unique=True)
