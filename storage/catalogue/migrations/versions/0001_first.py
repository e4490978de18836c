"""Everything: tables, their constraints, and the rules of ``first_rules.py``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.catalogue.migrations.first_rules import postgres_rules, sqlite_rules

revision = "0001"
down_revision = None

ROLES_RULE = (
    "replace(replace(replace(replace(replace(roles, 'administrator', ''), 'records', ''), 'reader', ''),"
    " 'operator', ''), ',', '') = ''"
)
SIZES_RULE = (
    "size_bytes >= 0 AND sealed_size_bytes >= 0 AND part_count >= 0 AND part_size_bytes >= 0"
    " AND header_length >= 0 AND frame_length >= 0"
)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates an empty catalogue."""
    create_tables()
    counters = sa.table("counters", sa.column("name", sa.Text), sa.column("value", WHOLE))
    op.bulk_insert(counters, [{"name": "change", "value": 0}, {"name": "audit", "value": 0}])
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in postgres_rules() if on_postgres else sqlite_rules():
        op.execute(statement)


def create_tables() -> None:
    """The tables, each after those that it refers to."""
    op.create_table(
        "attempts",
        sa.Column("number", WHOLE, autoincrement=True, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_at", "attempts", ["at"], unique=False)
    op.create_index("ix_attempts_subject_at", "attempts", ["subject", "at"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_audit_entries_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_subject_number", "audit_entries", ["subject", "number"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", WHOLE, nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_counters_value")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "fonds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("vault_id", sa.Text(), nullable=False),
        sa.Column("tree_id", sa.LargeBinary(), nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("generation >= 0", name=op.f("ck_fonds_generation")),
        sa.CheckConstraint("length(tree_id) = 16", name=op.f("ck_fonds_tree_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fonds")),
        sa.UniqueConstraint("tree_id", name=op.f("uq_fonds_tree_id")),
    )
    op.create_table(
        "invitations",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            ROLES_RULE,
            name=op.f("ck_invitations_roles"),
        ),
        sa.CheckConstraint("length(token_sha256) = 32", name=op.f("ck_invitations_token_sha256")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_invitations")),
    )
    op.create_table(
        "jobs",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_jobs")),
    )
    op.create_table(
        "outbox",
        sa.Column("number", WHOLE, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    op.create_table(
        "blocks",
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("block", WHOLE, autoincrement=False, nullable=False),
        sa.Column("first_extent", WHOLE, nullable=False),
        sa.Column("extent_count", WHOLE, nullable=False),
        sa.Column("next_extent", WHOLE, nullable=False),
        sa.CheckConstraint("block >= 0 AND first_extent >= 0 AND extent_count > 0", name=op.f("ck_blocks_range")),
        sa.CheckConstraint(
            "next_extent BETWEEN first_extent AND first_extent + extent_count", name=op.f("ck_blocks_next_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_blocks_fonds_id")),
        sa.PrimaryKeyConstraint("fonds_id", "block", name=op.f("pk_blocks")),
    )
    op.create_index("uq_blocks_first_extent", "blocks", ["fonds_id", "first_extent"], unique=True)
    op.create_table(
        "extents",
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("next_leaf", WHOLE, nullable=False),
        sa.CheckConstraint("next_leaf BETWEEN 0 AND 64", name=op.f("ck_extents_next_leaf")),
        sa.CheckConstraint("number BETWEEN 0 AND 1073741823", name=op.f("ck_extents_number")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_extents_fonds_id")),
        sa.PrimaryKeyConstraint("fonds_id", "number", name=op.f("pk_extents")),
    )
    op.create_index("ix_extents_owner", "extents", ["fonds_id", "owner", "number"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed_profile", sa.LargeBinary(), nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_customers_leaf")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_customers_revision")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_customers_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_customers_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("change", name=op.f("uq_customers_change")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_customers_fonds_id_number")),
    )
    op.create_index("ix_customers_number_id", "customers", ["number", "id"], unique=False)
    op.create_index("uq_customers_leaf", "customers", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("login_index", sa.LargeBinary(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed_profile", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            ROLES_RULE,
            name=op.f("ck_people_roles"),
        ),
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
    op.create_table(
        "intents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("sealed_size_bytes", WHOLE, nullable=False),
        sa.Column("sealed_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("part_count", WHOLE, nullable=False),
        sa.Column("part_size_bytes", WHOLE, nullable=False),
        sa.Column("header_length", WHOLE, nullable=False),
        sa.Column("frame_length", WHOLE, nullable=False),
        sa.Column("lock_mode", sa.Text(), nullable=False),
        sa.Column("lock_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_description", sa.LargeBinary(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lock_mode IN ('GOVERNANCE', 'COMPLIANCE')", name=op.f("ck_intents_lock_mode")),
        sa.CheckConstraint("state IN ('open', 'sealed', 'committed', 'aborted')", name=op.f("ck_intents_state")),
        sa.CheckConstraint(
            "state NOT IN ('sealed', 'committed') OR length(sealed_sha256) = 32", name=op.f("ck_intents_sealed_sha256")
        ),
        sa.CheckConstraint(
            "idempotency_key_hash IS NULL OR length(idempotency_key_hash) = 32",
            name=op.f("ck_intents_idempotency_key_hash"),
        ),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_intents_leaf")),
        sa.CheckConstraint("ordinal >= 1 AND revision >= 1", name=op.f("ck_intents_ordinal")),
        sa.CheckConstraint(
            SIZES_RULE,
            name=op.f("ck_intents_sizes"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_intents_customer_id")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_intents_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_intents_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.UniqueConstraint("object_id", name=op.f("uq_intents_object_id")),
        sa.UniqueConstraint("object_key", name=op.f("uq_intents_object_key")),
    )
    op.create_index(
        "ix_intents_aborted",
        "intents",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'aborted'"),
        postgresql_where=sa.text("state = 'aborted'"),
    )
    op.create_index(
        "ix_intents_unsettled",
        "intents",
        ["created_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('open', 'sealed')"),
        postgresql_where=sa.text("state IN ('open', 'sealed')"),
    )
    op.create_index("uq_intents_leaf", "intents", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_index(
        "uq_intents_live_idempotency_key",
        "intents",
        ["idempotency_key_hash"],
        unique=True,
        sqlite_where=sa.text("state <> 'aborted'"),
        postgresql_where=sa.text("state <> 'aborted'"),
    )
    op.create_table(
        "records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filed_by", sa.Text(), nullable=True),
        sa.Column("trigger_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("current_ordinal", WHOLE, nullable=False),
        sa.Column("current_revision", WHOLE, nullable=False),
        sa.Column("change", WHOLE, nullable=False),
        sa.CheckConstraint(
            "state <> 'filed' OR (filed_at IS NOT NULL AND filed_by IS NOT NULL)", name=op.f("ck_records_filed")
        ),
        sa.CheckConstraint("state <> 'received' OR filed_at IS NULL", name=op.f("ck_records_received")),
        sa.CheckConstraint("state IN ('received', 'filed', 'erasing', 'destroyed')", name=op.f("ck_records_state")),
        sa.CheckConstraint("current_ordinal >= 1 AND current_revision >= 1", name=op.f("ck_records_current")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_records_customer_id")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_records_fonds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("change", name=op.f("uq_records_change")),
        sa.UniqueConstraint("fonds_id", "number", name=op.f("uq_records_fonds_id_number")),
        sa.UniqueConstraint("id", "fonds_id", name=op.f("uq_records_id_fonds_id")),
    )
    op.create_index(
        "ix_records_class_code_received_at_id", "records", ["class_code", "received_at", "id"], unique=False
    )
    op.create_index(
        "ix_records_customer_id_received_at_id", "records", ["customer_id", "received_at", "id"], unique=False
    )
    op.create_index("ix_records_received_at_id", "records", ["received_at", "id"], unique=False)
    op.create_index("ix_records_state_received_at_id", "records", ["state", "received_at", "id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(token_sha256) = 32", name=op.f("ck_sessions_token_sha256")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sessions_person_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"], unique=False)
    op.create_table(
        "versions",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, autoincrement=False, nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("size_bytes", WHOLE, nullable=False),
        sa.Column("sealed_size_bytes", WHOLE, nullable=False),
        sa.Column("sealed_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("part_count", WHOLE, nullable=False),
        sa.Column("part_size_bytes", WHOLE, nullable=False),
        sa.Column("header_length", WHOLE, nullable=False),
        sa.Column("frame_length", WHOLE, nullable=False),
        sa.Column("lock_mode", sa.Text(), nullable=False),
        sa.Column("lock_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("lock_mode IN ('GOVERNANCE', 'COMPLIANCE')", name=op.f("ck_versions_lock_mode")),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_versions_leaf")),
        sa.CheckConstraint("length(sealed_sha256) = 32", name=op.f("ck_versions_sealed_sha256")),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_versions_ordinal")),
        sa.CheckConstraint(
            SIZES_RULE,
            name=op.f("ck_versions_sizes"),
        ),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_versions_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_versions_fonds_id")),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id"], ["records.id", "records.fonds_id"], name=op.f("fk_versions_record_id_fonds_id")
        ),
        sa.PrimaryKeyConstraint("record_id", "ordinal", name=op.f("pk_versions")),
        sa.UniqueConstraint("object_id", name=op.f("uq_versions_object_id")),
        sa.UniqueConstraint("object_key", name=op.f("uq_versions_object_key")),
    )
    op.create_index("ix_versions_lock_until", "versions", ["lock_until"], unique=False)
    op.create_index("uq_versions_leaf", "versions", ["fonds_id", "extent", "leaf"], unique=True)
    op.create_table(
        "descriptions",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("revision", WHOLE, autoincrement=False, nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_descriptions_leaf")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_descriptions_revision")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_descriptions_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_descriptions_fonds_id")),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id"],
            ["records.id", "records.fonds_id"],
            name=op.f("fk_descriptions_record_id_fonds_id"),
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "ordinal"],
            ["versions.record_id", "versions.ordinal"],
            name=op.f("fk_descriptions_record_id_ordinal"),
        ),
        sa.PrimaryKeyConstraint("record_id", "revision", name=op.f("pk_descriptions")),
    )
    op.create_table(
        "links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uses_max", WHOLE, nullable=False),
        sa.Column("uses_taken", WHOLE, nullable=False),
        sa.Column("pass_code_hash", sa.Text(), nullable=False),
        sa.Column("fonds_id", sa.Text(), nullable=False),
        sa.Column("extent", WHOLE, nullable=False),
        sa.Column("leaf", WHOLE, nullable=False),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("leaf BETWEEN 0 AND 63", name=op.f("ck_links_leaf")),
        sa.CheckConstraint("uses_max >= 1", name=op.f("ck_links_uses_max")),
        sa.CheckConstraint("uses_taken >= 0 AND uses_taken <= uses_max", name=op.f("ck_links_uses_taken")),
        sa.ForeignKeyConstraint(
            ["fonds_id", "extent"], ["extents.fonds_id", "extents.number"], name=op.f("fk_links_fonds_id_extent")
        ),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_links_fonds_id")),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id"], ["records.id", "records.fonds_id"], name=op.f("fk_links_record_id_fonds_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "ordinal"],
            ["versions.record_id", "versions.ordinal"],
            name=op.f("fk_links_record_id_ordinal"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_created_at_id", "links", ["created_at", "id"], unique=False)
    op.create_index("ix_links_record_id_created_at_id", "links", ["record_id", "created_at", "id"], unique=False)
    op.create_table(
        "openings",
        sa.Column("number", WHOLE, autoincrement=True, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(purpose) <= 64", name=op.f("ck_openings_purpose")),
        sa.ForeignKeyConstraint(
            ["record_id", "ordinal"],
            ["versions.record_id", "versions.ordinal"],
            name=op.f("fk_openings_record_id_ordinal"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_openings")),
    )
    op.create_index(
        "ix_openings_record_id_ordinal_person_id_at",
        "openings",
        ["record_id", "ordinal", "person_id", "at"],
        unique=False,
    )
    op.create_table(
        "uses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bytes_max", WHOLE, nullable=False),
        sa.Column("bytes_sent", WHOLE, nullable=False),
        sa.CheckConstraint("bytes_sent >= 0 AND bytes_sent <= bytes_max", name=op.f("ck_uses_bytes_sent")),
        sa.CheckConstraint("length(token_sha256) = 32", name=op.f("ck_uses_token_sha256")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_uses_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uses")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_uses_token_sha256")),
    )
    op.create_index("ix_uses_link_id", "uses", ["link_id"], unique=False)
