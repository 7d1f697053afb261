"""Seats, waiting callers and offers as plain values. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SeatState(StrEnum):
    """What a seat is doing. Every state but `offline` and `available` has a deadline."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    OFFERED = "offered"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    BREAK = "break"


class OfferOutcome(StrEnum):
    """How an offer (派话) ended."""

    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a caller needs of a seat: skill → least level (1-5), and the order among callers.

    A higher `priority` is served first; within one priority the longest waiting goes first.
    """

    skills: tuple[tuple[str, int], ...] = ()
    priority: int = 0
    centre: str | None = None
    language: str = "zh"

    def fits(self, seat: Seat) -> bool:
        """Whether a seat may serve this demand."""
        if self.centre is not None and seat.centre != self.centre:
            return False
        return all(seat.skills.get(name, 0) >= level for name, level in self.skills)


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in the queue. The rank is (priority, since): it survives missed offers and restarts."""

    call: str
    demand: Demand
    since: float

    def rank(self) -> tuple[int, float, str]:
        """Sorts the first to be served first."""
        return (-self.demand.priority, self.since, self.call)


@dataclass(frozen=True, slots=True)
class Match:
    """The dispatcher's decision: this caller is offered to that seat; its phone must ring by `deadline`."""

    call: str
    seat: str
    offer: str
    deadline: float


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
