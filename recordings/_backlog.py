"""What waits for a recogniser: how much, since when, and which calls. Reads the stream of jobs, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from ._model import Discard, parse_job
from .errors import BadJobError


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs that wait or are being worked on, seconds since the oldest came, and jobs that were given up."""

    jobs: int
    oldest: float
    dead: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the stream: its place there, and its call ("" if there is nothing to transcribe, or unreadable)."""

    id: str
    call: str


async def backlog(client: redis.asyncio.Redis, prefix: str, now: float) -> Backlog:
    """How things stand at `now` (unix seconds). Raises redis.RedisError."""
    async with client.pipeline(transaction=False) as pipe:
        pipe.xlen(prefix + "recordings")
        pipe.xrange(prefix + "recordings", count=1)
        pipe.xlen(prefix + "recordings:dead")
        jobs, first, dead = await pipe.execute()
    oldest = now - _at(_text(first[0][0])) if first else 0.0
    return Backlog(int(jobs), max(0.0, oldest), int(dead))


async def overdue(
    client: redis.asyncio.Redis, prefix: str, before: float, after: str = "-", limit: int = 200
) -> Sequence[Waiting]:
    """Jobs that came before `before` (unix seconds) and behind the place `after`, in order. Raises redis.RedisError."""
    start = after if after == "-" else f"({after}"
    end = f"{max(0, int(before * 1000))}"
    rows: Any = await client.xrange(prefix + "recordings", min=start, max=end, count=limit)
    return [Waiting(_text(id_), _call(fields or {})) for id_, fields in rows or []]


def _call(fields: dict[Any, Any]) -> str:
    try:
        job = parse_job(_text(fields.get(b"job", fields.get("job", ""))))
    except BadJobError:
        return ""
    return "" if isinstance(job, Discard) else job.call


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _at(id_: str) -> float:
    return int(id_.partition("-")[0]) / 1000
