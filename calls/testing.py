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


@dataclass(slots=True)
class FakeLeg:
    """A seat's leg: dialled, ringing, joined."""

    call: str
    seat: str
    state: str = "dialled"


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
        if caller is None or caller.place is not Place.WAITING or caller.partner is not None:
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
        self.events.append(e.LegLeft(one.call, leg, cause))

    def leave(self, call: str, cause: int = 16) -> None:
        """A caller hangs up."""
        caller = self.callers.pop(call)
        if caller.partner is not None:
            partner = self.legs.pop(caller.partner)
            self.events.append(e.LegLeft(partner.call, caller.partner, 31))
        self.events.append(e.CallerLeft(call, cause))

    # ------------------------------------------------------------------ Switch
    def do(self, command: c.ToSwitch) -> None:
        """See calls.ports.Switch."""
        self.commands.append(command)
        match command:
            case c.RingSeat():
                if command.leg in self.legs:
                    raise AssertionError(f"leg {command.leg} was made twice")
                self.legs[command.leg] = FakeLeg(command.call, command.seat)
            case c.CancelLeg():
                if command.leg in self.legs:
                    self.end_leg(command.leg, 16)
            case c.HangUp():
                if command.call in self.callers:
                    self.leave(command.call, command.cause)
            case c.ToWaiting():
                if command.call in self.callers:
                    self.greeted(command.call)
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

    async def snapshot(self) -> Snapshot:
        """See calls.ports.Switch."""
        views = [
            # A waiting caller is in a holding bridge of its own.
            ChannelView(
                i, f"PJSIP/{i}", x.place, f"b-{x.partner}" if x.partner else f"hold-{i}", dialled="12345", age=60.0
            )
            for i, x in self.callers.items()
        ]
        for leg, one in self.legs.items():
            bridge = f"b-{leg}" if one.state == "joined" else None
            views.append(ChannelView(leg, f"PJSIP/{one.seat}", Place.SEAT, bridge, age=60.0))
            assert split_leg(leg) is not None
        return Snapshot(self.now, views, frozenset(self.phones))
