"""The store is locked, read-only, gone or damaged, and the disk is full: what is written waits, in its order, once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from service.books import CallBook
from telephony import loader
from tests.conftest import ROOTFS, Bench, Switch, eventually, free_port
from tests.integration.test_store_contract import POSTGRES, emptied
from tests.integration.test_store_drafts import World
from tickets import CallRecord, Draft, Gazetteer, MakerPolicy, Note, Store, StoreDamaged, StoreUnavailable

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PATIENT = MakerPolicy(idle=6.0, limit=5.0, block=0.02, pause=0.01, longest_pause=0.05)
"""A busy machine is no failing try."""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    store = Store(f"sqlite:///{tmp_path}/hotline.db")
    await store.migrate()
    await store.close()
    return tmp_path / "hotline.db"


@pytest.fixture
async def store(file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr("tickets._engine.BUSY_MS", 100)
    opened = Store(f"sqlite:///{file}")
    yield opened
    await opened.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def call_json(name: str, outcome: str = "served") -> str:
    return json.dumps({
        "id": name, "state": "ended", "dialled": "12345", "caller_number": "13800138000", "arrived_at": 1.0,
        "answered_at": 2.0, "joined_at": 3.0, "ended_at": 9.0, "seat": "8001", "outcome": outcome,
        "timeline": [{"at": 9.0, "what": "left", "detail": {}}], "legs": [],
    })  # fmt: skip


class Books:
    """A book of calls and a draft maker on one store."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self.redis, self.store = redis, store
        self.world = World(redis, store, Gazetteer.load(ROOT / "config" / "regions.yaml"))
        self.prefix = self.world.prefix
        self.book = CallBook(redis, store, lambda: "330300", prefix=self.prefix)
        self.maker = self.world.maker(policy=PATIENT)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.book.run()), asyncio.create_task(self.maker.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def finish(self, name: str) -> None:
        await self.redis.xadd(self.prefix + "finished", {"call": call_json(name)})
        await self.world.result(name)

    async def written(self, *names: str) -> None:
        async def all_there() -> bool:
            with contextlib.suppress(StoreUnavailable):
                for name in names:
                    record, ticket = await self.store.call(name), await self.store.ticket_of_call(name)
                    if record is None or not record.state or ticket is None:
                        return False
                return bool(await self.redis.xlen(self.prefix + "finished") == 0 and await self.world.drained())
            return False

        async with asyncio.timeout(30):
            while not await all_there():
                await asyncio.sleep(0.02)


async def test_a_locked_store_is_waited_for_and_then_has_all_once_and_in_order(
    redis: Redis, store: Store, file: Path
) -> None:
    books = Books(redis, store)
    async with books.running():
        await books.finish("c-0")
        await books.written("c-0")
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        names = [f"c-{n}" for n in range(1, 6)]
        for name in names:
            await books.finish(name)
        await eventually(lambda: books.book.counters.failed >= 2)  # it tried, more than once
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.audit("li", "admin", "look", "c-0", at=1.0)
        assert await store.call("c-1") is None
        assert await redis.xlen(books.prefix + "finished") == 5  # all kept
        blocker.execute("COMMIT")
        blocker.close()
        await books.written(*names)
    assert books.book.counters.dropped == books.maker.counts.dropped == books.maker.counts.given_up == 0
    assert not await redis.exists(books.prefix + "finished:dead")
    with sqlite3.connect(file) as reader:
        order = [row[0] for row in reader.execute("SELECT call_id FROM ticket ORDER BY rowid")]
    assert order == ["c-0", *names]  # drafts in the order of their results, each once
    assert [t.call_id for t in books.world.told] == order


async def test_a_file_that_was_removed_is_said_so_and_a_restored_one_is_used(
    redis: Redis, store: Store, file: Path, tmp_path: Path
) -> None:
    books = Books(redis, store)
    async with books.running():
        await books.finish("c-0")
        await books.written("c-0")
        away = tmp_path / "backup"
        away.mkdir()
        with sqlite3.connect(file) as source, sqlite3.connect(away / "copy.db") as copy:
            source.backup(copy)
        for path in tmp_path.glob("hotline.db*"):
            path.unlink()  # SQLite would go on writing into the removed file
        with pytest.raises(StoreDamaged, match="not there any more"):
            await store.ping()
        await books.finish("c-1")
        await eventually(lambda: books.book.counters.failed)
        assert not file.exists()  # no empty books are begun behind the operator's back
        os.replace(away / "copy.db", file)
        await books.written("c-0", "c-1")
    assert books.book.counters.dropped == 0


async def test_a_damaged_file_is_said_so_and_nothing_is_thrown_away(redis: Redis, store: Store, file: Path) -> None:
    for path in file.parent.glob("hotline.db-*"):
        path.unlink()
    whole = file.read_bytes()
    file.write_bytes(b"garbage, not a database, " * (len(whole) // 25))
    with pytest.raises(StoreDamaged, match="damaged"):
        await store.ping()
    books = Books(redis, store)
    async with books.running():
        await books.finish("c-1")
        await eventually(lambda: books.book.counters.failed >= 2)
        assert await redis.xlen(books.prefix + "finished") == 1
        assert not await redis.exists(books.prefix + "finished:dead")
        mended = file.with_name("mended.db")
        mended.write_bytes(whole)
        mended.replace(file)
        await books.written("c-1")


class Line:
    """A TCP line to a server, which can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self.port = (host, port), free_port()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, thither = await asyncio.open_connection(*self._target)
        self._open |= {writer, thither}

        async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.transport.abort()

        await asyncio.gather(one_way(reader, thither), one_way(there, writer))


@pytest.mark.skipif(not POSTGRES, reason="set HOTLINE_TEST_POSTGRES_URL to a throw-away database")
async def test_a_postgresql_that_is_away_is_waited_for(redis: Redis) -> None:
    url = make_url(await emptied(POSTGRES))
    line = Line(url.host or "127.0.0.1", url.port or 5432)
    await line.mend()
    store = Store(url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False))
    await store.migrate()
    books = Books(redis, store)
    async with books.running():
        await books.finish("c-0")
        await books.written("c-0")
        await line.cut()
        names = [f"c-{n}" for n in range(1, 4)]
        for name in names:
            await books.finish(name)
        await eventually(lambda: books.book.counters.failed >= 2, 30)
        with pytest.raises(StoreUnavailable):
            await store.ping()
        await line.mend()
        await books.written(*names)
    assert books.book.counters.dropped == books.maker.counts.given_up == 0
    assert [t.call_id for t in books.world.told] == ["c-0", *names]
    await store.close()
    await line.cut()


async def test_a_store_that_may_only_be_read_is_unavailable_for_writing(file: Path) -> None:
    store = Store(f"sqlite:///file:{file}?mode=ro&uri=true")
    await store.ping()  # reading goes on
    with pytest.raises(StoreUnavailable, match="readonly"):
        await store.put_draft("c-1", Draft(caller_number="057712345678", made_at=1.0))
    with pytest.raises(StoreUnavailable, match="readonly"):
        await store.put_calls([CallRecord("c-1", 1.0, 1.0, state="ended")])
    await store.close()


FILLS = """
import asyncio, resource, signal, sys
from tickets import Draft, Store, StoreUnavailable

async def main():
    store = Store(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    kept = []
    for n in range(500):
        try:
            await store.put_draft(f"c-{n}", Draft(content="路灯坏了。" * 2000, made_at=float(n)))
        except StoreUnavailable as error:
            print("unavailable:", error)
            break
        kept.append(n)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.put_draft(f"c-{len(kept)}", Draft(content="again", made_at=1.0))
    assert all([await store.ticket_of_call(f"c-{n}") for n in kept])
    print("kept", len(kept))

asyncio.run(main())
"""


async def test_a_disk_that_takes_no_more_is_unavailable_and_passes(file: Path) -> None:
    """A limit on the size of files is what a full disk looks like without root: the write fails in its middle."""
    limit = file.stat().st_size + 300_000
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FILLS, f"sqlite:///{file}", str(limit), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text
    assert "unavailable:" in text and "路灯" not in text
    assert int(text.split("kept ")[1]) > 0
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# ---------------------------------------------------------------------- with callers
async def test_a_locked_store_costs_no_call_and_the_page_says_so(
    bench: Bench, switch: Switch, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from demo import Phone

    monkeypatch.setattr("tickets._engine.BUSY_MS", 100)
    async with bench.hotline(store_url=f"sqlite:///{file}") as hotline:
        async with Phone(switch.sip, "13800001301", local_ip="127.0.0.7") as phone:
            blocker = sqlite3.connect(file, isolation_level=None)
            blocker.execute("BEGIN IMMEDIATE")
            call = await phone.dial("12345")
            await call.answered()
            await eventually(lambda: hotline.engine.calls)
            (name,) = hotline.engine.calls
            await call.hang_up()
            await eventually(lambda: hotline.active.book.trouble, 30)
            await eventually(lambda: "books" in hotline.active.keeping.alarms.live, 30)
            shown = {p.part: p for p in (await hotline.desk.snapshot()).health}
            assert not shown["books"].ok and shown["books"].message is not None
            assert 'hotline_alarm{name="books"} 1.0' in await hotline.desk.metrics()
            blocker.execute("COMMIT")
            blocker.close()
            await eventually(lambda: "books" not in hotline.active.keeping.alarms.live, 30)
            async with asyncio.timeout(20):
                while (record := await hotline.store.call(name)) is None or not record.state:
                    await asyncio.sleep(0.05)
            assert hotline.active.book.counters.dropped == 0


async def test_words_that_come_late_have_a_form_meanwhile_on_a_real_call(bench: Bench, switch: Switch) -> None:
    """The recogniser is stopped (SIGSTOP) before the call: calls and recordings go on, its words come afterwards."""
    from demo import Phone

    async with bench.hotline(asr_workers=1, draft_late=5, backlog_alarm=5) as hotline:
        [pid] = hotline.pool.pids
        os.kill(pid, signal.SIGSTOP)
        try:
            async with Phone(switch.sip, "13800001302", local_ip="127.0.0.7") as phone:
                call = await phone.dial("12345")
                await call.answered()
                await eventually(lambda: hotline.engine.calls)
                (name,) = hotline.engine.calls
                await asyncio.sleep(0.5)
                await call.hang_up()
            async with asyncio.timeout(40):
                while (waiting := await hotline.store.ticket_of_call(name)) is None:
                    await asyncio.sleep(0.05)
            assert waiting.draft.note is Note.WAITING
            shown = await hotline.desk.ticket(waiting.id)
            assert shown is not None and shown.note == "waiting"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # or it was replaced already: whichever, the words come
        async with asyncio.timeout(60):
            while (ticket := await hotline.store.ticket_of_call(name)) is None or ticket.draft.note is Note.WAITING:
                await asyncio.sleep(0.05)
        assert ticket.id == waiting.id
        assert ticket.draft.late is not None and ticket.draft.late > 5
        assert await hotline.audio(name) is not None
        await eventually(lambda: hotline.active.keeping.backlog.state.jobs == 0, 30)
        text = await hotline.desk.metrics()
        assert "hotline_transcription_jobs 0.0" in text and "hotline_drafts_waiting_total 1.0" in text


async def test_redis_that_cannot_write_its_file_is_told_and_costs_nobody_who_is_in(
    bench: Bench, switch: Switch, tmp_path: Path
) -> None:
    """A limit on the size of Redis's file is its full disk: it refuses writes, and takes them again with room."""
    from demo import Phone

    async with limited_redis(tmp_path / "redis") as (pid, url), bench.hotline(redis_url=url) as hotline:
        async with Phone(switch.sip, "13800001303", local_ip="127.0.0.7") as phone:
            call = await phone.dial("12345")
            await call.answered()
            await eventually(lambda: hotline.engine.calls)
            (name,) = hotline.engine.calls
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
            client = Redis.from_url(url)
            # Its file is written once a second; then it says MISCONF until there is room.
            with contextlib.suppress(Exception):
                await client.xadd("filler", {"x": b"x" * 4096})
            await eventually(lambda: not hotline.engine.journal_ok, 30, "the journal says that it cannot be written")
            await eventually(lambda: "journal" in hotline.active.keeping.alarms.live, 30)
            assert call.end is None  # who is in stays in
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await eventually(lambda: hotline.engine.journal_ok, 30, "and that it can again")
            await call.hang_up()
            async with asyncio.timeout(20):
                while (record := await hotline.store.call(name)) is None or not record.state:
                    await asyncio.sleep(0.05)
            await client.aclose()


@contextlib.asynccontextmanager
async def limited_redis(folder: Path) -> AsyncIterator[tuple[int, str]]:
    """A Redis that outlives a write over its limit (by default the signal ends a process, as no full disk would)."""
    folder.mkdir()
    port = free_port()
    options = {"--bind": "127.0.0.1", "--port": str(port), "--dir": str(folder), "--appendonly": "yes", "--save": ""}
    command = [*loader(ROOTFS, "usr/bin/redis-server"), *(x for pair in options.items() for x in pair)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, restore_signals=False)
    url = f"redis://127.0.0.1:{port}/0"
    client = Redis.from_url(url)
    try:
        async with asyncio.timeout(15):
            while True:
                with contextlib.suppress(RedisError, OSError):
                    await client.ping()
                    break
                await asyncio.sleep(0.05)
        yield process.pid, url
    finally:
        await client.aclose()
        process.terminate()
        await process.wait()


async def test_an_asterisk_that_cannot_write_its_recording_keeps_the_call(bench: Bench, switch: Switch) -> None:
    """A limit on the size of its files is its full disk: the recording ends there, the call does not."""
    from demo import Phone

    pid = switch.asterisk.process.pid
    async with bench.hotline(asr_workers=1) as hotline, Phone(switch.sip, "13800001304", local_ip="127.0.0.7") as phone:
        call = await phone.dial("12345")
        await call.answered()
        call.tone(440.0, 0.1)
        await eventually(lambda: hotline.engine.calls)
        (name,) = hotline.engine.calls
        raw = hotline.settings.spool / f"{name}.raw"
        await eventually(lambda: raw.exists() and raw.stat().st_size >= 32_768)
        stopped = raw.stat().st_size + 8_192
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (stopped, resource.RLIM_INFINITY))
        try:
            await eventually(lambda: raw.stat().st_size == stopped, 20, "it writes up to the limit")
            await asyncio.sleep(2.0)
            assert raw.stat().st_size == stopped  # "full"
            assert call.end is None and hotline.engine.calls[name].ended_at is None  # the call goes on
            assert switch.asterisk.process.returncode is None
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await asyncio.sleep(0.5)
        await call.hang_up()
        async with asyncio.timeout(60):
            while (manifest := await hotline.manifest(name)) is None:
                await asyncio.sleep(0.05)
        assert manifest["audio"]["duration"] >= 2.0  # what fitted is kept
        async with asyncio.timeout(60):
            while await hotline.store.ticket_of_call(name) is None:
                await asyncio.sleep(0.05)
