"""The part of the desk that shows the floor and takes orders to it: seats, queue, callbacks, mode, centres."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import calls
import console
from calls import CallState, OrderError
from calls.host import Host
from routing import CallbackError, Demand, Incident, SeatError, SeatState, Waiting

from . import shapes_floor as shapes
from .event_log import EventLog

TOLD_WAITING = 100
"""Only the first are told one by one, with step and expected wait; a long queue's tail moves every second."""
LOOK = 1.0
"""Seconds after which step and expected wait of a waiting caller are worked out anew: at 2,000 waiting they cost."""
AT_ONCE = 250
"""Seats or callers made into shapes before others may run: a whole province takes a tenth of a second."""
_REFUSED = {"running": "callback-running", "no-routing": "refused"}
_CALLBACK_REFUSED = {
    "no_number": "no-number", "do_not_disturb": "do-not-disturb", "full": "callbacks-full",
}  # fmt: skip


class FloorDesk:
    """See console.Desk for what each method promises."""

    def __init__(self, engine: calls.Engine, clock: Callable[[], float] = time.time) -> None:
        self.log = EventLog(clock)
        self._engine = engine
        self._clock = clock
        self._told_waiting: dict[str, tuple[Waiting, tuple[Any, ...]]] = {}
        self._looks: dict[str, tuple[float, Demand, int, float | None, float | None]] = {}
        """call → (looked at, demand, open step, when the next one opens, expected wait)"""

    @property
    def _host(self) -> Host:
        host = self._engine.host
        if host is None:
            raise console.UnavailableError("routing")
        return host

    # ------------------------------------------------------------------ telling
    def _tell_waiting(self) -> None:
        """Tells who waits, has moved, sees another step or waits no longer."""
        now, line = self._clock(), self._engine.dispatcher.waiting()
        told: dict[str, tuple[Waiting, tuple[Any, ...]]] = {}
        for position, one in enumerate(line, 1):
            if position > TOLD_WAITING:
                # Kept with what was told of it last, so that its end is told.
                told[one.call] = self._told_waiting.get(one.call, (one, ()))
                continue
            step, opens, expected = self._look(one, now)
            look = (position, step, None if expected is None else round(expected / 10), one.demand)
            told[one.call] = (one, look)
            if self._told_waiting.get(one.call, (one, None))[1] != look:
                self.log.tell(shapes.waiting(one, position, step, opens, expected))
        for call in self._told_waiting.keys() - told.keys():
            self.log.tell(shapes.waiting(self._told_waiting[call][0], None))
        self._told_waiting = told
        self._looks = {call: look for call, look in self._looks.items() if call in told}

    def _tell_row(self, table: str, key: str) -> None:
        """A row of the callback list or of the operating mode has changed."""
        host = self._engine.host
        if host is None:
            return
        if table == "control":
            self.log.tell(shapes.mode(host.control, host.book, self._clock()))
        elif table == "callbacks":
            entry = host.callbacks.get(key)
            if entry is not None:
                self.log.tell(self._callback(entry))

    # ------------------------------------------------------------------ seats
    async def seats(self) -> Sequence[console.Seat]:
        """See console.Desk."""
        out = []
        for one in list(self._engine.dispatcher.seats.values()):
            out.append(shapes.seat(one))
            if len(out) % AT_ONCE == 0:
                await asyncio.sleep(0)
        return out

    async def order_seat(self, seat_id: str, order: console.SeatOrder, *, force: bool = False) -> console.Seat | None:
        """See console.Desk."""
        seat = self._engine.dispatcher.seats.get(seat_id)
        if seat is None:
            return None
        try:
            reason = order.reason or ("other" if order.state == "break" else None)
            return shapes.seat(self._engine.ask_seat(seat_id, SeatState(order.state), reason, force=force))
        except SeatError:
            rests = SeatState.REST in (seat.state, seat.wanted)
            raise console.RefusedError("must-rest" if rests else "seat-busy") from None

    async def rest_seat(self, seat_id: str, seconds: float | None) -> console.Seat | None:
        """See console.Desk."""
        seat = self._engine.dispatcher.seats.get(seat_id)
        if seat is None:
            return None
        if seat.state is SeatState.REST and seconds is None:
            return shapes.seat(seat)
        try:
            return shapes.seat(self._engine.rest_seat(seat_id, seconds))
        except SeatError:
            raise console.RefusedError("rests-already") from None

    async def reset_seat(self, seat_id: str) -> console.Seat | None:
        """See console.Desk."""
        if seat_id not in self._engine.dispatcher.seats:
            return None
        try:
            return shapes.seat(self._engine.reset_seat(seat_id))
        except OrderError as error:
            raise console.RefusedError(error.code) from None

    async def choices(self) -> console.Choices:
        """See console.Desk."""
        host = self._engine.host
        book, control = (host.book, host.control) if host is not None else (None, None)
        return shapes.choices(book, control, self._engine.dispatcher)

    # ------------------------------------------------------------------ the queue
    def _look(self, one: Waiting, now: float) -> tuple[int, float | None, float | None]:
        """Open step, when the next one opens, expected wait: as of at most LOOK seconds ago."""
        known = self._looks.get(one.call)
        if known is not None and known[0] <= now < known[0] + LOOK and known[1] is one.demand:
            _, _, step, opens, expected = known
            if opens is None or opens > now:
                return step, opens, expected
        step, opens = shapes.open_step(one, self._engine.dispatcher, now)
        host = self._engine.host
        expected = host.estimate(one.call, one.demand, now) if host is not None else None
        self._looks[one.call] = (now, one.demand, step, opens, expected)
        return step, opens, expected

    async def waiting(self) -> Sequence[console.Waiting]:
        """See console.Desk."""
        now = self._clock()
        out: list[console.Waiting] = []
        for position, one in enumerate(self._engine.dispatcher.waiting(), 1):
            if position <= TOLD_WAITING:
                out.append(shapes.waiting(one, position, *self._look(one, now)))
            else:
                step, opens = shapes.open_step(one, self._engine.dispatcher, now)
                out.append(shapes.waiting(one, position, step, opens))
            if position % AT_ONCE == 0:
                await asyncio.sleep(0)
        return out

    async def call_back_waiting(self, call_id: str) -> bool:
        """See console.Desk."""
        call = self._engine.calls.get(call_id)
        if call is not None and call.state is CallState.LEAVING:
            return True
        try:
            self._engine.ask_callback(call_id)
        except OrderError as error:
            if error.code == "no-such-call":
                return False
            raise _refused(error) from None
        return True

    # ------------------------------------------------------------------ callbacks
    def _callback(self, entry: Any) -> console.Callback:
        call = None
        if entry.state == "running":
            live = self._engine.calls.values()
            call = next((x.id for x in live if x.callback == entry.id and x.ended_at is None), None)
        return shapes.callback(entry, self._host.book.callbacks, call, self._clock())

    async def callbacks(self, *, open_only: bool | None, limit: int, cursor: str | None) -> console.CallbackPage:
        """See console.Desk."""
        entries = self._host.callbacks.entries()
        count = sum(x.state in shapes.OPEN for x in entries)
        if open_only is not None:
            entries = [x for x in entries if (x.state in shapes.OPEN) == open_only]
        rows = sorted(map(self._callback, entries), key=shapes.callback_order)
        start = 0
        if cursor is not None:
            start = next((i for i, row in enumerate(rows, 1) if row.id == cursor), 0)
            if start == 0:
                raise console.UnknownCursorError
        page = rows[start : start + limit]
        following = page[-1].id if start + limit < len(rows) else None
        return console.CallbackPage(items=page, next=following, open=count)

    async def callback(self, entry_id: str) -> console.Callback | None:
        """See console.Desk."""
        entry = self._host.callbacks.get(entry_id)
        return self._callback(entry) if entry is not None else None

    async def add_callback(self, number: str, reason: str, by: str) -> console.Callback:
        """See console.Desk."""
        known = self._host.callbacks.of_number(number)
        if known is not None and known.reason == reason:
            return self._callback(known)  # asked twice it is one
        try:
            return self._callback(self._engine.add_callback(number, reason))
        except CallbackError as error:
            raise console.RefusedError(_CALLBACK_REFUSED.get(error.code, "refused")) from None

    async def cancel_callback(self, entry_id: str, by: str) -> console.Callback | None:
        """See console.Desk."""
        entry = self._host.callbacks.get(entry_id)
        if entry is None:
            return None
        if entry.state not in shapes.OPEN:
            if entry.state == "cancelled":
                return self._callback(entry)
            raise console.RefusedError("callback-over")
        try:
            self._engine.cancel_callback(entry_id)
        except OrderError as error:
            raise _refused(error) from None
        return await self.callback(entry_id)

    async def reopen_callback(self, entry_id: str, by: str) -> console.Callback | None:
        """See console.Desk. What was asked for lives on in a new entry, with the old one's rank."""
        entry = self._host.callbacks.get(entry_id)
        if entry is None or entry.state in shapes.OPEN:
            return self._callback(entry) if entry is not None else None
        if entry.state == "done":
            raise console.RefusedError("callback-over")
        try:
            again = self._engine.add_callback(
                entry.number, entry.reason, name=entry.name, origin=entry.origin, demand=entry.demand,
                since=entry.rank_since,
            )  # fmt: skip
        except CallbackError as error:
            raise console.RefusedError(_CALLBACK_REFUSED.get(error.code, "refused")) from None
        return self._callback(again)

    # ------------------------------------------------------------------ mode, incidents, centres
    async def mode(self) -> console.Mode:
        """See console.Desk."""
        return shapes.mode(self._host.control, self._host.book, self._clock())

    async def set_mode(self, order: console.ModeOrder, by: str) -> console.Mode:
        """See console.Desk."""
        try:
            if order.mode is not None:
                self._engine.set_mode(order.mode, by, order.reason, order.automatic)
            elif order.automatic is not None:
                self._engine.set_auto(order.automatic, by)
        except ValueError:
            raise console.RefusedError("no-such-mode") from None
        return await self.mode()

    async def add_incident(self, order: console.IncidentOrder, by: str) -> console.Incident:
        """See console.Desk."""
        now, tree = self._clock(), self._host.book.tree
        if not all(code in tree for code in order.regions):
            raise console.RefusedError("no-such-centre")
        taken = {one.id for one in (*self._host.control.incidents(now), *self._host.book.incidents)}
        base = f"i{int(now * 1000):x}"
        new_id = next(i for i in (base, *(f"{base}-{n}" for n in range(1, len(taken) + 2))) if i not in taken)
        one = Incident(new_id, frozenset(order.regions), order.zh, order.en or "", order.until, since=now, by=by)
        self._engine.add_incident(one)
        return shapes.incident(one, tree)

    async def end_incident(self, incident_id: str, by: str) -> bool:
        """See console.Desk."""
        if any(one.id == incident_id for one in self._host.book.incidents):
            raise console.RefusedError("incident-configured")
        return self._engine.end_incident(incident_id)

    async def centres(self) -> Sequence[console.Centre]:
        """See console.Desk."""
        host = self._engine.host
        homes = {c.id: c.demand.centre for c in self._engine.calls.values() if c.demand is not None}
        return shapes.centres(host.book.tree if host is not None else None, self._engine.dispatcher, homes)


def _refused(error: OrderError) -> console.RefusedError:
    return console.RefusedError(_REFUSED.get(error.code, error.code))
