"""How long it takes until a further party is rung, is heard, or has failed and the talk goes on.

Callers, seats and phones outside are demo phones with audio: each sounds a tone of its own, and when who heard whom
is read from the packets that arrived, by the kernel's clock, after everything is over. The service is a process of
its own; the moment of an order is taken there. All clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo import TONES, CallEnded, IncomingCall, Phone, ToneSpan
from demo import Call as PhoneCall

from .cpu import Meter
from .plan import EMERGENCY, SERVICE_NUMBER, UNIT
from .rig import Rig

STEADY = 0.3
"""Seconds for which it must stay so: a moment between two states is none."""
BREATH = 0.1
"""Seconds of a gap that does not part who talk: a late packet. How long caller and seat had one is told apart."""
PATIENCE = 5.0
"""Seconds after which a step counts as failed."""
RINGS = 0.4
"""Seconds for which the party's phone rings."""
STAYS = 0.6
"""Seconds after a step in which what was reached is heard, and may be lost again."""
_VOICES = {"caller": TONES[1], "seat": TONES[2], "party": TONES[3]}
"""Three tones far from the bench's music and from the ringing tone (440 and 450 Hz)."""

Pair = tuple[str, str]
"""(listener, voice)"""
CALLER_SEAT: tuple[Pair, ...] = (("caller", "seat"), ("seat", "caller"))
CALLER_PARTY: tuple[Pair, ...] = (("caller", "party"), ("party", "caller"))
SEAT_PARTY: tuple[Pair, ...] = (("seat", "party"), ("party", "seat"))
ALL = CALLER_SEAT + CALLER_PARTY + SEAT_PARTY

STEPS = (
    "invite", "join", "emergency", "consult", "consult-join", "transfer", "consult-busy", "transfer-busy",
    "gap", "late",
)  # fmt: skip
"""What is timed; see docs/benchmarks.md. `gap`: how long caller and seat did not hear each other while one joined.
`late`: by how much the phones' own packets were, on a busy machine; nothing can be measured finer than that."""


class StepFailed(Exception):  # noqa: N818 - counted, not raised to anybody
    """A step did not come to its end; `what` names it."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")


@dataclass(slots=True)
class Mark:
    """A step whose end is to be read from what was heard."""

    step: str
    at: float
    """Unix seconds of its begin."""
    pairs: Sequence[Pair]
    calls: Mapping[str, PhoneCall]


@dataclass(slots=True)
class Times:
    """Of one run, in milliseconds by step."""

    found: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    cores: dict[str, float] = field(default_factory=dict)
    """Used meanwhile, by whom."""

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return {"calls": self.calls, "faults": dict(self.faults), "cores": self.cores,
                "times": {step: [round(x, 1) for x in values] for step, values in self.found.items()}}  # fmt: skip


Span = tuple[float, float]


def both(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """When two conditions hold at once; each a list of (from, until) in order."""
    out = []
    for a, b in itertools.product(one, other):
        begin, end = max(a[0], b[0]), min(a[1], b[1])
        if begin < end:
            out.append((begin, end))
    return sorted(out)


def merged(spans: Iterable[Span], shorter: float = BREATH) -> list[Span]:
    """The spans without the gaps between them that are shorter than that."""
    out: list[Span] = []
    for begin, end in sorted(spans):
        if out and begin - out[-1][1] < shorter:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def hears_from(spans: Iterable[Sequence[Span]], since: float, patience: float = PATIENCE) -> float | None:
    """Seconds from `since` until all of several hold, for `STEADY` on end.

    Args:
        spans: of each condition, when it held.
        since: unix seconds. A time at which all held already is no answer: nothing has changed then.
        patience: the latest answer, in seconds.

    Returns:
        None: never within `patience`, or already at `since`.
    """
    together: list[Span] = [(0.0, float("inf"))]
    for one in spans:
        together = both(together, one)
    if any(begin <= since < end for begin, end in together):
        return None
    return next((b - since for b, e in together if since < b <= since + patience and e - b >= STEADY), None)


def longest_gap(spans: Sequence[Span], begin: float, end: float) -> float:
    """The longest time between two spans that touch `begin`..`end`, in seconds."""
    near = [x for x in sorted(spans) if x[1] > begin and x[0] < end]
    return max((b[0] - a[1] for a, b in itertools.pairwise(near)), default=0.0)


def _log(call: PhoneCall, voice: str) -> list[Span]:
    spans: list[ToneSpan] = call.tone_log([_VOICES[voice]])
    return [(x.began, float("inf") if x.ended is None else x.ended) for x in spans]


def read(times: Times, marks: Iterable[Mark]) -> None:
    """Looks up what was heard. The calls must be over."""
    for mark in marks:
        logs = {pair: _log(mark.calls[pair[0]], pair[1]) for pair in mark.pairs}
        found = hears_from(map(merged, logs.values()), mark.at)
        if found is None:
            times.faults[f"{mark.step}: not heard"] += 1
            continue
        times.found[mark.step].append(found * 1e3)
        if mark.step in ("join", "emergency"):
            gaps = [longest_gap(logs[pair], mark.at - 0.1, mark.at + found + STEADY) for pair in CALLER_SEAT]
            times.found["gap"].append(max(gaps) * 1e3)


# ------------------------------------------------------------------ the phones
class _Desk:
    """A phone that many calls come to, told apart by the caller's number."""

    def __init__(self, rig: Rig, port: int) -> None:
        self.phone = Phone(("127.0.0.1", rig.sip_port), "bench", local_port=port, on_call=self._take)
        self._calls: dict[str, asyncio.Queue[IncomingCall]] = {}

    async def _take(self, call: IncomingCall) -> None:
        self._of(call.caller).put_nowait(call)

    def _of(self, number: str) -> asyncio.Queue[IncomingCall]:
        return self._calls.setdefault(number, asyncio.Queue())

    async def next(self, number: str) -> IncomingCall:
        """The next call on behalf of that caller. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE * 2):
            return await self._of(number).get()


async def _answer(call: IncomingCall, voice: str) -> float:
    """Answers, sounding the voice's tone from the second packet on; returns the moment of the 200."""
    task = asyncio.ensure_future(call.answer())
    await asyncio.sleep(0)
    with contextlib.suppress(RuntimeError, CallEnded):
        call.tone(_VOICES[voice], 0.1)
    await task
    assert call.answered_at is not None
    return call.answered_at


@dataclass(slots=True)
class _Talk:
    """One caller's call, from the first step to the last."""

    rig: Rig
    seats: _Desk
    outside: _Desk
    number: str
    times: Times
    marks: list[Mark]
    calls: dict[str, PhoneCall] = field(default_factory=dict)

    async def run(self) -> None:
        """All steps, one after the other. Raises StepFailed."""
        async with Phone(("127.0.0.1", self.rig.sip_port), self.number) as phone:
            caller = await phone.dial(SERVICE_NUMBER)
            await caller.answered(PATIENCE)
            caller.tone(_VOICES["caller"], 0.1)
            seat = await self.seats.next(self.number)
            await seat.ring()
            self.calls = {"caller": caller, "seat": seat}
            await _answer(seat, "seat")
            await self._so("call", CALLER_SEAT)
            try:
                await self._steps()
            finally:
                for call in self.calls.values():
                    await call.hang_up()

    async def _steps(self) -> None:
        await self._joined("join", "want_party", how="join", entry=UNIT)
        await self._joined("emergency", "emergency", entry=EMERGENCY)
        await self._busy("consult-busy", "consult")
        await self._consulted()
        await self._busy("transfer-busy", "transfer")
        await self._rung("transfer", "want_party", how="transfer", entry=UNIT)
        await self._answered("transfer", CALLER_PARTY)

    async def _order(self, step: str, order: str, /, **args: Any) -> float:
        answer = await self.rig.ask("order", caller=self.number, what=order, args=args)
        if "error" in answer:
            raise StepFailed(step, answer["error"])
        return float(answer["at"])

    async def _rung(self, step: str, order: str, /, **args: Any) -> None:
        """Orders, and takes the time until the phone outside is rung."""
        at = await self._order(step, order, **args)
        line = await self.outside.next(self.number)
        assert line.invite_received_at is not None
        self.times.found["invite"].append((line.invite_received_at - at) * 1e3)
        self.calls["party"] = line
        await line.ring()
        await asyncio.sleep(RINGS)

    async def _answered(self, step: str, pairs: Sequence[Pair]) -> None:
        line = self.calls["party"]
        assert isinstance(line, IncomingCall)
        at = await _answer(line, "party")
        self.marks.append(Mark(step, at, pairs, dict(self.calls)))
        await self._so(step, pairs)

    async def _joined(self, step: str, order: str, /, **args: Any) -> None:
        await self._rung(step, order, **args)
        await self._answered(step, ALL)
        await self._leaves()

    async def _consulted(self) -> None:
        await self._rung("consult", "want_party", how="consult", entry=UNIT)
        await self._answered("consult", SEAT_PARTY)
        at = await self._order("consult-join", "arrange", what="join")
        self.marks.append(Mark("consult-join", at, ALL, dict(self.calls)))
        await self._so("consult-join", ALL)
        await self._leaves()

    async def _busy(self, step: str, how: str) -> None:
        await self._rung(step, "want_party", how=how, entry=UNIT)
        line = self.calls.pop("party")
        assert isinstance(line, IncomingCall)
        self.marks.append(Mark(step, time.time(), CALLER_SEAT, dict(self.calls)))
        await line.reject(486)
        await self._so(step, CALLER_SEAT)

    async def _leaves(self) -> None:
        await self.calls.pop("party").hang_up()
        await asyncio.sleep(STAYS)

    async def _so(self, step: str, pairs: Sequence[Pair]) -> None:
        """Waits until those hear each other, and a moment longer. Only rough: the times are read afterwards."""
        until = time.time() + PATIENCE
        while not all(_VOICES[v] in self.calls[x].tones_heard([_VOICES[v]], 0.15) for x, v in pairs):
            if time.time() > until:
                raise StepFailed(step, "not within the time")
            await asyncio.sleep(0.05)
        await asyncio.sleep(STAYS)


@contextlib.asynccontextmanager
async def _desks(rig: Rig) -> AsyncIterator[tuple[_Desk, _Desk]]:
    seats, outside = _Desk(rig, rig.seat_port), _Desk(rig, rig.line_port)
    async with seats.phone, outside.phone:
        yield seats, outside


async def _watch(late: list[float]) -> None:
    """Looks, as often as a phone sends, how late this process is at it. Until cancelled."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + 0.02, loop.time())
        await asyncio.sleep(due - loop.time())
        late.append((loop.time() - due) * 1e3)


async def run_times(rig: Rig, talks: int, seconds: float) -> Times:
    """Talks of `talks` callers at a time, one after the other, begun within `seconds`; the last ones are finished."""
    times = Times()
    marks: list[Mark] = []
    until = time.monotonic() + seconds
    meter = Meter({**rig.pids(), "phones": os.getpid()})
    began = time.monotonic()
    meter.start()
    async with _desks(rig) as (seats, outside):

        async def caller(k: int) -> None:
            await asyncio.sleep(k * 0.9)  # in turns: not all in the same step
            for i in itertools.count():
                if time.monotonic() > until:
                    return
                times.calls += 1
                try:
                    await _Talk(rig, seats, outside, f"1391{k:02d}{i:05d}", times, marks).run()
                except (StepFailed, CallEnded, TimeoutError, KeyError) as fault:
                    times.faults[str(fault) or type(fault).__name__] += 1

        async with asyncio.TaskGroup() as group:
            watch = asyncio.create_task(_watch(times.found["late"]))
            try:
                await asyncio.gather(*(group.create_task(caller(k)) for k in range(talks)))
            finally:
                watch.cancel()
    spent = meter.stop()
    times.cores = {name: round(value / (time.monotonic() - began), 3) for name, value in spent.items()}
    await asyncio.to_thread(read, times, marks)
    return times
