"""Which uploads that were given up have nothing left in the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Adds the table; those of before are looked at as soon as their locks have lapsed."""
    op.create_table(
        "cleared_intents",
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["intents.id"], name=op.f("fk_cleared_intents_intent_id")),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_cleared_intents")),
    )
