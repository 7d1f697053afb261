"""The real dispatcher in simulated time.

Nothing of the matching is modelled here: `routing.Dispatcher` decides, as it does in the service. This file
only plays the callers, the seats' people and the clock.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import replace

from routing import NORMAL, Demand, Dispatcher, Load, ModeConfig, ModeControl, OfferOutcome, Seat, SeatState, Waiting

from ._draw import Callers
from ._model import Model, all_seats
from ._outcome import GRACE, Outcome, shifts

GIVES_UP, ANSWERS, MISSES, HANGS_UP, WRAPPED, DUTY, BACK, WAKE = range(8)

JUDGED_EVERY = 1.0
"""Seconds between two looks at the load, for the surge mode."""


class Ours:
    """One run. Build it, `run` it once."""

    def __init__(self, model: Model, callers: Callers) -> None:
        self.model, self.callers = model, callers
        groups = all_seats(model)
        self.names = [f"s{i:04d}" for i in range(len(groups))]
        self.index = {name: i for i, name in enumerate(self.names)}
        self.dispatcher = Dispatcher(
            [Seat(n, n, g.centre, dict(g.skills)) for n, g in zip(self.names, groups, strict=True)], model.policy
        )
        self.out = Outcome.begin(callers, len(groups))
        self.demands = [c.demand for c in model.classes]
        self.modes: ModeControl | None = None
        if model.surge is not None:
            mode = model.surge.mode
            self.hasty = [c.hasty or _hastened(c.demand, mode.scale) for c in model.classes]
            self.modes = ModeControl({NORMAL: ModeConfig(NORMAL), mode.name: mode})
        self.debts: dict[int, float] = {}
        """Seat → seconds of wrap-up still to be made up for."""
        self.waiting: dict[int, Waiting] = {}
        self.offers: dict[int, tuple[str, str, float, Waiting]] = {}
        """Caller → (seat, offer, reserved at, place in the queue) while the phone rings."""
        self.held: dict[int, tuple[int, float]] = {}
        """Seat → (caller, reserved at) while it talks or wraps up."""
        self.missed: dict[int, int] = {}
        """Caller → offers that nobody answered."""
        self.signed: dict[int, float] = {}
        self.heap: list[tuple[float, int, int, int, str]] = []
        self.count = 0
        self.in_house = 0
        self.surge_since: float | None = None
        self.judged = 0.0
        self.awake: float = math.inf
        timed = any(len(d.circles()) > 1 for d in self.demands)
        at_once = model.answer.kind == "constant" and model.answer.mean <= model.policy.ring
        self.must_wake = timed or model.absences.per_hour > 0 or bool(model.policy.keep_free) or not at_once

    # ------------------------------------------------------------------ the clock
    def _at(self, when: float, kind: int, who: int, what: str = "") -> None:
        self.count += 1
        heapq.heappush(self.heap, (when, self.count, kind, who, what))

    def run(self) -> Outcome:
        """Plays the whole run and lets those who are in the house at its end finish."""
        began = time.perf_counter()
        handlers = [
            self._gives_up, self._answers, self._misses, self._hangs_up, self._wrapped, self._duty, self._back,
            self._wake,
        ]  # fmt: skip
        for when, seat, on in shifts(self.model):
            self._at(when, DUTY, seat, "on" if on else "")
        heap, arrivals = self.heap, self.callers.at
        n, i = len(arrivals), 0
        while i < n or heap:
            if i < n and (not heap or arrivals[i] < heap[0][0]):
                now = arrivals[i]
                self._arrives(now, i)
                i += 1
            else:
                now, _, kind, who, what = heapq.heappop(heap)
                handlers[kind](now, who, what)
            if self.waiting:
                self._match(now)
            elif i >= n and now >= self.model.duration and not self.offers and not self.held:
                break
            if i >= n and now > self.model.duration + GRACE:
                break  # nobody on duty will ever serve those who are left
        end = max(self.model.duration, now if n else 0.0)
        for seat, since in self.signed.items():
            self.out.duty.append((seat, since, end))
        if self.surge_since is not None:
            self.out.surges.append((self.surge_since, end))
        self.out.elapsed = time.perf_counter() - began
        return self.out

    # ------------------------------------------------------------------ callers
    def _arrives(self, now: float, i: int) -> None:
        if self.model.lines is not None and self.in_house >= self.model.lines:
            self.out.blocked[i] = True
            return
        self.in_house += 1
        self._judge(now)
        demands = self.demands if self.surge_since is None else self.hasty
        self._queue(i, Waiting(f"c{i}", demands[self.callers.kind[i]], now))
        if self.callers.patience[i] < math.inf:
            self._at(now + self.callers.patience[i], GIVES_UP, i)

    def _queue(self, i: int, waiting: Waiting) -> None:
        self.waiting[i] = waiting
        self.dispatcher.enqueue(waiting)

    def _gives_up(self, now: float, i: int, _: str) -> None:
        if self.waiting.pop(i, None) is not None:
            self.dispatcher.withdraw(f"c{i}")
        elif i in self.offers:
            seat, offer, since, _place = self.offers.pop(i)
            self.out.busy.append((self.index[seat], since, now))
            self.dispatcher.offer_ended(seat, offer, OfferOutcome.WITHDRAWN, now)
            self._signed_out(now, seat)
        else:
            return
        self.out.left[i] = now
        self.in_house -= 1

    # ------------------------------------------------------------------ offers
    def _match(self, now: float) -> None:
        for match in self.dispatcher.match(now, self._offer_id):
            i = int(match.call[1:])
            self.offers[i] = (match.seat, match.offer, now, self.waiting.pop(i))
            self.out.step[i] = getattr(match, "step", 0)
            self.dispatcher.ringing(match.seat, match.offer, now)
            missed = self.missed.get(i, 0)
            delay = self.model.answer.quantile(self.callers.swiftness(i, missed))
            back = self.callers.back_at(self.index[match.seat], now)
            if back is not None:
                delay += back - now
            if delay > self.model.policy.ring:
                self.missed[i] = missed + 1
                self._at(now + self.model.policy.ring, MISSES, i, match.offer)
                continue
            delay += self.model.decide
            if delay <= 0:
                self._answers(now, i, match.offer)
            else:
                self._at(now + delay, ANSWERS, i, match.offer)
        if self.must_wake and self.waiting:
            deadline = self.dispatcher.next_deadline()
            if deadline is not None and deadline <= now:
                self._expire(now)  # passed while nobody waited
                deadline = self.dispatcher.next_deadline()
            if deadline is not None and now < deadline < self.awake:
                self.awake = deadline
                self._at(deadline, WAKE, 0)

    def _offer_id(self, call: str, seat: str) -> str:
        self.count += 1
        return f"{call}~{self.count}"

    def _answers(self, now: float, i: int, offer: str) -> None:
        mine = self.offers.get(i)
        if mine is None or mine[1] != offer:
            return
        del self.offers[i]
        seat = self.index[mine[0]]
        self.dispatcher.talking(mine[0], f"c{i}", offer, now)
        self.held[seat] = (i, mine[2])
        self.out.answered[i], self.out.seat[i] = now, seat
        self._at(now + self.callers.talk[i], HANGS_UP, seat)

    def _misses(self, now: float, i: int, offer: str) -> None:
        mine = self.offers.get(i)
        if mine is None or mine[1] != offer:
            return
        seat, _, since, place = self.offers.pop(i)
        self.out.busy.append((self.index[seat], since, now))
        self.dispatcher.offer_ended(seat, offer, OfferOutcome.NO_ANSWER, now)
        if self.dispatcher.seat(seat).state is SeatState.BREAK:
            back = self.callers.back_at(self.index[seat], now) or now
            self._at(back + self.model.absences.noticed, BACK, self.index[seat])
        self._signed_out(now, seat)
        self._queue(i, place)  # at its old rank

    # ------------------------------------------------------------------ seats
    def _hangs_up(self, now: float, seat: int, _: str) -> None:
        name, (i, since) = self.names[seat], self.held[seat]
        self.in_house -= 1
        self.dispatcher.talk_ended(name, f"c{i}", now)
        self._judge(now)
        wrap = self._wrap_up(seat, self.callers.wrap[i])
        if self.dispatcher.seat(name).state is SeatState.WRAP_UP and wrap > 0:
            self._at(now + wrap, WRAPPED, seat, f"c{i}")
            return
        self.dispatcher.wrap_up_done(name, now)
        self._free(now, seat, since)

    def _wrap_up(self, seat: int, wrap: float) -> float:
        """How long this wrap-up takes: cut short in a surge, longer when something is left from one."""
        surge = self.model.surge
        if surge is None or surge.mode.wrap_up is None:
            return wrap
        wrap += self.debts.pop(seat, 0.0)
        limit = self.model.policy.wrap_up
        if self.surge_since is not None and self.waiting:
            limit = surge.mode.wrap_up
        if wrap > limit:
            self.debts[seat] = wrap - limit
        return min(wrap, limit)

    def _wrapped(self, now: float, seat: int, call: str) -> None:
        if seat in self.held and f"c{self.held[seat][0]}" == call:
            self.dispatcher.wrap_up_done(self.names[seat], now)
            self._free(now, seat, self.held[seat][1])

    def _free(self, now: float, seat: int, since: float) -> None:
        del self.held[seat]
        self.out.busy.append((seat, since, now))
        self._signed_out(now, self.names[seat])

    def _duty(self, now: float, seat: int, on: str) -> None:
        name = self.names[seat]
        if on:
            if seat not in self.signed:
                self.signed[seat] = now
            self.dispatcher.ask(name, SeatState.AVAILABLE, now)
            return
        wraps = self.dispatcher.seat(name).state is SeatState.WRAP_UP
        self.dispatcher.ask(name, SeatState.OFFLINE, now)
        if wraps and seat in self.held:
            self._free(now, seat, self.held[seat][1])
        self._signed_out(now, name)

    def _signed_out(self, now: float, name: str) -> None:
        """Notes the end of a sign-in as soon as the dispatcher has let the seat go."""
        seat = self.index[name]
        if seat in self.signed and self.dispatcher.seat(name).state is SeatState.OFFLINE:
            self.out.duty.append((seat, self.signed.pop(seat), now))

    def _back(self, now: float, seat: int, _: str) -> None:
        if self.dispatcher.seat(self.names[seat]).state is SeatState.BREAK:
            self.dispatcher.ask(self.names[seat], SeatState.AVAILABLE, now)

    def _wake(self, now: float, _: int, __: str) -> None:
        self.awake = math.inf
        self._expire(now)

    def _expire(self, now: float) -> None:
        self.dispatcher.expire(now)
        for seat in self.dispatcher.overdue(now):
            self.dispatcher.confirm_talk(seat.id, now)

    # ------------------------------------------------------------------ modes
    def _judge(self, now: float) -> None:
        """Lets the real mode control look at the load, once a second."""
        if self.modes is None or now - self.judged < JUDGED_EVERY:
            return
        self.judged = now
        first = min((w.since for w in self.waiting.values()), default=now)
        busy = (len(self.held) + len(self.offers)) / max(len(self.signed), 1)
        wanted = self.modes.judge(Load(len(self.waiting), now - first, busy), now)
        if wanted is None:
            return
        self.modes.set_mode(wanted, "thresholds", "", now)
        if wanted != NORMAL:
            self.surge_since = now
        elif self.surge_since is not None:
            self.out.surges.append((self.surge_since, now))
            self.surge_since = None


def _hastened(demand: Demand, part: float) -> Demand:
    steps = tuple(replace(s, seconds=None if s.seconds is None else s.seconds * part) for s in demand.steps)
    return replace(demand, steps=steps)


def run_ours(model: Model, callers: Callers) -> Outcome:
    """The callers under our rules, decided by the real dispatcher."""
    return Ours(model, callers).run()
