"""Early warning: counts of what people open and are refused, the rule, alarms, and who is suspended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0023"
down_revision = "0022"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

RULES: tuple[Rule, ...] = (
    Rule("watch_rules", "no_update", "UPDATE", "", "a rule of early warning is never changed; set another"),
    Rule("watch_rules", "no_delete", "DELETE", "", "a rule of early warning stays on record"),
    Rule(
        *("alarms", "identity", "UPDATE", differ("id person_id sign day hour measure usual_limit days raised_at")),
        "what was raised is never changed",
    ),
    Rule("alarms", "settled", "UPDATE", "OLD.settled_at IS NOT NULL", "an alarm is settled once"),
    Rule("alarms", "no_delete", "DELETE", "", "an alarm stays on record"),
    Rule(
        *("suspensions", "identity", "UPDATE", differ("id person_id alarm_id suspended_by at")),
        "whom a suspension is about is never changed",
    ),
    Rule("suspensions", "lifted", "UPDATE", "OLD.lifted_at IS NOT NULL", "a suspension is lifted once"),
    Rule("suspensions", "no_delete", "DELETE", "", "a suspension stays on record"),
)


def upgrade() -> None:
    """Adds the tables; nobody is judged before they were active on enough days from now on."""
    op.create_table(
        "watch_counts",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("hour", WHOLE, autoincrement=False, nullable=False),
        sa.Column("times", WHOLE, nullable=False),
        sa.CheckConstraint("deed IN ('opened', 'refused')", name=op.f("ck_watch_counts_deed")),
        sa.CheckConstraint("times >= 1", name=op.f("ck_watch_counts_times")),
        sa.PrimaryKeyConstraint("person_id", "deed", "hour", name=op.f("pk_watch_counts")),
    )
    op.create_index("ix_watch_counts_hour", "watch_counts", ["hour"], unique=False)
    op.create_table(
        "watch_rules",
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("bulk_floor", WHOLE, nullable=False),
        sa.Column("odd_floor", WHOLE, nullable=False),
        sa.Column("refused_floor", WHOLE, nullable=False),
        sa.Column("factor_percent", WHOLE, nullable=False),
        sa.Column("history_days", WHOLE, nullable=False),
        sa.Column("suspends_bulk", sa.Boolean(), nullable=False),
        sa.Column("suspends_odd_hours", sa.Boolean(), nullable=False),
        sa.Column("suspends_refusals", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_watch_rules_version")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_watch_rules")),
    )
    _alarms()
    for statement in statements(RULES, on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("sign", sa.Text(), nullable=False),
        sa.Column("day", WHOLE, nullable=False),
        sa.Column("hour", WHOLE, nullable=False),
        sa.Column("measure", WHOLE, nullable=False),
        sa.Column("usual_limit", WHOLE, nullable=False),
        sa.Column("days", WHOLE, nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("sign IN ('bulk', 'odd-hours', 'refusals')", name=op.f("ck_alarms_sign")),
        sa.CheckConstraint("settled_by IS NULL OR settled_by <> person_id", name=op.f("ck_alarms_two_people")),
        sa.CheckConstraint("(settled_by IS NULL) = (settled_at IS NULL)", name=op.f("ck_alarms_settled")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_alarms_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("person_id", "sign", "day", name=op.f("uq_alarms_person_id_sign_day")),
    )
    op.create_index("ix_alarms_raised_at_id", "alarms", ["raised_at", "id"], unique=False)
    op.create_table(
        "suspensions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("suspended_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("lifted_by IS NULL OR lifted_by <> person_id", name=op.f("ck_suspensions_two_people")),
        sa.CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name=op.f("ck_suspensions_lifted")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_suspensions_alarm_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_suspensions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    in_force = sa.text("lifted_at IS NULL")
    op.create_index(
        "uq_suspensions_person_id",
        "suspensions",
        ["person_id"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
