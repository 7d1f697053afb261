"""The part of the desk in memory that takes orders to the floor: seats, the queue, callbacks, the mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ._captions import caption
from ._fake_parties import FakeParties
from ._fake_restrictions import FakeRestrictions
from ._ports import RefusedError, UnknownCursorError
from ._schema import Call, Text2
from ._schema_floor import (
    BreakReason,
    Callback,
    CallbackPage,
    Centre,
    Choices,
    Incident,
    IncidentOrder,
    Mode,
    ModeOrder,
    Place,
    Seat,
    SeatOrder,
    Waiting,
)

T = TypeVar("T")
REST = 300.0
BREAKS = (("rest", 900.0), ("meal", 2700.0), ("training", 7200.0), ("meeting", 7200.0), ("other", 900.0))


def page_of(rows: list[T], key: Callable[[T], str], limit: int, cursor: str | None) -> tuple[list[T], str | None]:
    """One page of ``rows``, and the cursor of the next one."""
    keys = [key(row) for row in rows]
    if cursor is not None and cursor not in keys:
        raise UnknownCursorError
    start = 0 if cursor is None else keys.index(cursor) + 1
    page = rows[start : start + limit]
    return page, key(page[-1]) if start + limit < len(rows) else None


def some_choices(places: Sequence[Place] = ()) -> Choices:
    """Menus as a usual configuration has them."""
    breaks = [
        BreakReason(code=code, caption=caption(f"break.{code}") or Text2(zh=code, en=code), limit=limit)
        for code, limit in BREAKS
    ]
    return Choices(
        breaks=breaks, modes=["normal", "surge", "degraded", "disaster"], centres=list(places),
        third=["en", "ja", "social-security"], rest=REST,
        captions={"rule.wenzhou": Text2(zh="温州话优先", en="Wenzhou Wu first")},
    )  # fmt: skip


class FakeFloor(FakeParties, FakeRestrictions):
    """See :class:`console.Desk` for what each method promises; ``put`` is given by the whole desk."""

    def __init__(self, clock: Callable[[], float]) -> None:
        FakeParties.__init__(self)
        FakeRestrictions.__init__(self)
        self.clock = clock
        self.menus = some_choices([Place(code="330000", name="浙江省")])
        self.figures: list[Centre] = []
        self.do_not_disturb: set[str] = set()
        self._calls: dict[str, Call] = {}
        self._seats: dict[str, Seat] = {}
        self._waiting: dict[str, Waiting] = {}
        self._callbacks: dict[str, Callback] = {}
        self._mode = Mode(mode="normal", since=clock())
        self._made = 0

    async def put(self, *subjects: Any) -> None:
        """Keep each subject and tell it."""
        raise NotImplementedError

    # --- seats ---

    async def seats(self) -> Sequence[Seat]:
        """See :class:`console.Desk`."""
        return list(self._seats.values())

    async def order_seat(self, seat_id: str, order: SeatOrder, *, force: bool = False) -> Seat | None:
        """See :class:`console.Desk`."""
        seat = self._seats.get(seat_id)
        if seat is None:
            return None
        if seat.state in ("offered", "ringing"):
            raise RefusedError("seat-busy")
        if seat.state == "rest" and not force:
            raise RefusedError("must-rest")
        if seat.state == "talking":
            return await self._change(seat, wanted=order.state, reason=order.reason)
        limits = {one.code: one.limit for one in self.menus.breaks}
        now = self.clock()
        deadline = now + limits.get(order.reason or "", 900.0) if order.state == "break" else None
        signed_in = None if order.state == "offline" else (seat.signed_in_at if seat.state != "offline" else now)
        await self._end_wrap_up(seat)
        if seat.wanted == "rest" and seat.state == "wrap_up":
            return await self._change(seat, state="rest", since=now, deadline=now + REST, call=None, wanted=None)
        return await self._change(
            seat, state=order.state, since=now, deadline=deadline, call=None, reason=order.reason, wanted=None,
            signed_in_at=signed_in,
        )  # fmt: skip

    async def rest_seat(self, seat_id: str, seconds: float | None) -> Seat | None:
        """See :class:`console.Desk`."""
        seat = self._seats.get(seat_id)
        if seat is None or seat.state == "rest":
            return seat
        if seat.state in ("offered", "ringing", "talking", "wrap_up"):
            return await self._change(seat, wanted="rest", reason="rest")
        if seat.state in ("break", "offline"):
            raise RefusedError("rests-already")
        now = self.clock()
        return await self._change(
            seat, state="rest", since=now, deadline=now + (seconds or REST), call=None, reason="rest", wanted=None
        )

    async def reset_seat(self, seat_id: str) -> Seat | None:
        """See :class:`console.Desk`."""
        seat = self._seats.get(seat_id)
        if seat is None:
            return None
        if seat.state == "talking":
            raise RefusedError("seat-talking")
        await self._end_wrap_up(seat)
        return await self._change(
            seat, state="available", since=self.clock(), deadline=None, call=None, reason=None, wanted=None
        )

    async def _change(self, seat: Seat, **changes: Any) -> Seat:
        changed = seat.model_copy(update=changes)
        await self.put(changed)
        return changed

    async def _end_wrap_up(self, seat: Seat) -> None:
        call = self._calls.get(seat.call or "")
        if call is not None and call.state == "wrap_up":
            await self.put(call.model_copy(update={"state": "ended"}))

    async def choices(self) -> Choices:
        """See :class:`console.Desk`."""
        return self.menus

    # --- the queue ---

    async def waiting(self) -> Sequence[Waiting]:
        """See :class:`console.Desk`."""
        line = sorted(self._waiting.values(), key=lambda one: one.since - 60 * one.priority)
        return [one.model_copy(update={"position": rank}) for rank, one in enumerate(line, 1)]

    async def call_back_waiting(self, call_id: str) -> bool:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        if call.state == "leaving":
            return True
        if call.state not in ("waiting", "offered"):
            raise RefusedError("not-waiting")
        if call.caller.number is None:
            raise RefusedError("no-number")
        waited = self._waiting.get(f"{call_id}+")
        await self.put(call.model_copy(update={"state": "leaving", "outcome": "callback"}))
        if waited is not None:
            await self.put(waited.model_copy(update={"position": None}))
        since = waited.since if waited is not None else call.arrived_at
        await self._keep_callback(call.caller.number, "queue", since=since, origin=call_id)
        return True

    # --- callbacks ---

    async def callbacks(self, *, open_only: bool | None, limit: int, cursor: str | None) -> CallbackPage:
        """See :class:`console.Desk`."""
        entries = list(self._callbacks.values())
        live = [one for one in entries if one.state in ("open", "running")]
        over = sorted((one for one in entries if one not in live), key=lambda one: -one.created_at)
        live.sort(key=lambda one: (one.state != "running", one.next_try or 0, one.since))
        rows = [*live, *over] if open_only is None else live if open_only else over
        page, following = page_of(rows, lambda one: one.id, limit, cursor)
        return CallbackPage(items=page, next=following, open=len(live))

    async def callback(self, entry_id: str) -> Callback | None:
        """See :class:`console.Desk`."""
        return self._callbacks.get(entry_id)

    async def add_callback(self, number: str, reason: str, by: str) -> Callback:
        """See :class:`console.Desk`."""
        if number in self.do_not_disturb:
            raise RefusedError("do-not-disturb")
        return await self._keep_callback(number, reason)

    async def _keep_callback(self, number: str, reason: str, **more: Any) -> Callback:
        for one in self._callbacks.values():
            if one.number == number and one.state in ("open", "running"):
                return one
        self._made += 1
        now = self.clock()
        fields = {"since": now, "next_try": now, "expires_at": now + 172800, "attempts_limit": 3, **more}
        entry = Callback(
            id=f"cb-new-{self._made}", number=number, reason=reason, state="open", created_at=now, **fields
        )
        await self.put(entry)
        return entry

    async def cancel_callback(self, entry_id: str, by: str) -> Callback | None:
        """See :class:`console.Desk`."""
        entry = self._callbacks.get(entry_id)
        if entry is None or entry.state == "cancelled":
            return entry
        if entry.state != "open":
            raise RefusedError("callback-running" if entry.state == "running" else "callback-over")
        cancelled = entry.model_copy(update={"state": "cancelled", "next_try": None})
        await self.put(cancelled)
        return cancelled

    async def reopen_callback(self, entry_id: str, by: str) -> Callback | None:
        """See :class:`console.Desk`."""
        entry = self._callbacks.get(entry_id)
        if entry is None or entry.state in ("open", "running"):
            return entry
        if entry.state == "done":
            raise RefusedError("callback-over")
        opened = entry.model_copy(update={"state": "open", "next_try": self.clock()})
        await self.put(opened)
        return opened

    # --- mode and centres ---

    async def mode(self) -> Mode:
        """See :class:`console.Desk`."""
        return self._mode

    async def set_mode(self, order: ModeOrder, by: str) -> Mode:
        """See :class:`console.Desk`."""
        changes: dict[str, Any] = {}
        if order.mode is not None and order.mode != self._mode.mode:
            changes |= {"mode": order.mode, "since": self.clock(), "by": by, "reason": order.reason}
        if order.automatic is not None:
            changes["automatic"] = order.automatic
        if changes:
            await self.put(self._mode.model_copy(update=changes))
        return self._mode

    async def add_incident(self, order: IncidentOrder, by: str) -> Incident:
        """See :class:`console.Desk`."""
        self._made += 1
        names = {place.code: place for place in self.menus.centres}
        incident = Incident(
            id=f"incident-{self._made}", regions=[names[code] for code in order.regions],
            text=Text2(zh=order.zh, en=order.en or order.zh), since=self.clock(), until=order.until, by=by,
        )  # fmt: skip
        await self.put(self._mode.model_copy(update={"incidents": [*self._mode.incidents, incident]}))
        return incident

    async def end_incident(self, incident_id: str, by: str) -> bool:
        """See :class:`console.Desk`."""
        rest = [one for one in self._mode.incidents if one.id != incident_id]
        if len(rest) == len(self._mode.incidents):
            return False
        await self.put(self._mode.model_copy(update={"incidents": rest}))
        return True

    async def centres(self) -> Sequence[Centre]:
        """See :class:`console.Desk`."""
        return self.figures
