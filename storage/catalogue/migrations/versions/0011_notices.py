"""Notices of destruction: nothing dies, and no objection window begins, before those concerned were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import looking, statements

revision = "0011"
down_revision = "0010"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TOLD = (
    "(state = 'told') = (told_at IS NOT NULL) AND (told_at IS NULL) = (told_by IS NULL)"
    " AND (told_at IS NULL) = (channel IS NULL)"
)
WAITING = "EXISTS (SELECT 1 FROM notices AS n WHERE n.list_id = NEW.id AND n.state = 'waiting')"

RULES: tuple[Rule, ...] = (
    Rule(
        "notices",
        "identity",
        "UPDATE",
        f"{differ('id list_id audience record_count made_at')}"
        " OR coalesce(OLD.customer_id, '') <> coalesce(NEW.customer_id, '')",
        "what a notice is, is never changed",
    ),
    Rule("notices", "final", "UPDATE", "OLD.state <> 'waiting'", "who was told, was told; a notice is settled once"),
    Rule("notices", "no_delete", "DELETE", "", "a notice stays on record"),
)
LOOKING: tuple[Rule, ...] = (
    Rule(
        "notices",
        "begins",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM disposal_lists AS l WHERE l.id = NEW.list_id"
        " AND l.state IN ('proposed', 'approved'))",
        "nobody is told of a disposal list that is executed or closed",
    ),
    Rule(
        "disposal_lists",
        "announced",
        "UPDATE",
        f"OLD.state = 'approved' AND NEW.state = 'executing' AND {WAITING}",
        "a disposal list is executed when all customers concerned were told",
    ),
    Rule(
        "disposal_lists",
        "told",
        "UPDATE",
        f"OLD.window_until IS NULL AND NEW.window_until IS NOT NULL AND {WAITING}",
        "an objection window begins when all customers concerned were told",
    ),
)


def upgrade() -> None:
    """Adds the table; of lists that were approved before, nobody is told afterwards."""
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("record_count", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("told_by", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("audience IN ('staff', 'customer')", name=op.f("ck_notices_audience")),
        sa.CheckConstraint("state IN ('waiting', 'told', 'dropped')", name=op.f("ck_notices_state")),
        sa.CheckConstraint(
            "channel IS NULL OR channel IN ('pages', 'mail', 'post', 'phone', 'in-person', 'published')",
            name=op.f("ck_notices_channel"),
        ),
        sa.CheckConstraint("revision >= 1 AND record_count >= 1", name=op.f("ck_notices_revision")),
        sa.CheckConstraint(
            "(audience = 'customer') = (customer_id IS NOT NULL) AND (audience <> 'staff' OR state = 'told')",
            name=op.f("ck_notices_addressee"),
        ),
        sa.CheckConstraint(TOLD, name=op.f("ck_notices_told")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_notices_customer_id")),
        sa.ForeignKeyConstraint(["list_id"], ["disposal_lists.id"], name=op.f("fk_notices_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("list_id", "customer_id", name=op.f("uq_notices_list_id_customer_id")),
    )
    op.create_index("ix_notices_made_at_id", "notices", ["made_at", "id"], unique=False)
    op.create_index("ix_notices_change", "notices", ["change"], unique=False)
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in (*statements(RULES, on_postgres=on_postgres), *looking(LOOKING, on_postgres=on_postgres)):
        op.execute(statement)
