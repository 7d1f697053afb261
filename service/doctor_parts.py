"""What `hotline doctor` asks of the parts beside the switch: configuration, Redis, store, recogniser, clocks."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

import ivr
import recordings
import tickets

from .config import HotlineConfig, load_config
from .doctor import Finding, NotLooked, off_loop, say, with_well
from .doctor_files import sqlite_file
from .errors import ConfigError
from .passwords import seat_secret
from .settings import Settings

SKEW = 0.5
"""Seconds by which clocks may differ: the heart-beat is a time, and it counts as silent after 4 s."""
SLOW_REDIS, TOO_SLOW_REDIS = 0.02, 0.2
"""Seconds of an answer: noted; a fault (the lease waits 0.6 s for one, and every decision is written first)."""
OLDEST_REDIS = (7, 0)


# ------------------------------------------------------------------ configuration
def configuration(s: Settings) -> tuple[HotlineConfig | None, list[Finding]]:
    """The files, as `hotline check` reads them, and what is to be said of them."""
    try:
        prompts = ivr.load_prompts(s.config_dir / "prompts" / "prompts.yaml")
        flows = [flow.name for flow in ivr.load_book(s.config_dir / "flows", prompts)]
        config = load_config(s.config_dir / "hotline.yaml", flows)
    except (ConfigError, ivr.FlowError) as error:
        return None, [say("config", error=str(error).splitlines()[0])]
    found = [say("config-hint", hint=x) for x in config.warnings]
    try:
        own = seat_secret(s)
    except ConfigError as error:
        return None, [say("seat-secret", "seat_password_file", error=str(error).splitlines()[0])]
    if not own and config.seat_password == "demo-{seat}" and s.private_asterisk:
        code = "demo-passwords" if s.bind.startswith("127.") else "demo-passwords-open"
        found.append(say(code, s.config_dir / "hotline.yaml"))
    if not s.probe_number:
        found.append(say("no-probe"))
    elif not s.probe_target and s.probe_number not in config.numbers:
        found.append(say("probe-number", "probe_number"))
    return config, with_well(found, say("config-well", numbers=len(config.numbers), seats=len(config.seats)))


def workdays(config: HotlineConfig, now: float) -> list[Finding]:
    """Whether the working-day calendar has this year, and in its last weeks the next. `now` in unix seconds."""
    today = dt.datetime.fromtimestamp(now, dt.timezone(dt.timedelta(hours=8))).date()
    years = config.workdays.calendar().years
    if today.year not in years:
        return [say("no-year", "workdays.yaml", year=today.year)]
    if today.month >= 11 and today.year + 1 not in years:
        return [say("next-year", "workdays.yaml", year=today.year + 1)]
    return [say("workdays-well", year=today.year)]


def directory(config: HotlineConfig, now: float) -> list[Finding]:
    """Entries of the directory that nobody can be connected to for want of a trunk. `now` in unix seconds."""
    known = config.directory()
    dead = [x for x in known.entries if known.state(x, now) == "no-trunk"]
    urgent = [x.id for x in dead if x.emergency]
    found = []
    if urgent:
        found.append(say("emergency-no-trunk", "directory.yaml", names=", ".join(urgent)))
    if len(dead) > len(urgent):
        found.append(say("entry-no-trunk", "directory.yaml", count=len(dead) - len(urgent)))
    return found or [say("directory-well", count=len(known.entries))]


# ------------------------------------------------------------------ Redis
@asynccontextmanager
async def redis_of(s: Settings) -> AsyncIterator[Redis]:
    """A client that tries once and does not wait."""
    client = Redis.from_url(s.redis, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        yield client
    finally:
        await client.aclose()


def _address(client: Redis) -> str:
    """Where a client goes, without its password."""
    where = client.connection_pool.connection_kwargs
    return str(where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}")


async def redis(s: Settings) -> list[Finding]:
    """Whether Redis answers, how quickly, and whether it would lose or refuse the journal."""
    async with redis_of(s) as client:
        where, times = _address(client), []
        try:
            await client.ping()
            for _ in range(9):
                began = time.perf_counter()
                await client.ping()
                times.append(time.perf_counter() - began)
            info = await client.info()
        except AuthenticationError:
            return [say("redis-login", where)]
        except (RedisError, OSError) as error:
            return [say("redis-down", where, name=type(error).__name__)]
        return judge_redis(info, statistics.median(times), where)


def judge_redis(info: Mapping[str, Any], latency: float, where: str) -> list[Finding]:
    """What an INFO of Redis means for the journal. `latency` in seconds."""
    found = []
    version = str(info.get("redis_version", "0"))
    if tuple(int(x) for x in version.split(".")[:2] if x.isdigit()) < OLDEST_REDIS:
        found.append(say("redis-old", where, version=version))
    if not info.get("aof_enabled"):
        found.append(say("redis-no-aof", where))
    elif info.get("aof_last_write_status", "ok") != "ok":
        found.append(say("redis-aof-failed", where))
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        found.append(say("redis-evicts", where, policy=policy))
    most, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if most and used > 0.9 * most:
        found.append(say("redis-full", where, share=used / most))
    if info.get("role", "master") != "master":
        found.append(say("redis-replica", where))
    if latency > SLOW_REDIS:
        code = "redis-too-slow" if latency > TOO_SLOW_REDIS else "redis-slow"
        found.append(say(code, where, ms=latency * 1000))
    return with_well(found, say("redis-well", where, version=version, ms=latency * 1000))


# ------------------------------------------------------------------ store
async def store(s: Settings) -> list[Finding]:
    """Whether the database answers and has this version's tables. Never makes or changes it."""
    try:
        book = tickets.Store(s.store)
    except tickets.StoreError as error:
        return [say("store-url", "store_url", error=str(error))]
    where, file = book.shown_url, sqlite_file(s)
    try:
        if file is not None and not await off_loop(lambda: file.exists() and file.stat().st_size > 0):
            return [say("store-none", where)]
        await book.ping()
    except tickets.SchemaError:
        return [say("store-schema", where)]
    except tickets.StoreError as error:
        return [say("store-down", where, error=str(error))]
    finally:
        await book.close()
    return [say("store-well", where)]


# ------------------------------------------------------------------ recogniser
async def recogniser(s: Settings, limit: float = 110.0) -> list[Finding]:
    """Loads the model in a process of its own, and lets it recognise its self-check. `limit` in seconds."""
    if not s.record or s.asr_workers == 0:
        return [say("no-recogniser")]
    report = await off_loop(lambda: recordings.check_model(s.model_dir, limit))
    if not report.ok:
        return [say("model", s.model_dir, error=report.error)]
    found = [say("model-hint", s.model_dir, hint=x) for x in report.warnings]
    if report.error_rate is None:
        return [say("model-untried", s.model_dir), *found]
    return [say("model-well", seconds=report.load_seconds or 0.0, right=1 - report.error_rate), *found]


# ------------------------------------------------------------------ clocks
def judge_clock(name: str, sent: float, remote: float, came: float) -> Finding:
    """Compares a clock that was read between `sent` and `came` of ours; all in unix seconds."""
    apart, unsure = remote - (sent + came) / 2, (came - sent) / 2
    return say("clock" if abs(apart) - unsure > SKEW else "clock-well", name=name, apart=apart, unsure=unsure)


async def read_clock(
    name: str, read: Callable[[], Awaitable[float]], clock: Callable[[], float] = time.time, tries: int = 5
) -> Finding:
    """Reads a clock a few times and judges the quickest answer: what it took is what is uncertain."""
    readings = []
    for _ in range(tries):
        sent = clock()
        remote = await read()
        readings.append((sent, remote, clock()))
    return judge_clock(name, *min(readings, key=lambda r: r[2] - r[0]))


async def clocks(
    s: Settings, switch: Callable[[], Awaitable[float]], clock: Callable[[], float] = time.time
) -> list[Finding]:
    """Ours against Redis's and the switch's, and whether Shanghai's time is known.

    Args:
        s: settings.
        switch: reads the switch's clock, unix seconds.
        clock: ours.
    """
    found = []
    async with redis_of(s) as client:

        async def of_redis() -> float:
            seconds, micros = await client.time()
            return int(seconds) + int(micros) / 1e6

        try:
            found.append(await read_clock("Redis", of_redis, clock))
        except (RedisError, OSError):
            found.append(say("clock-unread", name="Redis"))
    try:
        found.append(await read_clock("Asterisk", switch, clock))
    except NotLooked:
        found.append(say("clock-unread", name="Asterisk"))
    if not _knows_shanghai():
        found.append(say("no-zone"))
    return found


def _knows_shanghai() -> bool:
    try:
        return dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")).utcoffset() == dt.timedelta(hours=8)
    except (ZoneInfoNotFoundError, OSError):
        return False


# ------------------------------------------------------------------ the service itself
async def service(s: Settings) -> list[Finding]:
    """What the running service says of itself at /readyz."""
    url = f"{s.own_url.rstrip('/')}/readyz"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as web, web.get(url) as answer:
            data = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return [say("not-running", url)]
    except ValueError:
        return [say("not-ours", url)]
    try:
        bad = [str(x["part"]) for x in data["parts"] if not x["ok"] and x.get("needed", True)]
    except (KeyError, TypeError):
        return [say("not-ours", url)]
    if answer.status != 200:
        return [say("not-ready", url, names=", ".join(bad) or f"HTTP {answer.status}")]
    return [say("service-well", url)]


async def lease(s: Settings) -> list[Finding]:
    """Whether some process decides."""
    async with redis_of(s) as client:
        try:
            value = await client.get(s.redis_prefix + "lease")
        except (RedisError, OSError):
            raise NotLooked("Redis 无应答", "Redis does not answer") from None
    return [say("nobody-active" if value is None else "lease-well")]
