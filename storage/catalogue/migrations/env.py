"""Alembic's entry: runs migrations on the connection, and inside the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from storage.catalogue.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's DDL is transactional too; Alembic does not assume it.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
