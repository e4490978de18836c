"""Permission reviews: memberships and grants are kept or taken back; silence takes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import looking, statements

revision = "0018"
down_revision = "0017"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ITEM_TRANSITIONS = (
    "NOT (OLD.ruling = 'pending' OR (OLD.ruling = 'kept' AND NEW.ruling IN ('kept', 'revoked')))"
    " OR (NEW.ruling = 'pending' AND OLD.ruling <> 'pending')"
)

RULES: tuple[Rule, ...] = (
    Rule(
        *("reviews", "identity", "UPDATE", differ("id fonds_id number started_by started_at ends_at")),
        "what a review is, and when it ends, is never changed",
    ),
    Rule("reviews", "closed", "UPDATE", "OLD.closed_at IS NOT NULL", "a review is closed once"),
    Rule("reviews", "no_delete", "DELETE", "", "a review stays on record"),
    Rule("reviewers", "no_update", "UPDATE", "", "reviewers are named when a review begins"),
    Rule("reviewers", "no_delete", "DELETE", "", "reviewers are named when a review begins"),
    Rule(
        "review_items",
        "identity",
        "UPDATE",
        f"{differ('review_id ordinal kind group_code fonds_id given_at')}"
        " OR coalesce(OLD.person_id, '') <> coalesce(NEW.person_id, '')"
        " OR coalesce(OLD.role, '') <> coalesce(NEW.role, '')"
        " OR coalesce(OLD.class_code, '') <> coalesce(NEW.class_code, '')",
        "what is reviewed is never changed",
    ),
    Rule("review_items", "transition", "UPDATE", ITEM_TRANSITIONS, "what was taken back in a review stays so"),
    Rule("review_items", "no_delete", "DELETE", "", "what was reviewed stays on record"),
)
LOOKING: tuple[Rule, ...] = (
    Rule(
        "reviews",
        "settled",
        "UPDATE",
        "EXISTS (SELECT 1 FROM review_items AS i WHERE i.review_id = NEW.id AND i.ruling = 'pending')",
        "a review is closed when nothing of it is pending",
    ),
    Rule(
        "review_items",
        "own_grant",
        "UPDATE",
        "NEW.kind = 'grant' AND NEW.decided_by IS NOT NULL AND EXISTS (SELECT 1 FROM memberships AS m"
        " WHERE m.group_code = NEW.group_code AND m.person_id = NEW.decided_by)",
        "nobody reviews what a group of theirs grants",
    ),
    Rule(
        "review_items",
        "open",
        "UPDATE",
        "EXISTS (SELECT 1 FROM reviews AS r WHERE r.id = NEW.review_id AND r.closed_at IS NOT NULL)",
        "a review that is closed is not decided on",
    ),
)


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > started_at", name=op.f("ck_reviews_ends_at")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_reviews_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_reviews_fonds_id_number")),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index("ix_reviews_ends_at", "reviews", ["ends_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "reviewers",
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reviewers_person_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_reviewers_review_id")),
        sa.PrimaryKeyConstraint("review_id", "person_id", name=op.f("pk_reviewers")),
    )
    _items()
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in (*statements(RULES, on_postgres=on_postgres), *looking(LOOKING, on_postgres=on_postgres)):
        op.execute(statement)


def _items() -> None:
    op.create_table(
        "review_items",
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("class_code", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ruling", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('membership', 'grant')", name=op.f("ck_review_items_kind")),
        sa.CheckConstraint(
            "ruling IN ('pending', 'kept', 'revoked', 'lapsed', 'gone', 'left')", name=op.f("ck_review_items_ruling")
        ),
        sa.CheckConstraint(
            "role IN ('audit', 'officer', 'reader', 'records', 'security', 'system')",
            name=op.f("ck_review_items_role"),
        ),
        sa.CheckConstraint(
            "(kind = 'membership' AND person_id IS NOT NULL AND role IS NULL AND class_code IS NULL)"
            " OR (kind = 'grant' AND person_id IS NULL AND role IS NOT NULL AND class_code IS NOT NULL)",
            name=op.f("ck_review_items_named"),
        ),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name=op.f("ck_review_items_two_people")),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (ruling = 'pending')"
            " AND (decided_by IS NOT NULL) = (ruling IN ('kept', 'revoked'))",
            name=op.f("ck_review_items_decided"),
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_review_items_fonds_id")),
        sa.ForeignKeyConstraint(["group_code"], ["groups.code"], name=op.f("fk_review_items_group_code")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_review_items_person_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_items_review_id")),
        sa.ForeignKeyConstraint(
            ["review_id", "decided_by"],
            ["reviewers.review_id", "reviewers.person_id"],
            name=op.f("fk_review_items_review_id_decided_by"),
        ),
        sa.PrimaryKeyConstraint("review_id", "ordinal", name=op.f("pk_review_items")),
    )
