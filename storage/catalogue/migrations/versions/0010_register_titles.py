"""Titles of destroyed records in the register of destruction, for the classes whose statute wants them there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule
from storage.catalogue.migrations.rules import statements

revision = "0010"
down_revision = "0009"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

RULES: tuple[Rule, ...] = (
    Rule("register_titles", "no_update", "UPDATE", "", "the register of destruction is never changed"),
    Rule("register_titles", "no_delete", "DELETE", "", "the register of destruction is kept for ever"),
)


def upgrade() -> None:
    """Adds the table; of what was destroyed before, no title is known any more."""
    op.create_table(
        "register_titles",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_register_titles_leaf")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_register_titles_fonds_id")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_register_titles_record_id")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_register_titles")),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in statements(RULES, on_postgres=on_postgres):
        op.execute(statement)
