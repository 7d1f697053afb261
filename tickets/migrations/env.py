"""What alembic runs: the connection is handed in by `Store.migrate()`, inside its transaction."""

from __future__ import annotations

from alembic import context

from tickets._tables import metadata

# transactional_ddl: SQLite can roll back DDL too, once the driver's own transaction handling is off
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    compare_type=True,
)
context.run_migrations()
