"""The engine's books against the switch, and seats that wait for what does not exist. Part of the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from routing import Dispatcher, SeatState

from . import commands as c
from . import events as e
from .model import Call, CallState, LegState
from .ports import Place, Snapshot, Switch
from .reconcile import MARGIN, dated, reconcile, split_leg

log = logging.getLogger(__name__)
S = CallState
STRAY_SECONDS = 10.0


def phones(dispatcher: Dispatcher, snapshot: Snapshot) -> list[e.Input]:
    """The registered phones as events."""
    out: list[e.Input] = []
    ringing = ringing_alone(snapshot)
    for seat in dispatcher.seats.values():
        if seat.id in ringing and seat.state is SeatState.AVAILABLE:
            # The switch's own queue rings it: it is offered nobody else until that is over.
            out.append(e.PhoneDown(seat.id))
        elif seat.id in snapshot.phones:
            if seat.id not in ringing:
                out.append(e.PhoneUp(seat.id))
        elif seat.state is not SeatState.OFFLINE and not seat.phone and seat.since < snapshot.asked_at - MARGIN:
            # A phone on another switch is not in this one's list: its seat signs in by itself. One that has registered
            # while the list was on its way is not in it either.
            out.append(e.PhoneDown(seat.id))
    return out


def ringing_alone(snapshot: Snapshot) -> frozenset[str]:
    """Seats whose phones the switch's own queue rings."""
    return frozenset(x.seat for x in snapshot.channels if x.rings and x.seat)


def waiting_alone(snapshot: Snapshot) -> frozenset[str]:
    """Callers in the switch's own queue who are with nobody: it may ring any seat for them."""
    return frozenset(x.id for x in snapshot.channels if x.place is Place.NATIVE and x.bridge is None)


def compare(
    calls: dict[str, Call],
    ended: Iterable[str],
    dispatcher: Dispatcher,
    snapshot: Snapshot,
    switch: Switch,
    now: float,
    feed: Callable[[Iterable[e.Input]], None],
    *,
    after_gap: bool = False,
) -> int:
    """Feeds the differences, ends orphan legs, frees seats of calls that are no more. Returns how many differed."""
    events, orphans = reconcile(calls, snapshot, frozenset(ended), after_gap=after_gap)
    feed([*phones(dispatcher, snapshot), *dated(events, snapshot, calls)])
    for orphan in orphans:
        switch.do(c.CancelLeg("", orphan))
    _talks_alone(calls, dispatcher, now)
    for seat in list(dispatcher.seats.values()):
        if seat.state is SeatState.TALKING and seat.call is not None and seat.call not in calls:
            dispatcher.talk_ended(seat.id, seat.call, now)
    for call in list(calls.values()):
        if call.state is S.WRAP_UP and not wraps_up(call, dispatcher):
            feed([e.WrapUpDone(call.id, call.seat or "")])
    return len(events)


def _talks_alone(calls: dict[str, Call], dispatcher: Dispatcher, now: float) -> None:
    """A seat that the switch's own queue has joined while it was offered another caller: it talks, now as before."""
    for call in calls.values():
        leg = call.main_seat if call.state is S.TALKING else None
        if leg is None or leg.who is None or split_leg(leg.id) is not None:
            continue
        seat = dispatcher.seats.get(leg.who)
        if seat is not None and seat.call != call.id and seat.offer is None and seat.state is not SeatState.TALKING:
            dispatcher.talking(seat.id, call.id, leg.id, now)


def wraps_up(call: Call, dispatcher: Dispatcher) -> bool:
    """Whether the call's seat really is in the wrap-up of this call: nothing else would end it."""
    seat = dispatcher.seats.get(call.seat or "")
    return seat is not None and seat.call == call.id and seat.state in (SeatState.WRAP_UP, SeatState.TALKING)


def release_strays(calls: dict[str, Call], dispatcher: Dispatcher, now: float) -> None:
    """No seat waits for a call that does not exist, whatever went wrong before."""
    for seat in list(dispatcher.timed.values()):
        if seat.deadline is None or seat.deadline > now - STRAY_SECONDS or seat.offer is None:
            continue
        if seat.state in (SeatState.OFFERED, SeatState.RINGING):
            call = calls.get((seat.call or "").partition("+")[0])
            offers = (call.offer, *(p.offer for p in call.parties)) if call is not None else ()
            if not any(o is not None and o.id == seat.offer for o in offers):
                dispatcher.offer_ended(seat.id, seat.offer, e.OUTCOME_OF_CAUSE[e.NEVER_RUNG], now)
    for seat in dispatcher.overdue(now):
        if seat.state is not SeatState.TALKING:
            continue  # an offer: its call ends it with the leg
        call = calls.get(seat.call or "")
        if call is not None and any(x.who == seat.id and x.state is LegState.JOINED for x in call.legs):
            dispatcher.confirm_talk(seat.id, now)  # the switch is compared with these books every half minute
        else:
            log.warning("a seat talked for long with nobody; freed", extra={"seat": seat.id})
            dispatcher.talk_ended(seat.id, seat.call or "", now)
