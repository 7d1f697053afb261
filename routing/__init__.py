"""Pure matching: skills, seats, waiting callers, offers. No clock, no I/O, no switch."""

from ._dispatcher import Dispatcher
from ._model import Demand, Match, OfferOutcome, Policy, Seat, SeatState, Waiting
from ._seats import TABLE as SEAT_TABLE
from ._seats import SeatError, move

__all__ = [
    "SEAT_TABLE",
    "Demand",
    "Dispatcher",
    "Match",
    "OfferOutcome",
    "Policy",
    "Seat",
    "SeatError",
    "SeatState",
    "Waiting",
    "move",
]
