"""A switch in memory, for unit tests and for scale beyond one machine. It ships, like every fake here.

It behaves as the real one was seen to behave: a leg that answers is joined only if its caller waits and is
in no talk; of two parties in a talk the seat's end is reported first, with cause 31 when the caller left;
a command for a channel that is gone does nothing. A bridge of one dissolves: a caller falls back into the music, a
leg that had gone to the caller ends (31), one of a private consultation waits for what is to become of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import commands as c
from . import events as e
from .ports import ChannelView, Entry, Place, Snapshot, Tale
from .reconcile import split_leg


@dataclass(slots=True)
class FakeCaller:
    """A caller's channel."""

    place: Place
    wants: str | None = None
    """An outbound call: the seat's leg that it is joined with when it answers."""
    held: bool = False
    """In the music by our order: seats that answer an offer do not take it."""


@dataclass(slots=True)
class FakeLeg:
    """A leg: dialled, ringing, joined."""

    call: str
    seat: str
    state: str = "dialled"
    role: str = "seat"
    beside: str = ""
    private: bool = False
    """Waits when its bridge dissolves, instead of ending."""


@dataclass(slots=True)
class FakeSwitch:
    """See the module's text. Events gather in `events`: the test feeds them, in order, when it likes."""

    up: bool = True
    callers: dict[str, FakeCaller] = field(default_factory=dict)
    legs: dict[str, FakeLeg] = field(default_factory=dict)
    bridges: dict[str, str] = field(default_factory=dict)
    """Channel → the bridge it is in."""
    muted: set[str] = field(default_factory=set)
    events: list[e.Input] = field(default_factory=list)
    commands: list[c.ToSwitch] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    phones: set[str] = field(default_factory=set)
    renewed: list[str] = field(default_factory=list)
    now: float = 0.0
    alone: bool = False
    """Nobody listens: what happens is written down instead of told (ports.Tale)."""
    tales: dict[str, list[tuple[float, e.Event]]] = field(default_factory=dict)
    _names: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # ------------------------------------------------------------------ bridges
    def together(self, channel: str) -> set[str]:
        """Who hears this channel: everybody else in its bridge."""
        bridge = self.bridges.get(channel)
        return {x for x, b in self.bridges.items() if b == bridge and x != channel} if bridge is not None else set()

    def talks_with(self, call: str) -> set[str]:
        """The legs that the caller hears."""
        return self.together(call)

    def _enter(self, channel: str, bridge: str) -> None:
        self._out(channel)
        self.bridges[channel] = bridge
        leg = self.legs.get(channel)
        if leg is not None:
            leg.state = "joined"
            # A seat of the switch's own queue says so before it is in the bridge.
            self.events.append(e.LegJoined(leg.call, channel, leg.seat, "" if leg.role == "native" else bridge))

    def _meet(self, channel: str, other: str) -> None:
        """`channel` goes to where `other` is; both into a new bridge if that is in none."""
        bridge = self.bridges.get(other)
        if bridge is None:
            bridge = f"b{next(self._names)}"
            self._enter(other, bridge)
        self._enter(channel, bridge)

    def _out(self, channel: str) -> None:
        """Out of its bridge; one that stays alone there is let go."""
        bridge = self.bridges.pop(channel, None)
        if bridge is None:
            return
        rest = [x for x, b in self.bridges.items() if b == bridge]
        if len(rest) == 1:
            del self.bridges[rest[0]]
            leg, caller = self.legs.get(rest[0]), self.callers.get(rest[0])
            if caller is not None and caller.place is Place.NATIVE:
                caller.place = Place.WAITING  # after a talk of the switch's own queue: as after any other
            if leg is not None and not leg.private:
                self.end_leg(rest[0], 31)

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
        if one.role in ("callback", "listen", "whisper"):
            one.state = "ready"
            self.events.append(e.LegReady(one.call, leg))
            return
        if one.role == "beside" and one.beside in self.legs:
            one.private = True
            self._meet(leg, one.beside)
            return
        if caller is None:
            self.end_leg(leg, 31)
            return
        if one.role == "seat" and (caller.place is not Place.WAITING or caller.held or one.call in self.bridges):
            self.end_leg(leg, 31)
            return
        if one.call not in self.bridges:
            # It fetches the caller, wherever that is.
            caller.place = Place.WAITING
        self._meet(leg, one.call)

    def end_leg(self, leg: str, cause: int) -> None:
        """A leg is over: refused, hung up, lost."""
        one = self.legs.pop(leg)
        # The channel's id says nothing of the call where the switch has made it by itself.
        self.events.append(e.CallerLeft(leg, cause) if one.role == "native" else e.LegLeft(one.call, leg, cause))
        self._out(leg)

    def leave(self, call: str, cause: int = 16) -> None:
        """A caller hangs up."""
        self.callers.pop(call)
        self._out(call)
        self.events.append(e.CallerLeft(call, cause))
        if self.alone:
            self._note(call, e.CallerLeft(call, cause))

    # ------------------------------------------------------------------ without the service
    def goes_native(self, call: str) -> None:
        """The heart-beat is too old: the caller is in the switch's own queue."""
        self.callers[call].place = Place.NATIVE
        self.events.append(e.WentNative(call))
        self._note(call, e.WentNative(call))

    def native_answer(self, call: str, seat: str) -> str:
        """A seat that the switch's own queue has rung answers: returns the id of its channel, no leg of our making."""
        channel = f"n.{next(self._names)}"
        self.legs[channel] = FakeLeg(call, seat, role="native")
        self._meet(channel, call)
        self._note(call, e.LegJoined(call, channel, seat))
        return channel

    def comes_back(self, call: str) -> None:
        """The heart-beat is fresh again: who is with nobody waits for us."""
        if call not in self.bridges:
            self.greeted(call)

    def hears_nobody(self) -> None:
        """No process is there: what was told to none is lost, but for the notes."""
        self.events.clear()

    def _note(self, call: str, event: e.Event) -> None:
        arrived = (self.now, e.Arrived(call, f"PJSIP/{call}", "12345", "13800000000"))
        self.tales.setdefault(call, [arrived]).append((self.now, event))

    def pick_up(self, call: str) -> None:
        """The caller of an outbound call answers: joined with its seat, or waiting if that has gone."""
        caller = self.callers[call]
        self.events.append(e.CallerAnswered(call, f"PJSIP/{call}"))
        leg = self.legs.get(caller.wants or "")
        caller.place = Place.WAITING
        if leg is not None and leg.state == "ready" and caller.wants is not None:
            self._meet(caller.wants, call)
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
                self.legs[command.leg] = FakeLeg(command.call, command.seat, role=command.role, beside=command.beside)
            case c.RingLine():
                if command.leg in self.legs:
                    raise AssertionError(f"leg {command.leg} was made twice")
                names = split_leg(command.leg)
                assert names is not None
                self.legs[command.leg] = FakeLeg(command.call, names[1], role=command.role, beside=command.beside)
            case c.Move():
                self._move(command.call, command.leg, command.to, command.beside)
            case c.Hold():
                # Parted at once: neither is alone in the bridge for the other's after-life to matter.
                for channel in (command.call, command.leg):
                    self.bridges.pop(channel, None)
                if command.call in self.callers:
                    self.callers[command.call].held = True
                to = "talk" if command.to == "again" else command.to
                self._move(command.call, command.leg, to, command.beside)
            case c.InQueue():
                if command.call in self.callers:
                    self.callers[command.call].held = False
            case c.Mute():
                (self.muted.add if command.on else self.muted.discard)(command.leg)
            case c.CancelLeg():
                if command.leg in self.legs and not (command.ringing and self.legs[command.leg].state == "joined"):
                    self.end_leg(command.leg, 16)
            case c.HangUp():
                if command.call in self.callers:
                    self.leave(command.call, command.cause)
            case c.ToWaiting():
                if command.call in self.callers:
                    self._out(command.call)
                    self.greeted(command.call)
            case c.Farewell():
                if command.call in self.callers and command.call not in self.bridges:
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

    def _move(self, call: str, channel: str, to: str, beside: str) -> None:
        """What a redirected channel does."""
        leg = self.legs.get(channel)
        if leg is None and channel not in self.callers:
            return
        if to == "beside" and (beside in self.legs or beside in self.callers):
            if leg is not None:
                leg.private = True
            self._meet(channel, beside)
            if leg is None:
                self.events.append(e.LegJoined(call, channel, "", self.bridges[channel]))
        elif to in ("talk", "beside"):
            if call not in self.callers:
                self.end_leg(channel, 31)
                return
            assert leg is not None
            self._out(channel)
            leg.private = False
            self._meet(channel, call)
        else:
            if leg is not None:
                leg.private = True
            self._out(channel)

    def beat(self, now: float) -> None:
        """See calls.ports.Switch."""
        self.beats.append(now)

    def renew(self, call: str) -> None:
        """See calls.ports.Switch."""
        self.renewed.append(call)

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """See calls.ports.Switch."""
        self.entries = dict(entries)

    def reaches(self, call: str) -> bool:
        """There is only one."""
        return self.up

    async def snapshot(self, name: str = "") -> Snapshot:
        """See calls.ports.Switch."""
        views = [
            ChannelView(i, f"PJSIP/{i}", x.place, self._seen(i, x.place), dialled="12345", age=60.0)
            for i, x in self.callers.items()
        ]
        for leg, one in self.legs.items():
            native = one.role == "native"
            place, seat = (Place.OTHER, one.seat) if native else (Place.SEAT, "")
            views.append(ChannelView(leg, f"PJSIP/{one.seat}", place, self.bridges.get(leg), age=60.0, seat=seat))
            assert native or split_leg(leg) is not None
        tales = [Tale(call, tuple(events), self.now) for call, events in self.tales.items()]
        return Snapshot(self.now, views, frozenset(self.phones), tales=tales)

    def _seen(self, call: str, place: Place) -> str | None:
        """A waiting caller is in a holding bridge of its own; one of the switch's own queue in none until it talks."""
        if place is Place.NATIVE:
            return self.bridges.get(call)
        return None if place is Place.CALLBACK else self.bridges.get(call, f"hold-{call}")
