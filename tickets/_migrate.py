"""Bringing a database to this version's schema, from Python."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from ._errors import SchemaError

_LOCK = 1234500002  # any number, the same in all processes of this product


def migrate(connection: Connection, shown: str) -> None:
    """Runs all missing migrations inside the connection's transaction: all of them, or none.

    Two processes that start together queue up here: SQLite by the write lock, PostgreSQL by an advisory lock.

    Raises:
        SchemaError: the database was brought to a schema that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise SchemaError(
            f"store {shown}: its schema cannot be brought up to date ({error}). "
            "Was it used by a newer version? Then run that version, or restore a backup."
        ) from None


def is_current(connection: Connection) -> bool:
    """Whether the database has exactly this version's schema."""
    return set(MigrationContext.configure(connection).get_current_heads()) == _heads()


@cache
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config(None)).get_heads())


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
