"""Routes of the floor: seats, the queue, the callback list."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from ._ports import Look, RefusedError, UnknownCursorError
from ._problems import STATUS, ProblemError
from ._queries import CallbacksQuery
from ._roles import Right
from ._routes import Ask, Route, by_call
from ._schema_floor import (
    Callback,
    CallbackOrder,
    CallbackPage,
    Done,
    RestOrder,
    Seat,
    SeatList,
    SeatOrder,
    WaitingList,
)
from ._view import see_callback

T = TypeVar("T")
FLOOR = (Right.FLOOR,)


async def ordered(work: Awaitable[T]) -> T:
    """The desk's answer to an order; its refusal as a problem that says why."""
    try:
        return await work
    except RefusedError as refusal:
        raise ProblemError(refusal.code, status=STATUS.get(refusal.code, 409)) from None


def _body(ask: Ask, kind: type[T]) -> T:
    if not isinstance(ask.body, kind):
        raise ProblemError("bad-body")
    return ask.body


# --- Seats -----------------------------------------------------------------------------------------------


async def _seats(ask: Ask) -> SeatList:
    return SeatList(items=list(await ask.desk.seats()))


async def _seat_state(ask: Ask) -> Seat:
    seat, order = ask.ids["id"], _body(ask, SeatOrder)
    if not ask.reader.may(Right.SEATS) and ask.reader.seat != seat:
        raise ProblemError("not-your-seat")
    if order.state == "break":
        known = [one.code for one in (await ask.desk.choices()).breaks]
        if order.reason is None:
            order = order.model_copy(update={"reason": "other" if "other" in known or not known else known[0]})
        elif known and order.reason not in known:
            raise ProblemError("no-such-break", "body:reason")
    await ask.audit({Look.SEAT_STATE: ()}, f"{seat} {order.state} {order.reason or ''}".rstrip())
    return _there(await ordered(ask.desk.order_seat(seat, order, force=ask.reader.may(Right.SEATS))), "no-such-seat")


async def _seat_rest(ask: Ask) -> Seat:
    seat, order = ask.ids["id"], _body(ask, RestOrder)
    if not ask.reader.may(Right.SEATS):
        if ask.reader.seat != seat:
            raise ProblemError("not-your-seat")
        # A seat rests by itself only after the call in its hands: else it would be a break without a limit.
        mine = next((one for one in await ask.desk.seats() if one.id == seat), None)
        if mine is not None and mine.state not in ("talking", "wrap_up", "rest"):
            raise ProblemError("no-call-in-hand")
    length = "" if order.seconds is None else f" {order.seconds:g} s"
    await ask.audit({Look.SEAT_STATE: ()}, f"{seat} rest{length}")
    return _there(await ordered(ask.desk.rest_seat(seat, order.seconds)), "no-such-seat")


async def _seat_reset(ask: Ask) -> Seat:
    seat = ask.ids["id"]
    await ask.audit({Look.SEAT_STATE: ()}, f"{seat} reset")
    return _there(await ordered(ask.desk.reset_seat(seat)), "no-such-seat")


def _there(what: T | None, problem: str) -> T:
    if what is None:
        raise ProblemError(problem)
    return what


# --- The queue --------------------------------------------------------------------------------------------


async def _waiting(ask: Ask) -> WaitingList:
    return WaitingList(items=list(await ask.desk.waiting()))


async def _call_back(ask: Ask) -> Done:
    call = ask.ids["id"]
    await ask.audit({Look.CALLBACK: (call,)}, "instead of waiting")
    if not await ordered(ask.desk.call_back_waiting(call)):
        raise ProblemError("no-such-call")
    return Done()


# --- The callback list -----------------------------------------------------------------------------------


async def _callbacks(ask: Ask) -> CallbackPage:
    query: Any = ask.query
    wanted = None if query.state is None else query.state == "open"
    try:
        page = await ask.desk.callbacks(open_only=wanted, limit=query.limit, cursor=query.cursor)
    except UnknownCursorError:
        raise ProblemError("unknown-cursor", "query:cursor") from None
    seen = [see_callback(ask.reader, entry) for entry in page.items]
    await ask.audit(by_call((looks, entry.id) for entry, looks in seen))
    return page.model_copy(update={"items": [entry for entry, _ in seen]})


async def _callback(ask: Ask) -> Callback:
    return await _shown(ask, _there(await ask.desk.callback(ask.ids["id"]), "no-such-callback"))


async def _shown(ask: Ask, entry: Callback) -> Callback:
    shown, looks = see_callback(ask.reader, entry)
    await ask.audit(by_call([(looks, entry.id)]))
    return shown


async def _add_callback(ask: Ask) -> Callback:
    order = _body(ask, CallbackOrder)
    # The number stands in the entry, never in the audit's words.
    await ask.audit({Look.CALLBACK: ()}, f"added {order.reason}")
    return await _shown(ask, await ordered(ask.desk.add_callback(order.number, order.reason, ask.reader.name)))


async def _cancel_callback(ask: Ask) -> Callback:
    entry = ask.ids["id"]
    await ask.audit({Look.CALLBACK: (entry,)}, "cancelled")
    done = _there(await ordered(ask.desk.cancel_callback(entry, ask.reader.name)), "no-such-callback")
    return await _shown(ask, done)


async def _reopen_callback(ask: Ask) -> Callback:
    entry = ask.ids["id"]
    await ask.audit({Look.CALLBACK: (entry,)}, "re-opened")
    done = _there(await ordered(ask.desk.reopen_callback(entry, ask.reader.name)), "no-such-callback")
    return await _shown(ask, done)


_OWN_SEAT = (Right.SEATS, Right.OWN_CALL)

FLOOR_API: tuple[Route, ...] = (
    Route("GET", "/api/v1/seats", "All seats", "seats", FLOOR, _seats, SeatList),
    Route("POST", "/api/v1/seats/{id}/state", "Sign a seat in (available; ends its wrap-up too), pause it or "
          "sign it out", "seats", _OWN_SEAT, _seat_state, Seat, body=SeatOrder,
          problems=("not-your-seat", "no-such-seat", "no-such-break", "seat-busy", "must-rest")),
    Route("POST", "/api/v1/seats/{id}/rest", "Force a seat to rest after an abusive call: a seat itself for the "
          "call in its hands, a supervisor any", "seats", _OWN_SEAT, _seat_rest, Seat, body=RestOrder,
          problems=("not-your-seat", "no-such-seat", "no-call-in-hand", "rests-already")),
    Route("POST", "/api/v1/seats/{id}/reset", "Bring a seat out of whatever state it is in", "seats", (Right.SEATS,),
          _seat_reset, Seat, problems=("no-such-seat", "seat-talking")),
    Route("GET", "/api/v1/waiting", "Who waits, first in line first", "calls", FLOOR, _waiting, WaitingList),
    Route("POST", "/api/v1/calls/{id}/callback", "Turn a waiting caller into a call back that keeps its rank",
          "callbacks", (Right.CALLBACKS,), _call_back, Done,
          problems=("no-such-call", "not-waiting", "no-number", "do-not-disturb", "callbacks-full")),
    Route("GET", "/api/v1/callbacks", "The callback list, to be tried next first", "callbacks", FLOOR, _callbacks,
          CallbackPage, query=CallbacksQuery, problems=("unknown-cursor",)),
    Route("POST", "/api/v1/callbacks", "Add a number; one that is in the list keeps its one entry", "callbacks",
          (Right.CALLBACKS,), _add_callback, Callback, body=CallbackOrder,
          problems=("do-not-disturb", "callbacks-full")),
    Route("GET", "/api/v1/callbacks/{id}", "One entry of the callback list", "callbacks", FLOOR, _callback, Callback,
          problems=("no-such-callback",)),
    Route("POST", "/api/v1/callbacks/{id}/cancel", "Take an entry off the list", "callbacks", (Right.STEER,),
          _cancel_callback, Callback, problems=("no-such-callback", "callback-running", "callback-over")),
    Route("POST", "/api/v1/callbacks/{id}/reopen", "Put a cancelled entry back at its rank", "callbacks",
          (Right.STEER,), _reopen_callback, Callback, problems=("no-such-callback", "callback-over", "do-not-disturb")),
)  # fmt: skip
