"""Seats, waiting callers and offers as plain values. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ._demand import Demand

POINT_SECONDS = 60.0
"""What one priority point is worth in seconds of waiting."""


class SeatState(StrEnum):
    """What a seat is doing. Every state but `offline` and `available` has a deadline."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    OFFERED = "offered"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    BREAK = "break"
    REST = "rest"
    """Forced rest (Art. 28), after abuse for instance: ends by itself at its deadline, or by a supervisor."""


class OfferOutcome(StrEnum):
    """How an offer (派话) ended."""

    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Seat:
    """A place where an agent serves calls. Times are unix seconds."""

    id: str
    name: str
    centre: str
    skills: Mapping[str, int] = field(default_factory=dict)
    state: SeatState = SeatState.OFFLINE
    since: float = 0.0
    deadline: float | None = None
    idle_since: float = 0.0
    """Start of the present idle time; longest idle is served first."""
    call: str | None = None
    offer: str | None = None
    reason: str | None = None
    wanted: SeatState | None = None
    """Asked for while busy (a break, going offline): taken when the call and its wrap-up are over."""
    missed: int = 0
    """Offers missed in a row."""
    kind: str = "agent"
    """agent | expert | interpreter | leader | assistant. An assistant is never offered a caller."""
    phone: str = ""
    """What the switch dials when it is not its own phone of this id ("8001@hangzhou": by way of a trunk to the
    Asterisk where the phone is registered). Empty: the phone of this id."""
    on_duty: bool = True
    """Within the office hours of its kind or centre: off duty nobody is offered to it."""
    signed_in_at: float = 0.0
    """Start of the present sign-in; what `busy_seconds` is measured against."""
    busy_seconds: float = 0.0
    """Talk and wrap-up since the sign-in, finished ones: with `signed_in_at` the seat's occupancy."""
    taken: int = 0
    """Calls taken since the sign-in, finished ones."""
    wanted_limit: float | None = None
    """How long the break or rest in `wanted` may last, in seconds; None: as the policy says."""
    foreign: bool = False
    """Its present caller's home centre is another one (counts for CentreLimit.foreign)."""
    phone_gone: bool = False
    """Its phone is known not to be registered."""

    def occupancy(self, now: float) -> float:
        """Talk and wrap-up as a share of the time since the sign-in, finished ones, 0 to about 1."""
        return self.busy_seconds / max(60.0, now - self.signed_in_at)


@dataclass(frozen=True, slots=True)
class CentreLimit:
    """What a centre's seats may carry at once; None: no limit."""

    capacity: int | None = None
    """Callers of any centre in reserved, ringing and talking seats."""
    foreign: int | None = None
    """Of those, callers whose home centre is another one (overflow from elsewhere)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in the queue, or (call = "<call>+<part>") a second demand of a running call: an interpreter.

    The rank never changes while one waits, survives missed offers and restarts, and ages by itself: a
    priority point is worth `POINT_SECONDS` of waiting, so nobody waits behind somebody who came later by
    more than the points between them are worth.
    """

    call: str
    demand: Demand
    since: float

    def rank(self) -> tuple[float, str]:
        """Sorts the first to be served first."""
        return (self.since - POINT_SECONDS * self.demand.priority, self.call)


@dataclass(frozen=True, slots=True)
class Match:
    """The dispatcher's decision: this caller is offered to that seat; its phone must ring by `deadline`."""

    call: str
    seat: str
    offer: str
    deadline: float
    step: int = 0
    """Which of the demand's steps was the first that this seat fits."""
    why: Mapping[str, Any] = field(default_factory=dict)
    """For the timeline and `hotline route explain`, plain JSON values: `step` its name, `waited` seconds, `free`
    free seats that fitted, `kept` free seats that fitted and were left to others (scarce skills, centres at
    their limit), `passed` callers of better rank whom no free seat fitted."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds. Defaults follow GB/T 33358-2016 (answered within 15 s) where it speaks."""

    reserve: float = 3.0
    """From the offer until the seat's phone must ring."""
    ring: float = 15.0
    wrap_up: float = 60.0
    break_limit: float = 3600.0
    missed_limit: int = 2
    """Missed offers in a row until the seat goes to a break by itself."""
    refused_pause: float = 5.0
    """A seat that did not take an offer is not offered another one for so long."""
    rest: float = 300.0
    """Forced rest after an abusive call."""
    talk_check: float = 7200.0
    """A talk's deadline: then the books are compared with the switch, and it goes on if it is true."""
    order: str = "longest_idle"
    """Among seats equally fit and scarce: "longest_idle", or "least_occupied" (Seat.occupancy, taken anew each
    minute; then the longest idle)."""
    keep_free: Mapping[str, int] = field(default_factory=dict)
    """Scarce skill → so many free seats with it are left to callers who ask for that skill (in any of their
    steps) or name the seat …"""
    keep_for: float = 20.0
    """… until another caller has waited so many seconds."""
