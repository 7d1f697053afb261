"""What a talk of two and of three costs the switch: ours, Dial, app_queue and ConfBridge, on one and the same Asterisk.

Every party sends speech (A-law, 50 packets a second; words and pauses) from SIPp; the switch passes on or mixes what
it gets. Each shape is set up, left alone for a moment and then measured; that audio really flows is checked by the
switch's own count of packets.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from demo import TONES
from demo._rtp._codec import PCMA, encode

from .cpu import Meter
from .errors import BenchError
from .layout import RATE
from .plan import BARE_NUMBER, NATIVE_NUMBER, SERVICE_NUMBER, UNIT
from .rig import Rig
from .sipp import Sipp, free_port

SETTLE = 1.0
"""Seconds from the last party's arrival to the measurement."""
RING_MS = 100
LEAST_PACKETS = 40.0
"""A second, from each party: with fewer the audio did not flow."""
RECORDED, PLAIN, RECORDED_DETECT, PLAIN_DETECT = "12320", "12321", "12330", "12331"
"""ConfBridge, without events of who talks and with. One caller of each room is recorded, as a caller of ours is."""

TITLES = {
    "dial-2": "two: Dial",
    "queue-2": "two: app_queue",
    "ours-2": "two: this service",
    "conf-2": "two: ConfBridge",
    "conf-3": "three: ConfBridge",
    "conf-3-talk": "three: ConfBridge, tells who talks",
    "ours-3": "three: this service, not told who talks",
    "ours-3-talk": "three: this service (as shipped: told who talks)",
}
SHAPES = tuple(TITLES)


def conference(record: bool) -> dict[str, str]:
    """The bench's own context for ConfBridge: a room for each caller's number. Three callers of one number meet.

    Args:
        record: as this service does, one recording for each room.
    """
    lines = ["\n[hotline-trunk](+)"]
    for number in (RECORDED, PLAIN, RECORDED_DETECT, PLAIN_DETECT):
        lines.append(f"exten => {number},1,Answer()")
        if record and number in (RECORDED, RECORDED_DETECT):
            lines.append(" same => n,MixMonitor(${HL_RECORDINGS}/${UNIQUEID}.raw,D)")
        # The sounds of coming and going are off: only the talk is to cost.
        lines.append(" same => n,Set(CONFBRIDGE(user,quiet)=yes)")
        if number in (RECORDED_DETECT, PLAIN_DETECT):
            lines.append(" same => n,Set(CONFBRIDGE(user,talk_detection_events)=yes)")
        lines += [" same => n,ConfBridge(${CALLERID(num)})", " same => n,Hangup()"]
    return {"extensions.conf": "\n".join(lines) + "\n"}


def write_speech(path: Path) -> None:
    """A-law, 8000 a second: words of a tone with pauses between them, so that a detector of speech has work."""
    samples: list[int] = []
    # The switch takes 2.5 s of silence for the end of what somebody says.
    for seconds, level in ((1.2, 6000), (2.8, 0)):
        samples += [int(level * math.sin(i * 2 * math.pi * TONES[2] / RATE)) for i in range(round(seconds * RATE))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(np.array(samples, np.int16), PCMA))


@dataclass(slots=True)
class Cost:
    """Percent of a core for each call, while they talk."""

    shape: str
    talks: int
    asterisk: float = 0.0
    service: float = 0.0
    redis: float = 0.0
    packets: float = 0.0
    """A second, from each party, as the switch counts them."""
    bridges: dict[str, int] = field(default_factory=dict)
    """How many bridges the switch had, by technology."""
    events: float = 0.0
    """AMI events a second and call that reach the service."""
    foreign: float = 0.0
    """Cores used by others."""

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return asdict(self)


_COUNT = re.compile(r"^.{9}\s*(\S+)\s+\d\d:\d\d:\d\d\s+\S+\s+(\d+)", re.MULTILINE)


def packet_counts(text: str) -> dict[tuple[str, int], int]:
    """Packets received so far in what `pjsip show channelstats` says: by name, cut off there, and the how-manieth."""
    seen: Counter[str] = Counter()
    out = {}
    for name, count in _COUNT.findall(text):
        out[name, seen[name]] = int(count)
        seen[name] += 1
    return out


async def _received(rig: Rig) -> tuple[float, dict[tuple[str, int], int]]:
    at, text = time.monotonic(), await rig.asterisk.cli("pjsip show channelstats")
    return at, packet_counts(text)


def technologies(text: str) -> dict[str, int]:
    """How many bridges with anybody in them, by technology, in what `bridge show all` says."""
    # Name and type may be anything: counted from the right (channels, type, technology, duration).
    rows = [parts for line in text.splitlines() if len(parts := line.split()) >= 5 and parts[-4].isdigit()]
    return dict(Counter(parts[-2] for parts in rows if int(parts[-4])))


async def _bridges(rig: Rig) -> dict[str, int]:
    text = await rig.asterisk.cli("bridge show all")
    return technologies(text)


async def _channels(rig: Rig, wanted: int, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while True:
        lines = (await rig.asterisk.cli("core show channels concise")).splitlines()
        # Phones' only: each room of ConfBridge has two channels of its own, for announcements.
        if (up := sum(line.startswith("PJSIP/") for line in lines)) == wanted:
            return
        if time.monotonic() > until:
            raise BenchError(f"{up} channels instead of {wanted} are in the switch: see {rig.home}")
        await asyncio.sleep(0.2)


async def _service_has(rig: Rig, what: str, wanted: int, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while (found := (await rig.ask("talking"))[what]) != wanted:
        if time.monotonic() > until:
            raise BenchError(f"{found} instead of {wanted} {what} in the service: see {rig.home}")
        await asyncio.sleep(0.2)


@dataclass(slots=True)
class _Stage:
    """One Asterisk with our service, on which all shapes are tried in turns."""

    rig: Rig
    talks: int
    seconds: float
    _instances: int = 0
    _sipps: dict[str, Sipp] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def phones(self, role: str, port: int, *options: str) -> AsyncIterator[None]:
        """A SIPp for a while. Each has a directory of its own: they write files of the same names."""
        self._instances += 1
        home = self.rig.home / f"sipp-{self._instances}-{role}"
        write_speech(home / "speech.pcma")
        one = Sipp(role, home, port, {"RING_MS": RING_MS})
        try:
            await one.start(self.rig.sip_port, *options)
            self._sipps[home.name] = one
            yield
        finally:
            self._sipps.pop(home.name, None)
            await one.stop()

    def callers(self, number: str) -> contextlib.AbstractAsyncContextManager[None]:
        """One caller of each talk."""
        count = str(self.talks)
        return self.phones("talker", free_port(udp=True), "-s", number, "-m", count, "-l", count, "-r", "20")

    @contextlib.asynccontextmanager
    async def all_leave(self) -> AsyncIterator[None]:
        """Ends all calls afterwards, while the phones are still there."""
        try:
            yield
        finally:
            await self.rig.asterisk.cli("channel request hangup all")
            await _channels(self.rig, 0)

    async def measure(self, shape: str) -> Cost:
        """Of the calls that are up now."""
        await asyncio.sleep(SETTLE)
        cost = Cost(shape, self.talks, bridges=await _bridges(self.rig))
        before = await self.rig.stats()
        load = {name: x.process.pid for name, x in self._sipps.items() if x.process is not None}
        meter = Meter({**self.rig.pids(), **load})
        since, first = await _received(self.rig)
        began = time.monotonic()
        meter.start()
        await asyncio.sleep(self.seconds)
        spent = meter.stop()
        elapsed = time.monotonic() - began
        until, last = await _received(self.rig)
        after = await self.rig.stats()
        rates = [(last[name] - count) / (until - since) for name, count in first.items() if name in last]
        cost.packets = min(rates, default=0.0) if len(rates) == len(first) else 0.0
        if cost.packets < LEAST_PACKETS:
            raise BenchError(
                f"{shape}: a party sent {cost.packets:.0f} packets a second: no audio to mix, see {self.rig.home}"
            )
        share = 100 / elapsed / self.talks
        cost.asterisk, cost.service = spent["asterisk"] * share, spent["service"] * share
        cost.redis = spent["redis"] * share
        cost.events = (after["ami"]["events"] - before["ami"]["events"]) / elapsed / self.talks
        cost.foreign = spent["foreign"] / elapsed
        return cost

    async def two(self, shape: str, number: str) -> list[Cost]:
        """Caller and seat, joined by the switch itself."""
        async with self.phones("talkback", self.rig.seat_port), self.callers(number), self.all_leave():
            await _channels(self.rig, 2 * self.talks)
            return [await self.measure(shape)]

    async def rooms(self) -> list[Cost]:
        """ConfBridge with two, then with three."""
        async with self.callers(RECORDED), self.callers(PLAIN), self.all_leave():
            await _channels(self.rig, 2 * self.talks)
            two = await self.measure("conf-2")
            async with self.callers(PLAIN):
                await _channels(self.rig, 3 * self.talks)
                three = await self.measure("conf-3")
                await self.rig.asterisk.cli("channel request hangup all")
            return [two, three]

    async def rooms_that_tell(self) -> list[Cost]:
        """ConfBridge with three and events of who talks."""
        numbers = (RECORDED_DETECT, PLAIN_DETECT, PLAIN_DETECT)
        async with contextlib.AsyncExitStack() as stack:
            for number in numbers:
                await stack.enter_async_context(self.callers(number))
            await stack.enter_async_context(self.all_leave())
            await _channels(self.rig, 3 * self.talks)
            return [await self.measure("conf-3-talk")]

    async def ours(self, backwards: bool) -> list[Cost]:
        """Caller and seat, then a third one from outside joins; as shipped, and without the detector of who talks."""
        async with (
            self.phones("talkback", self.rig.seat_port), self.phones("talkback", self.rig.line_port),
            self.callers(SERVICE_NUMBER), self.all_leave(),
        ):  # fmt: skip
            await _service_has(self.rig, "talks", self.talks)
            two = await self.measure("ours-2")
            await self.rig.ask("join", entry=UNIT)
            await _service_has(self.rig, "joined", self.talks)
            three = []
            # The engine has turned the detector on, as always. Which one comes first is turned round every time.
            for on in (False, True) if backwards else (True, False):
                await self.rig.ask("marks", on=on)
                three.append(await self.measure("ours-3-talk" if on else "ours-3"))
            return [two, *three]


async def run_costs(rig: Rig, talks: int, seconds: float, *, backwards: bool, on: Callable[[Cost], None]) -> None:
    """All shapes on one rig, in turns. `on` gets each result as soon as it is there."""
    stage = _Stage(rig, talks, seconds)
    steps: list[Callable[[], Awaitable[list[Cost]]]] = [
        lambda: stage.two("dial-2", BARE_NUMBER), lambda: stage.two("queue-2", NATIVE_NUMBER),
        lambda: stage.ours(backwards), stage.rooms, stage.rooms_that_tell,
    ]  # fmt: skip
    for step in reversed(steps) if backwards else steps:
        for cost in await step():
            on(cost)
