"""The service in a process of its own, so that its CPU can be read apart: ``python -m bench.serve``.

Settings come from HOTLINE_… variables. It talks with the bench over its standard streams: "ready" when
every seat is available; a line "stats" is answered with its counters as JSON; further lines, a word and JSON,
give orders (see `_COMMANDS`); the end of standard input ends it, so that nothing stays when the bench is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from calls import Call, CallState, OrderError, PartyState
from calls.commands import Mark
from routing import SeatState
from service import logs
from service.app import Hotline, running
from service.errors import ServiceError
from service.settings import load_settings
from telephony import TelephonyError


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _stats(hotline: Hotline, _: dict[str, Any]) -> dict[str, Any]:
    engine = hotline.engine
    return {
        "engine": asdict(engine.counters),
        "ami": asdict(hotline.link.counters),
        "switch": asdict(hotline.switch.counters),
        "live": len(engine.calls),
        "admission": {
            "turned": dict(hotline.active.admission.turned), "rate": hotline.active.admission.rules.bucket.rate,
            "delays": hotline.active.admission.delays,
        } if hotline.active is not None else {},
        "available": sum(s.state is SeatState.AVAILABLE for s in engine.dispatcher.seats.values()),
    }


def _order(hotline: Hotline, given: dict[str, Any]) -> dict[str, Any]:
    """One order (`what`, `args`) on the call of `caller`; answers with the moment at which it was given."""
    call = next((x for x in hotline.engine.calls.values() if x.caller_number == given["caller"]), None)
    if call is None:
        return {"error": "no-such-call"}
    at = time.time()
    try:
        result = getattr(hotline.engine, given["what"])(call.id, **given["args"])
    except OrderError as error:
        return {"error": error.code}
    return {"at": at, "result": result}


def _talks(hotline: Hotline) -> list[Call]:
    return [x for x in hotline.engine.calls.values() if x.state is CallState.TALKING]


def _join(hotline: Hotline, given: dict[str, Any]) -> dict[str, Any]:
    """The entry joins every talk."""
    for call in _talks(hotline):
        hotline.engine.want_party(call.id, "join", entry=given["entry"])
    return {}


def _talking(hotline: Hotline, _: dict[str, Any]) -> dict[str, Any]:
    parties = [p for call in _talks(hotline) for p in call.parties]
    return {"talks": len(_talks(hotline)), "joined": sum(p.state is PartyState.JOINED for p in parties)}


def _marks(hotline: Hotline, given: dict[str, Any]) -> dict[str, Any]:
    """The detectors of who speaks, behind the engine's back: it turns them on itself when a third one joins."""
    for call in _talks(hotline):
        for leg in call.talkers:
            hotline.switch.do(Mark(call.id, leg.id, bool(given["on"])))
    return {}


_COMMANDS: dict[str, Callable[[Hotline, dict[str, Any]], dict[str, Any]]] = {
    "stats": _stats, "order": _order, "join": _join, "talking": _talking, "marks": _marks,
}  # fmt: skip


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
            word, _, values = line.decode().strip().partition(" ")
            _say(json.dumps(_COMMANDS[word](hotline, json.loads(values or "{}"))))


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except (ServiceError, TelephonyError) as error:
        _say(f"failed {error} {getattr(error, 'fix', '')}".replace("\n", " "))
        sys.exit(1)
