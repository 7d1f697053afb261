"""The one writer of seats and waiting callers: who is offered to whom, in what order.

Plain data in, decisions out; the caller (calls.engine) holds the clock and acts. The complete engine
(steps that relax with time, centres as a tree, fairness) replaces `_pick` and nothing else.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ._model import Match, OfferOutcome, Policy, Seat, SeatState, Waiting
from ._seats import BUSY, SeatError, move

S = SeatState

ASKED = "asked"
"""Reason of a state that a person asked for without saying why."""
PHONE_GONE = frozenset({"phone unregistered", "phone unreachable"})
"""Reasons of an offline seat that its phone, not a person, may end."""


class Dispatcher:
    """Seats and waiting callers. Not thread-safe: one owner."""

    def __init__(self, seats: Iterable[Seat], policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._seats = {s.id: s for s in seats}
        self._waiting: list[tuple[tuple[float, str], Waiting]] = []
        self._ranks: dict[str, tuple[float, str]] = {}
        self._free: dict[str, Seat] = {}
        self._order: list[tuple[tuple[int, float, str], Seat]] = []
        """Free seats in the order in which they are offered: the first that fits is the one."""
        self._timed: dict[str, Seat] = {}
        """Seats with a deadline: the only ones a turn has to look at."""
        self._resting: dict[str, float] = {}
        self._changed: dict[str, None] = {}
        self._removed: set[str] = set()
        """Seats no longer configured that still have a caller or a wrap-up."""

        for seat in self._seats.values():
            self._index(seat)

    def _index(self, seat: Seat) -> None:
        self._unindex(seat.id)
        if seat.state is S.AVAILABLE:
            self._free[seat.id] = seat
            bisect.insort(self._order, (_turn(seat), seat), key=_first)
        if seat.deadline is not None:
            self._timed[seat.id] = seat

    def _unindex(self, seat_id: str) -> None:
        old = self._free.pop(seat_id, None)
        if old is not None:
            del self._order[bisect.bisect_left(self._order, _turn(old), key=_first)]
        self._timed.pop(seat_id, None)

    # ------------------------------------------------------------------ reading
    @property
    def timed(self) -> Mapping[str, Seat]:
        """The seats that have a deadline, by id."""
        return self._timed

    @property
    def seats(self) -> Mapping[str, Seat]:
        """All seats by id."""
        return self._seats

    def seat(self, seat_id: str) -> Seat:
        """One seat. Raises SeatError if there is none of that id."""
        try:
            return self._seats[seat_id]
        except KeyError:
            raise SeatError(f"no seat {seat_id!r}: see config/hotline.yaml, seats") from None

    def waiting(self) -> list[Waiting]:
        """The callers in the order in which they are served."""
        return [w for _, w in self._waiting]

    @property
    def has_waiting(self) -> bool:
        """Whether anybody is in the queue."""
        return bool(self._waiting)

    def is_waiting(self, call: str) -> bool:
        """Whether a call is in the queue."""
        return call in self._ranks

    def take_changes(self) -> list[Seat]:
        """Seats changed since the last time, for the journal and the consoles."""
        changed = [self._seats[i] for i in self._changed if i in self._seats]
        self._changed.clear()
        return changed

    # ------------------------------------------------------------------ seats
    def _put(self, seat: Seat) -> Seat:
        self._seats[seat.id] = seat
        self._changed[seat.id] = None
        self._index(seat)
        return seat

    def _move(self, seat: Seat, to: SeatState, now: float, reason: str | None = None) -> Seat:
        if reason is None and seat.wanted is not None:
            reason = seat.reason  # the wish's, until it is taken
        seat = self._put(move(seat, to, now, self.policy, reason=reason))
        if seat.id in self._removed and seat.state not in BUSY and seat.state is not S.WRAP_UP:
            self._forget(seat.id)
        return seat

    def _forget(self, seat_id: str) -> None:
        self._removed.discard(seat_id)
        del self._seats[seat_id]
        self._unindex(seat_id)
        self._resting.pop(seat_id, None)
        self._changed.pop(seat_id, None)

    def restore(self, seat: Seat) -> None:
        """Takes a seat as a snapshot has it (after a restart); skills and names stay as configured."""
        known = self._seats.get(seat.id)
        if known is not None:
            self._put(replace(seat, name=known.name, centre=known.centre, skills=known.skills))

    def replace_seats(self, seats: Iterable[Seat], now: float) -> None:
        """New configuration: states are kept, new seats begin offline, removed ones leave when free."""
        fresh = {s.id: s for s in seats}
        self._removed.difference_update(fresh)
        for sid, seat in fresh.items():
            old = self._seats.get(sid)
            self._put(replace(old, name=seat.name, centre=seat.centre, skills=seat.skills) if old else seat)
        for sid in [i for i in self._seats if i not in fresh]:
            seat = self._seats[sid]
            if seat.state in BUSY or seat.state is S.WRAP_UP:
                self._removed.add(sid)
            else:
                self._forget(sid)

    def phone_up(self, seat_id: str, now: float) -> None:
        """The seat's phone is registered (told again and again): a seat that only lacked it is available."""
        seat = self._seats.get(seat_id)
        if seat is None or (seat.reason is not None and seat.reason not in PHONE_GONE):
            return  # offline, or to be offline, because a person said so or a break ran out: no phone ends that
        if seat.state is S.OFFLINE:
            self._move(seat, S.AVAILABLE, now)
        elif seat.wanted is S.OFFLINE:
            self._put(replace(seat, wanted=None, reason=None))

    def phone_down(self, seat_id: str, now: float) -> None:
        """The seat's phone is gone: no more offers. A running talk is left to the switch, a wrap-up to its
        deadline (its call ends with it), a break to the person."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.state in (S.OFFLINE, S.BREAK):
            return
        if seat.state in BUSY or seat.state is S.WRAP_UP:
            if seat.wanted is None:
                self._put(replace(seat, wanted=S.OFFLINE, reason="phone unregistered"))
        else:
            self._move(seat, S.OFFLINE, now, reason="phone unregistered")

    def ask(self, seat_id: str, to: SeatState, now: float, reason: str | None = None) -> Seat:
        """A person asks for a state. While the seat is busy, the wish is kept until it is free.

        Raises:
            SeatError: unknown seat, or a state that cannot be asked for.
        """
        seat = self.seat(seat_id)
        if reason is None and to is not S.AVAILABLE:
            reason = ASKED
        if to not in (S.AVAILABLE, S.BREAK, S.OFFLINE):
            raise SeatError(f"a seat can be set to available, break or offline, not {to}")
        if seat.state in BUSY:
            wanted = None if to is S.AVAILABLE else to
            return self._put(replace(seat, wanted=wanted, reason=reason))
        if seat.state is to and to is not S.BREAK:
            # Already offline: from now on because a person wants it, so that its phone does not end it.
            return seat if to is S.AVAILABLE else self._put(replace(seat, reason=reason))
        self._resting.pop(seat_id, None)
        return self._put(replace(self._move(seat, to, now, reason), missed=0, wanted=None))

    def _after_busy(self, seat: Seat, now: float, reason: str | None = None) -> None:
        wanted, seat = seat.wanted, replace(seat, wanted=None)
        self._move(seat, wanted or S.AVAILABLE, now, reason if wanted is None else seat.reason)

    # ------------------------------------------------------------------ offers
    def ringing(self, seat_id: str, offer: str, now: float) -> None:
        """The seat's phone rings for this offer."""
        seat = self._seats.get(seat_id)
        if seat is not None and seat.offer == offer and seat.state is S.OFFERED:
            self._move(seat, S.RINGING, now)

    def talking(self, seat_id: str, call: str, offer: str, now: float) -> None:
        """The seat is joined with the caller."""
        seat = self._seats.get(seat_id)
        if seat is None or (seat.state is S.TALKING and seat.call == call):
            return
        if seat.state in (S.OFFERED, S.RINGING) and seat.offer != offer:
            return
        if seat.state is S.TALKING:
            # The switch's word wins: it talks with this caller now, whatever our books said.
            self._put(replace(seat, call=call, offer=offer))
            return
        if seat.state is S.WRAP_UP:
            seat = self._move(seat, S.AVAILABLE, now)
        self._move(replace(seat, call=call, offer=offer), S.TALKING, now)

    def offer_ended(self, seat_id: str, offer: str, outcome: OfferOutcome, now: float) -> None:
        """An offer came to nothing. A seat that missed too many goes to a break until a human acts."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.offer != offer or seat.state not in (S.OFFERED, S.RINGING):
            return
        if outcome is OfferOutcome.WITHDRAWN:
            self._after_busy(seat, now)
            return
        seat = replace(seat, missed=seat.missed + 1)
        if outcome is OfferOutcome.UNREACHABLE and seat.wanted is None:
            self._move(seat, S.OFFLINE, now, reason="phone unreachable")
        elif seat.missed >= self.policy.missed_limit and seat.wanted is None:
            self._move(seat, S.BREAK, now, reason="missed offers")
        else:
            self._resting[seat.id] = now + self.policy.refused_pause
            self._after_busy(seat, now, reason=outcome.value)

    def talk_ended(self, seat_id: str, call: str, now: float) -> None:
        """The talk is over: the seat finishes the draft (话后处理)."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.call != call or seat.state is not S.TALKING:
            return
        if self.policy.wrap_up > 0:
            self._move(seat, S.WRAP_UP, now)
        else:
            self._after_busy(seat, now)

    def wrap_up_done(self, seat_id: str, now: float) -> str | None:
        """The seat has finished, by itself or by its deadline. Returns the call it was about."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.state is not S.WRAP_UP:
            return None
        call = seat.call
        self._after_busy(seat, now)
        return call

    # ------------------------------------------------------------------ callers
    def enqueue(self, waiting: Waiting) -> None:
        """Adds a caller, or puts it back at its old rank. Twice is once."""
        self.withdraw(waiting.call)
        rank = waiting.rank()
        self._ranks[waiting.call] = rank
        bisect.insort(self._waiting, (rank, waiting), key=lambda e: e[0])

    def withdraw(self, call: str) -> bool:
        """Takes a caller out of the queue (matched, gone). False if it was not in it."""
        rank = self._ranks.pop(call, None)
        if rank is None:
            return False
        i = bisect.bisect_left(self._waiting, rank, key=lambda e: e[0])
        del self._waiting[i]
        return True

    # ------------------------------------------------------------------ decisions
    def _pick(self, waiting: Waiting, now: float) -> Seat | None:
        fits, resting = waiting.demand.fits, self._resting
        for _, seat in self._order:
            if fits(seat) and not (resting and resting.get(seat.id, 0.0) > now):
                return seat
        return None

    def match(self, now: float, offer_id: Callable[[str, str], str]) -> list[Match]:
        """Reserves seats for callers and returns the offers, in the callers' order.

        Args:
            now: unix seconds.
            offer_id: (call, seat) → a fresh id for the offer.
        """
        if not self._free or not self._waiting:
            return []
        out: list[Match] = []
        for _, waiting in list(self._waiting):
            if not self._free:
                break
            seat = self._pick(waiting, now)
            if seat is None:
                continue
            offer = offer_id(waiting.call, seat.id)
            self._resting.pop(seat.id, None)
            self.withdraw(waiting.call)
            reserved = self._move(replace(seat, call=waiting.call, offer=offer), S.OFFERED, now)
            assert reserved.deadline is not None
            out.append(Match(waiting.call, seat.id, offer, reserved.deadline))
        return out

    def next_deadline(self) -> float | None:
        """The next time at which `expire` or `match` may have something to do."""
        times = [s.deadline for s in self._timed.values() if s.deadline is not None]
        if self._waiting:
            times += [t for i, t in self._resting.items() if i in self._free]
        return min(times, default=None)

    def expire(self, now: float) -> list[tuple[str, str]]:
        """Ends wrap-ups and breaks whose time is over; returns (seat, call) of ended wrap-ups.

        Offers are not ended here: the call owns its offer and ends it with the leg (calls.machine).
        """
        if self._resting:
            self._resting = {i: t for i, t in self._resting.items() if t > now}
        done: list[tuple[str, str]] = []
        for seat in list(self._timed.values()):
            if seat.deadline is None or seat.deadline > now:
                continue
            if seat.state is S.WRAP_UP:
                call = self.wrap_up_done(seat.id, now)
                if call is not None:
                    done.append((seat.id, call))
            elif seat.state is S.BREAK:
                # Nobody is put to work by a clock: a break past its limit becomes offline, and shows.
                self._move(seat, S.OFFLINE, now, reason="break limit reached")
        return done


def _first(entry: tuple[tuple[int, float, str], Seat]) -> tuple[int, float, str]:
    return entry[0]


def _turn(seat: Seat) -> tuple[int, float, str]:
    """Longest idle first; a scarce seat (more skills) is kept for those who need it."""
    return (len(seat.skills), seat.idle_since, seat.id)
