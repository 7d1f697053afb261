"""Garbage in the streams between the rooms: a worker and a maker of drafts put aside what says nothing."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
import redis as blocking
from redis.asyncio import Redis

from recordings import BadJobError, Job, RecordingSettings
from recordings._queue import JobQueue
from tests.conftest import eventually
from tests.fuzz.hostile import LONG, NASTY, deep, rng, torn
from tests.fuzz.test_journal import JOB
from tickets import DraftMaker, Facts, Gazetteer, MakerPolicy, Segment, Store, Transcript

pytestmark = pytest.mark.integration
CONFIG = Path(__file__).parents[2] / "config"
prefixes = (f"streams{i}:" for i in itertools.count())
GOOD = Job(JOB["call"], JOB["raw"], 8000, 1.0, 9.0, ()).dumps().encode()


def garbage() -> list[dict[Any, Any]]:
    """Fields of entries: keys and values that are none."""
    dice = rng(61)
    raws = [x.encode("utf-8", "surrogatepass") for x in NASTY] + [b"\xff\xfe", deep(5000).encode(), b"{}", b"7"]
    raws += [torn(GOOD, dice) for _ in range(300 if LONG else 20)]
    return [{b"job": raw, b"call": raw, b"status": raw} for raw in raws] + [{b"\xff": b"\xff"}, {b"x": b""}]


def test_a_worker_takes_the_next_job_after_any_garbage(redis_url: str, tmp_path: Path) -> None:
    settings = RecordingSettings(redis_url=redis_url, root=tmp_path, spool=tmp_path, prefix=next(prefixes))
    client = blocking.Redis.from_url(redis_url)
    for fields in garbage():
        client.xadd(settings.jobs, fields)
    client.xadd(settings.jobs, {"job": GOOD})
    queue = JobQueue(settings, "w\xe91")
    queue.prepare()
    good = 0
    while (delivery := queue.take(block=0.01)) is not None:
        try:
            good = Job.parse(delivery.job).dumps().encode() == GOOD
        except BadJobError as error:
            assert len(str(error)) < 300
        assert queue.finish(delivery.id, {"call": "?", "status": "failed"}, {"job": delivery.job, "error": "bad"})
    assert good, "the last one was the good one"
    assert client.xlen(settings.jobs) == 0
    queue.leave()
    queue.close()
    client.close()


async def test_a_maker_of_drafts_takes_the_next_result_after_any_garbage(redis_url: str, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/s.db")
    await store.migrate()
    client, prefix = Redis.from_url(redis_url), next(prefixes)
    for fields in garbage():
        await client.xadd(prefix + "transcripts", fields)
    await client.xadd(prefix + "transcripts", {"call": "good-1.0", "status": "ok"})
    made: list[str | None] = []

    async def load(call: str) -> Transcript:
        return Transcript(call, (Segment("caller", "鹿城区 路灯 坏 了\0\ufffd" * 3, 0.0, 2.0),))

    async def facts(call: str) -> Facts:
        return Facts(call, "057712345678", "12345", "330300")

    async def told(ticket: Any) -> None:
        made.append(ticket.call_id)

    policy = MakerPolicy(tries=2, idle=1.2, limit=1.0, block=0.02, pause=0.01, longest_pause=0.05)
    maker = DraftMaker(
        client, store, Gazetteer.load(CONFIG / "regions.yaml"), load_transcript=load, facts_of=facts, on_draft=told,
        prefix=prefix, policy=policy,
    )  # fmt: skip
    task = asyncio.create_task(maker.run())
    try:
        await eventually(lambda: "good-1.0" in made or task.done(), timeout=60)
        assert not task.done(), repr(task.exception())
        assert maker.counts.dropped > 20
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()
        await store.close()
