"""Filing reports, and what parsers find beside text and picture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROPERTIES = ("authentic", "complete", "usable", "safe")


def upgrade() -> None:
    """Adds the table and the column; upkeep fills the column anew."""
    op.create_table(
        "filing_reports",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(each, sa.Text(), nullable=False) for each in PROPERTIES),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_filing_reports_number")),
        *(
            sa.CheckConstraint(
                f"{each} IN ('passed', 'unchecked', 'warned', 'failed')", name=op.f(f"ck_filing_reports_{each}")
            )
            for each in PROPERTIES
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "ordinal"],
            ["versions.record_id", "versions.ordinal"],
            name=op.f("fk_filing_reports_record_id_ordinal"),
        ),
        sa.PrimaryKeyConstraint("record_id", "number", name=op.f("pk_filing_reports")),
    )
    op.add_column("derived", sa.Column("sealed_found", sa.LargeBinary(), nullable=True))
