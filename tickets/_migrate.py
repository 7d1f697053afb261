"""Bringing a database to this version's schema, from Python."""

from __future__ import annotations

import logging
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

log = logging.getLogger(__name__)
_LOCK = 1234500002  # any number, the same in all processes of this product


def migrate(connection: Connection, shown: str) -> None:
    """Runs all missing migrations inside the connection's transaction: all of them, or none.

    Two processes that start together queue up here: SQLite by the write lock, PostgreSQL by an advisory lock.

    A schema one step newer than ours is used as it is: a migration only adds what older versions pass over, so that
    they can be started beside the newer one, and again after it (docs/upgrade.md). One that cannot keep to that has
    no number for its name.

    Raises:
        SchemaError: the database was brought to a schema that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if _one_newer(connection):
        log.warning("store: its schema is one step newer than this version; used as it is")
        return
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise SchemaError(
            f"store {shown}: its schema cannot be brought up to date ({error}). "
            "Was it used by a newer version? Then run that version, or restore a backup."
        ) from None


def is_current(connection: Connection) -> bool:
    """Whether the database has this version's schema, or the one after it."""
    return _found(connection) == _heads() or _one_newer(connection)


def _found(connection: Connection) -> frozenset[str]:
    return frozenset(MigrationContext.configure(connection).get_current_heads())


def _one_newer(connection: Connection) -> bool:
    (own,) = _heads()
    return _found(connection) == {f"{int(own) + 1:04}"}


@cache
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config(None)).get_heads())


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
