"""What a node and the switch simulator say to each other: JSON lines over TCP, in order, as AMI does.

    node → switch   {"hello": node, "token": n} · {"do": kind, …} · {"beat": t} · {"ask": n, "at": t}
    switch → node   {"event": "<as in the journal>"} · {"answer": n, "channels": […], "phones": […]}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from calls import commands as c
from calls import events as e
from calls.ports import ChannelView, Entry, Place, Snapshot

KINDS: dict[str, type[c.ToSwitch]] = {
    kind.__name__: kind for kind in (c.RingSeat, c.CancelLeg, c.HangUp, c.ToWaiting, c.ToVoicemail)
}


def command_json(command: c.ToSwitch) -> dict[str, Any] | None:
    """A command as JSON values, or None for kinds that this switch does not know."""
    name = type(command).__name__
    return {"do": name, **asdict(command)} if name in KINDS else None


def command_from(data: Mapping[str, Any]) -> c.ToSwitch:
    """The command of `command_json`."""
    kind = KINDS[data["do"]]
    return kind(**{f.name: data[f.name] for f in fields(kind)})


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Channels and phones."""
    return {"channels": [asdict(v) for v in snapshot.channels], "phones": sorted(snapshot.phones)}


class RemoteSwitch:
    """See calls.ports.Switch. Events that come before `release` are held, as the AMI link does."""

    def __init__(self, deliver: Callable[[Sequence[e.Input]], None]) -> None:
        self._deliver = deliver
        self._held: list[e.Input] | None = []
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, port: int, node: str, token: int) -> None:
        """Logs in."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        self._say({"hello": node, "token": token})
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        """Logs out."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._reading

    def release(self) -> None:
        """Reconciled: held events, then the others as they come."""
        held, self._held = self._held or [], None
        self._deliver(held)

    def _say(self, data: Mapping[str, Any]) -> None:
        if self._writer is not None:
            self._writer.write(json.dumps(data).encode() + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            data = json.loads(line)
            if "event" in data:
                events = [e.Codec.decode(data["event"])]
                if self._held is None:
                    self._deliver(events)
                else:
                    self._held += events
            else:
                answer = self._answers.pop(data["answer"])
                if not answer.done():  # nobody waits for it any more
                    answer.set_result(data)

    # ------------------------------------------------------------------ Switch
    @property
    def up(self) -> bool:
        return self._writer is not None and not self._writer.is_closing()

    def do(self, command: c.ToSwitch) -> None:
        data = command_json(command)
        if data is not None:
            self._say(data)

    def beat(self, now: float) -> None:
        self._say({"beat": now})

    def renew(self, call: str) -> None:
        pass

    def announce(self, entries: Mapping[str, Entry]) -> None:
        pass

    def reaches(self, call: str) -> bool:
        return self.up

    async def snapshot(self, name: str = "") -> Snapshot:
        asked = time.time()
        number = len(self._answers) + time.monotonic_ns()
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._say({"ask": number})
        data = await answer
        views = [ChannelView(**{**v, "place": Place(v["place"])}) for v in data["channels"]]
        return Snapshot(asked, views, frozenset(data["phones"]))
