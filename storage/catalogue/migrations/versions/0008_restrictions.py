"""Records that may only be stored, and records with debts that are not settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TWO_PEOPLE = "restriction_lifted_by IS NULL OR (restricted_by IS NOT NULL AND restriction_lifted_by <> restricted_by)"


def upgrade() -> None:
    """Adds the columns; no record of before is restricted or unsettled."""
    op.add_column("records", sa.Column("restricted_by", sa.Text(), nullable=True))
    op.add_column("records", sa.Column("unsettled_by", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("records", sa.Column("restriction_lifted_by", sa.Text(), nullable=True))
        op.create_check_constraint(op.f("ck_records_two_people"), "records", TWO_PEOPLE)
    else:
        # SQLite takes a rule of the whole row with a column that is added, and no other way without a new table.
        op.execute(
            "ALTER TABLE records ADD COLUMN restriction_lifted_by TEXT"
            f" CONSTRAINT ck_records_two_people CHECK ({TWO_PEOPLE})"
        )
