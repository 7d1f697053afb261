"""The engine behind the store: URL, SQLite's settings, and errors without anyone's data in them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ._errors import StoreDamaged, StoreError, StoreUnavailable, StoreUrlError

BUSY_MS = 5000
"""How long a writer waits for another one's write lock in SQLite."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_MODULES = {"sqlite+aiosqlite": "aiosqlite", "postgresql+asyncpg": "asyncpg"}


class Database:
    """An engine and the two ways of using it: `read` and `write`, each one transaction."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.shown = self.url.render_as_string(hide_password=True)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {} if self.sqlite else {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 5}
        try:
            # hide_parameters: they hold callers' numbers and words, and error texts end in logs
            self.engine: AsyncEngine = create_async_engine(self.url, hide_parameters=True, **options)
        except ModuleNotFoundError:
            module = _MODULES[self.url.drivername]
            hint = "pip install 'hotline12345[postgresql]'" if module == "asyncpg" else f"pip install {module}"
            raise StoreUrlError(f"store {self.shown}: the driver {module} is not installed: {hint}") from None
        if self.sqlite:
            sa.event.listen(self.engine.sync_engine, "connect", _on_connect)
            sa.event.listen(self.engine.sync_engine, "begin", _on_begin)
        name = self.url.database
        plain = self.sqlite and name and name != ":memory:" and not name.startswith("file:")
        self._file = Path(name) if plain and name else None
        self._known: tuple[int, int] | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads."""
        with self.guarded():
            await self._same_file()
            async with self.engine.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed at the end, rolled back on any exception."""
        with self.guarded():
            await self._same_file()
            async with self.engine.connect() as connection:
                await connection.execution_options(hotline_writes=True)
                async with connection.begin():
                    yield connection
            await self._same_file()  # what was committed into a file that was removed meanwhile is not committed

    async def _same_file(self) -> None:
        """SQLite goes on in a file that was removed, and what it writes there is lost without a word: look first.

        A file that was put in its place (a backup restored) is used from now on.
        """
        if self._file is None:
            return
        try:
            info = self._file.stat()
        except FileNotFoundError:
            if self._known is None:
                return  # never opened: nothing can be lost, and migrate() makes it
            await self.engine.dispose()
            raise StoreDamaged(
                f"store {self.shown}: the file is not there any more: restore a backup, or start the service anew to "
                "begin an empty one"
            ) from None
        found = (info.st_dev, info.st_ino)
        if self._known is not None and self._known != found:
            await self.engine.dispose()
        self._known = found

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns the drivers' errors into this room's, without SQL parameters."""
        try:
            yield
        except (exc.DatabaseError, sqlite3.DatabaseError) as error:
            origin = error.orig if isinstance(error, exc.DatabaseError) else error
            if getattr(origin, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise StoreDamaged(
                    f"store {self.shown}: the file is damaged ({origin}): stop the service, move it aside, restore a "
                    "backup, start"
                ) from None
            raise self._plain(error) from None
        except (exc.InterfaceError, exc.TimeoutError, OSError, TimeoutError, exc.DBAPIError) as error:
            raise self._plain(error) from None

    def _plain(self, error: BaseException) -> StoreError:
        if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError | OSError | TimeoutError
                      | sqlite3.OperationalError):  # fmt: skip
            return StoreUnavailable(
                f"store {self.shown} cannot be used: {_reason(error)}. Is the database there, and may we write to it?"
            )
        if isinstance(error, exc.DBAPIError):
            if error.connection_invalidated:
                return StoreUnavailable(f"store {self.shown}: the connection was lost")
            return StoreError(f"store {self.shown}: {type(error).__name__} ({type(error.orig).__name__})")
        return StoreError(f"store {self.shown}: {type(error).__name__}")

    def prepare_file(self) -> None:
        """Makes SQLite's file with its directory, readable by this user only (Art. 19: no leaks)."""
        name = self.url.database
        if not self.sqlite or not name or name == ":memory:" or name.startswith("file:"):
            return
        path = Path(name)
        with self.guarded():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        # the text is not shown: whatever it is, it may hold a password
        raise StoreUrlError(
            "the store's URL cannot be read: write sqlite:///path/to/file.db or postgresql://user:password@host/name"
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StoreUrlError(
            f"store {parsed.render_as_string(hide_password=True)}: {parsed.drivername} is not supported: "
            "use sqlite:///… or postgresql://…"
        )
    return parsed.set(drivername=driver)


def _reason(error: BaseException) -> str:
    """What a driver says, as far as it can hold no data: SQLite's texts are fixed, others' are named by type."""
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(origin, sqlite3.OperationalError):
        return str(origin)
    if isinstance(origin, OSError):
        return origin.strerror or type(origin).__name__
    cause = origin.__cause__ if origin is not None else None  # asyncpg's own class, under SQLAlchemy's
    return type(cause or origin or error).__name__


def _on_connect(connection: Any, _record: Any) -> None:
    """SQLite as a server's store: readers beside one writer, waits instead of errors, durable commits."""
    connection.isolation_level = None  # we say BEGIN ourselves: see _on_begin
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a draft is acknowledged to Redis after its commit, so the commit must outlive a power cut
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    """Writers take the lock at once: a reader that turns writer midway gets SQLITE_BUSY without any waiting."""
    writes = connection.get_execution_options().get("hotline_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
