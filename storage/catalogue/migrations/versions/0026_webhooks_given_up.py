"""A webhook's failures in a row, and since when its messages wait: what is given up is given up by age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the columns; what waits by now waits since it happened."""
    op.add_column("webhooks", sa.Column("failures", WHOLE, server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE deliveries SET waits_since = at")
