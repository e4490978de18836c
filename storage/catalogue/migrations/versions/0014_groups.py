"""Groups in place of roles: people are members, groups grant roles on classes; administrations exclude each other.

Whoever was an administrator becomes a member of ``security``, ``officers`` and ``records``: what they did with people
and records they do on. Keepers and backups are the machine's operator's by commands, and the log nobody's, until a
security administrator puts people into ``system`` and ``audit``: no administrator of before is made an auditor, or
given the machine, unasked. Staff become members of ``records``, readers of ``readers``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import Rule
from storage.catalogue.migrations.rules import statements

revision = "0014"
down_revision = "0013"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPERATOR = "operator"

SHIPPED = (
    ("security", "security", "security"),
    ("system", "system", "system"),
    ("audit", "audit", "audit"),
    ("officers", "", "officer"),
    ("records", "", "records"),
    ("readers", "", "reader"),
)
BECOMES = (
    ("administrator", "security"),
    ("administrator", "officers"),
    ("administrator", "records"),
    ("records", "records"),
    ("reader", "readers"),
)

RULES: tuple[Rule, ...] = (
    Rule("groups", "no_update", "UPDATE", "", "a group is never changed"),
    Rule("groups", "no_delete", "DELETE", "", "a group stays on record"),
    Rule("grants", "no_update", "UPDATE", "", "a grant is revoked and given anew, never changed"),
    Rule("memberships", "no_update", "UPDATE", "", "a membership is ended and begun anew, never changed"),
)


def upgrade() -> None:
    """Makes the tables, moves everybody into groups, and drops the roles of before."""
    _tables()
    connection = op.get_bind()
    now = datetime.now(UTC)
    if connection.dialect.name == "sqlite":
        now = now.replace(tzinfo=None)
    at = sa.bindparam("at", now, type_=sa.DateTime(timezone=True))
    for code, administration, role in SHIPPED:
        connection.execute(
            sa.text(
                "INSERT INTO groups (code, administration, created_by, created_at) VALUES (:code, :one, :by, :at)"
            ).bindparams(at, code=code, one=administration, by=OPERATOR)
        )
        connection.execute(
            sa.text(
                "INSERT INTO grants (group_code, fonds_id, role, class_code, administration, granted_by, granted_at)"
                " SELECT CAST(:code AS TEXT), id, CAST(:role AS TEXT), '*', CAST(:one AS TEXT), CAST(:by AS TEXT),"
                " created_at FROM fonds"
            ).bindparams(code=code, role=role, one=administration, by=OPERATOR)
        )
    for role, code in BECOMES:
        connection.execute(
            sa.text(
                "INSERT INTO memberships (group_code, person_id, administration, added_by, added_at)"
                " SELECT groups.code, people.id, groups.administration, CAST(:by AS TEXT), people.created_at"
                " FROM people, groups WHERE groups.code = :code AND people.roles LIKE :role"
                " AND NOT EXISTS (SELECT 1 FROM memberships AS known"
                " WHERE known.person_id = people.id AND known.group_code = groups.code)"
            ).bindparams(by=OPERATOR, code=code, role=f"%{role}%")
        )
        connection.execute(
            sa.text(
                "INSERT INTO invitation_groups (token_sha256, group_code) SELECT token_sha256, CAST(:code AS TEXT)"
                " FROM invitations WHERE roles LIKE :role AND NOT EXISTS (SELECT 1 FROM invitation_groups AS known"
                " WHERE known.token_sha256 = invitations.token_sha256 AND known.group_code = :code)"
            ).bindparams(code=code, role=f"%{role}%")
        )
    if connection.dialect.name == "postgresql":
        op.drop_column("people", "roles")
        op.drop_column("invitations", "roles")
    else:
        _without_roles("people", _people)
        _without_roles("invitations", _invitations)
    op.add_column("invitations", sa.Column("invited_by", sa.Text(), nullable=False, server_default=OPERATOR))
    for statement in statements(RULES, on_postgres=connection.dialect.name == "postgresql"):
        op.execute(statement)


def _tables() -> None:
    op.create_table(
        "groups",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("administration", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "administration IN ('', 'audit', 'security', 'system')", name=op.f("ck_groups_administration")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_groups")),
        sa.UniqueConstraint("code", "administration", name=op.f("uq_groups_code_administration")),
    )
    op.create_table(
        "grants",
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("administration", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('audit', 'officer', 'reader', 'records', 'security', 'system')", name=op.f("ck_grants_role")
        ),
        sa.CheckConstraint(
            "(administration = '' AND role IN ('officer', 'reader', 'records'))"
            " OR (role = administration AND class_code = '*')",
            name=op.f("ck_grants_administration"),
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_grants_fonds_id")),
        sa.ForeignKeyConstraint(
            ["group_code", "administration"],
            ["groups.code", "groups.administration"],
            name=op.f("fk_grants_group_code_administration"),
        ),
        sa.PrimaryKeyConstraint("group_code", "fonds_id", "role", "class_code", name=op.f("pk_grants")),
    )
    op.create_table(
        "memberships",
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("administration", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("added_by <> person_id", name=op.f("ck_memberships_two_people")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_memberships_person_id")),
        sa.ForeignKeyConstraint(
            ["group_code", "administration"],
            ["groups.code", "groups.administration"],
            name=op.f("fk_memberships_group_code_administration"),
        ),
        sa.PrimaryKeyConstraint("group_code", "person_id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_person_id", "memberships", ["person_id"], unique=False)
    op.create_index(
        "uq_memberships_administration",
        "memberships",
        ["person_id"],
        unique=True,
        sqlite_where=sa.text("administration <> ''"),
        postgresql_where=sa.text("administration <> ''"),
    )
    op.create_table(
        "invitation_groups",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_sha256"], ["invitations.token_sha256"], name=op.f("fk_invitation_groups_token_sha256")
        ),
        sa.ForeignKeyConstraint(["group_code"], ["groups.code"], name=op.f("fk_invitation_groups_group_code")),
        sa.PrimaryKeyConstraint("token_sha256", "group_code", name=op.f("pk_invitation_groups")),
    )


def _without_roles(table: str, make: Callable[[], None]) -> None:
    """SQLite drops no column that a rule of its table names: the table is made anew, its rows are put back.

    Rows of others that lead to its rows are asked for again at the end of the transaction, when those are there.
    """
    connection = op.get_bind()
    op.execute("PRAGMA defer_foreign_keys = ON")
    triggers = connection.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name").bindparams(name=table)
    ).scalars().all()  # fmt: skip
    kept = f"{table}_before"
    op.execute(f"CREATE TABLE {kept} AS SELECT * FROM {table}")  # noqa: S608  # names of ours
    op.execute(f"DROP TABLE {table}")
    make()
    columns = ", ".join(row[1] for row in connection.execute(sa.text(f"PRAGMA table_info({table})")))
    op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {kept}")  # noqa: S608  # names of ours
    op.execute(f"DROP TABLE {kept}")
    for trigger in triggers:
        op.execute(trigger)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("login_index", sa.LargeBinary(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed_profile", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_people_leaf")),
        sa.CheckConstraint("length(login_index) = 32", name=op.f("ck_people_login_index")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_people_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_people_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("login_index", name=op.f("uq_people_login_index")),
    )
    op.create_index("uq_people_leaf", "people", ["fonds_id", "extent", "leaf"], unique=True)


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(token_sha256) = 32", name=op.f("ck_invitations_token_sha256")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_invitations")),
    )
