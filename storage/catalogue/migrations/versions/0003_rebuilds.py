"""Rebuilds of the catalogue: nothing is destroyed after one until two people have confirmed the holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSED = (
    "OLD.number <> NEW.number OR OLD.fonds_id <> NEW.fonds_id OR OLD.at <> NEW.at OR OLD.second_by IS NOT NULL"
    " OR (OLD.first_by IS NOT NULL AND OLD.first_by <> NEW.first_by)"
)


def upgrade() -> None:
    """Adds the table, and the rules that a confirmation stays and a rebuild is not forgotten."""
    op.create_table(
        "rebuilds",
        sa.Column("number", WHOLE, autoincrement=True, nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_by", sa.Text(), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by", sa.Text(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(first_by IS NULL) = (first_at IS NULL)", name=op.f("ck_rebuilds_first")),
        sa.CheckConstraint("(second_by IS NULL) = (second_at IS NULL)", name=op.f("ck_rebuilds_second")),
        sa.CheckConstraint(
            "second_by IS NULL OR (first_by IS NOT NULL AND first_by <> second_by)",
            name=op.f("ck_rebuilds_two_people"),
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_rebuilds_fonds_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rebuilds")),
    )
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for name, event, when, message in (
        ("confirmed", "UPDATE", REFUSED, "a confirmation is never changed"),
        ("no_delete", "DELETE", "", "a rebuild is never forgotten"),
    ):
        if on_postgres:
            condition = f"WHEN ({when}) " if when else ""
            op.execute(
                f"CREATE TRIGGER rebuilds_{name} BEFORE {event} ON rebuilds FOR EACH ROW {condition}"
                f"EXECUTE FUNCTION catalogue_refuses('{message}')"
            )
        else:
            condition = f"WHEN {when} " if when else ""
            op.execute(
                f"CREATE TRIGGER rebuilds_{name} BEFORE {event} ON rebuilds FOR EACH ROW {condition}"
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
