"""Certificates of destruction: the register that is kept for ever."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0007"
down_revision = "0006"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATED = "id fonds_id number batch_id generation statement_sha256 extent leaf issued_at"

RULES: tuple[Rule, ...] = (
    Rule("certificates", "stated", "UPDATE", differ(STATED), "what a certificate states is never changed"),
    Rule(
        *("certificates", "transition", "UPDATE", "NOT (OLD.state = 'pending' AND NEW.state = 'complete')"),
        "a certificate is completed once, and never changed afterwards",
    ),
    Rule("certificates", "no_delete", "DELETE", "", "a certificate is never deleted"),
)


def upgrade() -> None:
    """Adds the table; destructions of before get their certificates by upkeep."""
    op.create_table(
        "certificates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("statement_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'complete')", name=op.f("ck_certificates_state")),
        sa.CheckConstraint("length(statement_sha256) = 32", name=op.f("ck_certificates_digest")),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_certificates_leaf")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_certificates_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_certificates_fonds_id_number")),
        sa.UniqueConstraint("fonds_id", "generation", name=op.f("uq_certificates_fonds_id_generation")),
    )
    op.create_index("ix_certificates_issued_at_id", "certificates", ["issued_at", "id"], unique=False)
    op.create_index(
        "ix_certificates_pending",
        "certificates",
        ["fonds_id", "generation"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in statements(RULES, on_postgres=on_postgres):
        op.execute(statement)
