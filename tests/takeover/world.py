"""The switch that outlives the processes, its callers and seats, and an eye on what must always be true.

Callers and seats act by themselves on a seeded plan. `problems` gathers what was not true, with the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from calls import commands as c
from calls import events as e
from calls.ports import Place, Snapshot
from calls.testing import FakeSwitch

from .wire import command_from, snapshot_json

SEATS = tuple(f"80{i:02}" for i in range(1, 9))
IN_FLIGHT = 0.4
"""Seconds within which the books may not yet know that a caller is back in the queue."""
GREETING = 0.15
UNHEARD = 0.7
"""An offer made so shortly before a takeover may be under way: it is left alone until the second look."""
STUCK = 20.0
"""Seconds after which a caller who still waits was forgotten: the load leaves room for everybody within a few."""


@dataclass(slots=True)
class Person:
    """A caller as the switch knows it."""

    came: float
    greeted: float = 0.0
    free_since: float = 0.0
    """Since when it waits without a leg of a seat."""
    offers: int = 0
    talked: bool = False
    served: bool = False
    lost: bool = False
    """Its seat was lost in a talk …"""
    seen: bool = True
    """… which began while a process listened."""
    gone: float = 0.0


@dataclass(slots=True)
class Client:
    """A node that is logged in."""

    node: str
    token: int
    writer: asyncio.StreamWriter


class World:
    """See the module's text. All times are the loop's."""

    def __init__(self, seed: int, rate: float = 5.0) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.switch = FakeSwitch(phones=set(SEATS))
        self.people: dict[str, Person] = {}
        self.leg_born: dict[str, float] = {}
        self.problems: list[str] = []
        self.token = 0
        self.taken_at = 0.0
        self.hit_at = 0.0
        self.stood_from = self.stood_until = 0.0
        self.acting = ""
        self.beats: list[tuple[float, str, int]] = []
        self.on_command: Callable[[str, c.ToSwitch], None] = lambda node, command: None
        self.commands = 0
        self.stale_refused = 0
        self._clients: list[Client] = []
        self._number = 0
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._server: asyncio.Server | None = None
        self._arrivals: asyncio.Task[None] | None = None

    @property
    def now(self) -> float:
        return self._loop.time()

    async def start(self) -> int:
        """Listens; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        self._arrivals = asyncio.create_task(self._arrive_for_ever())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._arrivals is not None:
            self._arrivals.cancel()
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            client.writer.close()

    def wrong(self, text: str) -> None:
        """Something was not true."""
        self.problems.append(f"{self.now - self._began:.3f} s: {text}")

    # ------------------------------------------------------------------ nodes
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client: Client | None = None
        with contextlib.suppress(ConnectionError, OSError):
            while line := await reader.readline():
                data = json.loads(line)
                if "hello" in data:
                    client = Client(data["hello"], data["token"], writer)
                    self._clients.append(client)
                elif client is not None:
                    self._hear(client, data)
        if client is not None:
            self._clients.remove(client)
        writer.close()

    def _hear(self, client: Client, data: dict[str, Any]) -> None:
        if "ask" in data:
            answer = {"answer": data["ask"], **snapshot_json(self._snapshot())}
            client.writer.write(json.dumps(answer).encode() + b"\n")
            return
        if client.token < self.token:
            self.wrong(f"{client.node} acted under token {client.token} after {self.token}: {data}")
        if client.token > self.token:
            self.taken_at = self.now
        self.token, self.acting = max(self.token, client.token), client.node
        if "beat" in data:
            self.beats.append((self.now, client.node, client.token))
        else:
            self._do(client, command_from(data))
        self._flush()

    def _flush(self) -> None:
        events, self.switch.events = self.switch.events, []
        for event in events:
            assert isinstance(event, e.Event)
            line = json.dumps({"event": e.Codec.encode(event)}).encode() + b"\n"
            for client in self._clients:
                client.writer.write(line)

    def _snapshot(self) -> Snapshot:
        def age(id_: str) -> float:
            person = self.people.get(id_)
            return self.now - (person.came if person is not None else self.leg_born[id_])

        coroutine = self.switch.snapshot()
        try:
            coroutine.send(None)
        except StopIteration as done:
            snapshot: Snapshot = done.value
        views = [replace(v, age=age(v.id)) for v in snapshot.channels]
        self.random.shuffle(views)  # a real switch lists its channels in no order
        return replace(snapshot, channels=views)

    # ------------------------------------------------------------------ commands
    def _do(self, client: Client, command: c.ToSwitch) -> None:
        self.commands += 1
        if isinstance(command, c.RingSeat):
            self._ring(client, command)
        elif isinstance(command, c.CancelLeg) and command.leg in self.switch.legs:
            self._end_leg(command.leg, 16)
        elif isinstance(command, c.HangUp) and command.call in self.switch.callers:
            self._leave(command.call, by="the service")
        self.on_command(client.node, command)

    def _ring(self, client: Client, command: c.RingSeat) -> None:
        if command.leg in self.leg_born:
            self.wrong(f"leg {command.leg} was made twice, now by {client.node}")
            return
        busy = [leg for leg, one in self.switch.legs.items() if one.seat == command.seat]
        if busy:
            self.wrong(f"seat {command.seat} is offered {command.leg} by {client.node} and has {busy}")
        double = [leg for leg, one in self.switch.legs.items() if one.call == command.call]
        if double:
            self.wrong(f"{command.call} is offered twice: {command.leg} by {client.node} beside {double}")
        self._check_rank(client, command)
        self.leg_born[command.leg] = self.now
        if command.call not in self.switch.callers:
            # As on the real one: the leg is made, and ends when its dialplan finds no caller.
            self.switch.do(command)
            self._later(0.02, lambda: self._end_leg(command.leg, 31))
            return
        self.people[command.call].free_since = 0.0
        self.people[command.call].offers += 1
        self.switch.do(command)
        self._seat_acts(command.leg)

    def _check_rank(self, client: Client, command: c.RingSeat) -> None:
        chosen = self.people.get(command.call)
        if chosen is None or chosen.gone:
            return
        for call, other in self.people.items():
            if not other.free_since or other.gone or not self._is_before(other, chosen):
                continue
            if self._is_known(other):
                self.wrong(
                    f"{command.call} (since {chosen.greeted - self._began:.3f}) is offered by {client.node} before "
                    f"{call} (since {other.greeted - self._began:.3f}, free {other.free_since - self._began:.3f}, "
                    f"talked {other.talked}; taken over at {self.taken_at - self._began:.3f})"
                )
                return

    @staticmethod
    def _is_before(other: Person, chosen: Person) -> bool:
        """Who lost its seat in a talk goes before all who did not, each with the rank it had. A talk that began and
        ended while nobody listened is in no books: that caller has its rank and no more."""
        first, second = other.lost and other.seen, chosen.lost and chosen.seen
        return first if first != second else other.greeted < chosen.greeted

    def _is_known(self, other: Person) -> bool:
        """Whether the books must know that the caller is in the queue (again)."""
        if other.free_since > self.now - IN_FLIGHT:
            return False
        if other.offers and abs(other.free_since - self.taken_at) < UNHEARD > self.now - self.taken_at:
            return False
        # A process or Redis that stood still: what was decided before is sent late, what happened is heard late.
        return not (other.free_since > self.stood_from - IN_FLIGHT and self.now < self.stood_until + IN_FLIGHT)

    # ------------------------------------------------------------------ seats
    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def do() -> None:
            act()
            self._flush()

        self._loop.call_later(seconds, do)

    def _seat_acts(self, leg: str) -> None:
        what, r = self.random.random(), self.random.uniform
        if what < 0.04:
            self._later(r(0.01, 0.1), lambda: self._end_leg(leg, 17))  # busy
            return
        rings = r(0.01, 0.08)
        self._later(rings, lambda: self.switch.ring(leg) if leg in self.switch.legs else None)
        if what < 0.07:
            self._later(rings + r(0.8, 1.6), lambda: self._end_leg(leg, 19))  # nobody picks up
            return
        self._later(rings + r(0.02, 0.25), lambda: self._answer(leg))

    def _answer(self, leg: str) -> None:
        one = self.switch.legs.get(leg)
        if one is None or one.state == "joined":
            return
        self.switch.answer(leg)
        if leg not in self.switch.legs:
            self._leg_over(one.call)
            return
        person = self.people[one.call]
        person.talked = person.served = True
        person.seen = self.taken_at >= self.hit_at
        r = self.random.uniform
        if self.random.random() < 0.05:
            self._later(r(0.05, 0.4), lambda: self._end_leg(leg, 38))  # the seat is lost in the talk
        elif self.random.random() < 0.5:
            self._later(r(0.15, 0.7), lambda: self._leave(one.call))
        else:
            self._later(r(0.15, 0.7), lambda: self._end_leg(leg, 16))

    def _end_leg(self, leg: str, cause: int) -> None:
        one = self.switch.legs.get(leg)
        if one is None:
            return
        joined = one.state == "joined"
        self.switch.end_leg(leg, cause)
        self._leg_over(one.call)
        if joined:
            self.people[one.call].lost = cause != 16
        if joined and cause == 16:
            self.people[one.call].free_since = 0.0
            # The dialplan releases the caller by itself, if the service does not do it first.
            self._later(0.6, lambda: self._leave(one.call))
        elif joined and one.call in self.switch.callers:
            # A lost seat: the dialplan brings the caller back into the waiting loop.
            self.switch.events.append(e.Waits(one.call))

    def _leg_over(self, call: str) -> None:
        person = self.people.get(call)
        if person is not None and not person.gone and not any(x.call == call for x in self.switch.legs.values()):
            person.free_since = self.now

    # ------------------------------------------------------------------ callers
    async def _arrive_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(self.rate) if self.rate else 0.1)
            if self.rate:
                self._arrive()
                self._flush()

    def _arrive(self) -> None:
        self._number += 1
        call = f"h-{self._number}.{self._number % 7}"
        self.people[call] = Person(self.now)
        self.switch.arrive(call, f"138{self._number:08}")
        self._later(GREETING, lambda: self._greeted(call))
        if self.random.random() < 0.12:
            self._later(self.random.uniform(0.02, 2.5), lambda: self._leave(call, impatient=True))

    def _greeted(self, call: str) -> None:
        if call in self.switch.callers:
            person = self.people[call]
            person.greeted = person.free_since = self.now
            self.switch.greeted(call)

    def _leave(self, call: str, *, impatient: bool = False, by: str = "") -> None:
        caller = self.switch.callers.get(call)
        if caller is None or (impatient and self.switch.together(call)):
            return
        if by and not self.people[call].talked:
            self.wrong(f"{call} was released by {by} before it had talked")
        self.switch.leave(call)
        person = self.people[call]
        person.gone, person.free_since = self.now, 0.0

    # ------------------------------------------------------------------ looking
    @property
    def inside(self) -> dict[str, Person]:
        """Callers in the switch."""
        return {call: self.people[call] for call in self.switch.callers}

    def look(self, live: set[str]) -> None:
        """Callers in the switch against the books, and who waits too long."""
        for call, person in self.inside.items():
            if person.came < self.now - 1.0 and call not in live:
                self.wrong(f"{call} is in the switch for {self.now - person.came:.1f} s and not in the books")
            waiting = person.free_since or self.now
            if self.now - waiting > STUCK and self.switch.callers[call].place is Place.WAITING:
                self.wrong(f"{call} waits for {self.now - waiting:.1f} s")
                person.free_since = self.now  # told once

    async def drain(self, seconds: float) -> None:
        """Nobody comes any more: everybody in the switch is served, or leaves."""
        self.rate = 0.0
        end = self.now + seconds
        while self.switch.callers and self.now < end:
            await asyncio.sleep(0.05)
        for call, person in self.inside.items():
            self.wrong(f"{call} was not served within {seconds:.0f} s (talked {person.talked})")

