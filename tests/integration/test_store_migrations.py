"""The schema: built from nothing, twice without harm, by two at once, and the same as the code's tables."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from tickets import CallRecord, Draft, SchemaError, Store, StoreUnavailable, StoreUrlError
from tickets._migrate import _config
from tickets._tables import metadata

POSTGRES = os.environ.get("HOTLINE_TEST_POSTGRES_URL", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "hotline.db"


async def test_migrating_builds_exactly_the_codes_tables(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    await store.close()
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    engine.dispose()


@pytest.mark.skipif(not POSTGRES, reason="set HOTLINE_TEST_POSTGRES_URL to a throw-away database")
async def test_migrating_builds_exactly_the_codes_tables_in_postgresql() -> None:
    engine = create_async_engine(POSTGRES.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for table in ("call_record", "ticket", "audit", "outbox", "alembic_version"):
            await connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    stores = [Store(POSTGRES) for _ in range(3)]
    await asyncio.gather(*(store.migrate() for store in stores))
    for store in stores:
        await store.ping()
        await store.close()
    async with engine.connect() as connection:
        assert await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        ) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    ticket = await store.put_draft("c-1", Draft(title="路灯", content="路灯坏了。", made_at=1.0))
    await store.migrate()
    await store.migrate()
    await store.ping()
    assert await store.ticket_of_call("c-1") == ticket
    await store.close()


async def test_processes_that_start_together_do_not_trip_each_other(file: Path) -> None:
    work = "import asyncio, sys; from tickets import Store; s = Store(sys.argv[1]); asyncio.run(s.migrate())"
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", work, f"sqlite:///{file}", stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        for _ in range(3)
    ]
    ended = await asyncio.gather(*(one.communicate() for one in running))
    assert [one.returncode for one in running] == [0, 0, 0], ended
    store = Store(f"sqlite:///{file}")
    await store.ping()
    await store.close()


async def test_calls_of_a_version_without_cases_stay_and_can_get_one(file: Path) -> None:
    file.parent.mkdir(parents=True)
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0002")
        connection.execute(sa.text(
            "INSERT INTO call_record (call_id, dialled, caller_number, state, arrived_at, timeline, legs, transcript,"
            " updated_at) VALUES ('c-1', '12345', '138', 'ended', 5.0, '[]', '[]', 'none', 6.0)"
        ))
    engine.dispose()
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    old = await store.call("c-1")
    assert old is not None and (old.arrived_at, old.case_id) == (5.0, None)
    await store.put_call(replace(old, case_id="310000-x", updated_at=7.0))
    assert [one.call_id for one in (await store.calls(case="310000-x")).items] == ["c-1"]
    await store.close()


async def test_a_schema_one_step_newer_is_used_as_it_is(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    await store.close()
    with sqlite3.connect(file) as connection:
        (own,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", (f"{int(own) + 1:04}",))
        connection.execute("ALTER TABLE ticket ADD COLUMN of_the_next_version TEXT")
    older = Store(f"sqlite:///{file}")
    await older.migrate()
    await older.ping()
    await older.put_call(CallRecord("a", 1.0, 1.0, state="ended"))
    assert await older.call("a") is not None
    await older.close()


async def test_a_database_of_a_newer_version_is_left_alone(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    await store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    later = Store(f"sqlite:///{file}")
    with pytest.raises(SchemaError, match="newer version"):
        await later.migrate()
    with pytest.raises(SchemaError):
        await later.ping()
    await later.close()


async def test_a_failed_migration_leaves_no_half_schema(file: Path) -> None:
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE audit (something INTEGER)")  # in the way of the third table
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable):
        await store.migrate()
    await store.close()
    with sqlite3.connect(file) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"audit"}


async def test_the_books_are_readable_by_their_owner_only(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    await store.migrate()
    await store.put_draft("c-1", Draft(made_at=1.0))
    assert {oct(one.stat().st_mode & 0o777) for one in file.parent.iterdir()} == {"0o600"}
    await store.close()


@pytest.mark.parametrize("url", [
    "mysql://u:geheim@host/x", "sqlite+pysqlite:///x", "nonsense", "", "redis://:geheim@h", "postgresql://u:geheim@h:p/x",
])
def test_a_url_that_cannot_be_used_says_so_without_its_password(url: str) -> None:
    with pytest.raises(StoreUrlError) as caught:
        Store(url)
    assert "geheim" not in str(caught.value)
    assert "sqlite:///" in str(caught.value)


async def test_an_unreachable_postgresql_says_so_without_its_password() -> None:
    pytest.importorskip("asyncpg")
    store = Store("postgresql://hotline:geheim@127.0.0.1:9/books")
    assert "geheim" not in store.shown_url
    for work in (store.ping(), store.migrate(), store.put_draft("c-1", Draft(caller_number="057712345678"))):
        with pytest.raises(StoreUnavailable) as caught:
            await work
        assert "hotline:***@127.0.0.1:9" in str(caught.value)
        assert "geheim" not in repr(caught.value) + repr(caught.value.__cause__)
        assert "0577" not in str(caught.value)
    await store.close()


async def test_a_file_that_is_no_database_is_told_not_overwritten(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"these are not the books you are looking for" * 100)
    before = file.read_bytes()
    store = Store(f"sqlite:///{file}")
    from tickets import StoreError

    with pytest.raises(StoreError):
        await store.migrate()
    await store.close()
    assert file.read_bytes() == before
