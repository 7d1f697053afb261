"""A switch in memory, for unit tests and for scale beyond one machine. It ships, like every fake here.

It behaves as the real one was seen to behave: a leg that answers is joined only if its caller waits and is
in no talk; of two parties in a talk the seat's end is reported first, with cause 31 when the caller left;
a command for a channel that is gone does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import commands as c
from . import events as e
from .ports import ChannelView, Entry, Place, Snapshot
from .reconcile import split_leg


@dataclass(slots=True)
class FakeCaller:
    """A caller's channel."""

    place: Place
    partner: str | None = None
    wants: str | None = None
    """An outbound call: the seat's leg that it is joined with when it answers."""
    thirds: set[str] = field(default_factory=set)


@dataclass(slots=True)
class FakeLeg:
    """A seat's leg: dialled, ringing, joined."""

    call: str
    seat: str
    state: str = "dialled"
    role: str = "seat"


@dataclass(slots=True)
class FakeSwitch:
    """See the module's text. Events gather in `events`: the test feeds them, in order, when it likes."""

    up: bool = True
    callers: dict[str, FakeCaller] = field(default_factory=dict)
    legs: dict[str, FakeLeg] = field(default_factory=dict)
    events: list[e.Input] = field(default_factory=list)
    commands: list[c.ToSwitch] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    phones: set[str] = field(default_factory=set)
    renewed: list[str] = field(default_factory=list)
    now: float = 0.0

    # ------------------------------------------------------------------ what callers and seats do
    def arrive(self, call: str, number: str = "13800000000", flow: str = "") -> None:
        """A caller is answered and greeted."""
        self.callers[call] = FakeCaller(Place.GREETING)
        self.events.append(e.Arrived(call, f"PJSIP/{call}", "12345", number, "", flow))

    def greeted(self, call: str) -> None:
        """The greeting is over."""
        self.callers[call].place = Place.WAITING
        self.events.append(e.Waits(call))

    def ring(self, leg: str) -> None:
        """A phone rings."""
        self.legs[leg].state = "ringing"
        self.events.append(e.LegRinging(self.legs[leg].call, leg))

    def answer(self, leg: str) -> None:
        """A phone is picked up."""
        one = self.legs[leg]
        caller = self.callers.get(one.call)
        if one.role == "callback" or (one.role == "assistant" and caller is not None):
            one.state = "ready"
            self.events.append(e.LegReady(one.call, leg))
            return
        if one.role == "third" and caller is not None and caller.partner is not None:
            one.state = "joined"
            caller.thirds.add(leg)
            self.events.append(e.LegJoined(one.call, leg, one.seat))
            return
        if one.role != "seat" or caller is None or caller.place is not Place.WAITING or caller.partner is not None:
            self.end_leg(leg, 31)
            return
        one.state, caller.partner = "joined", leg
        self.events.append(e.LegJoined(one.call, leg, one.seat))

    def end_leg(self, leg: str, cause: int) -> None:
        """A leg is over: refused, hung up, lost."""
        one = self.legs.pop(leg)
        caller = self.callers.get(one.call)
        if caller is not None and caller.partner == leg:
            caller.partner = None
        if caller is not None:
            caller.thirds.discard(leg)
        self.events.append(e.LegLeft(one.call, leg, cause))

    def leave(self, call: str, cause: int = 16) -> None:
        """A caller hangs up."""
        caller = self.callers.pop(call)
        if caller.partner is not None:
            partner = self.legs.pop(caller.partner)
            self.events.append(e.LegLeft(partner.call, caller.partner, 31))
        for leg in sorted(caller.thirds):
            self.events.append(e.LegLeft(self.legs.pop(leg).call, leg, 31))
        self.events.append(e.CallerLeft(call, cause))

    def pick_up(self, call: str) -> None:
        """The caller of an outbound call answers: joined with its seat, or waiting if that has gone."""
        caller = self.callers[call]
        self.events.append(e.CallerAnswered(call, f"PJSIP/{call}"))
        leg = self.legs.get(caller.wants or "")
        caller.place = Place.WAITING
        if leg is not None and leg.state == "ready" and caller.wants is not None:
            leg.state, caller.partner = "joined", caller.wants
            self.events.append(e.LegJoined(call, caller.wants, leg.seat))
        else:
            self.events.append(e.Waits(call))

    # ------------------------------------------------------------------ Switch
    def do(self, command: c.ToSwitch) -> None:
        """See calls.ports.Switch."""
        self.commands.append(command)
        match command:
            case c.RingSeat():
                if command.leg in self.legs:
                    raise AssertionError(f"leg {command.leg} was made twice")
                self.legs[command.leg] = FakeLeg(command.call, command.seat, role=command.role)
            case c.CancelLeg():
                if command.leg in self.legs:
                    self.end_leg(command.leg, 16)
            case c.HangUp():
                if command.call in self.callers:
                    self.leave(command.call, command.cause)
            case c.ToWaiting():
                if command.call in self.callers:
                    self.greeted(command.call)
            case c.Farewell():
                if command.call in self.callers and self.callers[command.call].partner is None:
                    self.callers[command.call].place = Place.LEAVING
            case c.DialCaller():
                if command.call in self.callers:
                    raise AssertionError(f"call {command.call} was made twice")
                self.callers[command.call] = FakeCaller(Place.CALLBACK, wants=command.leg)
            case c.ToVoicemail():
                if command.call in self.callers:
                    self.callers[command.call].place = Place.VOICEMAIL
                    self.events.append(e.VoicemailBegan(command.call))
            case _:
                pass

    def beat(self, now: float) -> None:
        """See calls.ports.Switch."""
        self.beats.append(now)

    def renew(self, call: str) -> None:
        """See calls.ports.Switch."""
        self.renewed.append(call)

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """See calls.ports.Switch."""
        self.entries = dict(entries)

    @staticmethod
    def _bridge(call: str, caller: FakeCaller) -> str | None:
        if caller.place is Place.CALLBACK:
            return None
        # A waiting caller is in a holding bridge of its own.
        return f"talk-{call}" if caller.partner or caller.thirds else f"hold-{call}"

    async def snapshot(self) -> Snapshot:
        """See calls.ports.Switch."""
        views = [
            ChannelView(i, f"PJSIP/{i}", x.place, self._bridge(i, x), dialled="12345", age=60.0)
            for i, x in self.callers.items()
        ]
        for leg, one in self.legs.items():
            caller = self.callers.get(one.call)
            bridge = self._bridge(one.call, caller) if one.state == "joined" and caller is not None else None
            views.append(ChannelView(leg, f"PJSIP/{one.seat}", Place.SEAT, bridge, age=60.0))
            assert split_leg(leg) is not None
        return Snapshot(self.now, views, frozenset(self.phones))
