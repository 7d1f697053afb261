"""Seats and waiting callers together: who is offered to whom, in what order.

Plain data in, decisions out; the caller (calls.engine) holds the clock and acts. Which caller gets which
seat is found by _line (callers in groups) and _floor (seats as sets); the states of seats are _states'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ._demand import Demand
from ._line import Choice, Line
from ._model import Match, Policy, Seat, SeatState, Waiting
from ._states import SeatStates

S = SeatState


class Dispatcher(SeatStates):
    """Seats and waiting callers. Not thread-safe: one owner."""

    def __init__(self, seats: Iterable[Seat], policy: Policy | None = None) -> None:
        super().__init__(seats, policy or Policy())
        self._line = Line(self._floor)

    # ------------------------------------------------------------------ reading
    @property
    def policy(self) -> Policy:
        """Times and order. Assign another one to change them; running deadlines stay."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        self._floor.obey(policy)
        self._line.anew()

    def waiting(self) -> list[Waiting]:
        """The callers in the order in which they are served."""
        return self._line.callers()

    @property
    def waiting_count(self) -> int:
        """How many are in the queue."""
        return len(self._line)

    @property
    def has_waiting(self) -> bool:
        """Whether anybody is in the queue."""
        return bool(self._line)

    def is_waiting(self, call: str) -> bool:
        """Whether a call is in the queue."""
        return call in self._line

    def position(self, call: str) -> int | None:
        """The call's place in the whole queue, from 1; None if it is not in it."""
        return self._line.position(call)

    def ahead(self, call: str, now: float) -> float:
        """Callers before this one that compete for its seats.

        Each counts by the share of the seats open to its group that are this caller's seats too: somebody
        who wants the same counts 1, somebody for whom 100 seats are open, 5 of them this caller's, 0.05.
        With `serving` this gives the expected wait.
        """
        return self._line.ahead(call, now)

    def serving(self, demand: Demand) -> int:
        """Seats signed in and on duty that fit any step of a demand, whatever they are doing now."""
        return self._line.reach(demand.circles()).bit_count()

    def can_be_served(self, demand: Demand) -> bool:
        """Whether anybody signed in and on duty could serve a demand, sooner or later."""
        return self._line.reach(demand.circles()) != 0

    # ------------------------------------------------------------------ callers
    def enqueue(self, waiting: Waiting) -> None:
        """Adds a caller, or puts it back at its old rank. Twice is once."""
        self._line.add(waiting)

    def withdraw(self, call: str) -> bool:
        """Takes a caller out of the queue (matched, gone). False if it was not in it."""
        return self._line.remove(call)

    # ------------------------------------------------------------------ decisions
    def match(self, now: float, offer_id: Callable[[str, str], str]) -> list[Match]:
        """Reserves seats for callers and returns the offers, in the callers' order.

        Afterwards no free seat fits an open step of a waiting caller, but for seats that pause after a
        missed offer, scarce ones that are kept (Policy.keep_free) and those of centres at their limit.

        Args:
            now: unix seconds.
            offer_id: (call, seat) → a fresh id for the offer.
        """
        self._wake(now)
        return [self._reserve(choice, now, offer_id) for choice in self._line.choices(now)]

    def _reserve(self, choice: Choice, now: float, offer_id: Callable[[str, str], str]) -> Match:
        waiting, seat = choice.waiting, self._seats[choice.seat]
        offer = offer_id(waiting.call, seat.id)
        self._line.remove(waiting.call)
        home = waiting.demand.centre
        seat = replace(seat, call=waiting.call, offer=offer, foreign=home is not None and home != seat.centre)
        seat = self._move(seat, S.OFFERED, now)
        assert seat.deadline is not None
        why = {
            "step": choice.name, "waited": round(now - waiting.since, 3), "free": choice.free,
            "kept": choice.kept, "passed": choice.passed,
        }  # fmt: skip
        return Match(waiting.call, seat.id, offer, seat.deadline, choice.step, why)

    def next_deadline(self) -> float | None:
        """The next time at which `expire` or `match` may have something to do."""
        times = [self._alarms.next()]
        if self._line:
            times += [t for i, t in self._pausing.items() if self._seats[i].state is S.AVAILABLE]
            times.append(self._line.next_opening())
        return min((t for t in times if t is not None), default=None)

    def expire(self, now: float) -> list[tuple[str, str]]:
        """Ends wrap-ups, rests and breaks whose time is over; returns (seat, call) of ended wrap-ups.

        Offers and talks are not ended here: the call owns them and ends them with the leg (calls.machine).
        They are in `overdue` from now on.
        """
        self._line.tick(now)
        return super().expire(now)
