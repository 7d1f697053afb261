"""The same callers and seats under the rules of Asterisk's app_queue.

What is modelled, after Asterisk 22's documentation of queues.conf, queuerules.conf and Queue(), and after how
app_queue behaves:

- A caller is in one queue. Who waits looks once a second, counted from his own entry, whether it is his turn:
  whether fewer callers wait before him (those being served do not count) than members are available.
  With ring-all at most one member counts as available, whatever the number.
- Whose turn it is rings members: the lowest penalty first, then by strategy; with ring-all all of the lowest
  penalty at once. Members above the caller's present greatest penalty are not rung, though they count as
  available. A member who is free may be held back by a queue of greater weight whose callers are as many as its
  available members.
- Who reaches nobody, or whose member does not answer within `timeout`, pauses `retry` seconds, and looks again.
- A member of several queues is offered by each; while he rings, talks or wraps up he is available to none
  (ringinuse=no, shared_lastcall=yes).
- The caller's greatest penalty follows queuerules.conf; Queue()'s own timeout sends him on to the end of another
  queue; a queue without any member signed in does so at once (joinempty=no, leavewhenempty=yes).

In favour of app_queue: wrap-up lasts as long as the agent needs (as with a panel that pauses and unpauses), not a
fixed wrapuptime; times are exact instead of whole seconds; no announcement delays anybody.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, field

from ._draw import Callers
from ._model import AppQueue, Model, Queue, SeatGroup, all_seats
from ._outcome import GRACE, Outcome, shifts

POLL = 1.0
"""Seconds between two looks of a waiting caller."""
UNLIMITED = 1 << 30

GIVES_UP, LOOKS, ANSWERS, NO_ANSWER, RETRIES, LEAVES_QUEUE, HANGS_UP, WRAPPED, DUTY, UNPAUSES = range(10)


@dataclass(slots=True)
class _Caller:
    id: int
    queue: _Queue
    joined: float
    phase: float
    """Looks happen at this time plus whole seconds."""
    pending: bool = False
    """Rings members now."""
    resting: bool = False
    """In the pause of `retry` seconds."""
    due: float | None = None
    """The next look that may matter."""
    ringing: list[_Seat] = field(default_factory=list)
    missed: int = 0
    """Times that nobody answered."""
    attempt: int = 0


@dataclass(slots=True)
class _Seat:
    number: int
    places: dict[str, int]
    """Queue → penalty."""
    queues: list[_Queue] = field(default_factory=list)
    signed: bool = False
    free: bool = False
    leaving: bool = False
    paused: bool = False
    last_call: float = -1e9
    calls: int = 0
    since: float = 0.0
    caller: int = -1
    rings_for: _Caller | None = None


@dataclass(slots=True)
class _Queue:
    rules: Queue
    members: list[_Seat] = field(default_factory=list)
    callers: dict[int, _Caller] = field(default_factory=dict)
    """In order of position."""
    available: int = 0
    signed: int = 0
    """Members signed in, busy or not."""
    rr: int = 0


class AppQueueRun:
    """One run. Build it, `run` it once."""

    def __init__(self, model: Model, rules: AppQueue, callers: Callers) -> None:
        self.model, self.rules, self.callers = model, rules, callers
        groups = all_seats(model)
        self.queues = {q.name: _Queue(q) for q in rules.queues}
        by_class = {name: q for q in self.queues.values() for name in q.rules.classes}
        self.entry = [by_class[c.name] for c in model.classes]
        self.seats = [_Seat(i, _places(rules, g)) for i, g in enumerate(groups)]
        for seat in self.seats:
            for name in seat.places:
                self.queues[name].members.append(seat)
                seat.queues.append(self.queues[name])
        self.weighted = any(q.rules.weight for q in self.queues.values())
        self.out = Outcome.begin(callers, len(groups))
        self.inside: dict[int, _Caller] = {}
        self.signed: dict[int, float] = {}
        self.heap: list[tuple[float, int, int, int, int]] = []
        self.count = 0
        self.talking = 0

    def _at(self, when: float, kind: int, who: int, what: int = 0) -> None:
        self.count += 1
        heapq.heappush(self.heap, (when, self.count, kind, who, what))

    def run(self) -> Outcome:
        """Plays the whole run and lets those who are in the house at its end finish."""
        began = time.perf_counter()
        handlers = [
            self._gives_up, self._looks, self._answers, self._no_answer, self._retries, self._leaves_queue,
            self._hangs_up, self._wrapped, self._duty, self._unpauses,
        ]  # fmt: skip
        for when, seat, on in shifts(self.model):
            self._at(when, DUTY, seat, int(on))
        heap, arrivals = self.heap, self.callers.at
        n, i, now = len(arrivals), 0, 0.0
        while i < n or heap:
            if i < n and (not heap or arrivals[i] < heap[0][0]):
                now = arrivals[i]
                self._arrives(now, i)
                i += 1
            else:
                now, _, kind, who, what = heapq.heappop(heap)
                handlers[kind](now, who, what)
            over = now >= self.model.duration and not self.inside and not self.talking
            if i >= n and (over or now > self.model.duration + GRACE):
                break
        end = max(self.model.duration, now)
        self.out.duty += [(seat, since, end) for seat, since in self.signed.items()]
        self.out.elapsed = time.perf_counter() - began
        return self.out

    # ------------------------------------------------------------------ callers
    def _arrives(self, now: float, i: int) -> None:
        if self.model.lines is not None and len(self.inside) + self.talking >= self.model.lines:
            self.out.blocked[i] = True
            return
        if self.callers.patience[i] < math.inf:
            self._at(now + self.callers.patience[i], GIVES_UP, i)
        self._joins(now, i, self.entry[self.callers.kind[i]])

    def _joins(self, now: float, i: int, queue: _Queue) -> None:
        if queue.rules.then is not None and not queue.signed:
            queue = self.queues[queue.rules.then]  # joinempty=no
        caller = _Caller(i, queue, now, now, attempt=self.inside[i].attempt + 1 if i in self.inside else 0)
        self.inside[i] = caller
        queue.callers[i] = caller
        if queue.rules.timeout is not None:
            self._at(now + queue.rules.timeout, LEAVES_QUEUE, i)
        self._turn(now, caller)

    def _leaves(self, now: float, caller: _Caller) -> None:
        """Out of the queue, whatever for; phones that ring for him stop."""
        caller.queue.callers.pop(caller.id, None)
        caller.attempt += 1
        self._stop_ringing(now, caller)
        self._stir(now, caller.queue)

    def _gives_up(self, now: float, i: int, _: int) -> None:
        caller = self.inside.pop(i, None)
        if caller is not None:
            self.out.left[i] = now
            self._leaves(now, caller)

    def _leaves_queue(self, now: float, i: int, _: int) -> None:
        """Queue()'s timeout: a phone that rings stops; the caller goes to the end of the next queue."""
        caller = self.inside.get(i)
        if caller is None or caller.queue.rules.then is None or caller.queue.callers.get(i) is not caller:
            return
        if caller.queue.rules.timeout is None or now < caller.joined + caller.queue.rules.timeout - 1e-9:
            return
        self._leaves(now, caller)
        self._joins(now, i, self.queues[caller.queue.rules.then])

    # ------------------------------------------------------------------ turns
    def _in_turn(self, queue: _Queue) -> list[_Caller]:
        """The callers whose turn it is, by position."""
        available = queue.available
        if available and self.rules.strategy == "ringall":
            available = 1
        out: list[_Caller] = []
        if available:
            for caller in queue.callers.values():
                if not self.rules.autofill:
                    return [] if caller.pending else [caller]
                if not caller.pending:
                    out.append(caller)
                    if len(out) >= available:
                        break
        return out

    def _stir(self, now: float, queue: _Queue) -> None:
        """Something changed: those whose turn it is now will notice at their next look."""
        if not queue.available or not queue.callers:
            return
        for caller in self._in_turn(queue):
            if caller.due is None and not caller.resting:
                caller.due = caller.phase + POLL * math.ceil(max(now - caller.phase, 0.0) / POLL + 1e-9)
                self._at(caller.due, LOOKS, caller.id, caller.attempt)

    def _looks(self, now: float, i: int, attempt: int) -> None:
        caller = self.inside.get(i)
        if caller is not None and caller.attempt == attempt and not caller.pending and not caller.resting:
            caller.due = None
            self._turn(now, caller)

    def _turn(self, now: float, caller: _Caller) -> None:
        if any(c is caller for c in self._in_turn(caller.queue)):
            self._rings(now, caller)

    def _retries(self, now: float, i: int, attempt: int) -> None:
        caller = self.inside.get(i)
        if caller is None or caller.attempt != attempt:
            return
        caller.resting = False
        caller.phase = now
        self._turn(now, caller)

    def _rests(self, now: float, caller: _Caller) -> None:
        caller.resting, caller.pending, caller.due = True, False, None
        caller.attempt += 1
        self._at(now + self.rules.retry, RETRIES, caller.id, caller.attempt)

    # ------------------------------------------------------------------ ringing
    def _limit(self, now: float, caller: _Caller) -> int:
        limit = UNLIMITED
        for after, penalty in caller.queue.rules.penalties:
            if now - caller.joined >= after:
                limit = penalty
        return limit

    def _held_back(self, seat: _Seat, queue: _Queue) -> bool:
        return self.weighted and any(
            q.rules.weight > queue.rules.weight and q.callers and len(q.callers) >= q.available for q in seat.queues
        )

    def _metric(self, now: float, seat: _Seat, queue: _Queue, place: int) -> tuple[int, float, int]:
        penalty = seat.places[queue.rules.name]
        strategy = self.rules.strategy
        if strategy == "leastrecent":
            return (penalty, seat.last_call, seat.number)
        if strategy == "fewestcalls":
            return (penalty, seat.calls, seat.number)
        if strategy == "rrmemory":
            return (penalty, (place - queue.rr) % len(queue.members), seat.number)
        if strategy == "random":
            return (penalty, hash((seat.number, self.count)) % 1009, seat.number)
        return (penalty, place, seat.number)  # linear, ringall

    def _rings(self, now: float, caller: _Caller) -> None:
        queue, limit = caller.queue, self._limit(now, caller)
        best: list[_Seat] = []
        best_metric: tuple[int, float, int] | None = None
        for place, seat in enumerate(queue.members):
            if not seat.free or seat.places[queue.rules.name] > limit or self._held_back(seat, queue):
                continue
            metric = self._metric(now, seat, queue, place)
            if self.rules.strategy == "ringall":
                if best_metric is None or metric[0] < best_metric[0]:
                    best, best_metric = [seat], metric
                elif metric[0] == best_metric[0]:
                    best.append(seat)
            elif best_metric is None or metric < best_metric:
                best, best_metric = [seat], metric
        if not best:
            self._rests(now, caller)
            return
        if self.rules.strategy == "rrmemory":
            queue.rr = (queue.members.index(best[0]) + 1) % len(queue.members)
        i = caller.id
        caller.pending, caller.ringing, caller.due = True, best, None
        for seat in best:
            self._occupied(seat)
            seat.since, seat.rings_for = now, caller
        there = [s for s in best if self.callers.back_at(s.number, now) is None]
        # The fastest of k people: the quantile that makes it so with one uniform number.
        u = 1 - (1 - self.callers.swiftness(i, caller.missed)) ** (1 / max(len(there), 1))
        delay = self.model.answer.quantile(u)
        if not there:
            delay += min(self.callers.back_at(s.number, now) or now for s in best) - now
        kind = ANSWERS if delay <= self.rules.timeout else NO_ANSWER
        caller.missed += kind == NO_ANSWER
        self._at(now + (delay if kind == ANSWERS else self.rules.timeout), kind, i, caller.attempt)
        self._stir(now, queue)

    def _stop_ringing(self, now: float, caller: _Caller) -> None:
        ringing, caller.ringing = caller.ringing, []
        for seat in ringing:
            seat.rings_for = None
            self.out.busy.append((seat.number, seat.since, now))
            self._freed(now, seat)

    def _no_answer(self, now: float, i: int, attempt: int) -> None:
        caller = self.inside.get(i)
        if caller is None or caller.attempt != attempt:
            return
        if self.rules.autopause:
            for seat in caller.ringing:
                seat.paused = True
                back = self.callers.back_at(seat.number, now) or now
                self._at(back + self.model.absences.noticed, UNPAUSES, seat.number)
        self._rests(now, caller)
        self._stop_ringing(now, caller)

    def _unpauses(self, now: float, number: int, _: int) -> None:
        seat = self.seats[number]
        if seat.paused:
            seat.paused = False
            if seat.signed:
                self._freed(now, seat)

    def _answers(self, now: float, i: int, attempt: int) -> None:
        caller = self.inside.get(i)
        if caller is None or caller.attempt != attempt:
            return
        ringing = [s for s in caller.ringing if self.callers.back_at(s.number, now) is None] or caller.ringing
        seat = ringing[int(self.callers.answer[i] * 7919) % len(ringing)]
        caller.ringing = [s for s in caller.ringing if s is not seat]
        del self.inside[i]
        self.talking += 1
        self.out.answered[i], self.out.seat[i] = now, seat.number
        seat.caller, seat.rings_for = i, None
        self._leaves(now, caller)
        self._at(now + self.callers.talk[i], HANGS_UP, seat.number, i)

    # ------------------------------------------------------------------ seats
    def _occupied(self, seat: _Seat) -> None:
        seat.free = False
        for queue in seat.queues:
            queue.available -= 1

    def _freed(self, now: float, seat: _Seat) -> None:
        if seat.leaving:
            seat.leaving = seat.signed = False
            for queue in seat.queues:
                queue.signed -= 1
                if not queue.signed and queue.rules.then is not None:  # leavewhenempty=yes
                    for caller in list(queue.callers.values()):
                        self._leaves(now, caller)
                        self._joins(now, caller.id, queue)
            self.out.duty.append((seat.number, self.signed.pop(seat.number), now))
            return
        if seat.paused:
            return
        seat.free = True
        for queue in seat.queues:
            queue.available += 1
        for queue in seat.queues:
            self._stir(now, queue)

    def _hangs_up(self, now: float, number: int, i: int) -> None:
        seat = self.seats[number]
        seat.last_call = now
        seat.calls += 1
        self.talking -= 1
        if self.callers.wrap[i] > 0:
            self._at(now + self.callers.wrap[i], WRAPPED, number, i)
            seat.caller = -2 - i  # wraps up
        else:
            self._wrapped(now, number, i)

    def _wrapped(self, now: float, number: int, i: int) -> None:
        seat = self.seats[number]
        if seat.caller in (i, -2 - i):
            seat.caller = -1
            self.out.busy.append((number, seat.since, now))
            self._freed(now, seat)

    def _duty(self, now: float, number: int, on: int) -> None:
        seat = self.seats[number]
        if on:
            seat.leaving = False
            if not seat.signed:
                seat.signed = True
                for queue in seat.queues:
                    queue.signed += 1
                self.signed[number] = now
                self._freed(now, seat)
        elif seat.signed:
            seat.leaving = True
            if seat.free:
                self._occupied(seat)
                self._freed(now, seat)
            elif seat.paused:
                self._freed(now, seat)
            elif seat.caller < -1:  # in wrap-up: goes home, as under our rules
                self._wrapped(now, number, -2 - seat.caller)


def _places(rules: AppQueue, group: SeatGroup) -> dict[str, int]:
    out: dict[str, int] = {}
    for queue in rules.queues:
        for members in queue.members:
            if all(group.skills.get(skill, 0) >= level for skill, level in members.skills):
                out[queue.name] = members.penalty
                break
    return out


def run_app_queue(model: Model, rules: AppQueue, callers: Callers) -> Outcome:
    """The callers under one set-up of app_queue."""
    return AppQueueRun(model, rules, callers).run()
