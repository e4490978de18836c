"""What people searched for lately, sealed, a row a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "recent_searches",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_recent_searches_fonds_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_recent_searches_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_recent_searches")),
    )
