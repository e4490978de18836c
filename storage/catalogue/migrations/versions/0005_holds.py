"""Legal holds: matters, their scopes, and whether the store confirmed the legal hold of a version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import LEAF_TAKEN, LEAF_USERS, Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0005"
down_revision = "0004"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRANSITIONS = (
    "NOT ((OLD.state = 'in-force' AND NEW.state IN ('in-force', 'release-proposed'))"
    " OR (OLD.state = 'release-proposed' AND NEW.state IN ('in-force', 'released')))"
)
LEAF_IN_USE = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} AS o WHERE o.fonds_id = NEW.fonds_id AND o.extent = NEW.extent"  # noqa: S608
    " AND o.leaf = NEW.leaf)"
    for table in LEAF_USERS
)
RELEASED = "EXISTS (SELECT 1 FROM matters AS m WHERE m.id = NEW.matter_id AND m.state = 'released')"

RULES: tuple[Rule, ...] = (
    Rule("matters", "transition", "UPDATE", TRANSITIONS, "a matter does not make this transition; a release is final"),
    Rule(
        *("matters", "identity", "UPDATE", differ("id fonds_id number extent leaf placed_by placed_at")),
        "what a matter is, is never changed",
    ),
    Rule("matters", "no_delete", "DELETE", "", "a matter is never deleted"),
    Rule("matter_scopes", "no_update", "UPDATE", "", "a scope is only added to"),
    Rule("matter_scopes", "no_delete", "DELETE", "", "a scope is only added to"),
)
"""Rules that look at their own row only."""

LOOKING: tuple[Rule, ...] = (
    Rule("matters", "leaf", "INSERT", LEAF_IN_USE, LEAF_TAKEN),
    Rule("matter_scopes", "released", "INSERT", RELEASED, "a released matter takes nothing more"),
)
"""Rules that look at another table, too; PostgreSQL does not take those in WHEN."""


def upgrade() -> None:
    """Adds the tables and columns; nothing is held yet, in the catalogue or in the store."""
    create_tables()
    op.add_column("versions", sa.Column("legal_hold", sa.Boolean(), server_default=sa.false(), nullable=True))
    op.add_column("versions", sa.Column("hold_turn", WHOLE, server_default="0", nullable=False))
    op.create_index(
        "ix_versions_legal_hold",
        "versions",
        ["record_id", "ordinal"],
        unique=False,
        sqlite_where=sa.text("legal_hold IS NOT FALSE"),
        postgresql_where=sa.text("legal_hold IS NOT FALSE"),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in statements(RULES if on_postgres else (*RULES, *LOOKING), on_postgres=on_postgres):
        op.execute(statement)
    for rule in LOOKING if on_postgres else ():
        name = f"{rule.table}_{rule.name}"
        op.execute(
            f"CREATE FUNCTION catalogue_{name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF {rule.condition} THEN RAISE EXCEPTION USING MESSAGE = '{rule.message}', ERRCODE = '23000';"
            " END IF; RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW"
            f" EXECUTE FUNCTION catalogue_{name}()"
        )


def create_tables() -> None:
    """The tables, each after those that it refers to."""
    op.create_table(
        "matters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release_proposed_by", sa.Text(), nullable=True),
        sa.Column("release_proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("state IN ('in-force', 'release-proposed', 'released')", name=op.f("ck_matters_state")),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_matters_leaf")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_matters_revision")),
        sa.CheckConstraint(
            "(release_proposed_by IS NULL) = (release_proposed_at IS NULL)", name=op.f("ck_matters_release_proposed")
        ),
        sa.CheckConstraint("(state = 'in-force') = (release_proposed_by IS NULL)", name=op.f("ck_matters_proposal")),
        sa.CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name=op.f("ck_matters_release")),
        sa.CheckConstraint("(state = 'released') = (released_by IS NOT NULL)", name=op.f("ck_matters_released")),
        sa.CheckConstraint(
            "released_by IS NULL OR released_by <> release_proposed_by", name=op.f("ck_matters_two_people")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_matters_fonds_id")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_matters_fonds_id_extent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matters")),
        sa.UniqueConstraint("change", name=op.f("uq_matters_change")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_matters_fonds_id_number")),
    )
    op.create_index("uq_matters_leaf", "matters", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_table(
        "matter_scopes",
        sa.Column("matter_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("kind IN ('record', 'customer', 'class', 'query')", name=op.f("ck_matter_scopes_kind")),
        sa.CheckConstraint("(kind = 'query') = (sealed IS NOT NULL)", name=op.f("ck_matter_scopes_sealed")),
        sa.CheckConstraint("origin IS NULL OR kind = 'record'", name=op.f("ck_matter_scopes_origin")),
        sa.ForeignKeyConstraint(["matter_id"], ["matters.id"], name=op.f("fk_matter_scopes_matter_id")),
        sa.PrimaryKeyConstraint("matter_id", "kind", "subject", name=op.f("pk_matter_scopes")),
    )
    op.create_index("ix_matter_scopes_kind_subject", "matter_scopes", ["kind", "subject"], unique=False)
    op.create_index("ix_matter_scopes_change", "matter_scopes", ["change"], unique=False)
