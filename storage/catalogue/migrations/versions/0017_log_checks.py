"""Checks of the whole log: asked for, carried out by some process, and the verdict kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule
from storage.catalogue.migrations.rules import statements

revision = "0017"
down_revision = "0016"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

RULES: tuple[Rule, ...] = (
    Rule("log_checks", "no_change", "UPDATE", "OLD.ended_at IS NOT NULL", "the verdict on the log is never changed"),
    Rule("log_checks", "no_delete", "DELETE", "", "a check of the log stays on record"),
)


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "log_checks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("process_id", sa.Text(), nullable=True),
        sa.Column("begun_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("done", WHOLE, nullable=False),
        sa.Column("total", WHOLE, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("size", WHOLE, nullable=True),
        sa.Column("root", sa.LargeBinary(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.CheckConstraint("done >= 0 AND done <= total", name=op.f("ck_log_checks_progress")),
        sa.CheckConstraint("(process_id IS NULL) = (seen_at IS NULL)", name=op.f("ck_log_checks_process")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (size IS NULL) AND (ended_at IS NULL) = (root IS NULL)"
            " AND (ended_at IS NULL) = (findings IS NULL)",
            name=op.f("ck_log_checks_verdict"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_checks")),
    )
    op.create_index("ix_log_checks_ended_at_id", "log_checks", ["ended_at", "id"], unique=False)
    for statement in statements(RULES, on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)
