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
from routing import Demand, Line


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
    STAYING = "staying"
    """The caller has left; a seat and somebody else talk on (with 120, say)."""
    VOICEMAIL = "voicemail"
    LEAVING = "leaving"
    """Hears that it will be called back, then is released."""
    NATIVE = "native"
    """With the switch's own queue, because the service was silent."""
    WRAP_UP = "wrap_up"
    """The caller has left; the seat finishes the draft."""
    ENDED = "ended"


LIVE = frozenset(CallState) - {
    CallState.DUE, CallState.PREVIEW, CallState.STAYING, CallState.WRAP_UP, CallState.ENDED,
}  # fmt: skip
"""States in which the caller's channel exists (DIALLING: is being made)."""
PROBE = "probe"
"""Reason and outcome of a test call (拨测): its flow says so."""
OUTBOUND = frozenset({CallState.DUE, CallState.PREVIEW, CallState.DIALLING})
"""States of an outbound call until its caller is reached."""


class LegState(StrEnum):
    """One party's channel."""

    DIALLING = "dialling"
    RINGING = "ringing"
    UP = "up"
    JOINED = "joined"
    GONE = "gone"


TALK, SIDE = "talk", "side"
"""Rooms of a call: with the caller; in private."""
TALKERS = frozenset({"seat", "third", "line"})
"""Kinds of legs that speak with the caller."""
MAX_PARTIES = 6
"""In one talk, the caller among them."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's channel in a call. `id` is the channel's unique id in the switch."""

    id: str
    kind: str
    """caller | seat | third (a seat of ours as a further party) | line (outside) | observer (supervisor,
    a leader's assistant)."""
    who: str | None
    """The seat's id, "line.<directory entry>", or None for the caller (its number is in the call, once)."""
    state: LegState
    started_at: float
    joined_at: float | None = None
    ended_at: float | None = None
    cause: str | None = None
    cancelled: bool = False
    """We have asked the switch to end it: its end is then no wish of the seat's."""
    room: str = TALK
    """Where it is to be: `TALK` with the caller, or `SIDE` (private consultation). `_rooms.settle` brings it there."""
    bridge: str = ""
    """Id of the bridge it is in by the switch's word; empty: unknown, or alone."""
    placed_at: float = 0.0
    """When that last changed, or was told to, or it was heard to ring: an older snapshot says nothing about it."""
    goal: str = ""
    """Where the switch was last told to bring it: talk | beside:<leg> | quiet | ring | music | listen | whisper."""
    moving: float | None = None
    """When the switch was told so, until it says that the leg is there; None: it is."""
    anew: bool = False
    """It was told to have the caller's recording begin anew before it fetches the caller."""
    heard: tuple[tuple[float, float | None], ...] = ()
    """When it was in the talk with the caller: (from, until or None)."""
    muted: bool = False
    mode: str = ""
    """Observer: listen | whisper."""
    via: str = ""
    """A seat's second line that it dialled by itself (SIP REFER): the leg of the seat it belongs to."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One caller offered to one seat (派话). It lives until accepted, refused or past its deadline."""

    id: str
    seat: str
    leg: str
    deadline: float


class PartyState(StrEnum):
    """How far a further party has come."""

    QUEUED = "queued"
    """Waits in the queue for a seat, as "<call>+<part>"."""
    RINGING = "ringing"
    JOINED = "joined"
    LEFT = "left"
    """Was in the talk (or the consultation)."""
    FAILED = "failed"
    """Never joined; `why` says why."""
    WITHDRAWN = "withdrawn"
    """Not wanted any more before it joined."""


OPEN_PARTY = frozenset({PartyState.QUEUED, PartyState.RINGING, PartyState.JOINED})
PENDING_PARTY = frozenset({PartyState.QUEUED, PartyState.RINGING})


@dataclass(frozen=True, slots=True)
class Party:
    """A further party somebody asked for: a seat of ours (`demand`) or a line to the outside (`line`)."""

    id: str
    how: str
    """join | consult | transfer | emergency."""
    since: float
    demand: Demand | None = None
    line: Line | None = None
    by: str = ""
    """Who asked: a user's name, "digit", "spoken", "phone" …"""
    asking: str = ""
    """The leg of the seat that asked; empty: nobody's (the caller's own wish)."""
    state: PartyState = PartyState.QUEUED
    offer: Offer | None = None
    """The present attempt's leg and deadline; of a line too (its offer and leg have one id)."""
    leg: str | None = None
    """The leg that has joined."""
    seat: str | None = None
    """Our seat that rings or has joined."""
    tried: int = 0
    """Attempts begun: of a line, `line.tries[tried - 1]` rings."""
    until: float | None = None
    """Gives up looking for a seat at this time (a seat asked for by name); None: looks on."""
    why: str = ""
    """How the last attempt, or the whole, ended: busy | no_answer | refused | unreachable | wrong_number |
    withdrawn | nobody | caller_left | seat_left."""
    back: Demand | None = None
    """What brings the caller back when it fails and no seat is there: first of all the seat that asked."""
    target: str = ""
    """What was asked for, for people and machines: "seat:8002", "skill:en", "entry:110", "number" …"""

    @property
    def private(self) -> bool:
        """Whether the caller hears music while it rings and until it is joined or gone."""
        return self.how in ("consult", "transfer")

    @property
    def label(self) -> str:
        """A name for people, without personal data: of the entry tried now, or what was asked for."""
        if self.line is not None:
            now = self.line.tries[max(0, min(self.tried, len(self.line.tries)) - 1)]
            return now.name or self.line.name
        return self.target


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
    parties: tuple[Party, ...] = ()
    """Everybody asked for beside the seat; who has left or failed stays, with the reason."""
    keys: tuple[tuple[str, str], ...] = ()
    """Idempotency keys of orders on this call, with what they returned; the last ones."""
    spoke: tuple[tuple[str, float, float], ...] = ()
    """Who-spoke marks (leg, from, until), while more than one other party is in the talk."""
    case: str = ""
    """The case another hotline gave it; empty: its own (see `case_of`)."""
    origin: str = ""
    """The switch's endpoint it came over, where that is a linked hotline's."""
    uui: str = ""
    """User-to-User header it came with, undecoded."""
    pair: str = ""
    """The leg that was last alone with the caller: the recording must begin anew for another one (_rooms.anew)."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the other hotline told of the case."""
    wish: str = ""
    """The emergency line its flow asks for: a directory entry's id."""
    tell_at: float | None = None
    """When it is next considered to say something to the waiting caller."""
    turned: str = ""
    """Why it was not let in (events.Arrived.turned)."""
    turned_key: str = ""
    reason: str = ""
    """Why its flow has hung up, as the flow says; "probe": a test call, which is in no statistics and no recording."""
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

    def party(self, part: str) -> Party | None:
        """The party of that id."""
        return next((p for p in self.parties if p.id == part), None)

    def party_of(self, leg_id: str) -> Party | None:
        """The party whose leg it is, ringing or joined."""
        for p in self.parties:
            if p.leg == leg_id or (p.offer is not None and p.offer.leg == leg_id):
                return p
        return None

    @property
    def talkers(self) -> tuple[Leg, ...]:
        """Joined legs that can speak with the caller, in either room."""
        return tuple(x for x in self.legs if x.state is LegState.JOINED and x.kind in TALKERS)

    @property
    def main_seat(self) -> Leg | None:
        """The joined leg of the seat that is in charge."""
        return next((x for x in self.legs if x.kind == "seat" and x.state is LegState.JOINED), None)

    @property
    def held(self) -> bool:
        """Whether the caller, once joined, hears music: nobody is in the talk with it now."""
        return self.state is CallState.TALKING and not any(x.heard and x.heard[-1][1] is None for x in self.legs)

    def seat_spans(self) -> list[tuple[float, float | None, str]]:
        """When which seat was joined: (from, until or None, seat), unix seconds."""
        return [
            (begin, end, leg.who) for leg in self.legs if leg.kind == "seat" and leg.who is not None
            for begin, end in leg.heard
        ]  # fmt: skip

    def party_spans(self) -> list[tuple[float, float | None, str, str]]:
        """When which party was in the talk: (from, until or None, who, kind), unix seconds."""
        return [
            (begin, end, leg.who, leg.kind) for leg in self.legs if leg.kind in TALKERS and leg.who is not None
            for begin, end in leg.heard
        ]  # fmt: skip
