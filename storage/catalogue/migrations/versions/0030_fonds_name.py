"""What the company of a fonds is called, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Adds the column."""
    op.add_column("fonds", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))
