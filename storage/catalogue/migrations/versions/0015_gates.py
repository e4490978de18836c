"""Gates before opening: agreements and who signed them, courses and who passed them, loans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0015"
down_revision = "0014"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LOAN_TRANSITIONS = (
    "NOT ((OLD.state = 'requested' AND NEW.state IN ('granted', 'refused', 'withdrawn'))"
    " OR (OLD.state = 'granted' AND NEW.state = 'returned'))"
)

RULES: tuple[Rule, ...] = (
    Rule("agreements", "no_update", "UPDATE", "", "a version of the agreement is never changed; publish another"),
    Rule("agreements", "no_delete", "DELETE", "", "a version of the agreement stays on record"),
    Rule("agreement_signatures", "no_update", "UPDATE", "", "a signature is never changed"),
    Rule("agreement_signatures", "no_delete", "DELETE", "", "a signature stays on record"),
    Rule("courses", "no_update", "UPDATE", "", "a version of the course is never changed; publish another"),
    Rule("courses", "no_delete", "DELETE", "", "a version of the course stays on record"),
    Rule("course_attempts", "no_update", "UPDATE", "", "an attempt at a test is never changed"),
    Rule("course_attempts", "no_delete", "DELETE", "", "an attempt at a test stays on record"),
    Rule(
        *("loans", "identity", "UPDATE", differ("id record_id person_id purpose days fonds_id extent leaf asked_at")),
        "what was asked for is never changed",
    ),
    Rule("loans", "transition", "UPDATE", LOAN_TRANSITIONS, "a loan does not make this transition"),
    Rule("loans", "no_delete", "DELETE", "", "a loan stays on record"),
)


def upgrade() -> None:
    """Adds the tables; nobody has signed, passed or borrowed before."""
    op.create_table(
        "agreements",
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_agreements_version")),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_agreements_sha256")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_agreements")),
    )
    op.create_table(
        "agreement_signatures",
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_agreement_signatures_sha256")),
        sa.ForeignKeyConstraint(["version"], ["agreements.version"], name=op.f("fk_agreement_signatures_version")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_agreement_signatures_person_id")),
        sa.PrimaryKeyConstraint("version", "person_id", name=op.f("pk_agreement_signatures")),
    )
    op.create_table(
        "courses",
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("pass_percent", WHOLE, nullable=False),
        sa.Column("valid_days", WHOLE, nullable=False),
        sa.Column("asks_again", sa.Boolean(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_courses_version")),
        sa.CheckConstraint("pass_percent BETWEEN 1 AND 100", name=op.f("ck_courses_pass_percent")),
        sa.CheckConstraint("valid_days >= 1", name=op.f("ck_courses_valid_days")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_courses")),
    )
    op.create_table(
        "course_attempts",
        sa.Column("number", WHOLE, autoincrement=True, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("score_percent", WHOLE, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("score_percent BETWEEN 0 AND 100", name=op.f("ck_course_attempts_score_percent")),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > at", name=op.f("ck_course_attempts_expires_at")),
        sa.ForeignKeyConstraint(["version"], ["courses.version"], name=op.f("fk_course_attempts_version")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_course_attempts_person_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_course_attempts")),
    )
    op.create_index("ix_course_attempts_person_id_at", "course_attempts", ["person_id", "at"], unique=False)
    _loans()
    for statement in statements(RULES, on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def _loans() -> None:
    op.create_table(
        "loans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("days", WHOLE, nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'granted', 'refused', 'returned', 'withdrawn')", name=op.f("ck_loans_state")
        ),
        sa.CheckConstraint("days >= 1", name=op.f("ck_loans_days")),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_loans_leaf")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name=op.f("ck_loans_two_people")),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (state IN ('requested', 'withdrawn'))"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name=op.f("ck_loans_decided"),
        ),
        sa.CheckConstraint(
            "(until IS NOT NULL) = (state IN ('granted', 'returned'))"
            " AND (returned_at IS NOT NULL) = (state = 'returned')",
            name=op.f("ck_loans_until"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_loans_person_id")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_loans_fonds_id")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_loans_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id"], ["records.id", "records.fonds_id"], name=op.f("fk_loans_record_id_fonds_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loans")),
    )
    is_open, is_granted = sa.text("state IN ('requested', 'granted')"), sa.text("state = 'granted'")
    op.create_index(
        "uq_loans_record_id_person_id",
        "loans",
        ["record_id", "person_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_loans_person_id_asked_at", "loans", ["person_id", "asked_at"], unique=False)
    op.create_index("ix_loans_until", "loans", ["until"], sqlite_where=is_granted, postgresql_where=is_granted)
