"""The composition root: every part, started in order, stopped in the reverse order.

Order and why: Redis (the journal must be there before anything happens), store, prompts, Asterisk (from
here on callers are answered: by the native queue until the link is up), engine (folds the journal), AMI
link (reconciles, then the heart-beat opens the gate), recording workers, drafts, console.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

import calls
import console
import ivr
import recordings
import telephony
import tickets
from routing import Dispatcher

from .books import CallBook
from .call_log import CallLog
from .config import HotlineConfig, load_config
from .desk import HotlineDesk
from .errors import ServiceError
from .health import Health, NotWell
from .metrics import Metrics
from .music import build_music
from .pbx import private_asterisk
from .private import PrivateRedis, port_free, secret
from .reload import Watcher
from .settings import Settings

log = logging.getLogger(__name__)
Progress = Callable[[str], None]

SWEEP_SECONDS = 30.0


class Hotline:
    """One instance. `start` and `stop` may each be called once."""

    def __init__(self, settings: Settings, progress: Progress = lambda _: None) -> None:
        self.settings = settings
        self.health = Health()
        self.observers: list[Callable[[calls.Change], None]] = []
        self._progress = progress
        self._exit = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.config: HotlineConfig
        self.flows: ivr.FlowLibrary
        self.engine: calls.Engine
        self.link: telephony.AmiLink
        self.switch: telephony.AsteriskSwitch
        self.store: tickets.Store
        self.vault: recordings.Vault
        self.pool: recordings.WorkerPool
        self.drafts: tickets.DraftMaker
        self.desk: HotlineDesk
        self.metrics: Metrics
        self.redis: Redis
        self.asterisk: telephony.PrivateAsterisk | None = None

    # ------------------------------------------------------------------ start
    async def start(self) -> None:
        """Starts everything. What fails stops what was started and raises an error that says how to mend it."""
        try:
            self._load()
            await self._start_redis()
            await self._start_store()
            await self._start_asterisk()
            await self._start_engine()
            await self._start_recordings()
            await self._start_console()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops in the reverse order. Calls in progress stay up in the switch."""
        late = set(self._tasks)
        while late:
            # Once more if need be: a cancellation in the middle of connecting to Redis can be taken for a
            # failed connection, after which the task would go on for ever.
            for task in late:
                task.cancel()
            _, late = await asyncio.wait(late, timeout=0.5)
        self._tasks = []
        await self._exit.aclose()

    def _task(self, coroutine: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine, name=name)
        task.add_done_callback(_tell_death)
        self._tasks.append(task)

    def _load(self) -> None:
        directory = self.settings.config_dir
        self.flows = ivr.FlowLibrary(directory / "flows", directory / "prompts" / "prompts.yaml")
        self.config = load_config(directory / "hotline.yaml", [f.name for f in self.flows.book])
        self.gazetteer = tickets.Gazetteer.load(directory / "regions.yaml")

    async def _start_redis(self) -> None:
        s = self.settings
        if s.private_redis and s.redis_url is None:
            self._progress("Redis")
            server = PrivateRedis(s.rootfs_dir, s.var_dir / "redis", s.redis_port)
            await server.start()
            self._exit.push_async_callback(server.stop)
        self.redis = Redis.from_url(s.redis, socket_connect_timeout=3)
        self._exit.push_async_callback(self.redis.aclose)
        try:
            await self.redis.ping()
        except (RedisError, OSError) as error:
            raise ServiceError(
                f"Redis does not answer ({type(error).__name__})", "check redis_url in config/settings.yaml"
            ) from None

        async def look() -> None:
            try:
                await self.redis.ping()
            except (RedisError, OSError) as error:
                raise NotWell("redis-down", f"Redis 无应答 ({type(error).__name__})",
                              f"Redis does not answer ({type(error).__name__})") from None  # fmt: skip
            if not self.engine.journal_ok:
                raise NotWell("journal", "日志流无法写入", "the journal cannot be written")

        self.health.add("redis", look)

    async def _start_store(self) -> None:
        self._progress("store")
        self.settings.var_dir.mkdir(parents=True, exist_ok=True)
        self.store = tickets.Store(self.settings.store)
        self._exit.push_async_callback(self.store.close)
        await self.store.migrate()

        async def look() -> None:
            try:
                await self.store.ping()
            except tickets.StoreError as error:
                raise NotWell("store-down", "数据库不可用", str(error)) from None

        self.health.add("store", look)

    async def _start_asterisk(self) -> None:
        s = self.settings
        build_music(s.config_dir / "prompts" / "music", s.prompts_dir / "music")
        if not s.private_asterisk:
            return
        self._progress("Asterisk")
        secret(s.secrets_dir / "ami")
        self.asterisk = private_asterisk(s, self.config)
        for port, udp, name in ((s.sip_port, True, "sip_port"), (s.ami_port, False, "ami_port")):
            self.asterisk.clear_stale()
            if not port_free(port, udp=udp, host=s.bind):
                raise ServiceError(
                    f"port {port} is in use by another program",
                    f"end it, or choose another: HOTLINE_{name.upper()}=…  (is another hotline running?)",
                )
        await self.asterisk.start()
        self._exit.push_async_callback(self.asterisk.stop)

    def entries(self) -> dict[str, calls.Entry]:
        """How the switch begins calls to each number, from the present flows."""
        out: dict[str, calls.Entry] = {}
        for number, entry in self.config.numbers.items():
            flow = self.flows.book.get(entry.flow)
            if flow is None:
                continue
            constant = flow.entry()
            prompts = tuple(p.file for p in constant.prompts) if constant is not None else ()
            out[number] = calls.Entry(flow.reference, prompts)
        return out

    async def _start_engine(self) -> None:
        s = self.settings
        self._progress("service")
        await self._known_versions()
        path = s.ami_secret_file or s.secrets_dir / "ami"
        ami = telephony.AmiSettings(
            host=s.ami_host if not s.private_asterisk else s.bind, port=s.ami_port, username=s.ami_user,
            secret=secret(path),
        )  # fmt: skip
        self.link = telephony.AmiLink(
            ami, lambda batch: self.switch.on_messages(batch), on_up=lambda: self.engine.link_up()
        )
        self.switch = telephony.AsteriskSwitch(self.link, lambda events: self.engine.feed(events))
        journal = calls.RedisJournal(self.redis, s.redis_prefix)
        self.engine = calls.Engine(
            switch=self.switch,
            journal=journal,
            dispatcher=Dispatcher(self.config.routing_seats(), self.config.policy()),
            rules=self._rules(),
            entries=self.entries(),
            raw_path=lambda call: str(s.spool / f"{call}.raw"),
            record=s.record,
        )
        self.metrics = Metrics(self.engine)
        self.metrics.count_from("hotline_engine", "Engine since the start", self.engine.counters)
        self.metrics.count_from("hotline_ami", "AMI link since the start", self.link.counters)
        self.metrics.count_from("hotline_switch", "Commands to the switch since the start", self.switch.counters)
        self.engine.observe(self.metrics.on_change)
        self.engine.observe(CallLog().on_change)
        for observer in self.observers:
            self.engine.observe(observer)
        await self.engine.recover()
        self.engine.start()
        self._exit.push_async_callback(self.engine.stop)
        await self.link.start()
        self._exit.push_async_callback(self.link.stop)
        with contextlib.suppress(telephony.LinkDown):
            # Not there yet: the service runs, /readyz says so, and the link goes on trying.
            await self.link.wait_up(10.0)

        async def look() -> None:
            if not self.link.up:
                raise NotWell("ami-down", f"与交换机的连接中断: {self.link.trouble}", self.link.trouble)

        self.health.add("ami", look)
        self._task(self._sweeps(), "sweeps")
        self._task(self._trims(journal), "trims")
        self._task(Watcher(self, self.metrics.refused_configuration).run(), "reload")

    def _rules(self) -> calls.Rules:
        return calls.Rules(self.flows, self.config.demand(), self.config.times.ring)

    async def _known_versions(self) -> None:
        """Flow versions that calls of the last process may still have, and ours for the next one."""
        key = self.settings.redis_prefix + "flows"
        rows: Any = await self.redis.hgetall(key)
        for text in rows.values():
            with contextlib.suppress(ValueError):
                self.flows.add(ivr.Flow.from_json(text.decode()))
        await self.publish_flows()

    async def publish_flows(self) -> None:
        """Writes the present flow versions where the next process finds them."""
        rows: dict[Any, Any] = {f.reference: f.to_json() for f in self.flows.book}
        await self.redis.hset(self.settings.redis_prefix + "flows", mapping=rows)

    async def apply_config(self, config: HotlineConfig) -> None:
        """New configuration or flows for calls that begin from now on."""
        self.config = config
        self.engine.dispatcher.policy = config.policy()
        self.engine.rules = self._rules()
        self.engine.entries = self.entries()
        self.engine.set_seats(config.routing_seats())
        await self.publish_flows()
        if self.link.up:
            self.switch.announce(self.engine.entries)

    async def _sweeps(self) -> None:
        """Looks at the switch's truth now and then, whatever the events said."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if self.link.up:
                with contextlib.suppress(telephony.TelephonyError):
                    await self.engine.sweep()

    async def _trims(self, journal: calls.RedisJournal) -> None:
        """Keeps the streams from growing for ever: three days of journal, thirty of transcripts' results.
        Never an entry of a live call, never a result that no draft was made of yet."""
        while True:
            with contextlib.suppress(calls.JournalError, RedisError, OSError):
                now = time.time()
                await journal.trim(now)
                await self._trim_results(now)
            await asyncio.sleep(3600)

    async def _trim_results(self, now: float) -> None:
        stream = self.settings.redis_prefix + "transcripts"
        group: Any = next((g for g in await self.redis.xinfo_groups(stream) if g["name"] == b"drafts"), None)
        pending: Any = await self.redis.xpending(stream, "drafts") if group is not None else None
        if pending is None or pending["pending"] or group["lag"]:
            return  # something waits: at the next hour
        oldest = f"{int((now - 30 * 86400) * 1000)}-0"
        await self.redis.xtrim(stream, minid=oldest, approximate=True)

    # ------------------------------------------------------------------ recordings and drafts
    async def _start_recordings(self) -> None:
        s = self.settings
        self.vault = recordings.Vault(s.recordings_dir)
        self.pool = recordings.WorkerPool(
            recordings.RecordingSettings(
                redis_url=s.redis,
                prefix=s.redis_prefix,
                root=s.recordings_dir,
                spool=s.spool,
                model=s.model_dir,
                workers=s.asr_workers if s.record else 0,
            ),
            log_file=s.log_file,
        )
        await self.pool.start()
        self._exit.push_async_callback(self.pool.stop)

        async def look() -> None:
            ok, reason = self.pool.health()
            if not ok:
                raise NotWell("recogniser", f"语音识别不可用, 录音照常保存: {reason}",
                              f"no transcripts, recordings are kept: {reason}")  # fmt: skip

        self.health.add("recogniser", look, needed=False)
        self.drafts = tickets.DraftMaker(
            self.redis, self.store, self.gazetteer, load_transcript=self._transcript, facts_of=self._facts,
            on_draft=self._on_draft, prefix=s.redis_prefix, consumer=f"drafts-{s.node}",
        )  # fmt: skip
        book = CallBook(self.redis, self.store, lambda: self.config.centre.code, prefix=s.redis_prefix,
                        consumer=f"books-{s.node}")  # fmt: skip
        self.metrics.count_from("hotline_drafts", "Drafts since the start", self.drafts.counts)
        self.metrics.count_from("hotline_books", "Book of calls since the start", book.counters)
        self._task(self.drafts.run(), "drafts")
        self._task(book.run(), "book-of-calls")

    async def _transcript(self, call_id: str) -> tickets.Transcript | None:
        data = await self.words(call_id)
        return tickets.Transcript.from_json(data) if data is not None else None

    async def words(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's transcript as JSON values, or None."""
        return await asyncio.to_thread(self.vault.transcript, call_id)

    async def manifest(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's recording's manifest, or None."""
        return await asyncio.to_thread(self.vault.manifest, call_id)

    async def audio(self, call_id: str) -> Path | None:
        """A call's recording, or None."""
        return await asyncio.to_thread(self.vault.audio, call_id)

    async def _facts(self, call_id: str) -> tickets.Facts | None:
        live = self.engine.calls.get(call_id)
        centre = self.config.centre.code
        if live is not None:
            source = "voicemail" if live.outcome == "voicemail" else "call"
            return tickets.Facts(call_id, live.caller_number, live.dialled, centre, live.seat, source)
        record = await self.store.call(call_id)
        if record is None or not record.state:
            return None
        source = "voicemail" if record.outcome == "voicemail" else "call"
        return tickets.Facts(call_id, record.caller_number, record.dialled, centre, record.seat, source)

    async def _on_draft(self, ticket: tickets.Ticket) -> None:
        if ticket.call_id is None:
            return
        # For a call in wrap-up this enters its journal and timeline; an ended one has it in the store.
        self.engine.feed([calls.events.DraftMade(ticket.call_id, ticket.id)])
        manifest = await self.manifest(ticket.call_id)
        spoken = tickets.TranscriptStatus.OK if await self.words(ticket.call_id) else tickets.TranscriptStatus.FAILED
        await self.store.put_recording(
            ticket.call_id, recording=manifest, transcript=spoken, at=ticket.created_at
        )
        await self.desk.tell_draft(ticket)

    # ------------------------------------------------------------------ console
    async def _start_console(self) -> None:
        s = self.settings
        self._progress("console")
        self.desk = HotlineDesk(
            engine=self.engine, store=self.store, transcript=self.words, audio=self.audio,
            manifest=self.manifest, health=self.health.look, metrics=self.metrics.text,
        )  # fmt: skip
        self.engine.observe(self.desk.on_change)
        self._task(self.desk.run(), "desk")
        tokens = console.TokenBook.open(s.secrets_dir / "tokens")
        app = console.build_app(self.desk, tokens)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=3.0)
        await runner.setup()
        self._exit.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, s.http_host, s.http_port).start()
        except OSError:
            raise ServiceError(
                f"port {s.http_port} (console) is in use", "end the other program, or set HOTLINE_HTTP_PORT=…"
            ) from None
        self.metrics.count_from("hotline_streams", "Event streams since the start", console.stream_stats(app))


def _tell_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("task %s ended with an error", task.get_name(), exc_info=task.exception())


@contextlib.asynccontextmanager
async def running(
    settings: Settings, progress: Progress = lambda _: None, hotline: Hotline | None = None
) -> AsyncIterator[Hotline]:
    """An instance (a new one, or one already made) for the length of a `with` block."""
    hotline = hotline or Hotline(settings, progress)
    await hotline.start()
    try:
        yield hotline
    finally:
        await hotline.stop()


__all__ = ["Hotline", "running"]
