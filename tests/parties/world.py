"""A hotline, its seats, callers and everybody at the other end of its trunks, for tests of calls with several parties.

    async with floor(bench) as world:
        talk = await world.talk()                        # a caller and seat 8001, each sounding a tone of its own
        world.engine.want_party(talk.id, "join", entry="expert")
        talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.voices.hear(caller={"seat", "expert"}, seat={"caller", "expert"}, expert={"caller", "seat"})

On leaving, everybody hangs up, and then nothing may be left in the switch and no error in the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from calls import Call
from demo import TONES, IncomingCall, Manner, OutgoingCall, Phone, ToneSpan, behave, hears_exactly
from demo import Call as PhoneCall
from tests.conftest import Bench, eventually

from . import directory as book

LEVEL = 0.1
PATIENCE = 30.0
"""Seconds before a test gives up; nothing is judged by it."""
NOBODY: frozenset[str] = frozenset()


# ---------------------------------------------------------------------- who hears whom
class Voices:
    """Gives each party a tone of its own and says who hears whom."""

    def __init__(self, **calls: PhoneCall) -> None:
        self._calls: dict[str, PhoneCall] = {}
        self._tones: dict[str, float] = {}
        for name, call in calls.items():
            self.add(name, call)

    def add(self, name: str, call: PhoneCall) -> PhoneCall:
        """A further party begins to sound its tone; at most seven, those who have left among them."""
        self._tones[name] = self._tones.get(name) or TONES[len(self._tones)]
        self._calls[name] = call
        call.tone(self._tones[name], LEVEL)
        return call

    def __getitem__(self, name: str) -> PhoneCall:
        return self._calls[name]

    def tone(self, name: str) -> float:
        """The tone of a party (Hz)."""
        return self._tones[name]

    async def hear(self, timeout: float = PATIENCE, **matrix: Collection[str]) -> None:
        """Waits until each named party hears exactly those named for it: `caller={"seat"}, seat={"caller"}`.

        Whoever is not named is not looked at; `caller=NOBODY` means music or silence. Raises AssertionError.
        """
        for name, heard in matrix.items():
            unknown = set(heard) - self._tones.keys()
            assert not unknown and name in self._calls, f"no such parties: {unknown or name}"
        results = await asyncio.gather(
            *(self._hears(name, heard, timeout) for name, heard in matrix.items()), return_exceptions=True
        )
        faults = [str(one) for one in results if isinstance(one, AssertionError)]
        for one in results:
            if isinstance(one, BaseException) and not isinstance(one, AssertionError):
                raise one
        assert not faults, "; ".join(faults)

    async def _hears(self, name: str, heard: Collection[str], timeout: float) -> None:
        wanted = [self._tones[one] for one in heard]
        call = self._calls[name]
        try:
            await hears_exactly(call, wanted, of=self._tones.values(), timeout=timeout)
        except TimeoutError:
            now = call.tones_heard(self._tones.values())
            names = {one for one, tone in self._tones.items() if tone in now}
            raise AssertionError(f"{name} hears {names or 'nobody'} and not {set(heard) or 'nobody'}") from None

    async def all_hear_all(self, *names: str) -> None:
        """Each of the named (default: all) hears all the others and nobody else."""
        chosen = names or tuple(self._calls)
        await self.hear(**{one: {other for other in chosen if other != one} for one in chosen})

    async def music(self, name: str = "caller") -> None:
        """Waits until a party hears music and no voice. Raises TimeoutError."""
        await self.hear(**{name: NOBODY})
        await self._calls[name].wait_for_kind("sound", PATIENCE, tones=tuple(self._tones.values()))

    def log(self, listener: str, voice: str, since: float = 0.0, shortest: float = 0.2) -> list[ToneSpan]:
        """When `listener` heard `voice`, in unix seconds (10 ms); by default no span that could be a spoken word.

        Gaps are seen from 0.03 s on: `log[1].began - log[0].ended`.
        """
        return self._calls[listener].tone_log([self._tones[voice]], since, shortest)


# ---------------------------------------------------------------------- the other end of a trunk
class Outside:
    """The phone at a trunk's other end. It takes each call as the next of `manners` says; the last one stays."""

    def __init__(self, name: str, address: tuple[str, int], server: tuple[str, int]) -> None:
        self.name = name
        self.manners: list[Manner] = [Manner()]
        self.seen: list[IncomingCall] = []
        """Every call that came, in order; its INVITE's headers are `seen[0].headers`."""
        self.phone = Phone(server, name, local_ip=address[0], local_port=address[1], on_call=self._take)
        self._rings: asyncio.Queue[IncomingCall] = asyncio.Queue()
        self._answers: asyncio.Queue[IncomingCall] = asyncio.Queue()

    def takes(self, *manners: Manner) -> None:
        """How it takes the calls from now on."""
        self.manners = list(manners)

    async def rings(self, timeout: float = PATIENCE) -> IncomingCall:
        """The next call that comes, answered or not."""
        async with asyncio.timeout(timeout):
            return await self._rings.get()

    async def answers(self, timeout: float = PATIENCE) -> IncomingCall:
        """The next call that it has answered."""
        async with asyncio.timeout(timeout):
            return await self._answers.get()

    async def dial(self, number: str = "12345", **headers: str) -> OutgoingCall:
        """Calls the hotline by this trunk; headers: `X_Hotline_Case="…"`."""
        return await self.phone.dial(number, {name.replace("_", "-"): value for name, value in headers.items()})

    async def _take(self, call: IncomingCall) -> None:
        manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
        self.seen.append(call)
        self._rings.put_nowait(call)
        if await behave(call, manner):
            self._answers.put_nowait(call)


# ---------------------------------------------------------------------- the hotline
@dataclass
class Talk:
    """A caller and a seat who talk. `id` names the call in the engine."""

    world: World
    id: str
    caller: OutgoingCall
    seat: IncomingCall
    voices: Voices

    @property
    def call(self) -> Call:
        """The call as the engine has it now. Raises KeyError when it is over."""
        return self.world.engine.calls[self.id]

    async def party(self, part: str, state: str) -> Any:
        """Waits until a party is in a state (queued, ringing, joined, left, failed, withdrawn); returns it."""

        def there() -> Any:
            party = self.call.party(part)
            return party if party is not None and party.state == state else None

        return await eventually(there, PATIENCE, f"party {part} is {state}")

    async def state(self, state: str) -> None:
        """Waits until the call is in a state."""
        await eventually(lambda: self.call.state.value == state, PATIENCE, f"the call is {state}")

    def moments(self) -> list[str]:
        """What the timeline says, in order."""
        return [moment.what for moment in self.call.timeline]


@dataclass
class World:
    """See the module's text."""

    hotline: Any
    sip: tuple[str, int]
    outside: dict[str, Outside]
    """By trunk."""
    seats: dict[str, Phone] = field(default_factory=dict)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _password: Callable[[str], str] = "demo-{}".format
    _callers: list[Phone] = field(default_factory=list)

    @property
    def engine(self) -> Any:
        """The service's engine."""
        return self.hotline.engine

    async def seat(self, *ids: str) -> Phone:
        """Registers the phones of seats and waits until they can be offered calls; returns the last one."""
        for id_ in ids:
            phone = await self._stack.enter_async_context(Phone(self.sip, id_, self._password(id_)))
            await phone.register()
            self.seats[id_] = phone
        await eventually(lambda: all(self.is_seat(i, "available") for i in ids), PATIENCE, f"{ids} are available")
        return self.seats[ids[-1]]

    def is_seat(self, id_: str, state: str) -> bool:
        """Whether the dispatcher has the seat in this state."""
        return bool(self.engine.dispatcher.seats[id_].state.value == state)

    async def seat_becomes(self, id_: str, state: str) -> None:
        """Waits until the dispatcher has the seat in this state."""
        await eventually(lambda: self.is_seat(id_, state), PATIENCE, f"seat {id_} is {state}")

    async def takes(self, id_: str, manner: Manner | None = None) -> IncomingCall:
        """The next call at a seat's phone, taken in a manner (default: answered at once)."""
        while True:
            ringing = await self.seats[id_].incoming(PATIENCE)
            # A ring of before that nobody took, because another seat did, is over: it is none of this test's.
            if await behave(ringing, manner or Manner()) or manner is not None:
                return ringing

    async def telephone(self, number: str) -> Phone:
        """A telephone of the public's; what it dials is hung up in the end."""
        phone = await self._stack.enter_async_context(Phone(self.sip, number, local_ip=caller_ip(self.sip)))
        self._callers.append(phone)
        return phone

    async def dials(self, number: str = "13800001234", dialled: str = "12345") -> tuple[str, OutgoingCall]:
        """A new caller; returns the engine's id of its call, and the call, answered by the switch."""
        phone = await self.telephone(number)
        before = set(self.engine.calls)
        call = await phone.dial(dialled)
        await call.answered(PATIENCE)
        (id_,) = await eventually(lambda: set(self.engine.calls) - before, PATIENCE, "the engine has the call")
        return id_, call

    async def talk(self, seat: str = "8001", number: str = "13800001234") -> Talk:
        """A caller and a seat in a talk; each sounds its tone and hears the other's."""
        if seat not in self.seats:
            await self.seat(seat)
        id_, caller = await self.dials(number)
        await caller.press("#")  # enough of the greeting
        taken = await self.takes(seat)
        talk = Talk(self, id_, caller, taken, Voices(caller=caller, seat=taken))
        await talk.state("talking")
        await talk.voices.all_hear_all()
        return talk

    async def channels(self) -> list[str]:
        """Names of all channels of the switch."""
        return [one.name for one in (await self.hotline.switch.snapshot()).channels]

    async def no_surrogates(self) -> None:
        """Waits until no channel is a leftover of a move between bridges. Raises AssertionError."""
        await self._channels_without(lambda name: "Surrogate" in name, "Surrogate channels")

    async def nobody_left(self) -> None:
        """Waits until the switch has no channel and the engine no call. Raises AssertionError."""
        await eventually(lambda: not self.engine.calls, PATIENCE, "all calls have ended")
        await self._channels_without(lambda name: True, "channels")

    async def _channels_without(self, bad: Callable[[str], bool], what: str) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE
        while left := [name for name in await self.channels() if bad(name)]:
            assert asyncio.get_running_loop().time() < end, f"{what} stay: {left}"
            await asyncio.sleep(0.1)

    async def everybody_hangs_up(self) -> None:
        """Callers first, then whoever is still there."""
        for phones in (self._callers, self.seats.values(), (one.phone for one in self.outside.values())):
            for phone in tuple(phones):
                await asyncio.gather(*(call.hang_up() for call in phone.calls))

    def check(self) -> None:
        """No error has been counted."""
        counters = self.engine.counters
        assert counters.errors == 0, f"the engine has failed {counters.errors} times; see its log"


def caller_ip(sip: tuple[str, int]) -> str:
    """Where a member of the public calls from: any address that is no trunk's."""
    return "127.0.0.9" if sip[0] == "127.0.0.1" else sip[0]


@contextlib.asynccontextmanager
async def outside_phones(plan: Any, sip: tuple[str, int]) -> AsyncIterator[dict[str, Outside]]:
    """The phones at the other ends of all trunks of a switch whose addresses are loopback ones of ours."""
    async with contextlib.AsyncExitStack() as stack:
        phones: dict[str, Outside] = {}
        for line in plan.lines:
            host, _, port = line.contact.partition(":")
            phones[line.name] = Outside(line.name, (host, int(port)), sip)
            await stack.enter_async_context(phones[line.name].phone)
        yield phones


@contextlib.asynccontextmanager
async def floor(
    bench: Bench,
    *,
    seats: Sequence[str] = (),
    entries: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """A hotline on the run's switch.

    Args:
        bench: the fixture of tests/conftest.py.
        seats: whose phones are registered at once.
        entries: changes of the directory (see directory.directory).
        config: changes of hotline.yaml.
        settings: changes of the settings.
    """
    plan = bench.switch.plan
    directory = book.write(bench.config(**(config or {})), book.directory(plan, **(entries or {})))
    async with contextlib.AsyncExitStack() as stack:
        outside = await stack.enter_async_context(outside_phones(plan, bench.switch.sip))
        hotline = await stack.enter_async_context(bench.hotline(bench.settings(directory, **settings)))
        world = World(hotline, bench.switch.sip, outside)
        await stack.enter_async_context(world._stack)
        if seats:
            await world.seat(*seats)
        yield world
        await world.everybody_hangs_up()
        await world.nobody_left()
        world.check()


def spans_of(voices: Voices, listener: str, names: Iterable[str], since: float = 0.0) -> dict[str, list[ToneSpan]]:
    """When `listener` heard each of the named."""
    return {name: voices.log(listener, name, since) for name in names}


__all__ = ["NOBODY", "PATIENCE", "Outside", "Talk", "Voices", "World", "floor", "outside_phones", "spans_of"]
