"""Identities at an outside provider, what its groups are here, and memberships that follow it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule
from storage.catalogue.migrations.rules import statements

revision = "0021"
down_revision = "0020"

MOMENT = sa.DateTime(timezone=True)

RULES: tuple[Rule, ...] = (
    Rule("group_mappings", "no_update", "UPDATE", "", "a mapping is ended and made anew, never changed"),
    Rule(
        *("identities", "no_change", "UPDATE", "OLD.person_id <> NEW.person_id OR OLD.bound_by <> NEW.bound_by"),
        "an identity is unbound and bound anew, never given to somebody else",
    ),
)


def upgrade() -> None:
    """Adds the tables. What somebody was about to prove has to be begun anew: it lives for minutes."""
    op.drop_table("challenges")
    op.create_table(
        "challenges",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('second-factor', 'passkey', 'new-passkey', 'step-up', 'provider', 'provider-step-up')",
            name=op.f("ck_challenges_kind"),
        ),
        sa.CheckConstraint("length(token_sha256) = 32", name=op.f("ck_challenges_token_sha256")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_challenges_person_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_challenges")),
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"], unique=False)
    op.create_table(
        "identities",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("subject_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("bound_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.CheckConstraint("length(subject_index) = 32", name=op.f("ck_identities_subject_index")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_identities_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_identities")),
        sa.UniqueConstraint("subject_index", name=op.f("uq_identities_subject_index")),
    )
    op.create_table(
        "group_mappings",
        sa.Column("provided", sa.Text(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("mapped_by", sa.Text(), nullable=False),
        sa.Column("mapped_at", MOMENT, nullable=False),
        sa.CheckConstraint("length(provided) BETWEEN 1 AND 200", name=op.f("ck_group_mappings_provided")),
        sa.ForeignKeyConstraint(["group_code"], ["groups.code"], name=op.f("fk_group_mappings_group_code")),
        sa.PrimaryKeyConstraint("provided", "group_code", name=op.f("pk_group_mappings")),
    )
    op.add_column("memberships", sa.Column("provided", sa.Text(), nullable=False, server_default=""))
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in statements(RULES, on_postgres=on_postgres):
        op.execute(statement)
