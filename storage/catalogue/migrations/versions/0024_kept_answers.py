"""What programs were answered, kept for a day for whoever asks again under the same key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "kept_answers",
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.CheckConstraint("length(key_digest) = 32", name=op.f("ck_kept_answers_key_digest")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_kept_answers_person_id")),
        sa.PrimaryKeyConstraint("key_digest", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_asked_at", "kept_answers", ["asked_at"], unique=False)
    op.create_index("ix_kept_answers_person_id", "kept_answers", ["person_id"], unique=False)
