"""What persons order: seats' states, calls back, the mode; further parties: `_party_orders`; the restriction list:
`_restriction_orders`. Part of the engine.

Every order is taken at once in memory and enters the journal with the next turn's batch, as an event or a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from routing import Callback, Demand, Dispatcher, Incident, Seat, SeatError, SeatState

from . import commands as c
from . import events as e
from ._errors import OrderError
from ._party_orders import PartyOrders
from ._restriction_orders import RestrictionOrders
from .host import Host
from .model import OUTBOUND, Call, CallState, LegState
from .ports import Switch

S = CallState

SEAT_CODES: Mapping[str, SeatState] = {"11": SeatState.AVAILABLE, "12": SeatState.OFFLINE, "13": SeatState.BREAK}
"""What a seat's phone may dial after the star: sign in, sign out, break (13 and a digit: the n-th reason)."""
WRAP_UP_DONE = "10"


class Orders(PartyOrders, RestrictionOrders):
    """Mixed into the engine: one owner, one event loop."""

    calls: dict[str, Call]
    dispatcher: Dispatcher
    host: Host | None
    _switch: Switch
    _wake: asyncio.Event
    _clock: Callable[[], float]

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
        raise NotImplementedError

    # ------------------------------------------------------------------ seats
    def ask_seat(self, seat: str, to: SeatState, reason: str | None = None, *, force: bool = False) -> Seat:
        """A person sets a seat's state. `force`: a supervisor, who may also end a forced rest.

        Raises:
            routing.SeatError: no such seat, or not from its present state.
        """
        now = self._clock()
        current = self.dispatcher.seat(seat)
        limit = None
        if to is SeatState.BREAK and self.host is not None:
            limit = next((b.limit for b in self.host.book.breaks if b.code == reason), None)
        result = self.dispatcher.ask(seat, to, now, reason, limit=limit, force=force)
        if current.state is SeatState.WRAP_UP and current.call is not None:
            self.feed([e.WrapUpDone(current.call, seat)])
        self._wake.set()
        return result

    def rest_seat(self, seat: str, seconds: float | None = None) -> Seat:
        """Forced rest (Art. 28), now or after the talk in hand. Raises routing.SeatError."""
        current = self.dispatcher.seat(seat)
        result = self.dispatcher.rest(seat, self._clock(), seconds)
        if current.state is SeatState.WRAP_UP and result.state is not SeatState.WRAP_UP and current.call is not None:
            self.feed([e.WrapUpDone(current.call, seat)])
        self._wake.set()
        return result

    def reset_seat(self, seat: str) -> Seat:
        """A supervisor frees a seat that is stuck, out of any state. A talk that is true is not torn apart.

        Raises:
            routing.SeatError: no such seat.
            OrderError: it talks (`seat-talking`).
        """
        current = self.dispatcher.seat(seat)
        call = self.calls.get((current.call or "").partition("+")[0])
        if current.state is SeatState.TALKING and call is not None and seat in _talkers(call):
            raise OrderError("seat-talking", "the seat talks with a caller: end the talk first")
        if call is not None and current.offer is not None:
            # The books are free at once; the phone stops ringing, and its end gives the caller back.
            self._switch.do(c.CancelLeg(call.id, current.offer))
            self.feed([e.LegLeft(call.id, current.offer, e.NEVER_RUNG)])
        if current.state is SeatState.WRAP_UP and current.call is not None:
            self.feed([e.WrapUpDone(current.call, seat)])
        result = self.dispatcher.reset(seat, self._clock())
        self._wake.set()
        return result

    def _release(self, channel: str) -> None:
        self._switch.do(c.CancelLeg("", channel))

    def _seat_code(self, event: e.SeatCode) -> None:
        """A code from a seat's phone; one that is not possible now changes nothing (the console says why)."""
        code = event.code.removeprefix("*")
        try:
            if code == WRAP_UP_DONE:
                seat = self.dispatcher.seat(event.seat)
                if seat.state is SeatState.WRAP_UP:
                    self.ask_seat(event.seat, SeatState.AVAILABLE)
                return
            to = SEAT_CODES.get(code[:2])
            if to is None:
                return
            reason = None
            if code[2:] and self.host is not None:
                reason = next((b.code for i, b in enumerate(self.host.book.breaks, 1) if str(i) == code[2:]), None)
            self.ask_seat(event.seat, to, reason)
        except SeatError:
            return

    # ------------------------------------------------------------------ calls back
    def _hosted(self) -> Host:
        if self.host is None:
            raise OrderError("no-routing", "this instance has no routing book")
        return self.host

    def ask_callback(self, call_id: str, by: str = "console") -> None:
        """A waiting caller is let go and will be called back at its rank.

        Raises:
            OrderError: no-such-call, not-waiting, no-number (or not to be called back at all).
        """
        host, call = self._hosted(), self.calls.get(call_id)
        if call is None:
            raise OrderError("no-such-call", "there is no such call now")
        if call.state not in (S.WAITING, S.OFFERED):
            raise OrderError("not-waiting", "the caller does not wait (any more)")
        if not host.can_call_out or host.callbacks.refusal(call.caller_number, "queue") is not None:
            raise OrderError("no-number", "this caller cannot be called back: no number, or no trunk for calling out")
        self.feed([host.callback_asked(call, by)])

    def add_callback(
        self, number: str, reason: str = "visit", *, name: str = "", origin: str | None = None, not_before: float = 0.0,
        demand: Demand | None = None, since: float | None = None,
    ) -> Callback:  # fmt: skip
        """A new entry of the callback list. `since`: the rank of an entry opened again.

        Raises routing.CallbackError.
        """
        host, now = self._hosted(), self._clock()
        from routing import Facts  # here: only orders need it

        wish = demand or host.book.plan(Facts(host._own_number(), number, now=now), host.control.mode)
        entry = host.callbacks.add(
            number, reason, now, demand=wish, since=now if since is None else since, origin=origin, name=name,
            not_before=not_before,
        )  # fmt: skip
        self._wake.set()
        return entry

    def cancel_callback(self, entry_id: str) -> Callback | None:
        """Ends an entry; what rings for it stops. None if there is none that is open.

        Raises:
            OrderError: its talk is under way (`running`).
        """
        host = self._hosted()
        call = next((x for x in self.calls.values() if x.callback == entry_id and x.ended_at is None), None)
        if call is not None and call.state not in OUTBOUND:
            raise OrderError("running", "the caller is already being spoken with")
        entry = host.callbacks.cancel(entry_id, self._clock())
        if entry is not None and call is not None:
            if call.state is S.DIALLING:
                self._switch.do(c.HangUp(call.id, call.channel))
            else:
                self.feed([e.CallerLeft(call.id, 0)])
        self._wake.set()
        return host.callbacks.get(entry_id) if entry is not None else None

    # ------------------------------------------------------------------ mode
    def set_mode(self, mode: str, by: str, reason: str, auto: bool | None = None) -> bool:
        """Switches the operating mode (Art. 29). Raises ValueError for an unknown one."""
        changed = self._hosted().set_mode(mode, by, reason, self._clock(), auto)
        self._wake.set()
        return changed

    def set_auto(self, auto: bool, by: str) -> None:
        """Whether thresholds may switch the mode."""
        self._hosted().set_auto(auto, by)
        self._wake.set()

    def add_incident(self, incident: Incident) -> None:
        """A known incident from now on."""
        self._hosted().add_incident(incident)
        self._wake.set()

    def end_incident(self, incident_id: str) -> bool:
        """It is over. False if there is none."""
        ended = self._hosted().end_incident(incident_id)
        self._wake.set()
        return ended


def _talkers(call: Call) -> frozenset[str]:
    return frozenset(x.who for x in call.legs if x.state in (LegState.JOINED, LegState.UP) and x.who is not None)
