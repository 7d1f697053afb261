"""Pure matching: skills, seats, waiting callers, offers. No clock, no I/O, no switch."""

from ._demand import Demand, Step
from ._dispatcher import Dispatcher
from ._model import POINT_SECONDS, CentreLimit, Match, OfferOutcome, Policy, Seat, SeatState, Waiting
from ._seats import TABLE as SEAT_TABLE
from ._seats import SeatError, move

__all__ = [
    "POINT_SECONDS",
    "SEAT_TABLE",
    "CentreLimit",
    "Demand",
    "Dispatcher",
    "Match",
    "OfferOutcome",
    "Policy",
    "Seat",
    "SeatError",
    "SeatState",
    "Step",
    "Waiting",
    "move",
]
