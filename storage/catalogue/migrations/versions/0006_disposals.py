"""Disposal lists with their items and signatures; who signs, in a rule; where automatic destruction stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import LEAF_TAKEN, LEAF_USERS, Rule, differ
from storage.catalogue.migrations.rules import statements

revision = "0006"
down_revision = "0005"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RULE_COLUMNS = (
    "code version title_zh title_en nature sensitivity trigger_event period_months lock_mode mandate action automatic"
    " supervised lead_days objection_days notify unsettled_keeps signing shipped sealed_reason proposed_by proposed_at"
)
RULE_IDENTITY = Rule(
    "schedules",
    "identity",
    "UPDATE",
    f"{differ(RULE_COLUMNS)} OR coalesce(OLD.period_years, -1) <> coalesce(NEW.period_years, -1)",
    "a version of a rule is never changed; propose another",
)
LIST_COLUMNS = (
    "id fonds_id number class_code rule_version ground automatic extent leaf proposed_by proposed_at approvers"
    " supervisors"
)
TRANSITIONS = (
    "NOT ((OLD.state = 'proposed' AND NEW.state IN ('proposed', 'approved', 'done', 'cancelled'))"
    " OR (OLD.state = 'approved' AND NEW.state IN ('approved', 'executing', 'done', 'cancelled'))"
    " OR (OLD.state = 'executing' AND NEW.state = 'done'))"
)
ONCE = " OR ".join(
    f"(OLD.{column} IS NOT NULL AND (NEW.{column} IS NULL OR OLD.{column} <> NEW.{column}))"
    for column in ("window_until", "approved_at", "executed_at", "batch_id", "closed_at")
)
DECIDED = (
    "NOT OLD.listed OR OLD.list_id <> NEW.list_id OR OLD.record_id <> NEW.record_id"
    " OR (OLD.decision = 'destroy' AND NEW.decision NOT IN ('destroy', 'objected', 'left-out')"
    " AND EXISTS (SELECT 1 FROM disposal_signatures AS s WHERE s.list_id = NEW.list_id))"
)
PENDING = "EXISTS (SELECT 1 FROM disposal_items AS i WHERE i.list_id = NEW.id AND i.decision = 'pending')"
LEAF_IN_USE = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} AS o WHERE o.fonds_id = NEW.fonds_id AND o.extent = NEW.extent"  # noqa: S608
    " AND o.leaf = NEW.leaf)"
    for table in (*LEAF_USERS, "matters")
)


def _signed(part: str) -> str:
    return f"(SELECT count(*) FROM disposal_signatures AS s WHERE s.list_id = NEW.id AND s.part = '{part}')"  # noqa: S608


def _list_is(*states: str) -> str:
    named = ", ".join(f"'{state}'" for state in states)
    return f"EXISTS (SELECT 1 FROM disposal_lists AS l WHERE l.id = NEW.list_id AND l.state IN ({named}))"  # noqa: S608


RULES: tuple[Rule, ...] = (
    Rule("disposal_lists", "begins", "INSERT", "NEW.state <> 'proposed'", "a disposal list begins as proposed"),
    Rule("disposal_lists", "transition", "UPDATE", TRANSITIONS, "a disposal list does not make this transition"),
    Rule("disposal_lists", "identity", "UPDATE", differ(LIST_COLUMNS), "what a disposal list is, is never changed"),
    Rule("disposal_lists", "once", "UPDATE", ONCE, "what became of a disposal list is never changed"),
    Rule("disposal_lists", "no_delete", "DELETE", "", "a disposal list is never deleted"),
    Rule("disposal_items", "no_delete", "DELETE", "", "what stood on a disposal list stays on record"),
    Rule("disposal_signatures", "no_update", "UPDATE", "", "a signature is never changed"),
    Rule("disposal_signatures", "no_delete", "DELETE", "", "a signature is never deleted"),
    Rule(
        "disposal_pauses",
        "resumed",
        "UPDATE",
        f"{differ('id fonds_id cause measure living at')} OR OLD.resumed_at IS NOT NULL",
        "a pause is resumed once, and never changed",
    ),
    Rule("disposal_pauses", "no_delete", "DELETE", "", "a pause stays on record"),
)
"""Rules that look at their own row only."""

LOOKING: tuple[Rule, ...] = (
    Rule("disposal_lists", "leaf", "INSERT", LEAF_IN_USE, LEAF_TAKEN),
    Rule(
        "disposal_lists",
        "approved",
        "UPDATE",
        "OLD.state = 'proposed' AND NEW.state = 'approved' AND"
        f" ({_signed('proposer')} = 0 OR {_signed('approver')} < NEW.approvers OR {PENDING})",
        "a disposal list is approved when every item is decided and everybody has signed",
    ),
    Rule(
        "disposal_lists",
        "supervised",
        "UPDATE",
        f"OLD.state = 'approved' AND NEW.state = 'executing' AND {_signed('supervisor')} < NEW.supervisors",
        "a disposal list is executed in the presence of all its supervisors",
    ),
    Rule("disposal_items", "begins", "INSERT", f"NOT {_list_is('proposed')}", "a disposal list takes nothing more"),
    Rule("disposal_items", "decided", "UPDATE", DECIDED, "this item of a disposal list is decided"),
    Rule(
        "disposal_signatures",
        "begins",
        "INSERT",
        f"NOT ((NEW.part IN ('proposer', 'approver') AND {_list_is('proposed')})"
        f" OR (NEW.part = 'supervisor' AND {_list_is('approved')}))",
        "a disposal list takes no such signature now",
    ),
)
"""Rules that look at another table, too; PostgreSQL does not take those in WHEN."""


def upgrade() -> None:
    """Adds the tables; every rule of before has one approver."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.add_column("schedules", sa.Column("signing", sa.Text(), server_default="approver", nullable=False))
    op.execute(f"DROP TRIGGER schedules_identity{' ON schedules' if on_postgres else ''}")
    create_tables()
    own = (RULE_IDENTITY, *RULES)
    for statement in statements(own if on_postgres else (*own, *LOOKING), on_postgres=on_postgres):
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
        "disposal_lists",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("rule_version", WHOLE, nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approvers", WHOLE, nullable=False),
        sa.Column("supervisors", WHOLE, nullable=False),
        sa.Column("due_until", sa.Date(), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'executing', 'done', 'cancelled')", name=op.f("ck_disposal_lists_state")
        ),
        sa.CheckConstraint("ground IN ('due', 'filed-in-error')", name=op.f("ck_disposal_lists_ground")),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_disposal_lists_leaf")),
        sa.CheckConstraint("revision >= 1 AND rule_version >= 1", name=op.f("ck_disposal_lists_revision")),
        sa.CheckConstraint("approvers >= 1 AND supervisors IN (0, 2)", name=op.f("ck_disposal_lists_signing")),
        sa.CheckConstraint(
            "NOT automatic OR (ground = 'due' AND supervisors = 0 AND approvers = 1)",
            name=op.f("ck_disposal_lists_automatic"),
        ),
        sa.CheckConstraint("(ground = 'due') = (due_until IS NOT NULL)", name=op.f("ck_disposal_lists_due")),
        sa.CheckConstraint(
            "(state <> 'proposed' OR approved_at IS NULL)"
            " AND (state NOT IN ('approved', 'executing') OR approved_at IS NOT NULL)",
            name=op.f("ck_disposal_lists_approved"),
        ),
        sa.CheckConstraint(
            "(executed_at IS NULL) = (batch_id IS NULL) AND (state <> 'executing' OR batch_id IS NOT NULL)"
            " AND (batch_id IS NULL OR (approved_at IS NOT NULL AND state IN ('executing', 'done')))",
            name=op.f("ck_disposal_lists_executed"),
        ),
        sa.CheckConstraint(
            "executed_at IS NULL OR window_until IS NULL OR executed_at >= window_until",
            name=op.f("ck_disposal_lists_window"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NOT NULL) = (state IN ('done', 'cancelled'))", name=op.f("ck_disposal_lists_closed")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_disposal_lists_fonds_id")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"],
            ["extents.fonds_id", "extents.number"],
            name=op.f("fk_disposal_lists_fonds_id_extent"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_lists")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_disposal_lists_batch_id")),
        sa.UniqueConstraint("change", name=op.f("uq_disposal_lists_change")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_disposal_lists_fonds_id_number")),
    )
    op.create_index("uq_disposal_lists_leaf", "disposal_lists", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_index("ix_disposal_lists_state_number", "disposal_lists", ["state", "number"], unique=False)
    op.create_table(
        "disposal_items",
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint(
            "decision IN ('pending', 'destroy', 'extend', 'reclassify', 'transfer', 'keep', 'objected', 'left-out')",
            name=op.f("ck_disposal_items_decision"),
        ),
        sa.CheckConstraint("NOT listed OR decision IN ('pending', 'destroy')", name=op.f("ck_disposal_items_listed")),
        sa.CheckConstraint(
            "(decision = 'pending') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
            name=op.f("ck_disposal_items_decided"),
        ),
        sa.CheckConstraint(
            "decision IN ('pending', 'destroy', 'left-out') OR (sealed IS NOT NULL AND until IS NOT NULL)",
            name=op.f("ck_disposal_items_reason"),
        ),
        sa.CheckConstraint("(decision = 'reclassify') = (target IS NOT NULL)", name=op.f("ck_disposal_items_target")),
        sa.CheckConstraint("(decision = 'left-out') = (cause IS NOT NULL)", name=op.f("ck_disposal_items_cause")),
        sa.ForeignKeyConstraint(["list_id"], ["disposal_lists.id"], name=op.f("fk_disposal_items_list_id")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_disposal_items_record_id")),
        sa.PrimaryKeyConstraint("list_id", "record_id", name=op.f("pk_disposal_items")),
    )
    op.create_index(
        "uq_disposal_items_listed",
        "disposal_items",
        ["record_id"],
        unique=True,
        sqlite_where=sa.text("listed"),
        postgresql_where=sa.text("listed"),
    )
    op.create_index("ix_disposal_items_record_id_until", "disposal_items", ["record_id", "until"], unique=False)
    op.create_index("ix_disposal_items_change", "disposal_items", ["change"], unique=False)
    op.create_table(
        "disposal_signatures",
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("step", WHOLE, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("part IN ('proposer', 'approver', 'supervisor')", name=op.f("ck_disposal_signatures_part")),
        sa.CheckConstraint("step >= 1", name=op.f("ck_disposal_signatures_step")),
        sa.CheckConstraint("person_id <> 'clock'", name=op.f("ck_disposal_signatures_person")),
        sa.ForeignKeyConstraint(["list_id"], ["disposal_lists.id"], name=op.f("fk_disposal_signatures_list_id")),
        sa.PrimaryKeyConstraint("list_id", "person_id", name=op.f("pk_disposal_signatures")),
        sa.UniqueConstraint("list_id", "part", "step", name=op.f("uq_disposal_signatures_list_id_part_step")),
    )
    op.create_index("ix_disposal_signatures_change", "disposal_signatures", ["change"], unique=False)
    op.create_table(
        "disposal_pauses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("measure", WHOLE, nullable=False),
        sa.Column("living", WHOLE, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resumed_by", sa.Text(), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "cause IN ('clock-moved', 'clocks-disagree', 'share-exceeded')", name=op.f("ck_disposal_pauses_cause")
        ),
        sa.CheckConstraint("(resumed_by IS NULL) = (resumed_at IS NULL)", name=op.f("ck_disposal_pauses_resumed")),
        sa.CheckConstraint("resumed_by IS NULL OR resumed_by <> 'clock'", name=op.f("ck_disposal_pauses_person")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_disposal_pauses_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_pauses")),
    )
    op.create_index(
        "uq_disposal_pauses_open",
        "disposal_pauses",
        ["fonds_id"],
        unique=True,
        sqlite_where=sa.text("resumed_at IS NULL"),
        postgresql_where=sa.text("resumed_at IS NULL"),
    )
    op.create_table(
        "expiry_runs",
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_expiry_runs_fonds_id")),
        sa.PrimaryKeyConstraint("fonds_id", name=op.f("pk_expiry_runs")),
    )
