"""Callers, seats, and those who are called: they act by themselves, on a seeded plan, and note what they experience."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo import Call, CallEnded, IncomingCall, Phone, SipError

from .audio import FREQUENCIES, LEVEL, hears_now, silences
from .servers import EXPERT, OUT, Pbx, Site

KINDS = {"plain": 60, "hurried": 12, "flow": 8, "voicemail": 5, "gives up": 6, "callback": 9}
"""What callers do, with its weight:

plain      hears the greeting to its end and waits
hurried    cuts it short by a key
flow       is asked by the service, and asks for a human after a while
voicemail  leaves a message
gives up   hangs up while it waits
callback   asks to be called back as soon as that is offered
"""
ARRANGED = {"": 76, "hold": 8, "consult": 8, "join": 8}
"""What a seat does in a talk."""


@dataclass(slots=True, eq=False)
class Talk:
    """A seat and somebody on a line."""

    number: str
    seat: str
    at_seat: IncomingCall
    answered: float
    line: Call | None = None
    joined: float = 0.0
    """Since when each hears the other."""
    arranged: str = ""
    excused: list[tuple[float, float]] = field(default_factory=list)
    """Stretches in which the seat had put the caller aside."""
    hung_by: str = ""
    """Who of us hung up: caller, seat; empty: nobody did."""
    ended: float = 0.0
    silences: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Person:
    """A caller and its experience."""

    number: str
    kind: str
    pbx: str
    tone: float
    came: float
    call: Call | None = None
    ids: list[str] = field(default_factory=list)
    """Ids that the switch gave its calls."""
    answered: float = 0.0
    rank: float = 0.0
    """Since when it waits, as the switch told it."""
    free_since: float = 0.0
    """Since when it waits without being rung for or talking."""
    rings: list[IncomingCall] = field(default_factory=list)
    """Seats' phones that ring for it."""
    talks: list[Talk] = field(default_factory=list)
    hung_up: bool = False
    recalled: bool = False
    """Was called back, and answered."""
    wants_callback: bool = False
    killed: float = 0.0
    """When its switch died under it."""
    phase_killed: str = ""
    over: float = 0.0
    outcome: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def talking(self) -> Talk | None:
        """The talk it is in."""
        return next((t for t in self.talks if not t.ended and t.joined), None)

    @property
    def phase(self) -> str:
        """Where it is now."""
        if self.over:
            return "over"
        if self.talking is not None:
            return self.talking.arranged or "talking"
        if self.rings:
            return "ringing"
        if self.rank:
            return "waiting"
        return self.kind if self.kind in ("flow", "voicemail") else "greeting"

    @property
    def joined(self) -> float | None:
        """When it first talked with a human."""
        return min((t.joined for t in self.talks if t.joined), default=None)


class Crowd:
    """Everybody. `wrong(text)` is told what must not be."""

    def __init__(self, site: Site, seed: int, target: int, wrong: Callable[[str], None], pace: float = 1.0) -> None:
        self.site, self.target, self.wrong, self.pace = site, target, wrong, pace
        self.random = random.Random(f"{seed} people")
        self.people: dict[str, Person] = {}
        self.desks: dict[str, list[Phone]] = {}
        self.at_desk: dict[str, list[IncomingCall]] = {}
        """Calls at each seat's phones that are not over."""
        self.lines: dict[str, Call] = {}
        """number → the phone call of that number that is not over (its own, or when it is called back)."""
        self.on_offer: Callable[[str, Person | None, IncomingCall], None] = lambda seat, person, call: None
        self._stack = contextlib.AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._filling: asyncio.Task[None] | None = None
        self._n = 0
        self.experts: list[IncomingCall] = []

    # ------------------------------------------------------------------ life
    async def open(self) -> None:
        """Seats register; callers begin to come."""
        for name, ip, port, on_call in (("outside", OUT, self.site.out_port, self._called_back),
                                        ("expert", EXPERT, self.site.expert_port, self._asked)):  # fmt: skip
            phone = Phone(self.site.pbxs[0].sip, name, local_ip=ip, local_port=port, on_call=on_call)
            await self._stack.enter_async_context(phone)
        for seat in self.site.seats:
            self.desks[seat], self.at_desk[seat] = [], []
            for pbx in self.site.pbxs:
                phone = Phone(pbx.sip, seat, f"demo-{seat}", local_ip=pbx.sip[0], on_call=self._desk(seat))
                self.desks[seat].append(await self._stack.enter_async_context(phone))
        await self.register()
        self._filling = asyncio.create_task(self._fill())

    async def register(self, pbx: str = "") -> None:
        """All seats' phones (again), at one switch or at all."""
        for phones in self.desks.values():
            for one, phone in zip(self.site.pbxs, phones, strict=True):
                if one.alive and pbx in ("", one.name):
                    with contextlib.suppress(SipError):
                        await phone.register()

    async def no_more(self) -> None:
        """Nobody comes any more."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
            self._filling = None

    async def close(self) -> None:
        """Everybody goes."""
        await self.no_more()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(ExceptionGroup):
            await self._stack.aclose()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.wrong(f"the harness itself failed: {task.exception()!r}")

    @property
    def inside(self) -> list[Person]:
        """Who has a call that is not over."""
        return [p for p in self.people.values() if not p.over]

    # ------------------------------------------------------------------ callers
    async def _fill(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(0.05, 0.3))
            up = [x for x in self.site.pbxs if x.alive]
            if up and len(self.inside) < self.target:
                self._spawn(self._comes(self.random.choice(up)))

    async def _comes(self, pbx: Pbx) -> None:
        self._n += 1
        number = f"139{self._n:08}"
        plan = random.Random(f"{self.random.random()} {self._n}")
        kind = plan.choices(list(KINDS), list(KINDS.values()))[0]
        person = Person(number, kind, pbx.name, FREQUENCIES[12 + self._n % 14], time.time())
        self.people[number] = person
        dialled = {"flow": "12333", "voicemail": "12315"}.get(kind, "12345")
        ip = "127.0.0.9" if pbx.sip[0] == "127.0.0.1" else pbx.sip[0]
        async with Phone(pbx.sip, number, local_ip=ip) as phone:
            call = person.call = await phone.dial(dialled)
            try:
                await call.answered(40)
                person.answered = time.time()
                self.lines[number] = call
                call.tone(person.tone, LEVEL)
                await self._acts(person, call, plan)
                await call.ended(None)
            except CallEnded:
                pass
            except TimeoutError:
                self.wrong(f"{number} was not answered within 40 s")
                await call.hang_up()
        self._left(person, call)

    async def _acts(self, person: Person, call: Call, plan: random.Random) -> None:
        """What it does by itself until it is served."""
        r = plan.uniform

        async def later(seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                raise CallEnded(await call.ended(seconds))

        if person.kind == "hurried":
            await later(r(0.3, 2.5))
            await call.press("#")
        elif person.kind == "flow":
            await later(r(3.0, 12.0))
            await call.press("0")
        elif person.kind == "voicemail":
            await later(r(1.0, 3.0))
            await call.press("1")
            await later(r(8, 14))
            await self._gives_up(person, call)
        elif person.kind == "gives up":
            await later(r(4, 20))
            await self._gives_up(person, call)
        elif person.kind == "callback":
            while True:
                await later(r(2.0, 4.0))
                if person.rank and not person.rings and person.talking is None:
                    person.wants_callback = True
                    await call.press("1")

    async def _gives_up(self, person: Person, call: Call) -> None:
        if person.talking is None and not person.rings and not any(not t.ended for t in person.talks):
            person.hung_up = True
            await call.hang_up()

    def _left(self, person: Person, call: Call) -> None:
        person.over = time.time()
        if self.lines.get(person.number) is call:
            del self.lines[person.number]
        if person.killed:
            person.outcome = "cut off by the switch's death"
        elif not person.answered:
            person.outcome = f"not answered ({call.end.status if call.end else None})"
            pbx = next(x for x in self.site.pbxs if x.name == person.pbx)
            if not any(d > person.came - 1 for d in pbx.deaths):
                self.wrong(f"{person.number} was {person.outcome}")
        elif person.joined:
            person.outcome = "served"
        elif person.hung_up:
            person.outcome = "message left" if person.kind == "voicemail" else "gave up"
        elif person.kind == "callback" and person.wants_callback:
            person.outcome = "to be called back"
        else:
            person.outcome = "sent away unserved"
            after = person.over - person.came
            self.wrong(f"{person.number} ({person.kind}) was sent away unserved after {after:.1f} s")

    # ------------------------------------------------------------------ the others
    async def _called_back(self, call: IncomingCall) -> None:
        match = re.search(r"139\d{8}", str(call.headers["To"]))
        if match is None or match[0] not in self.people:
            self.wrong("somebody was called back who had never called")
            await call.reject(404)
            return
        person = self.people[match[0]]
        if person.number in self.lines:
            # It is on the line already (a switch's death that was none): busy.
            await call.reject(486)
            return
        await call.ring()
        await asyncio.sleep(0.5)
        await call.answer()
        person.recalled = True
        person.notes.append(f"called back after {time.time() - person.over:.1f} s")
        self.lines[person.number] = call
        call.tone(person.tone, LEVEL)
        await call.ended(None)
        self.lines.pop(person.number, None)

    async def _asked(self, call: IncomingCall) -> None:
        """The expert."""
        await call.ring()
        await asyncio.sleep(0.5)
        await call.answer()
        call.tone(FREQUENCIES[26], LEVEL)
        self.experts.append(call)
        with contextlib.suppress(TimeoutError):
            await call.ended(60)
        await call.hang_up()
        self.experts.remove(call)

    def _desk(self, seat: str) -> Callable[[IncomingCall], Any]:
        async def takes(call: IncomingCall) -> None:
            person = self.people.get(call.caller)
            self.on_offer(seat, person, call)
            self.at_desk[seat].append(call)
            if person is not None:
                person.rings.append(call)
            try:
                await self._takes(seat, person, call)
            finally:
                self.at_desk[seat].remove(call)
                if person is not None and call in person.rings:
                    person.rings.remove(call)
                    person.free_since = time.time()

        return takes

    async def _takes(self, seat: str, person: Person | None, call: IncomingCall) -> None:
        r = self.random.uniform
        if any(c is not call and c.answered_at for c in self.at_desk[seat]):
            await call.reject(486)
            return
        await call.ring()
        what = self.random.random()
        with contextlib.suppress(TimeoutError):
            await call.ended(r(0.2, 1.5) if what > 0.05 else 30.0)
        if call.end is not None:
            return
        if what > 0.98:
            await call.reject(486)
            return
        await call.answer()
        call.tone(FREQUENCIES[self.site.seats.index(seat) % 12], LEVEL)
        if person is None:
            person = await self._recognised(seat, call)
            if person is None:
                return
        talk = Talk(person.number, seat, call, time.time())
        talk.arranged = self.random.choices(list(ARRANGED), list(ARRANGED.values()))[0]
        person.talks.append(talk)
        if call in person.rings:
            person.rings.remove(call)
        try:
            await self._talks(person, talk)
        finally:
            talk.ended = time.time()
            person.free_since = talk.ended

    async def _recognised(self, seat: str, call: IncomingCall) -> Person | None:
        """Who it is, by its voice: who is called back and falls into the switch's own queue shows our own number."""
        end = time.time() + 10
        while call.end is None and time.time() < end:
            for number, line in tuple(self.lines.items()):
                person = self.people[number]
                if not line.outgoing and person.talking is None and hears_now(call, person.tone):
                    return person
            await asyncio.sleep(0.15)
        if call.end is None:
            self.wrong(f"seat {seat} was rung for somebody unknown ({call.caller!r}), and heard nobody")
            await call.hang_up()
        return None

    # ------------------------------------------------------------------ a talk
    async def _talks(self, person: Person, talk: Talk) -> None:
        seat, mine = talk.at_seat, FREQUENCIES[self.site.seats.index(talk.seat) % 12]
        hang_up_at = time.time() + self.random.uniform(6, 32) * self.pace
        who = self.random.choice(("caller", "caller", "seat")) if not talk.arranged else "caller"
        arranging: asyncio.Task[None] | None = None
        while seat.end is None and (talk.line is None or talk.line.end is None):
            line = talk.line or self.lines.get(talk.number)
            begins = line is not None and not talk.joined and line.end is None and hears_now(line, mine)
            if begins and hears_now(seat, person.tone):
                talk.line, talk.joined = line, time.time()
                hang_up_at = max(hang_up_at, talk.joined + 3)
                if talk.arranged:
                    arranging = asyncio.create_task(self._arranges(person, talk))
            if time.time() > hang_up_at and (talk.joined or time.time() > talk.answered + 60):
                talk.hung_by = who if talk.joined else "seat"
                if talk.hung_by == "caller" and talk.line is not None:
                    person.hung_up = True
                    await talk.line.hang_up()
                else:
                    await seat.hang_up()
                break
            await asyncio.sleep(0.15)
        end = time.time()
        if arranging is not None:
            arranging.cancel()
            await asyncio.gather(arranging, return_exceptions=True)
        if talk.joined and talk.line is not None:
            for call, tone in ((talk.line, mine), (seat, person.tone)):
                talk.silences += silences(call, tone, talk.joined, end - 0.1)
        await self._after(person, talk)

    async def _after(self, person: Person, talk: Talk) -> None:
        """The other one is let go; was it one of us who ended it?"""
        if talk.hung_by == "caller":
            # With a third party the others may talk on: the seat ends that by itself.
            with contextlib.suppress(TimeoutError):
                await talk.at_seat.ended(4 if talk.arranged else 20)
            if talk.at_seat.end is None and not talk.arranged:
                self.wrong(f"seat {talk.seat} was alone for 20 s after {talk.number} had hung up")
            await talk.at_seat.hang_up()
            return
        if talk.hung_by or not talk.joined or person.killed > talk.answered:
            return
        line_over = talk.line is not None and talk.line.end is not None
        if line_over and person.hung_up:
            return
        away = not self.site.was_served(time.time() - 20, time.time())
        if not line_over and talk.arranged == "consult" and away:
            person.notes.append("left its seat in a consultation to another human")
            return
        what = "the caller" if line_over else "the seat"
        self.wrong(f"a dropped talk: {talk.number} with {talk.seat} ({talk.arranged or 'plain'}) after "
                   f"{time.time() - talk.joined:.1f} s; {what} was hung up by the switch")  # fmt: skip

    async def _arranges(self, person: Person, talk: Talk) -> None:
        """Puts the caller aside, or asks the expert in, and takes it back some seconds later."""
        await asyncio.sleep(self.random.uniform(1, 4))
        call = person.ids[-1] if person.ids else ""
        began = time.time()
        talk.excused.append((began, float("inf")))
        key = uuid.uuid4().hex
        if talk.arranged == "hold":
            done = await self.site.order(f"calls/{call}/arrange", key, what="hold")
            await asyncio.sleep(self.random.uniform(3, 8))
            if done is not None:
                await self.site.order(f"calls/{call}/arrange", uuid.uuid4().hex, what="resume")
        else:
            part = await self.site.order(f"calls/{call}/parties", key, how=talk.arranged, entry="expert")
            await asyncio.sleep(self.random.uniform(4, 9))
            if part is not None and talk.arranged == "consult":
                await self.site.order(f"calls/{call}/arrange", uuid.uuid4().hex, what="return")
        await asyncio.sleep(2)
        talk.excused[-1] = (began, time.time())
