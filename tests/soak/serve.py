"""The service of a soak: as the bench's, with streams that are kept for a minute instead of days.

What is kept for days grows for days, and says nothing within half an hour. The trimming itself is the product's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from typing import Any

import bench.serve
from service.app import Hotline

KEEP = 60.0
EVERY = 10.0


def inside(hotline: Hotline, _: dict[str, Any]) -> dict[str, Any]:
    """What only the process itself can count."""
    return {"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects()), "calls": len(hotline.engine.calls)}


async def trims(hotline: Hotline) -> None:
    """For ever."""
    while True:
        await asyncio.sleep(EVERY)
        active = hotline.active
        if active is not None:
            active.journal._keep = KEEP
            with contextlib.suppress(Exception):
                await active.journal.trim(time.time())
                await active._trim_results(time.time() + 30 * 86400 - KEEP)


async def main() -> None:
    usual = bench.serve._seats_up

    async def seats_up(hotline: Hotline, seconds: float = 60.0) -> None:
        await usual(hotline, seconds)
        hotline._task(trims(hotline), "soak-trims")

    bench.serve._seats_up = seats_up
    bench.serve._COMMANDS["inside"] = inside
    await bench.serve._main()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:
        bench.serve._say(f"failed {error} {getattr(error, 'fix', '')}".replace("\n", " "))
        sys.exit(1)
