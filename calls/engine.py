"""The asyncio adapter of the heart: one inbox, one writer, group commit.

    inbox ─▶ step() for each event ─▶ one journal batch ─▶ commands to the switch ─▶ observers

While a batch is being written, new events gather for the next one: under load the journal costs one
round trip for many events, and a lone event waits for nobody.

Why nothing is lost when the process dies:
 - before the batch is written: no command has left; the switch still holds the caller in a place whose
   next step is a human, and reconciliation finds it;
 - after the batch, before the commands: the fold gives the same state, reconciliation sees that the
   command's effect is missing (a leg that does not exist, a caller alone) and the state decides anew;
 - after the commands: the fold and the switch agree.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from routing import Dispatcher, Policy, RoutingBook, Seat, Waiting

from . import commands as c
from . import events as e
from ._advice import advised, follow_up
from ._looks import Looks
from ._orders import Orders
from ._told import Change, Counters
from ._truth import release_strays, wraps_up
from ._writes import Writes
from .clock import Steady
from .codec import call_json, recording_job, seat_from, seat_json
from .host import Host
from .lease import Guarded
from .machine import BEGINS, CallError, Rules, next_deadline, step
from .model import PROBE, Call, CallState, LegState, PartyState
from .ports import Batch, Entry, Fenced, Journal, Switch
from .reconcile import leg_id, split_leg

log = logging.getLogger(__name__)
S = CallState

SLOW = 0.2
"""Seconds between deciding and sending, from which on a look at the switch has to know of it."""
STALE_COMMANDS = 2.0
"""Seconds after which commands held back by a silent journal are decided anew instead of sent."""
ENDED_MEMORY = 120.0
STOP_SECONDS = 3.0
LINGER = 0.02
CAN_WAIT = frozenset({e.Arrived, e.LegRinging, e.LegJoined, e.CallerLeft, e.WrapUpDone, e.DraftMade, e.PhoneUp})
"""Events nobody waits for while no caller waits: they join the next turn, or make one after LINGER seconds."""


class Engine(Orders, Looks, Writes):
    """Owns calls, seats and the queue. Everything runs on one event loop; `feed` may be called any time."""

    def __init__(
        self,
        *,
        switch: Switch,
        journal: Journal,
        dispatcher: Dispatcher,
        rules: Rules,
        entries: Mapping[str, Entry],
        raw_path: Callable[[str], str],
        record: bool = True,
        clock: Callable[[], float] = time.time,
        may_act: Callable[[], bool] | None = None,
        on_fenced: Callable[[], None] = lambda: None,
        host: Host | None = None,
    ) -> None:
        self.calls: dict[str, Call] = {}
        self.counters = Counters()
        self.dispatcher = dispatcher
        self.host = host
        self.rules = rules
        self.entries = entries
        self.journal_ok = True
        self.halted = False
        """Another process decides: nothing is written and nothing is sent any more."""
        self._on_fenced = on_fenced
        self._may_act = may_act or (lambda: True)
        self._switch = switch if may_act is None else Guarded(switch, may_act)
        self._journal = journal
        self._raw_path = raw_path
        self._record = record
        self._clock = clock
        self._inbox: deque[e.Input] = deque()
        self._wake = asyncio.Event()
        self._late: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: dict[str, float] = {}
        self._alarms: list[tuple[float, str]] = []
        self._observers: list[Callable[[Change], None]] = []
        self._batch = Batch()
        self._pending: list[c.ToSwitch] = []
        self._changed: dict[str, Call] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._writing: float | None = None
        """When the turn at hand was decided, while its commands wait for the journal."""
        self._ordered: dict[tuple[str, str], str] = {}
        self._parts = 0
        self._second_lines: dict[str, str] = {}
        """Channel of a seat that we have not made (second line; rung by the switch itself) → its call."""
        self._native_until = 0.0
        self._returned = float("-inf")
        self._slow: deque[tuple[float, float]] = deque(maxlen=20)
        """(Decided, sent) of turns that took long to be written."""
        self._aside: dict[str, Waiting] = {}
        """Who would be in the queue if its switch, one of several, could be reached."""
        self._sweeping: asyncio.Task[None] | None = None
        self._unseen = False
        """The switch is to be looked at before anybody is offered: events were missed, a caller may be back in line."""
        self._looked = False
        """Whether it was, since the link or the journal came (back)."""

    # ------------------------------------------------------------------ in
    def feed(self, events: Iterable[e.Input]) -> None:
        """Takes events in their order. Never blocks, never raises."""
        events = list(events)
        self._inbox.extend(events)
        if self._loop is None or self.dispatcher.has_waiting or not all(map(_can_wait, events)):
            self._wake.set()
        elif self._late is None:
            self._late = self._loop.call_later(LINGER, self._wake.set)

    def observe(self, observer: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `observer` after each turn, when its effects are journalled. Returns the way to stop."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def set_seats(self, seats: Iterable[Seat]) -> None:
        """New configuration of seats; states are kept."""
        self.dispatcher.replace_seats(seats, self._clock())
        self._wake.set()

    # ------------------------------------------------------------------ life
    async def recover(self) -> None:
        """Folds the journal: calls and seats as the last process left them. Raises JournalError."""
        self._unseen = True
        for name, row in (await self._journal.seats()).items():
            seat = self.dispatcher.seats.get(name)
            try:
                if seat is not None:
                    self.dispatcher.restore(seat_from(row, seat))
            except (KeyError, TypeError, ValueError):
                self.counters.unreadable += 1
                log.error("journal: a seat's row cannot be read; its phone tells", extra={"seat": name})  # noqa: TRY400
        latest = 0.0
        async for event, at in self._journal.replay():
            self._fold(event, at)
            latest = max(latest, at)
        if latest > self._clock() and isinstance(self._clock, Steady):
            self._clock.not_before(latest)  # the clock was set back: the deadlines in the journal are of before
        if self.host is not None:
            tables = {name: await self._journal.rows(name) for name in ("callbacks", "control", "restrictions")}
            self.host.recover(tables, self.calls.values(), self._clock())
        for call in self.calls.values():
            if call.state in (S.WAITING, S.DUE) and call.demand is not None and call.waiting_since is not None:
                self.dispatcher.enqueue(Waiting(call.id, call.demand, call.waiting_since))
            for party in call.parties:
                if party.state is PartyState.QUEUED and party.demand is not None:
                    self.dispatcher.enqueue(Waiting(f"{call.id}+{party.id}", party.demand, party.since))
            lines = (x.id for x in call.legs if x.kind != "caller" and x.state is not LegState.GONE)
            self._second_lines |= {x: call.id for x in lines if split_leg(x) is None}
            self._arm(call)
        release_strays(self.calls, self.dispatcher, self._clock())

    def _fold(self, event: e.Event, at: float) -> None:
        try:
            call, _ = step(self.calls.get(event.call), event, at, self.rules)
        except CallError:
            return
        except Exception as error:
            # Starting matters more than one entry: what it said, the switch says again.
            self.counters.unreadable += 1
            log.error("journal: an entry says nothing to this version (%s); left out", type(error).__name__)  # noqa: TRY400
            return
        if call.state is S.ENDED:
            self.calls.pop(call.id, None)
        else:
            self.calls[call.id] = call

    def start(self) -> None:
        """Starts the turns and the heart-beat."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            asyncio.create_task(self._run(), name="engine"),
            asyncio.create_task(self._beats(), name="engine-beat"),
        ]

    async def stop(self) -> None:
        """Finishes the turn at hand and what is in the inbox. Calls stay: the switch and the journal hold them.

        The engine ends by itself, between two turns: a cancellation in the middle of writing may be taken
        by the Redis client for a failed connection, and then be lost.
        """
        self._stopping = True
        self._wake.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            if late:
                log.warning("stopping with events not yet journalled; reconciliation will find them")
            while late:
                for task in late:
                    task.cancel()
                _, late = await asyncio.wait(late, timeout=0.5)
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._tasks = []
        self._stopping = False

    async def remember(self) -> None:
        """Who called lately, as earlier processes kept it: many rows, so not a part of taking over. Raises
        JournalError."""
        if self.host is not None:
            self.host.memory.load(await self._journal.rows("callers"), self._clock())

    def set_book(self, book: RoutingBook, policy: Policy | None = None) -> None:
        """New routing configuration; callers who wait keep the demand they have."""
        if self.host is not None:
            self.host.configure(book, self._clock(), policy)
            self._wake.set()

    def halt(self) -> None:
        """Another process decides: this engine writes and sends nothing more, whatever it still holds."""
        self.halted = True
        self._wake.set()

    async def _beats(self) -> None:
        """The sign of life for the dialplan: only while events are journalled and acted upon."""
        last = 0.0
        while not self._stopping and not self.halted:
            await asyncio.sleep(0.1)
            now = self._clock()
            if now - last >= 1.0 and self.journal_ok and self._switch.up:
                self._switch.beat(now)
                last = now
                # Not before the switch was looked at: a limit given to who has gone on to a human meanwhile, by the
                # dead process's silence, would end that talk six seconds later. One look is enough: while rings of the
                # switch's own queue are waited for, flows go on.
                # Nor to whom the flow has handed on: it is on its way to where no limit may be.
                for call in self.calls.values() if self._looked else ():
                    if call.state is S.IN_FLOW and not (call.session is not None and call.session.ended):
                        self._switch.renew(call.id)

    async def _run(self) -> None:
        while not self.halted and (not self._stopping or self._inbox):
            if not self._wake.is_set() and not (self._stopping and self._inbox):
                # Not wait_for: Python 3.11's can swallow a cancellation that meets the wake-up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._until_next()):
                        await self._wake.wait()
            self._wake.clear()
            if self._late is not None:
                self._late.cancel()
                self._late = None
            try:
                await self.turn()
            except Exception:
                # A bug in one turn must not stop the hotline: counted, and the sweep mends the rest.
                self.counters.errors += 1
                log.exception("a turn of the engine failed")

    def _until_next(self) -> float:
        times = [self._alarms[0][0]] if self._alarms and not self._unseen else []
        seats = self.dispatcher.next_deadline()
        if seats is not None:
            times.append(seats)
        if self.host is not None:
            times.append(self.host.next_tick())
        return max(0.0, min(1.0, min(times, default=1e12) - self._clock()))

    # ------------------------------------------------------------------ one turn
    async def turn(self) -> None:
        """Handles all that is in the inbox and due. `start` does this for ever; tests do it by hand."""
        now = self._clock()
        self._take_inbox(now)
        self._ordered.clear()
        self._fire_due(now)
        # Without a link nobody can be rung: the queue keeps its ranks until it is back.
        matches = self.dispatcher.match(now, self._offer_id) if self._switch.up and not self._unseen else []
        for match in matches:
            self.counters.offers += 1
            call, _, part = match.call.partition("+")
            phone = self.dispatcher.seat(match.seat).phone
            self._apply(
                e.Offered(
                    call, match.offer, match.seat, match.offer, match.deadline, match.step, match.why, part, phone
                ),
                now,
            )
        seats = self.dispatcher.take_changes()
        self._batch.seats = [seat_json(s) for s in seats]
        if self.host is not None:
            self.host.seats_changed(seats, now)
            self._batch.rows = self.host.take_rows()
        self._batch.finished = [call_json(x) for x in self._changed.values() if _booked(x)]
        if not self._batch:
            return
        began = self._writing = now
        batch, self._batch = self._batch, Batch()
        pending, self._pending = self._pending, []
        changed, self._changed = list(self._changed.values()), {}
        try:
            await self._write(batch)
        except Fenced:
            # What was decided here was never written: the process that decides now decides it.
            self.halt()
            self._on_fenced()
            return
        # Redis is back, and the lease not renewed yet: what is sent now would be dropped, and nobody would know. Not
        # for long: a lease that stays away is lost, and the look after its return decides anew.
        patience = STALE_COMMANDS
        while pending and patience > 0 and not (self._may_act() or self.halted or self._stopping):
            await asyncio.sleep(0.02)
            patience -= 0.02
        if self._clock() - began > STALE_COMMANDS:
            self._decide_anew(pending)
        else:
            for command in pending:
                if isinstance(command, c.RingLine) and not self._switch.up:
                    continue  # nobody would ring: the look at the link's return finds no such leg, and rings it then
                self.counters.commands += 1
                self._switch.do(command)
        self._writing = None
        if self._clock() - began > SLOW:
            self._slow.append((began, self._clock()))
        if self._observers:
            change = Change(changed, seats, batch.entries, batch.rows)
            for observer in self._observers:
                try:
                    observer(change)
                except Exception:
                    self.counters.errors += 1
                    log.exception("an observer failed")

    def _take_inbox(self, now: float) -> None:
        waits = 0.0
        while self._inbox:
            event = self._inbox.popleft()
            self.counters.events += 1
            # Callers who begin to wait in one turn (found together after a takeover) keep their order.
            at = now + waits
            waits += 1e-6 if type(event) is e.Waits else 0.0
            try:
                self._take(event, at if type(event) is e.Waits else now)
            except Exception:
                self.counters.errors += 1
                log.exception("an event could not be handled", extra={"event": type(event).__name__})

    def _offer_id(self, call: str, seat: str) -> str:
        call_id = call.partition("+")[0]
        return leg_id(call_id, seat, self.calls[call_id].offers + 1)

    def _take(self, event: e.Input, now: float) -> None:
        if isinstance(event, e.PhoneUp):
            self.dispatcher.phone_up(event.seat, now)
        elif isinstance(event, e.PhoneDown):
            self.dispatcher.phone_down(event.seat, now)
        elif isinstance(event, e.SeatCode):
            self._seat_code(event)
        elif isinstance(event, e.SeatDialled):
            self._seat_dialled(event)
        elif isinstance(event, e.Transferred):
            self._look_soon()
        elif isinstance(event, e.Past):
            self._apply(event.event, event.at)
        else:
            self._apply(event, now)
            if type(event) is e.WentNative:
                self._one_more_native()

    def _apply(self, event: e.Event, now: float) -> None:
        event = self._of_second_line(event)
        if type(event) is e.PartyWanted and event.via:
            self._second_lines[event.via] = event.call
        old = self.calls.get(event.call)
        begins = isinstance(event, BEGINS)
        if (old is None) != begins or (begins and event.call in self._ended):
            self.counters.ignored += 1
            return
        if self.host is not None:
            event = advised(self.host, self.rules, event, old, now)
        call, commands = step(old, event, now, self.rules)
        if call is old and not commands:
            self.counters.ignored += 1
            return
        if type(event) is e.LegJoined and event.leg != call.id and split_leg(event.leg) is None:
            self._second_lines[event.leg] = event.call  # a seat's channel that the switch's own queue has made
        self._batch.entries.append((event, now))
        self._changed[call.id] = call
        if old is None:
            self.counters.calls += 1
            self._batch.opened.append(call.id)
        if old is not None and old.ended_at is None and call.ended_at is not None and self._record:
            job = recording_job(call, self._raw_path(call.id))
            if job is not None:
                self._batch.jobs.append(job)
        if call.state is S.ENDED:
            self.calls.pop(call.id, None)
            self._ended[call.id] = now
            if self._second_lines:
                for leg in call.legs:
                    self._second_lines.pop(leg.id, None)
            self._batch.closed.append(call.id)
        else:
            self.calls[call.id] = call
            self._arm(call)
        for command in commands:
            if isinstance(command, c.ToSwitch):
                self._pending.append(command)
            else:
                self._dispatch(command, now)
        if self.host is not None:
            self.host.saw(event, old, call, now)
            for more in follow_up(self.host, self.dispatcher, event, old, call, now):
                self._apply(more, now)

    def _dispatch(self, command: c.Command, now: float) -> None:
        d = self.dispatcher
        match command:
            case c.Enqueue():
                waiting = Waiting(_place(command.call, command.part), command.demand, command.since)
                if self._switch.up and not self._switch.reaches(command.call):
                    self._aside[waiting.call] = waiting
                else:
                    d.enqueue(waiting)
            case c.Withdraw():
                d.withdraw(_place(command.call, command.part))
                self._aside.pop(_place(command.call, command.part), None)
            case c.SeatRings():
                d.ringing(command.seat, command.offer, now)
            case c.SeatTalks():
                d.talking(command.seat, command.call, command.offer, now, back=command.back)
            case c.OfferEnds():
                d.offer_ended(command.seat, command.offer, command.outcome, now)
            case c.TalkEnds():
                d.talk_ended(command.seat, command.call, now, wrap_up=command.wrap_up)
                call = self.calls.get(command.call)
                # Nobody finishes it: no wrap-up is given, or the seat had its own while the caller waited for another.
                if call is not None and call.state is S.WRAP_UP and not wraps_up(call, d):
                    self.feed([e.WrapUpDone(call.id, call.seat or "")])

    # ------------------------------------------------------------------ time
    def _arm(self, call: Call) -> None:
        due = next_deadline(call)
        if due is not None:
            heapq.heappush(self._alarms, (due[0], call.id))

    def _fire_due(self, now: float) -> None:
        # Nothing is late before the switch was looked at: who should have answered by now may have, while we were dead.
        while not self._unseen and self._alarms and self._alarms[0][0] <= now:
            _, call_id = heapq.heappop(self._alarms)
            call = self.calls.get(call_id)
            due = next_deadline(call) if call is not None else None
            if call is not None and due is not None and due[0] <= now:
                tells = due[1] == "tell" and self.host is not None
                event = self.host.tell(call, now) if tells and self.host is not None else e.TimerFired(call_id, due[1])
                self._apply(event, now)
                again = self.calls.get(call_id)
                if again is not None:
                    self._arm(again)
        if self.host is not None and now >= self.host.next_tick():
            for more in self.host.tick(now, self.calls):
                self._apply(more, now)
        for seat, call_id in self.dispatcher.expire(now):
            self._apply(e.WrapUpDone(call_id, seat), now)
        release_strays(self.calls, self.dispatcher, now)
        if self._ended:
            # In the order of their ends: only the oldest can be over.
            while self._ended and self._ended[first := next(iter(self._ended))] < now - ENDED_MEMORY:
                del self._ended[first]


def _booked(call: Call) -> bool:
    return call.ended_at is not None and call.outcome != PROBE


def _place(call: str, part: str) -> str:
    """Whom the dispatcher knows: the caller, or a third party's place in its call."""
    return f"{call}+{part}" if part else call


def _can_wait(event: e.Input) -> bool:
    # A leg that ended because its caller left (31) is told by the caller's own end as well.
    return type(event) in CAN_WAIT or (type(event) is e.LegLeft and event.cause == 31)
