"""The composition root: every part, started in order, stopped in the reverse order.

Order and why: Redis (the journal must be there before anything happens), store, prompts, Asterisk (from
here on callers are answered: by the native queue until somebody is active), the console's address, and then
the lease: who gets it is active (service/active.py: folds the journal, reconciles, opens the gate with its
heart-beat), the others are standbys and forward (service/standby.py). Recording workers run in every process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

import calls
import ivr
import recordings
import telephony
import tickets

from .active import Active, tell_death
from .cluster import Cluster, Front, Role
from .config import HotlineConfig, load_config
from .desk import HotlineDesk
from .errors import ServiceError
from .health import Health, NotWell
from .keeper import Keeper, Server
from .keeping import disk_watch, reserve
from .metrics import Metrics
from .music import build_music
from .pbx import private_asterisk
from .private import PrivateRedis, port_free, secret
from .reload import Watcher
from .settings import Settings
from .standby import Standby

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
TELL_SECONDS = 5.0
"""Between two times a process tells which format of the journal it reads."""


class Hotline:
    """One process. `start` and `stop` may each be called once.

    `active` is there while this process decides; `engine`, `link`, `switch`, `desk` and `metrics` are its parts.
    """

    def __init__(self, settings: Settings, progress: Progress = lambda _: None) -> None:
        self.settings = settings
        self.health = Health()
        self.observers: list[Callable[[calls.Change], None]] = []
        self.role_told: Callable[[Role], None] = lambda _: None
        self.active: Active | None = None
        self._was: Active | None = None
        self._progress = progress
        self._exit = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.config: HotlineConfig
        self.flows: ivr.FlowLibrary
        self.store: tickets.Store
        self.vault: recordings.Vault
        self.pool: recordings.WorkerPool
        self.redis: Redis
        self.lease: calls.Lease
        self.cluster: Cluster
        self.formats: calls.Formats
        self.asterisk: telephony.PrivateAsterisk | None = None

    # ------------------------------------------------------------------ the active one's parts
    @property
    def _active(self) -> Active:
        if self._was is None:
            raise ServiceError("this process is a standby", "ask the active one")
        return self._was

    @property
    def engine(self) -> calls.Engine:
        """While active; afterwards the one that was, to be read."""
        return self._active.engine

    @property
    def link(self) -> telephony.AmiLink:
        """While active."""
        return self._active.link

    @property
    def switch(self) -> telephony.AsteriskSwitch | telephony.Switches:
        """While active."""
        return self._active.switch

    @property
    def desk(self) -> HotlineDesk:
        """While active."""
        return self._active.desk

    @property
    def drafts(self) -> tickets.DraftMaker:
        """While active."""
        return self._active.drafts

    @property
    def metrics(self) -> Metrics:
        """While active."""
        return self._active.metrics

    def entries(self) -> dict[str, calls.Entry]:
        """How the switch begins calls to each number, from the present flows."""
        return self._active.entries()

    async def words(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's transcript as JSON values, or None."""
        return await asyncio.to_thread(self.vault.transcript, call_id)

    async def manifest(self, call_id: str) -> Mapping[str, Any] | None:
        """A call's recording's manifest, or None."""
        return await asyncio.to_thread(self.vault.manifest, call_id)

    async def audio(self, call_id: str) -> Path | None:
        """A call's recording, or None."""
        return await asyncio.to_thread(self.vault.audio, call_id)

    # ------------------------------------------------------------------ start
    async def start(self) -> None:
        """Starts everything. What fails stops what was started and raises an error that says how to mend it."""
        try:
            self._load()
            await self._start_redis()
            await self._start_store()
            await self._start_asterisk()
            await self._start_cluster()
            await self._start_recordings()
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
        task.add_done_callback(tell_death)
        self._tasks.append(task)

    def _load(self) -> None:
        directory = self.settings.config_dir
        self.flows = ivr.FlowLibrary(directory / "flows", directory / "prompts" / "prompts.yaml")
        self.config = load_config(directory / "hotline.yaml", [f.name for f in self.flows.book])
        self.gazetteer = tickets.Gazetteer.load(directory / "regions.yaml")
        self.vault = recordings.Vault(self.settings.recordings_dir)
        s = self.settings
        self.pool = recordings.WorkerPool(
            recordings.RecordingSettings(
                redis_url=s.redis,
                prefix=s.redis_prefix,
                root=s.recordings_dir,
                spool=s.spool,
                model=s.model_dir,
                workers=s.asr_workers if s.record else 0,
                reserve=reserve(s),
            ),
            log_file=s.log_file,
        )

    async def _start_redis(self) -> None:
        s = self.settings
        if s.private_redis and s.redis_url is None:
            self._progress("Redis")
            server = PrivateRedis(s.rootfs_dir, s.var_dir / "redis", s.redis_port)
            await server.start()
            self._exit.push_async_callback(server.stop)
            self._keep("Redis", server, (
                f"查看 {server.home}/redis.log; 磁盘是否已满, 文件是否损坏",
                f"see {server.home}/redis.log; is the disk full, is its file broken?",
            ))  # fmt: skip
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

        self.health.add("redis", look)

    async def _start_store(self) -> None:
        self._progress("store")
        self.settings.var_dir.mkdir(parents=True, exist_ok=True)
        self.store = tickets.Store(self.settings.store, outbox=bool(self.settings.platform_url))
        self._exit.push_async_callback(self.store.close)
        await self.store.migrate()

        async def look() -> None:
            try:
                await self.store.ping()
            except tickets.StoreError as error:
                raise NotWell("store-down", "数据库不可用", str(error)) from None

        self.health.add("store", look)
        self.disk = disk_watch(self.settings, self.vault, self._playing)
        self.health.add("disk", self.disk.well, needed=False)
        self._task(self.disk.run(), "disk")

    def _playing(self) -> Collection[str] | None:
        return self.active.host.incident_prompts.values() if self.active is not None else None

    async def _start_asterisk(self) -> None:
        s = self.settings
        build_music(s.config_dir / "prompts" / "music", s.prompts_dir / "music")
        if not s.private_asterisk:
            return
        self._progress("Asterisk")
        secret(s.secrets_dir / "ami")
        self.asterisk = private_asterisk(s, self.config)
        ports = ((s.sip_port, True, "sip_port"), (s.ami_port, False, "ami_port"))
        # One that a killed run has left behind has them, and goes on with its calls.
        for port, udp, name in ports if not self.asterisk.adoptable() else ():
            self.asterisk.clear_stale()
            if not port_free(port, udp=udp, host=s.bind):
                raise ServiceError(
                    f"port {port} is in use by another program",
                    f"end it, or choose another: HOTLINE_{name.upper()}=…  (is another hotline running?)",
                )
        await self.asterisk.start()
        self._exit.push_async_callback(self.asterisk.stop)
        logs = self.asterisk.home / "log"
        self._keep("Asterisk", self.asterisk, (
            f"查看 {logs}/messages 与 console.log; 检查 config/asterisk 的改动",
            f"see {logs}/messages and console.log; was config/asterisk changed?",
        ))  # fmt: skip

    def _keep(self, name: str, server: Server, cure: tuple[str, str]) -> None:
        """Looks after a private server from now on, until just before it is stopped."""
        keeper = Keeper(name, server, cure)
        keeper.start()
        self._exit.push_async_callback(keeper.stop)
        # What it means for calls, the parts `redis` and `ami` tell; this one tells why, and what is being done.
        self.health.add(f"private-{name.lower()}", keeper.look, needed=False)

    # ------------------------------------------------------------------ one of several
    async def _start_cluster(self) -> None:
        s = self.settings
        self._progress("service")
        # A client of its own: no other traffic delays a renewal, and a slow answer is no answer.
        client = Redis.from_url(s.redis, socket_connect_timeout=0.5, socket_timeout=0.5, retry=Retry(NoBackoff(), 0))
        self._exit.push_async_callback(client.aclose)
        self.lease = calls.Lease(client, s.redis_prefix, node=s.node, url=s.own_url)
        self.lease.on_return = self._on_return
        self.formats = calls.Formats(self.redis, s.redis_prefix, f"{s.node}@{s.own_url}", ceiling=s.journal_format)
        with contextlib.suppress(RedisError, OSError):
            await self.formats.tell(writes=False)
        self._exit.push_async_callback(self._withdraw)
        self.health.add("journal-format", self._look_at_format)
        self._standby = Standby(s.node, lambda: self.lease.holder, self.health.look)
        self._front = Front(s.http_host, s.http_port)
        self._front.open()
        self._exit.push_async_callback(self._front.close)
        await self._front.show(self._standby.build_app())
        self.cluster = Cluster(self.lease, up=self._up, halt=self._halt, down=self._down, told=self._told)
        self._exit.push_async_callback(self.cluster.stop)
        await self.cluster.start()
        self._task(Watcher(self, self._refused).run(), "reload")
        self._task(self._tells_format(), "journal-format")

    async def _tells_format(self) -> None:
        """Tells the other processes what this one reads, now and then, and learns what they do."""
        while True:
            with contextlib.suppress(RedisError, OSError):
                await self.formats.tell(writes=self.active is not None and self.lease.held)
            await asyncio.sleep(TELL_SECONDS)

    async def _withdraw(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self.formats.withdraw()

    async def _look_at_format(self) -> None:
        if self.lease.newer:
            raise NotWell(
                "newer-format",
                f"日志流的格式是 {self.lease.newer}, 本版本最多能读 {calls.FORMAT}: 不会接管, 请升级本进程",
                f"the journal is of format {self.lease.newer}, this version reads up to {calls.FORMAT}: "
                "it will not take over; upgrade this process",
            )

    async def _up(self) -> None:
        """The lease was granted."""
        began = time.monotonic()
        active = Active(
            settings=self.settings, config=self.config, flows=self.flows, redis=self.redis, store=self.store,
            vault=self.vault, gazetteer=self.gazetteer, health=self.health, lease=self.lease,
            observers=self.observers, level=lambda: self.formats.level, disk=self.disk,
        )  # fmt: skip
        self.active = self._was = active
        try:
            await active.start()
            active.metrics.count_from("hotline_cluster", "Changes of role since the start", self.cluster.counters)
            active.metrics.count_from("hotline_workers", "Recording workers here, since the start", self.pool.counters)
            await self._front.show(active.app)
            if self.cluster.role is Role.STARTING:
                await active.wait_for_switch(10.0)
        except BaseException:
            self.active = None
            await active.stop()
            raise
        log.info("active", extra={"seconds": round(time.monotonic() - began, 3), "calls": len(active.engine.calls)})

    def _halt(self) -> None:
        if self.active is not None:
            self.active.halt()

    async def _down(self) -> None:
        """The lease is lost, or is about to be let go."""
        active, self.active = self.active, None
        if active is not None:
            await active.stop()
            await self._front.show(self._standby.build_app())

    def _on_return(self) -> None:
        if self.active is not None:
            self._task(self.active.look_again(), "look-again")

    def _told(self, role: Role) -> None:
        self.role_told(role)

    def _refused(self, faults: int) -> None:
        if self.active is not None:
            self.active.metrics.refused_configuration(faults)

    async def apply_config(self, config: HotlineConfig) -> None:
        """New configuration or flows for calls that begin from now on; a standby is ready with it."""
        self.config = config
        if self.active is not None:
            await self.active.apply_config(config)

    # ------------------------------------------------------------------ recordings
    async def _start_recordings(self) -> None:
        await self.pool.start()
        self._exit.push_async_callback(self.pool.stop)

        async def look() -> None:
            ok, reason = self.pool.health()
            if not ok:
                raise NotWell("recogniser", f"语音识别不可用, 录音照常保存: {reason}",
                              f"no transcripts, recordings are kept: {reason}")  # fmt: skip

        for health in (self.health, self.active.health if self.active is not None else None):
            if health is not None:
                health.add("recogniser", look, needed=False)


@contextlib.asynccontextmanager
async def running(
    settings: Settings, progress: Progress = lambda _: None, hotline: Hotline | None = None
) -> AsyncIterator[Hotline]:
    """An instance (a new one, or one already made) for the length of a `with` block."""
    hotline = hotline or Hotline(settings, progress)
    await hotline.start()
    # What is there now stays: a full collection would look at its 300,000 objects again and again, and nobody
    # is rung for 0.1 s meanwhile.
    gc.collect()
    gc.freeze()
    try:
        yield hotline
    finally:
        await hotline.stop()


__all__ = ["Hotline", "running"]
