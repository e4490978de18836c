"""Paper originals of records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0009"
down_revision = "0008"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

RULES: tuple[Rule, ...] = (
    Rule(
        *("papers", "identity", "UPDATE", differ("id fonds_id record_id added_by added_at")),
        "what a paper original is, is never changed",
    ),
    Rule("papers", "final", "UPDATE", "OLD.state = 'destroyed'", "paper that was destroyed stays so"),
    Rule("papers", "no_delete", "DELETE", "", "what is known of a paper original stays on record"),
)


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "papers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("weight_grams", WHOLE, nullable=True),
        sa.Column("destroyed_by", sa.Text(), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("state IN ('kept', 'destroyed')", name=op.f("ck_papers_state")),
        sa.CheckConstraint(
            "method IS NULL OR method IN ('shredding', 'pulping', 'incineration')", name=op.f("ck_papers_method")
        ),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_papers_leaf")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_papers_revision")),
        sa.CheckConstraint("weight_grams IS NULL OR weight_grams >= 1", name=op.f("ck_papers_weight")),
        sa.CheckConstraint(
            "(state = 'destroyed') = (method IS NOT NULL) AND (method IS NULL) = (weight_grams IS NULL)"
            " AND (method IS NULL) = (destroyed_by IS NULL) AND (method IS NULL) = (destroyed_at IS NULL)",
            name=op.f("ck_papers_destroyed"),
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_papers_fonds_id")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_papers_record_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint("record_id", name=op.f("uq_papers_record_id")),
    )
    op.create_index("ix_papers_box", "papers", ["box"], unique=False)
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in statements(RULES, on_postgres=on_postgres):
        op.execute(statement)
