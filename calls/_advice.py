"""Where the engine asks its host: before an event is journalled, and what an event brings about."""

from __future__ import annotations

from dataclasses import replace

from routing import Demand, Dispatcher, SeatState, Step

from . import events as e
from ._errors import OrderError
from .host import Host
from .machine import Rules
from .model import Call, CallState, LegState
from .reconcile import leg_id

S = CallState
UNSERVED = (S.ARRIVED, S.WAITING, S.OFFERED, S.VOICEMAIL, S.LEAVING, S.NATIVE)
"""Where a caller's key may ring an emergency line; in a flow the flow's own keys do, in a talk the seat."""


def advised(host: Host, rules: Rules, event: e.Event, old: Call | None, now: float) -> e.Event:
    """The event with what the host knows, before it is journalled: so the fold needs no configuration."""
    if isinstance(event, e.Arrived):
        return host.greet(event, now)
    if isinstance(event, e.Referred) and old is not None:
        return _referred(host, event, old, now)
    if isinstance(event, e.Waits) and event.demand is None and old is not None:
        planned = old.demand is not None and (old.demand.steps or old.waiting_since is not None)
        if not planned:
            return e.Waits(event.call, host.plan(old, _wish(old, rules), now).json())
    return event


def _wish(call: Call, rules: Rules) -> Demand | None:
    """What the caller's flow asked for; None: nothing."""
    if call.demand is not None:
        skills = call.demand.skills if call.demand.skills != rules.default_demand.skills else ()
        return replace(call.demand, skills=skills)
    flow = rules.flows.flow_of(call.flow)
    entry = flow.entry() if flow is not None else None
    if entry is None:
        return None
    route = entry.route
    return Demand(tuple(sorted(route.skills.items())), route.priority, route.centre, route.language or "zh")


def _referred(host: Host, event: e.Referred, call: Call, now: float) -> e.Referred:
    """A phone's own transfer with what its target is, and with the way back to the seat that did it."""
    leg = call.leg(event.leg)
    home = call.demand.centre if call.demand is not None else None
    before = call.demand or Demand()
    back = before
    if leg is not None and leg.who is not None:
        first = Step(seats=frozenset({leg.who}), seconds=BACK_SECONDS, name="transferred it")
        back = replace(before, steps=(first, *before.circles()))
    event = replace(event, back=back.json(), part=f"r{len(call.parties) + 1}")
    if event.to in host.dispatcher.seats:
        return replace(event, demand=host.book.third("", home, event.to).json())
    found = host.outside.directory.resolve(event.to)
    if found is None:
        return event
    kind, what = found
    try:
        line = host.outside.line(call, "phone", now, entry=what if kind == "entry" else "",
                                 number="" if kind == "entry" else what)  # fmt: skip
    except OrderError:
        return event
    return replace(event, line=line.json())


BACK_SECONDS = 20.0
"""How long the seat whose transfer failed is tried alone before others are."""


def follow_up(
    host: Host, dispatcher: Dispatcher, event: e.Event, old: Call | None, call: Call, now: float
) -> list[e.Event]:
    """What an event of a call brings about by the host's word: journalled in the same batch."""
    if call.wish and old is not None and old.wish != call.wish:
        wanted: e.Event | None = host.outside.asked_by_caller(call, call.wish, "flow", now)
        return [wanted] if wanted is not None else []
    if isinstance(event, e.Waits) and call.state is S.WAITING and old is not None and old.waiting_since is None:
        return list(host.welcome(call, now))
    if isinstance(event, e.DigitPressed) and (call.state in UNSERVED or call.held):
        asked: e.Event | None = None
        if call.state in (S.WAITING, S.OFFERED):
            asked = host.asks_callback(call, event.digit, now)
        asked = asked or host.outside.asked_by_digit(call, event.digit, now)
        return [asked] if asked is not None else []
    if isinstance(event, e.LegJoined):
        return _assistance(host, dispatcher, event, call, now)
    return []


def _assistance(host: Host, dispatcher: Dispatcher, event: e.LegJoined, call: Call, now: float) -> list[e.Event]:
    """A leader talks (Art. 10): its assistant is rung, once."""
    leg = call.leg(event.leg)
    if leg is None or leg.kind != "seat" or leg.who is None or leg.state is not LegState.JOINED:
        return []
    seat = dispatcher.seats.get(host.book.assistant_of(leg.who, now) or "")
    if seat is None or seat.state in (SeatState.OFFERED, SeatState.RINGING, SeatState.TALKING):
        return []
    if any(x.who == seat.id and x.state is not LegState.GONE for x in call.legs):
        return []
    name = leg_id(call.id, seat.id, call.offers + 1)
    return [e.ObserverWanted(call.id, seat.id, name, leg.id, seat.phone, "whisper", "leader-day")]
