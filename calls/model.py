"""One caller's contact as a value: from first ring to the end of the seat's wrap-up.

A call is never changed, only replaced; `calls.machine.step` is the only place that does so. All times
are unix seconds, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import ivr
from routing import Demand


class CallState(StrEnum):
    """Where the caller is. Chinese captions live in the console."""

    ARRIVED = "arrived"
    """Answered by the switch; hears the greeting."""
    IN_FLOW = "in_flow"
    """Answers questions of a flow."""
    WAITING = "waiting"
    """Hears music; is in the queue with its rank."""
    DUE = "due"
    """Outbound: is in the queue with its rank, has no caller's channel yet."""
    PREVIEW = "preview"
    """Outbound: one seat is reserved or rings."""
    DIALLING = "dialling"
    """Outbound: the seat is ready, the caller's phone rings."""
    OFFERED = "offered"
    """Hears music; one seat is reserved or rings."""
    TALKING = "talking"
    VOICEMAIL = "voicemail"
    LEAVING = "leaving"
    """Hears that it will be called back, then is released."""
    NATIVE = "native"
    """With the switch's own queue, because the service was silent."""
    WRAP_UP = "wrap_up"
    """The caller has left; the seat finishes the draft."""
    ENDED = "ended"


LIVE = frozenset(CallState) - {CallState.DUE, CallState.PREVIEW, CallState.WRAP_UP, CallState.ENDED}
"""States in which the caller's channel exists (DIALLING: is being made)."""
OUTBOUND = frozenset({CallState.DUE, CallState.PREVIEW, CallState.DIALLING})
"""States of an outbound call until its caller is reached."""


class LegState(StrEnum):
    """One party's channel."""

    DIALLING = "dialling"
    RINGING = "ringing"
    UP = "up"
    JOINED = "joined"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's channel in a call. `id` is the channel's unique id in the switch."""

    id: str
    kind: str
    """caller | seat | third (interpreter, expert) | assistant (outside lines come with transfers)."""
    who: str | None
    """The seat's id; None for the caller (its number is in the call, once)."""
    state: LegState
    started_at: float
    joined_at: float | None = None
    ended_at: float | None = None
    cause: str | None = None
    cancelled: bool = False
    """We have asked the switch to end it: its end is then no wish of the seat's."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One caller offered to one seat (派话). It lives until accepted, refused or past its deadline."""

    id: str
    seat: str
    leg: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Third:
    """A third party wanted in a running talk: in the queue as "<call>+<part>", or offered, or joined."""

    part: str
    demand: Demand
    since: float
    offer: Offer | None = None
    leg: str | None = None
    """The leg that has joined."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a call's timeline."""

    at: float
    what: str
    detail: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """See the module's text. `id` is the unique id of the caller's channel."""

    id: str
    state: CallState
    channel: str
    """The switch's name of the caller's channel."""
    dialled: str
    caller_number: str
    caller_name: str
    flow: str
    """name@version of the flow it began with; it keeps this version."""
    arrived_at: float
    answered_at: float | None = None
    waiting_since: float | None = None
    """Start of the wait; the rank in the queue. Kept through missed offers."""
    joined_at: float | None = None
    ended_at: float | None = None
    """When the caller left."""
    demand: Demand | None = None
    offer: Offer | None = None
    session: ivr.Session | None = None
    playing: str | None = None
    """Ticket of the prompts that play now, in a flow."""
    plays: int = 0
    """Prompts played so far in a flow: makes their tickets."""
    timers: tuple[tuple[str, float], ...] = ()
    """Armed timers of the flow: (id, when)."""
    legs: tuple[Leg, ...] = ()
    offers: int = 0
    seat: str | None = None
    """The seat that talks, or talked last."""
    direction: str = "in"
    """in | out (回拨, 回访)."""
    callback: str | None = None
    """Outbound: the entry of the callback list that it works off."""
    callback_offered: bool = False
    """The caller has heard that it may ask to be called back."""
    called_back: str | None = None
    """How a call back was asked for (key | console); the entry is made when the caller leaves."""
    history: Mapping[str, Any] = field(default_factory=dict)
    """What was known of the number when the call came (events.Arrived)."""
    third: Third | None = None
    tell_at: float | None = None
    """When it is next considered to say something to the waiting caller."""
    outcome: str | None = None
    ticket: str | None = None
    timeline: tuple[Moment, ...] = ()

    def leg(self, leg_id: str) -> Leg | None:
        """The leg of that channel, if it is one of this call's."""
        for leg in self.legs:
            if leg.id == leg_id:
                return leg
        return None

    @property
    def waiting_since_talk(self) -> bool:
        """Whether the caller left while it waited for another seat, after its own was lost."""
        return any(m.what == "seat_lost" for m in self.timeline[-6:])

    def seat_spans(self) -> list[tuple[float, float | None, str]]:
        """When which seat was joined: (from, until or None, seat), unix seconds."""
        return [
            (leg.joined_at, leg.ended_at, leg.who)
            for leg in self.legs
            if leg.kind == "seat" and leg.joined_at is not None and leg.who is not None
        ]
