"""What each seat is doing, and every operation that changes it. The one writer of seats' states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ._alarms import Alarms
from ._floor import Floor
from ._model import CentreLimit, OfferOutcome, Policy, Seat, SeatState
from ._seats import BUSY, PHONE_GONE, SeatError, move

S = SeatState

ASKED = "asked"
"""Reason of a state that a person asked for without saying why."""
NO_PHONE = "phone unregistered"
RESTS = "rest"
"""Reason of a forced rest when none is given."""


class SeatStates:
    """All seats. Whoever is told of a change must know the seat and the state, else nothing happens."""

    def __init__(self, seats: Iterable[Seat], policy: Policy) -> None:
        self._policy = policy
        self._seats = {s.id: s for s in seats}
        self._floor = Floor(self._policy)
        self._timed: dict[str, Seat] = {}
        self._alarms = Alarms()
        self._late: dict[str, None] = {}
        """Seats past their deadline that only the engine can move on: offered, ringing, talking."""
        self._pausing: dict[str, float] = {}
        """Seats that did not take an offer: not offered another one before."""
        self._changed: dict[str, None] = {}
        self._removed: set[str] = set()
        """Seats no longer configured that still have a caller or a wrap-up."""

        for seat in self._seats.values():
            self._index(seat)

    def _index(self, seat: Seat) -> None:
        works = seat.on_duty and seat.kind != "assistant"
        self._floor.put(
            seat,
            signed=works and seat.state is not S.OFFLINE and seat.id not in self._removed,
            free=works and seat.state is S.AVAILABLE and seat.id not in self._pausing,
        )
        if seat.deadline is None or seat.state is S.TALKING:
            self._timed.pop(seat.id, None)
        else:
            self._timed[seat.id] = seat
        if self._alarms.arm(seat.id, seat.deadline):
            self._late.pop(seat.id, None)

    # ------------------------------------------------------------------ reading
    @property
    def timed(self) -> Mapping[str, Seat]:
        """The seats that have a deadline, by id, except those that talk (see `overdue`)."""
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

    def _move(
        self, seat: Seat, to: SeatState, now: float, reason: str | None = None, limit: float | None = None
    ) -> Seat:
        if reason is None and seat.wanted is not None:
            reason = seat.reason  # the wish's, until it is taken
        seat = self._put(move(seat, to, now, self._policy, reason=reason, limit=limit))
        if seat.id in self._removed and seat.state not in BUSY and seat.state is not S.WRAP_UP:
            self._forget(seat.id)
        return seat

    def _forget(self, seat_id: str) -> None:
        self._removed.discard(seat_id)
        del self._seats[seat_id]
        self._floor.drop(seat_id)
        self._alarms.arm(seat_id, None)
        for kept in (self._timed, self._late, self._pausing, self._changed):
            kept.pop(seat_id, None)

    def restore(self, seat: Seat) -> None:
        """Takes a seat's state as a snapshot has it (after a restart); what is configured, and whether it is
        on duty, stays."""
        known = self._seats.get(seat.id)
        if known is not None:
            self._put(_configured(seat, known, known.on_duty))

    def replace_seats(self, seats: Iterable[Seat], now: float) -> None:
        """New configuration: states are kept, new seats begin offline, removed ones leave when free."""
        fresh = {s.id: s for s in seats}
        self._removed.difference_update(fresh)
        for sid, seat in fresh.items():
            old = self._seats.get(sid)
            self._put(_configured(old, seat, old.on_duty) if old else seat)
        for sid in [i for i in self._seats if i not in fresh]:
            seat = self._seats[sid]
            if seat.state in BUSY or seat.state is S.WRAP_UP:
                self._removed.add(sid)
                self._index(seat)
            else:
                self._forget(sid)

    def set_duty(self, on: Mapping[str, bool], now: float) -> None:
        """Who is within office hours; seats not named are. A talk in hand goes on; nobody is signed off."""
        for seat in list(self._seats.values()):
            duty = on.get(seat.id, True)
            if seat.on_duty is not duty:
                self._put(replace(seat, on_duty=duty))

    def set_centre_limits(self, limits: Mapping[str, CentreLimit]) -> None:
        """What each centre's seats may carry at once; centres not named have no limit."""
        self._floor.limit(dict(limits))

    def phone_up(self, seat_id: str, now: float) -> None:
        """The seat's phone is registered (told again and again): a seat that only lacked it is available."""
        seat = self._seats.get(seat_id)
        if seat is None:
            return
        if seat.phone_gone:
            seat = self._put(replace(seat, phone_gone=False))
        if seat.reason is not None and seat.reason not in PHONE_GONE:
            return  # offline, or to be offline, because a person said so or a break ran out: no phone ends that
        if seat.state is S.OFFLINE:
            self._move(seat, S.AVAILABLE, now)
        elif seat.wanted is S.OFFLINE:
            self._put(replace(seat, wanted=None, reason=None))

    def phone_down(self, seat_id: str, now: float) -> None:
        """The seat's phone is gone: no more offers. A running talk is left to the switch, a wrap-up and a rest
        to their deadlines (a wrap-up's call ends with it), a break to the person."""
        seat = self._seats.get(seat_id)
        if seat is None:
            return
        if not seat.phone_gone:
            seat = self._put(replace(seat, phone_gone=True))
        if seat.state in BUSY or seat.state is S.WRAP_UP:
            if seat.wanted is None:
                self._put(replace(seat, wanted=S.OFFLINE, reason=NO_PHONE))
        elif seat.state is S.AVAILABLE:
            self._move(seat, S.OFFLINE, now, reason=NO_PHONE)

    def ask(
        self, seat_id: str, to: SeatState, now: float, reason: str | None = None, *,
        limit: float | None = None, force: bool = False,
    ) -> Seat:  # fmt: skip
        """A person asks for a state. While the seat is busy or rests, the wish is kept until it is free.

        Args:
            seat_id: whose state.
            to: available, break or offline.
            now: unix seconds.
            reason: why, for people (the reason's code for a break).
            limit: seconds that the break may last (its reason's limit) instead of Policy.break_limit.
            force: a supervisor asks, who may end a forced rest.

        Raises:
            SeatError: unknown seat, a state that cannot be asked for, or a forced rest that only a
                supervisor can end.
        """
        seat = self.seat(seat_id)
        if reason is None and to is not S.AVAILABLE:
            reason = ASKED
        if to not in (S.AVAILABLE, S.BREAK, S.OFFLINE):
            raise SeatError(f"a seat can be set to available, break or offline, not {to}")
        limit = limit if to is S.BREAK else None
        if seat.wanted is S.REST and not force:
            if seat.state is S.WRAP_UP and to is S.AVAILABLE:
                return self._after_busy(seat, now)  # it has finished, and rests now
            raise SeatError(f"seat {seat.id} rests after this call; a supervisor can change that")
        if seat.state in BUSY or (seat.state is S.REST and not force):
            if seat.state is S.REST and to is S.AVAILABLE and seat.wanted is None:
                raise SeatError(f"seat {seat.id} must rest and is available afterwards; a supervisor can end the rest")
            wanted = None if to is S.AVAILABLE else to
            return self._put(replace(seat, wanted=wanted, wanted_limit=limit, reason=reason))
        if seat.state is to and to is not S.BREAK:
            # Already offline: from now on because a person wants it, so that its phone does not end it.
            return seat if to is S.AVAILABLE else self._put(replace(seat, reason=reason))
        self._pausing.pop(seat_id, None)
        seat = replace(seat, missed=0, wanted=None, wanted_limit=None)
        return self._move(seat, to, now, reason, limit)

    def rest(self, seat_id: str, now: float, seconds: float | None = None, reason: str = RESTS) -> Seat:
        """A forced rest (Art. 28): now, or after the talk and wrap-up in hand. It ends by itself.

        Args:
            seat_id: whose rest.
            now: unix seconds.
            seconds: how long; None: Policy.rest.
            reason: why, for people.

        Raises:
            SeatError: unknown seat, or one that is offline or on a break: it rests already.
        """
        seat = self.seat(seat_id)
        if seat.state in (S.OFFLINE, S.BREAK):
            raise SeatError(f"seat {seat.id} is {seat.state}: it rests already")
        if seat.state in BUSY or seat.state is S.WRAP_UP:
            return self._put(replace(seat, wanted=S.REST, wanted_limit=seconds, reason=reason))
        self._pausing.pop(seat_id, None)
        return self._move(seat, S.REST, now, reason, seconds)

    def reset(self, seat_id: str, now: float) -> Seat:
        """A supervisor's way out of any state: available, or offline while its phone is gone.

        Wishes, missed offers and pauses are forgotten. A leg or a wrap-up that the seat had is the caller's
        to end. Raises SeatError if there is no such seat.
        """
        seat = self.seat(seat_id)
        self._pausing.pop(seat_id, None)
        seat = replace(seat, wanted=None, wanted_limit=None, missed=0)
        to, reason = (S.OFFLINE, NO_PHONE) if seat.phone_gone else (S.AVAILABLE, None)
        if seat.state is to:
            return self._put(replace(seat, reason=reason))
        return self._move(seat, to, now, reason)

    def _after_busy(self, seat: Seat, now: float, reason: str | None = None) -> Seat:
        wanted, limit = seat.wanted, seat.wanted_limit
        seat = replace(seat, wanted=None, wanted_limit=None)
        if wanted is not None:
            return self._move(seat, wanted, now, seat.reason, limit)
        if seat.phone_gone:
            return self._move(seat, S.OFFLINE, now, NO_PHONE)
        return self._move(seat, S.AVAILABLE, now, reason)

    # ------------------------------------------------------------------ offers
    def ringing(self, seat_id: str, offer: str, now: float) -> None:
        """The seat's phone rings for this offer."""
        seat = self._seats.get(seat_id)
        if seat is not None and seat.offer == offer and seat.state is S.OFFERED:
            self._move(seat, S.RINGING, now)

    def talking(self, seat_id: str, call: str, offer: str, now: float, *, back: bool = False) -> None:
        """The seat is joined with the caller, whatever else is offered to it meanwhile: that comes to nothing. `back`:
        nobody offered it (a supervisor who listens); afterwards it is what it is now: offline, on a break."""
        seat = self._seats.get(seat_id)
        if seat is None or (seat.state is S.TALKING and seat.call == call):
            return
        if seat.state is S.TALKING:
            # The switch's word wins: it talks with this caller now, whatever our books said.
            self._put(replace(seat, call=call, offer=offer, foreign=False))
            return
        if seat.state is S.WRAP_UP:
            seat = move(seat, S.AVAILABLE, now, self._policy, reason=seat.reason)
        if back and seat.state in (S.OFFLINE, S.BREAK, S.REST) and seat.wanted is None:
            seat = replace(seat, wanted=seat.state)
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
        elif seat.missed >= self._policy.missed_limit and seat.wanted is None:
            self._move(seat, S.BREAK, now, reason="missed offers")
        else:
            self._pausing[seat.id] = now + self._policy.refused_pause
            self._after_busy(seat, now, reason=outcome.value)

    def talk_ended(self, seat_id: str, call: str, now: float, wrap_up: bool = True) -> None:
        """The talk is over: the seat finishes the draft (话后处理), unless there is nothing to finish."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.call != call or seat.state is not S.TALKING:
            return
        if wrap_up and self._policy.wrap_up > 0:
            self._move(seat, S.WRAP_UP, now)
        else:
            self._after_busy(seat, now)

    def confirm_talk(self, seat_id: str, now: float) -> None:
        """The switch has said that an `overdue` talk is true: it goes on until the next check."""
        seat = self._seats.get(seat_id)
        if seat is not None and seat.state is S.TALKING:
            self._put(replace(seat, deadline=now + self._policy.talk_check))

    def wrap_up_done(self, seat_id: str, now: float) -> str | None:
        """The seat has finished, by itself or by its deadline. Returns the call it was about."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.state is not S.WRAP_UP:
            return None
        call = seat.call
        self._after_busy(seat, now)
        return call

    # ------------------------------------------------------------------ time
    def expire(self, now: float) -> list[tuple[str, str]]:
        """Ends wrap-ups, rests and breaks whose time is over; returns (seat, call) of ended wrap-ups.

        Offers and talks are not ended here: the call owns them and ends them with the leg (calls.machine).
        They are in `overdue` from now on.
        """
        self._wake(now)
        done: list[tuple[str, str]] = []
        for seat_id in self._alarms.over(now):
            seat = self._seats[seat_id]
            if seat.state is S.WRAP_UP:
                call = self.wrap_up_done(seat_id, now)
                if call is not None:
                    done.append((seat_id, call))
            elif seat.state is S.BREAK:
                # Nobody is put to work by a clock: a break past its limit becomes offline, and shows.
                self._move(seat, S.OFFLINE, now, reason="break limit reached")
            elif seat.state is S.REST:
                self._after_busy(seat, now)
            else:
                self._late[seat_id] = None
        return done

    def overdue(self, now: float) -> list[Seat]:
        """Seats that `expire` found offered, ringing or talking past their deadline, and that still are.

        A talk's deadline ends nothing: ask the switch, then `confirm_talk` or `talk_ended`.
        """
        return [self._seats[i] for i in self._late]

    def _wake(self, now: float) -> None:
        if self._pausing:
            for seat_id in [i for i, until in self._pausing.items() if until <= now]:
                del self._pausing[seat_id]
                self._index(self._seats[seat_id])


def _configured(state: Seat, seat: Seat, on_duty: bool) -> Seat:
    """A seat's state with what is configured of it."""
    return replace(
        state, name=seat.name, centre=seat.centre, skills=seat.skills, kind=seat.kind, phone=seat.phone,
        on_duty=on_duty,
    )  # fmt: skip
