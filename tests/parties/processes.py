"""Two real `hotline run` on one Redis and the run's Asterisk, for tests that kill them; do books and switch agree?

    async with floor_of_two(bench) as site:
        talk = await site.talk("8001")                   # a caller and a seat, each sounding a tone of its own
        part = await site.order(talk, "parties", how="join", entry="expert")
        await site.kill()                                # kill -9 of the active one
        await site.taken_over()

The test's own phones are at both ends of every call, so that it hears what callers and seats hear. It asks the switch
over a manager session of its own, and the processes over HTTP alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from calls import CallError, Place, Snapshot, reconcile, step
from calls.model import LegState
from demo import IncomingCall, OutgoingCall, Phone
from service.access import issue
from telephony import AmiLink, AmiSettings, AsteriskSwitch
from tests.conftest import ROOT, Bench, eventually, free_port

from . import directory as book
from .world import PATIENCE, Outside, Voices, World, caller_ip, outside_phones

TALKERS = ("seat", "third", "line")
AGREE = 8.0
"""Seconds within which books and switch agree; only for failures."""


# ---------------------------------------------------------------------- books and switch
async def books_agree(world: World) -> None:
    """Waits until the engine's books are the switch's truth, leg by leg. Raises AssertionError."""
    await _agree(lambda: world.hotline.switch.snapshot(), lambda snapshot: differences(world.engine, snapshot))


async def _agree(snapshot: Callable[[], Any], compared: Callable[[Snapshot], Any]) -> None:
    end = asyncio.get_running_loop().time() + AGREE
    while True:
        found = compared(await snapshot())
        found = await found if asyncio.iscoroutine(found) else found
        if not found:
            return
        assert asyncio.get_running_loop().time() < end, "; ".join(found)
        await asyncio.sleep(0.05)


def differences(engine: Any, snapshot: Snapshot) -> list[str]:
    """What the books have and the switch has not, the other way round, and what reconciliation would change."""
    events, orphans = reconcile(engine.calls, replace(snapshot, asked_at=snapshot.asked_at + 60))
    found = [f"orphan {leg}" for leg in orphans]
    for event in events:
        before = engine.calls.get(event.call)
        with contextlib.suppress(CallError):
            if step(before, event, snapshot.asked_at, engine.rules) != (before, ()):
                found.append(f"the switch's truth would change the books: {event!r}")
    found += _legs_differ({call.id: [_leg(x) for x in call.legs] for call in engine.calls.values()}, snapshot)
    talk = {leg.who for call in engine.calls.values() for leg in call.talkers if leg.kind != "line"}
    for seat in engine.dispatcher.seats.values():
        if (seat.state.value == "talking") != (seat.id in talk):
            found.append(f"seat {seat.id} is {seat.state.value}, and {'talks' if seat.id in talk else 'talks not'}")
    return found


def _leg(leg: Any) -> dict[str, Any]:
    heard = bool(leg.heard) and leg.heard[-1][1] is None
    return {"id": leg.id, "kind": leg.kind, "state": leg.state.value, "room": leg.room, "heard": heard}


def _legs_differ(calls: Mapping[str, Collection[Mapping[str, Any]]], snapshot: Snapshot) -> list[str]:
    """Legs of all calls against the switch's channels: all there, none more, each where its room says."""
    views, known, found = {v.id: v for v in snapshot.channels}, set(), []
    for call, legs in calls.items():
        caller = views.get(call)
        for leg in legs:
            view = views.get(leg["id"])
            if leg["state"] == LegState.GONE:
                found += [f"{leg['kind']} {leg['id']} is gone, and there in the switch"] if view is not None else []
                continue
            known.add(leg["id"])
            if view is None:
                found.append(f"{leg['kind']} {leg['id']} is {leg['state']}, and not in the switch")
            elif leg["kind"] in TALKERS and leg["state"] == LegState.JOINED:
                there = caller is not None and view.bridge is not None and view.bridge == caller.bridge
                if there != (leg["room"] == "talk"):
                    found.append(f"{leg['id']} is to be in {leg['room']}, with the caller: {there}")
                if leg.get("heard", there) != there:
                    found.append(f"{leg['id']} is noted as heard: {leg['heard']}, with the caller: {there}")
    # A seat that the native queue has rung is the switch's own affair.
    unknown = [v for v in views.values() if v.id not in known and v.place is not Place.OTHER]
    return found + [f"the switch has {v.name} ({v.id}), the books have not" for v in unknown]


# ---------------------------------------------------------------------- processes
PROGRAM = "from service.cli import main; main()"


class Process:
    """`hotline run`, as an operator starts it; of another version, if `program` and its checkout say so."""

    def __init__(self, settings: Any, node: str, program: str = PROGRAM, checkout: Path = ROOT, **more: str) -> None:
        self.node, self.port = node, free_port()
        self._program, self._checkout = program, checkout
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._environment = {
            **os.environ, "HOTLINE_NODE": node, "HOTLINE_HTTP_PORT": str(self.port), "HOTLINE_ASR_WORKERS": "0",
            **{f"HOTLINE_{name.upper()}": str(getattr(settings, name)) for name in
               ("config_dir", "var_dir", "ami_port", "recording_spool", "sip_port", "redis_url", "redis_prefix")},
            **more,
        }  # fmt: skip

    async def start(self) -> Process:
        """Begins; its role is told a little later."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", self._program, "run", "--join", cwd=self._checkout,
            env=self._environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.lines.append(line.decode().rstrip())

    @property
    def role(self) -> str:
        """active, standby, or nothing yet."""
        told = [m[1] for line in self.lines if (m := re.match(r"\s*role\s+(\w+)", line))]
        return told[-1] if told else ""

    async def is_(self, role: str, timeout: float = 60.0) -> None:
        """Waits for a role."""
        await eventually(lambda: self.role == role, timeout, f"{self.node} is {role}: {self.lines[-10:]}")

    async def kill(self, number: int = signal.SIGKILL) -> None:
        """kill -9, or another signal that ends it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        await self.process.wait()
        await self._reading


# ---------------------------------------------------------------------- the floor
@dataclass
class KilledTalk:
    """A caller and a seat who talk; `id` names the call to the processes."""

    id: str
    caller: OutgoingCall
    seat: IncomingCall
    voices: Voices
    late: Callable[[], float]
    """How late this process was at the most (s): its phones' gaps are not the switch's."""

    def never_cut(self, since: float, *pairs: tuple[str, str]) -> None:
        """Each listener, who hears its voice now, has heard it all the time since then, but for a syllable's half."""
        for listener, voice in pairs or (("caller", "seat"), ("seat", "caller")):
            spans = self.voices.log(listener, voice, since, shortest=0.06)
            assert spans and spans[0].began <= since + LONGEST, f"{listener} did not hear {voice} at first"
            gaps = [round(after.began - (before.ended or 0.0), 3) for before, after in pairwise(spans)]
            most = LONGEST + self.late()
            assert max(gaps, default=0.0) <= most, f"{listener} heard {voice} with gaps of {gaps} s, {most:.3f} allowed"


LONGEST = 0.2
"""Seconds that are a gap, and not this machine's, whose two cores play everybody's phone."""


@dataclass
class Site:
    """See the module's text."""

    settings: Any
    sip: tuple[str, int]
    outside: dict[str, Outside]
    switch: AsteriskSwitch
    session: aiohttp.ClientSession
    stack: contextlib.AsyncExitStack
    active: Process
    standby: Process | None = None
    seats: dict[str, Phone] = field(default_factory=dict)
    callers: list[Phone] = field(default_factory=list)
    late: float = 0.0
    _numbers: Any = field(default_factory=itertools.count)

    async def watch(self) -> None:
        """Notes how late this process is, until cancelled."""
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.01)
            self.late = max(self.late, asyncio.get_running_loop().time() - before - 0.01)

    # ------------------------------------------------------------------ processes
    async def begin(self) -> Process:
        """One more process."""
        process = await Process(self.settings, f"p{next(self._numbers)}").start()
        self.stack.push_async_callback(process.kill)
        return process

    async def second(self) -> None:
        """One more process, which stands by."""
        self.standby = await self.begin()
        await self.standby.is_("standby")

    async def kill(self) -> None:
        """kill -9 of the active one."""
        await self.active.kill()

    async def taken_over(self) -> None:
        """Waits until the other one decides."""
        assert self.standby is not None
        began = asyncio.get_running_loop().time()
        await self.standby.is_("active", 10)
        print(f"taken over {asyncio.get_running_loop().time() - began:.2f} s after the death was seen")
        self.active, self.standby = self.standby, None

    # ------------------------------------------------------------------ asking and ordering
    async def ask(self, path: str) -> Any:
        """The active one's answer. Raises aiohttp.ClientError."""
        async with self.session.get(self.active.url + "/api/v1/" + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def order(self, talk: KilledTalk, path: str, /, key: str = "", **body: str) -> dict[str, Any]:
        """POST calls/<id>/<path>, with a key; the answer's body."""
        url = f"{self.active.url}/api/v1/calls/{talk.id}/{path}"
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        async with self.session.post(url, json=body, headers=headers) as answer:
            result: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status < 300, f"{path} {body}: {answer.status} {result}"
            return result

    async def call(self, talk: KilledTalk) -> dict[str, Any]:
        """The call as the active one shows it."""
        found: dict[str, Any] = await self.ask(f"calls/{talk.id}")
        return found.get("call", found)

    async def until(self, what: str, true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Asks again and again; a process that is starting refuses."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            with contextlib.suppress(aiohttp.ClientError, KeyError, StopIteration):
                if found := await true():
                    return found
            assert asyncio.get_running_loop().time() < end, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.05)

    async def party(self, talk: KilledTalk, part: str, state: str) -> dict[str, Any]:
        """Waits until a party is in a state."""
        seen: list[Any] = []

        async def there() -> Any:
            one = next(p for p in (await self.call(talk))["parties"] if p["id"] == part)
            seen[:] = [one["state"], one["why"]]
            return one if one["state"] == state else None

        try:
            found: dict[str, Any] = await self.until(f"party {part} is {state}", there)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None
        return found

    async def seat_is(self, id_: str, state: str) -> None:
        """Waits until a seat is in a state."""

        async def is_so() -> bool:
            return any(s["id"] == id_ and s["state"] == state for s in (await self.ask("seats"))["items"])

        await self.until(f"seat {id_} is {state}", is_so)

    async def agrees(self) -> None:
        """Waits until the active one's calls are the switch's truth. Raises AssertionError."""

        async def compared(snapshot: Snapshot) -> list[str]:
            live = (await self.ask("calls?live=true"))["items"]
            whole = {c["id"]: (await self.ask(f"calls/{c['id']}")) for c in live}
            return _legs_differ({i: c.get("call", c)["legs"] for i, c in whole.items()}, snapshot)

        await _agree(self.switch.snapshot, compared)

    # ------------------------------------------------------------------ people
    async def phone(self, id_: str) -> Phone:
        """A seat's phone, registered and free."""
        if id_ not in self.seats:
            self.seats[id_] = await self.stack.enter_async_context(Phone(self.sip, id_, f"demo-{id_}"))
            await self.seats[id_].register()
        await self.seat_is(id_, "available")
        return self.seats[id_]

    async def talk(self, seat: str) -> KilledTalk:
        """A caller and a seat, the only one that is free; each hears the other's tone."""
        phone = await self.phone(seat)
        number = f"1380000{len(self.callers):04}"
        mine = await self.stack.enter_async_context(Phone(self.sip, number, local_ip=caller_ip(self.sip)))
        self.callers.append(mine)
        before = {v.id for v in (await self.switch.snapshot()).channels}
        caller = await mine.dial("12345")
        await caller.answered(PATIENCE)
        await caller.press("#")  # enough of the greeting
        taken = await phone.incoming(PATIENCE)
        await taken.answer()
        # A set: while two are being bridged, the switch may list one of them twice.
        channels = {v.id for v in (await self.switch.snapshot()).channels if v.id not in before and "~" not in v.id}
        (mine_id,) = channels
        talk = KilledTalk(mine_id, caller, taken, Voices(caller=caller, seat=taken), lambda: self.late)
        await talk.voices.all_hear_all()
        return talk

    async def everybody_hangs_up(self) -> None:
        """Callers first; then nothing may be left in the switch."""
        for phones in (self.callers, self.seats.values(), (one.phone for one in self.outside.values())):
            for phone in tuple(phones):
                await asyncio.gather(*(call.hang_up() for call in phone.calls))

        async def empty() -> bool:
            return not (await self.switch.snapshot()).channels

        await self.until("the switch has no channels", empty)


@contextlib.asynccontextmanager
async def floor_of_two(bench: Bench, **entries: Any) -> AsyncIterator[Site]:
    """The active process and the standby, on the run's switch; `entries`: changes of the directory."""
    plan = bench.switch.plan
    settings = bench.settings(book.write(bench.config(times={"wrap_up": 0.3}), book.directory(plan, **entries)))
    async with contextlib.AsyncExitStack() as stack:
        outside = await stack.enter_async_context(outside_phones(plan, bench.switch.sip))
        headers = {"Authorization": f"Bearer {issue(settings, 'admin', 'test')}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
        ami = AmiSettings(port=plan.ami_port, username=plan.ami_user, secret=plan.ami_secret, events="off")
        link = AmiLink(ami, lambda batch: None)
        await link.start()
        stack.push_async_callback(link.stop)
        await link.wait_up(10)
        switch = AsteriskSwitch(link, lambda events: None)
        first = await Process(settings, "first").start()
        stack.push_async_callback(first.kill)
        site = Site(settings, bench.switch.sip, outside, switch, session, stack, first)
        watching = asyncio.create_task(site.watch())
        stack.callback(watching.cancel)
        await first.is_("active")
        await site.second()
        yield site
        await site.everybody_hangs_up()


__all__ = ["KilledTalk", "Process", "Site", "books_agree", "differences", "floor_of_two"]
