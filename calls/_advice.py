"""Where the engine asks its host: before an event is journalled, and what an event brings about."""

from __future__ import annotations

from dataclasses import replace

from routing import Demand, Dispatcher

from . import events as e
from .host import Host
from .machine import Rules
from .model import Call, CallState, LegState
from .reconcile import leg_id

S = CallState


def advised(host: Host, rules: Rules, event: e.Event, old: Call | None, now: float) -> e.Event:
    """The event with what the host knows, before it is journalled: so the fold needs no configuration."""
    if isinstance(event, e.Arrived):
        return host.greet(event, now)
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


def follow_up(
    host: Host, dispatcher: Dispatcher, event: e.Event, old: Call | None, call: Call, now: float
) -> list[e.Event]:
    """What an event of a call brings about by the host's word: journalled in the same batch."""
    if isinstance(event, e.Waits) and call.state is S.WAITING and old is not None and old.waiting_since is None:
        return list(host.welcome(call, now))
    if isinstance(event, e.DigitPressed) and call.state in (S.WAITING, S.OFFERED):
        asked = host.asks_callback(call, event.digit, now)
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
    if seat is None or any(x.kind == "assistant" and x.state is not LegState.GONE for x in call.legs):
        return []
    return [e.AssistantWanted(call.id, seat.id, leg_id(call.id, seat.id, call.offers + 1), leg.id, seat.phone)]
