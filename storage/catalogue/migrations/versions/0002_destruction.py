"""Destruction: key trees, their pages, batches; the states of customers, and the generation that a process serves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.destruction_rules import postgres_rules, sqlite_rules

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the tables; every fonds that is there has a tree that never destroyed anything."""
    create_tables()
    add_columns()
    on_postgres = op.get_bind().dialect.name == "postgresql"
    # What the attempt of an existing first root is, only its keeper knows: sixteen zeros stand for it.
    zeros = "decode(repeat('00', {0}), 'hex')" if on_postgres else "zeroblob({0})"
    op.execute(
        "INSERT INTO trees (fonds_id, generation, attempt, digest)"  # noqa: S608 - of two literals
        f" SELECT id, 1, {zeros.format(16)}, {zeros.format(32)} FROM fonds"
    )
    if on_postgres:
        # A page is a little more than the 2 KB beyond which PostgreSQL puts values aside: that would double the rows.
        op.execute("ALTER TABLE pages SET (toast_tuple_target = 4080)")
    for statement in postgres_rules() if on_postgres else sqlite_rules():
        op.execute(statement)


def create_tables() -> None:
    """The tables, each after those that it refers to."""
    op.create_table(
        "trees",
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("attempt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_trees_generation")),
        sa.CheckConstraint("length(attempt) = 16 AND length(digest) = 32", name=op.f("ck_trees_lengths")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_trees_fonds_id")),
        sa.PrimaryKeyConstraint("fonds_id", name=op.f("pk_trees")),
    )
    op.create_table(
        "pages",
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("level", WHOLE, autoincrement=False, nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 5 AND number >= 0", name=op.f("ck_pages_place")),
        sa.CheckConstraint("generation >= 2", name=op.f("ck_pages_generation")),
        sa.CheckConstraint("length(sealed) = 2140", name=op.f("ck_pages_sealed")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_pages_fonds_id")),
        sa.PrimaryKeyConstraint("fonds_id", "level", "number", name=op.f("pk_pages")),
    )
    op.create_index("ix_pages_generation", "pages", ["fonds_id", "generation"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("attempt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("predecessor", sa.LargeBinary(), nullable=False),
        sa.Column("removed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("record_count", WHOLE, nullable=False),
        sa.Column("customer_count", WHOLE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('erasing', 'promoted', 'effective')", name=op.f("ck_batches_state")),
        sa.CheckConstraint("generation >= 2", name=op.f("ck_batches_generation")),
        sa.CheckConstraint(
            "length(attempt) = 16 AND length(digest) = 32 AND length(predecessor) = 32",
            name=op.f("ck_batches_lengths"),
        ),
        sa.CheckConstraint("record_count >= 0 AND customer_count >= 0", name=op.f("ck_batches_counts")),
        sa.CheckConstraint("(state = 'effective') = (effective_at IS NOT NULL)", name=op.f("ck_batches_effective")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_batches_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("fonds_id", "generation", name=op.f("uq_batches_fonds_id_generation")),
    )
    op.create_index(
        "ix_batches_unfinished",
        "batches",
        ["fonds_id", "generation"],
        unique=False,
        sqlite_where=sa.text("state <> 'effective'"),
        postgresql_where=sa.text("state <> 'effective'"),
    )
    op.create_table(
        "batch_records",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ciphertext_deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("position >= 1", name=op.f("ck_batch_records_position")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_records_batch_id")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_batch_records_record_id")),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_batch_records")),
        sa.UniqueConstraint("record_id", name=op.f("uq_batch_records_record_id")),
    )
    op.create_index(
        "ix_batch_records_ciphertext",
        "batch_records",
        ["record_id"],
        unique=False,
        sqlite_where=sa.text("ciphertext_deleted_at IS NULL"),
        postgresql_where=sa.text("ciphertext_deleted_at IS NULL"),
    )
    op.create_table(
        "batch_customers",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_customers_batch_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_batch_customers_customer_id")),
        sa.PrimaryKeyConstraint("batch_id", "customer_id", name=op.f("pk_batch_customers")),
    )
    op.create_index("uq_batch_customers_customer_id", "batch_customers", ["customer_id"], unique=True)


def add_columns() -> None:
    """States and generations of what is there already. SQLite takes a CHECK with a new column, not after it."""
    op.execute(
        "ALTER TABLE customers ADD COLUMN state TEXT DEFAULT 'live' NOT NULL"
        " CONSTRAINT ck_customers_state CHECK (state IN ('live', 'erasing', 'destroyed'))"
    )
    op.add_column("processes", sa.Column("generation", WHOLE, server_default="0", nullable=False))
    op.create_index("ix_intents_record_id", "intents", ["record_id"], unique=False)
