"""Entries of the log that are rare and looked for: found without reading the log through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

RARE = "event IN ('glass-broken', 'log-key-changed')"


def upgrade() -> None:
    """Adds the index."""
    op.create_index(
        "ix_audit_entries_rare",
        "audit_entries",
        ["event", "number"],
        unique=False,
        sqlite_where=sa.text(RARE),
        postgresql_where=sa.text(RARE),
    )
