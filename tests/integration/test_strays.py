"""A recording of a call that nobody had told of: the switch died, or the caller left, before anybody heard of it."""

import asyncio
import json
import os
import time

import pytest

pytestmark = pytest.mark.integration


async def test_the_recording_of_a_call_that_nobody_told_of_lies_in_the_spool_for_ever(bench, switch, eventually):
    spool = switch.plan.recording_spool
    made = int(time.time()) - 90
    names = {kind: f"hotline-{made}.99{n}" for n, kind in enumerate(("stray", "job", "young", "noted"))}
    for kind, name in names.items():
        (spool / f"{name}.raw").write_bytes(b"\0" * 64_000)
        if kind != "young":
            os.utime(spool / f"{name}.raw", (made + 5, made + 5))
    (spool / "other.raw").write_bytes(b"\0" * 64)
    (spool / f"{names['noted']}.alone-taken").write_text("")
    try:
        async with bench.hotline() as hotline:
            redis, prefix = hotline.redis, hotline.settings.redis_prefix
            await redis.xadd(f"{prefix}recordings", {"job": json.dumps({"call": names["job"], "raw": "x"})})
            await hotline.active.strays.look()
            await hotline.engine.sweep()
            call = await eventually(lambda: hotline.active.strays.counters.entered, what="entered")
            assert call == 1, "neither one that has a job, nor one that is written still, nor what is none of ours"

            async def booked():
                return await hotline.store.call(names["stray"])

            for _ in range(100):
                record = await booked()
                if record is not None:
                    break
                await hotline.engine.sweep()
                await asyncio.sleep(0.1)
            assert record is not None
            assert (record.outcome, record.arrived_at, record.caller_number) == ("abandoned", float(made), "")
            jobs = [json.loads(x[b"job"])["call"] for _, x in await redis.xrange(f"{prefix}recordings")]
            assert jobs.count(names["stray"]) == 1
            assert await hotline.active.strays.look() == 0, "once"
    finally:
        for path in spool.glob(f"hotline-{made}.99*"):
            path.unlink()
        (spool / "other.raw").unlink(missing_ok=True)
