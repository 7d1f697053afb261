"""A real SQLite file: writers killed midway, several processes, a lock held for long, errors without data."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tickets import CallRecord, Draft, Store, StoreUnavailable, Ticket

ROOT = Path(__file__).parents[2]
WRITER = """
import asyncio, sys
from tickets import CallRecord, Draft, Store

async def main():
    store = Store(sys.argv[1])
    for n in range(10_000):
        call = f"{sys.argv[2]}-{n}"
        await store.put_call(CallRecord(call, float(n), float(n), state="ended"))
        await store.put_draft(call, Draft(title="路灯", content="路灯坏了。" * 50, made_at=float(n)))
        print(call, flush=True)

asyncio.run(main())
"""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    store = Store(f"sqlite:///{tmp_path}/hotline.db")
    await store.migrate()
    await store.close()
    return tmp_path / "hotline.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{file}")
    yield opened
    await opened.close()


async def test_what_was_promised_outlives_a_kill(file: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, f"sqlite:///{file}", name, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        for name in ("a", "b")
    ]
    promised = []
    for writer in writers:
        assert writer.stdout is not None
        promised += [(await writer.stdout.readline()).decode().strip() for _ in range(10)]
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        rest, _ = await writer.communicate()
        promised += [line.decode() for line in rest.split(b"\n")[:-1]]
    store = Store(f"sqlite:///{file}")
    for call in promised:
        ticket = await store.ticket_of_call(call)
        assert ticket is not None
        assert await store.put_draft(call, ticket.draft) == ticket  # the redelivery after the restart
        assert await store.call(call) is not None
    await store.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_readers_go_on_beside_a_long_writer(file: Path, store: Store) -> None:
    await store.put_call(CallRecord("c-1", 1.0, 1.0, state="ended"))
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert await store.call("c-1") is not None
    await store.ping()
    write = asyncio.create_task(store.put_call(CallRecord("c-2", 2.0, 2.0, state="ended")))
    assert len((await store.calls()).items) == 1
    blocker.execute("COMMIT")
    blocker.close()
    await write
    assert len((await store.calls()).items) == 2


async def test_a_lock_held_too_long_is_unavailable_and_passes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets._engine.BUSY_MS", 50)
    store = Store(f"sqlite:///{file}")
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.put_draft("c-1", Draft(caller_number="057712345678", made_at=1.0))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert (await store.put_draft("c-1", Draft(made_at=1.0))).call_id == "c-1"
    await store.close()


async def test_many_tasks_at_once_write_without_a_lock_error(store: Store) -> None:
    await asyncio.gather(*(store.put_call(CallRecord(f"c-{n}", float(n), 1.0, state="ended")) for n in range(60)))
    assert len((await store.calls(200)).items) == 60


async def test_a_cancelled_write_leaves_nothing_locked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickets._engine.BUSY_MS", 200)  # a lock left behind shows as an error, soon
    store = Store(f"sqlite:///{file}")
    for n in range(300):
        task = asyncio.create_task(store.put_draft(f"x-{n}", Draft(made_at=float(n))))
        for _ in range(n % 60):
            await asyncio.sleep(0 if n % 2 else 0.0001)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() or isinstance(ended[0], Ticket), ended
        assert await store.ticket_of_call("never") is None
        other = sqlite3.connect(file, isolation_level=None, timeout=0)
        other.execute("BEGIN IMMEDIATE")  # raises when a lock was left
        other.execute("ROLLBACK")
        other.close()
    await store.close()


async def test_the_settings_that_make_commits_durable_are_on(store: Store) -> None:
    async with store._db.read() as connection:
        found = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_error_texts_hold_no_callers_data(file: Path, store: Store) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE ticket")
    with pytest.raises(StoreUnavailable) as caught:
        await store.put_draft("c-1", Draft(caller_number="057712345678", content="路灯坏了", made_at=1.0))
    told = repr(caught.value) + repr(caught.value.__cause__)
    assert "057712345678" not in told
    assert "路灯" not in told
    assert "ticket" in told


async def test_a_store_in_memory_works_for_trials() -> None:
    store = Store("sqlite://")
    await store.migrate()
    ticket = await store.put_draft("c-1", Draft(made_at=1.0))
    assert await store.ticket(ticket.id) == ticket
    await store.close()
