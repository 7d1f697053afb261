"""What the synthetic test call found, as far as it says so in Redis: `hotline probe --watch` writes it there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .health import NotWell

if TYPE_CHECKING:  # the phones of the probe have no business in the service's process
    from .probe import Result
    from .settings import Settings

log = logging.getLogger(__name__)
_tasks: set[asyncio.Task[None]] = set()
SILENT = 3.0
"""After so many times its pace without news the probe itself is missing."""
FAILURES = 2
"""In a row: one lost call is no alarm."""


async def tell(redis: Redis, prefix: str, *, ok: bool, reason: str, in_a_row: int, every: float, at: float) -> None:
    """Leaves the last result where the service looks. Raises RedisError."""
    row: dict[Any, Any] = {
        "at": repr(at), "ok": "1" if ok else "", "reason": reason, "row": str(in_a_row), "every": repr(every)
    }  # fmt: skip
    await redis.hset(prefix + "probe", mapping=row)
    await redis.expire(prefix + "probe", 7 * 86_400)


def leave(settings: Settings, result: Result, in_a_row: int, every: float) -> None:
    """`tell` from a loop that has other work: in the background, and a Redis that is away is no fault of the probe."""

    async def work() -> None:
        client = Redis.from_url(settings.redis, socket_connect_timeout=2, socket_timeout=2)
        try:
            await tell(
                client, settings.redis_prefix, ok=result.ok, reason=result.reason, in_a_row=in_a_row, every=every,
                at=result.at,
            )  # fmt: skip
        except (RedisError, OSError) as error:
            log.warning("probe: the service is not told (%s)", type(error).__name__)
        finally:
            await client.aclose()

    task = asyncio.get_running_loop().create_task(work(), name="probe-news")
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


class ProbeNews:
    """Reads it."""

    def __init__(self, redis: Redis, prefix: str, clock: Callable[[], float] = time.time) -> None:
        self._redis, self._key, self._clock = redis, prefix + "probe", clock

    async def well(self) -> None:
        """For the health of parts; well where no probe was ever run. Raises NotWell."""
        try:
            found: Any = await self._redis.hgetall(self._key)
        except (RedisError, OSError):
            return  # Redis's own alarm says so
        row = {_text(k): _text(v) for k, v in found.items()}
        try:
            at, every, in_a_row = float(row["at"]), float(row["every"]), int(row["row"])
        except (KeyError, ValueError):
            return
        if self._clock() - at > SILENT * every + 30.0:
            raise NotWell("probe-silent", "拨测程序不再有消息，请检查它是否在运行",
                          "no test calls any more: does hotline probe --watch still run?")  # fmt: skip
        if in_a_row >= FAILURES:
            code = row.get("reason") or "failed"
            raise NotWell("probe-failed", f"连续 {in_a_row} 次拨测失败（{code}），来电可能打不进来",
                          f"{in_a_row} test calls in a row failed ({code}): callers may not get through",
                          "critical")  # fmt: skip


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
