"""The service in a process of its own, so that its CPU can be read apart: ``python -m bench.serve``.

Settings come from HOTLINE_… variables. It talks with the bench over its standard streams: "ready" when
every seat is available; a line "stats" is answered with its counters as JSON; the end of standard input
ends it, so that nothing stays when the bench is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from routing import SeatState
from service import logs
from service.app import Hotline, running
from service.errors import ServiceError
from service.settings import load_settings
from telephony import TelephonyError


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _stats(hotline: Hotline) -> dict[str, Any]:
    engine = hotline.engine
    return {
        "engine": asdict(engine.counters),
        "ami": asdict(hotline.link.counters),
        "switch": asdict(hotline.switch.counters),
        "live": len(engine.calls),
        "available": sum(s.state is SeatState.AVAILABLE for s in engine.dispatcher.seats.values()),
    }


async def _seats_up(hotline: Hotline, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    seats = hotline.engine.dispatcher.seats
    while any(s.state is not SeatState.AVAILABLE for s in seats.values()):
        if time.monotonic() > until:
            raise ServiceError("the bench's seats are not available", "see the log in var/bench/…/service.log")
        await asyncio.sleep(0.02)


async def _main() -> None:
    settings = load_settings()
    logs.set_up("warning", settings.log_file)
    async with running(settings) as hotline:
        await _seats_up(hotline)
        _say("ready")
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            if line.strip() == b"stats":
                _say(json.dumps(_stats(hotline)))


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except (ServiceError, TelephonyError) as error:
        _say(f"failed {error} {getattr(error, 'fix', '')}".replace("\n", " "))
        sys.exit(1)
