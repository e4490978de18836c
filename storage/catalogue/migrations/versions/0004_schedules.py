"""The schedule: versions of rules with who proposed and who approved them; under which version a due date was computed.

What ships is in force from the start. A home that has records of these classes keeps their due dates.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from storage.catalogue.metadata import UtcDateTime
from storage.catalogue.migrations.first_rules import Rule, differ
from storage.catalogue.migrations.rules import statements
from vault.schedule import SHIPPED_BY
from vault.statutes import FIRST_SET, SHIPPED

revision = "0004"
down_revision = "0003"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

RULE_COLUMNS = (
    "code version title_zh title_en nature sensitivity trigger_event period_months lock_mode mandate action automatic"
    " supervised lead_days objection_days notify unsettled_keeps shipped sealed_reason proposed_by proposed_at"
)
TRANSITIONS = (
    "NOT ((OLD.state = 'proposed' AND NEW.state IN ('in-force', 'withdrawn'))"
    " OR (OLD.state = 'in-force' AND NEW.state IN ('superseded', 'retired'))"
    " OR (OLD.state = 'retired' AND NEW.state = 'superseded'))"
)
RULES = (
    Rule(
        *("schedules", "begins", "INSERT", "NEW.state <> 'proposed' AND NOT NEW.shipped"),
        "a version of a rule begins as proposed",
    ),
    Rule(
        "schedules",
        "identity",
        "UPDATE",
        f"{differ(RULE_COLUMNS)} OR coalesce(OLD.period_years, -1) <> coalesce(NEW.period_years, -1)",
        "a version of a rule is never changed; propose another",
    ),
    Rule("schedules", "transition", "UPDATE", TRANSITIONS, "a version of a rule does not make this transition"),
    Rule(
        "schedules",
        "decided",
        "UPDATE",
        "OLD.state <> 'proposed' AND (coalesce(OLD.decided_by, '') <> coalesce(NEW.decided_by, '')"
        " OR (OLD.decided_at IS NULL) <> (NEW.decided_at IS NULL) OR OLD.decided_at <> NEW.decided_at)",
        "who decided on a rule stays on record",
    ),
    Rule("schedules", "no_delete", "DELETE", "", "a version of a rule is never deleted"),
)


def upgrade() -> None:
    """Adds the table with what ships, and what records need to follow it."""
    schedules = create_table()
    op.execute(
        "ALTER TABLE records ADD COLUMN rule_version INTEGER DEFAULT 1 NOT NULL"
        " CONSTRAINT ck_records_rule_version CHECK (rule_version >= 1)"
        if op.get_bind().dialect.name == "sqlite"
        else "ALTER TABLE records ADD COLUMN rule_version BIGINT DEFAULT 1 NOT NULL"
        " CONSTRAINT ck_records_rule_version CHECK (rule_version >= 1)"
    )
    for name, columns in (
        ("ix_records_class_code_due_on_id", ["class_code", "due_on", "id"]),
        ("ix_records_class_code_rule_version", ["class_code", "rule_version"]),
    ):
        op.create_index(
            name,
            "records",
            columns,
            unique=False,
            sqlite_where=sa.text("state = 'filed'"),
            postgresql_where=sa.text("state = 'filed'"),
        )
    install(schedules)
    for statement in statements(RULES, on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def create_table() -> sa.Table:
    """The table of rules."""
    schedules = op.create_table(
        "schedules",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("sensitivity", sa.Text(), nullable=False),
        sa.Column("trigger_event", sa.Text(), nullable=False),
        sa.Column("period_years", WHOLE, nullable=True),
        sa.Column("period_months", WHOLE, nullable=False),
        sa.Column("lock_mode", sa.Text(), nullable=False),
        sa.Column("mandate", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("supervised", sa.Boolean(), nullable=False),
        sa.Column("lead_days", WHOLE, nullable=False),
        sa.Column("objection_days", WHOLE, nullable=False),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.Column("unsettled_keeps", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_schedules_version")),
        sa.CheckConstraint(
            "state IN ('proposed', 'in-force', 'superseded', 'withdrawn', 'retired')", name=op.f("ck_schedules_state")
        ),
        sa.CheckConstraint(
            "nature IN ('personal', 'transaction', 'contract', 'communication', 'house')",
            name=op.f("ck_schedules_nature"),
        ),
        sa.CheckConstraint(
            "sensitivity IN ('general', 'sensitive', 'important')", name=op.f("ck_schedules_sensitivity")
        ),
        sa.CheckConstraint(
            "trigger_event IN ('created', 'contract-ended', 'last-transaction', 'fiscal-year-end', 'deal-closed',"
            " 'relation-ended')",
            name=op.f("ck_schedules_trigger_event"),
        ),
        sa.CheckConstraint("lock_mode IN ('GOVERNANCE', 'COMPLIANCE')", name=op.f("ck_schedules_lock_mode")),
        sa.CheckConstraint("action IN ('destroy', 'review', 'transfer', 'keep')", name=op.f("ck_schedules_action")),
        sa.CheckConstraint("(period_years IS NULL) = (action = 'keep')", name=op.f("ck_schedules_permanent")),
        sa.CheckConstraint(
            "(period_years IS NULL OR period_years BETWEEN 0 AND 9999) AND period_months BETWEEN 0 AND 11",
            name=op.f("ck_schedules_period"),
        ),
        sa.CheckConstraint("NOT (automatic AND (supervised OR shipped))", name=op.f("ck_schedules_automatic")),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_schedules_decided")),
        sa.CheckConstraint("state <> 'proposed' OR decided_by IS NULL", name=op.f("ck_schedules_undecided")),
        sa.CheckConstraint(
            "state IN ('proposed', 'withdrawn') OR (decided_by IS NULL AND shipped)"
            " OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name=op.f("ck_schedules_two_people"),
        ),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_schedules")),
    )
    for name, columns, where in (
        ("uq_schedules_governing", ["code"], "state IN ('in-force', 'retired')"),
        ("uq_schedules_waiting", ["code"], "state = 'proposed'"),
    ):
        op.create_index(
            name,
            "schedules",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_schedules_change", "schedules", ["change"], unique=False)
    return schedules


def install(schedules: sa.Table) -> None:
    """Puts in force what ships."""
    now = datetime.now(UTC)
    op.bulk_insert(
        schedules,
        [
            {
                "code": rule.code,
                "version": 1,
                "title_zh": rule.title_zh,
                "title_en": rule.title_en,
                "nature": rule.nature.value,
                "sensitivity": rule.sensitivity.value,
                "trigger_event": rule.trigger.value,
                "period_years": rule.period_years,
                "period_months": rule.period_months,
                "lock_mode": rule.lock_mode.value,
                "mandate": rule.mandate,
                "action": rule.action.value,
                "automatic": rule.automatic,
                "supervised": rule.supervised,
                "lead_days": rule.lead_days,
                "objection_days": rule.objection_days,
                "notify": rule.notify,
                "unsettled_keeps": rule.unsettled_keeps,
                "state": "in-force",
                "shipped": True,
                "sealed_reason": b"",
                "proposed_by": SHIPPED_BY,
                "proposed_at": now,
                "decided_by": None,
                "decided_at": None,
                "change": 0,
            }
            for rule in SHIPPED[FIRST_SET]
        ],
    )
