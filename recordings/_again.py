"""Jobs done again: with a better model, or after the cause of a failure was mended."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from ._model import Job
from ._settings import RecordingSettings


async def enqueue(client: redis.asyncio.Redis, settings: RecordingSettings, job: Job) -> None:
    """Put a job into the stream. Finished recordings are only transcribed again (see `Vault.job`)."""
    await client.xadd(settings.jobs, {"job": job.dumps()})


async def revive(client: redis.asyncio.Redis, settings: RecordingSettings, limit: int = 1000) -> int:
    """Put dead jobs back; returns how many. Each moves in one MULTI: never lost, never twice."""
    moved = 0
    entries: Any = await client.xrange(settings.dead, count=limit)
    for id_, fields in entries or []:
        job = fields.get("job") or fields.get(b"job")
        async with client.pipeline(transaction=True) as pipe:
            pipe.xadd(settings.jobs, {"job": job or ""})
            pipe.xdel(settings.dead, id_)
            await pipe.execute()
        moved += 1
    return moved
