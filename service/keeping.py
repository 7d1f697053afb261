"""What looks after storage: disks, what waits for words, how long recordings stay, the way to the ticket platform,
and the alarms of all parts. Put together here; the parts themselves are in files of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

import console
import recordings
import tickets

from .alarms import Alarms
from .backlog import BacklogWatch
from .books import CallBook
from .config import HotlineConfig
from .disk import DiskWatch, Limits, Step, limit_bytes, oldest, usage
from .health import Health, NotWell
from .metrics import Metrics
from .probe_news import ProbeNews
from .retention import Retention
from .settings import Settings

OLD = 300.0
"""Seconds that a message to the platform may wait before it is an alarm."""
_DAY = 86_400.0


def limits(settings: Settings) -> Limits:
    """The configured levels."""
    return Limits(settings.disk_warn, settings.disk_low, settings.disk_critical)


def reserve(settings: Settings) -> int:
    """Bytes that recording workers leave to recordings."""
    return limit_bytes(settings.disk_critical, usage(settings.recordings_dir).total)


def disk_watch(settings: Settings, vault: recordings.Vault, playing: Callable[[], Collection[str] | None]) -> DiskWatch:
    """Of this process's machine.

    Args:
        settings: where everything is.
        vault: the recordings.
        playing: incident prompts that callers may hear now ("hotline/zh/incident-…"); None: not known here.
    """
    var = settings.var_dir
    keeper = recordings.Keeper(vault, settings.spool)

    def old_incidents() -> Iterator[Path]:
        now = playing()
        if now is None:
            return
        used = {name.rpartition("/")[2] for name in now}
        yield from (p for p in oldest(settings.prompts_dir, "*/incident-*.wav", older_than=_DAY) if p.stem not in used)

    def logs() -> Iterator[Path]:
        for folder in (var / "log", var / "asterisk" / "log"):
            yield from oldest(folder, "*.gz", "*.[0-9]", "*.[0-9][0-9]")

    steps: list[Step] = [
        ("half-written", keeper.strays),
        ("converted-twice", keeper.duplicates),
        ("demo-voices", lambda: iter(oldest(var / "speech", "*.npy"))),
        ("old-incidents", old_incidents),
        ("rotated-logs", logs),
    ]
    places = {"var_dir": var, "recordings": settings.recordings_dir, "spool": settings.spool}
    if settings.private_redis and settings.redis_url is None:
        places["redis"] = var / "redis"
    return DiskWatch(places, limits(settings), steps)


class Keeping:
    """The active process's part. `coroutines` are its tasks; `stop` closes what they used.

    Args:
        settings: the process's.
        config: the configuration now.
        redis: the process's client.
        store: the store.
        vault: the recordings.
        drafts: makes drafts.
        book: writes finished calls.
        health: parts are added to it, and all its parts are watched.
        metrics: get our figures.
        told: gets the probe of each part whose alarm begins or ends.
        disk: this machine's.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        config: Callable[[], HotlineConfig],
        redis: Redis,
        store: tickets.Store,
        vault: recordings.Vault,
        drafts: tickets.DraftMaker,
        book: CallBook,
        health: Health,
        metrics: Metrics,
        told: Callable[[console.Probe], None],
        disk: DiskWatch | None = None,
    ) -> None:
        self._store, self._drafts, self._book = store, drafts, book
        self._exit = AsyncExitStack()
        self.backlog = BacklogWatch(
            redis, drafts, prefix=settings.redis_prefix, late=settings.draft_late, alarm=settings.backlog_alarm
        )
        self.retention = Retention(recordings.Keeper(vault), store, lambda: config().retention)
        self.outbox: tickets.Outbox | None = None
        self.probe = ProbeNews(redis, settings.redis_prefix)
        health.add("books", self._books, needed=False)
        health.add("backlog", self.backlog.well, needed=False)
        health.add("probe", self.probe.well, needed=False)
        if settings.platform_url:
            platform = tickets.HttpPlatform(settings.platform_url, lambda: token(settings.platform_token_file))
            self.outbox = tickets.Outbox(store, platform)
            self._exit.push_async_callback(platform.close)
            health.add("outbox", self._platform, needed=False)
            metrics.count_from("hotline_outbox", "Messages to the ticket platform since the start", self.outbox.counts)
        self.alarms = Alarms(health.look, told)
        metrics.count_from("hotline_retention", "Recordings removed by their policy", self.retention.counters)
        for collector in (self.backlog, self.alarms, disk):
            if collector is not None:
                metrics.registry.register(collector)

    def coroutines(self) -> Iterator[tuple[Coroutine[Any, Any, None], str]]:
        """The tasks and their names."""
        yield self.backlog.run(), "backlog"
        yield self.retention.run(), "retention"
        yield self.alarms.run(), "alarms"
        if self.outbox is not None:
            yield self.outbox.run(), "outbox"

    async def stop(self) -> None:
        """After the tasks have ended."""
        await self._exit.aclose()

    async def _books(self) -> None:
        if self._book.trouble or self._drafts.trouble:
            raise NotWell(
                "store-waiting", "通话记录与草稿暂时写不进数据库，都在队列中等待，恢复后按顺序补写",
                "calls and drafts cannot be written just now: they wait in their queues and are written in order",
            )

    async def _platform(self) -> None:
        assert self.outbox is not None
        try:
            found = await self._store.outbox_figures()
        except tickets.StoreError:
            return  # the store's own alarm says so
        late = found.oldest is not None and time.time() - found.oldest > OLD
        if late:
            raise NotWell(
                "platform-away", f"工单平台未接收，{found.waiting} 条消息在等待（{self.outbox.trouble or '积压'}）",
                f"{found.waiting} messages wait for the ticket platform ({self.outbox.trouble or 'behind'})",
            )
        if found.dead:
            raise NotWell(
                "platform-refused", f"工单平台拒收 {found.dead} 条消息，请用 hotline outbox 处理",
                f"the ticket platform refused {found.dead} messages: hotline outbox list",
            )


def token(path: Path | None) -> str:
    """The bearer token's file; "" without one. Raises OSError."""
    return "" if path is None else path.read_text(encoding="ascii", errors="replace").strip()


__all__ = ["Keeping", "disk_watch", "limits", "reserve", "token"]
