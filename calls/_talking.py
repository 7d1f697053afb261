"""Handlers of a talk and of what comes after it."""

from __future__ import annotations

from dataclasses import replace

from routing import OfferOutcome

from . import commands as c
from . import events as e
from ._rules import (
    LOST_SEAT_PRIORITY,
    NORMAL_CLEARING,
    PARTNER_LEFT,
    Result,
    Rules,
    S,
    enqueue,
    give_offer_up,
    leg_gone,
    note,
    with_leg,
)
from ._third import end_company, third_deadline, third_joined, third_left
from .model import Call, Leg, LegState

ALONE_SECONDS = 2.0


def joined(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A leg is in the talk. The switch's word wins, whatever our books said of its offer."""
    assert isinstance(event, e.LegJoined)
    if event.leg == call.id:
        return call, ()  # the caller's own channel: the seat's tells with whom
    leg = call.leg(event.leg)
    out: list[c.Command] = []
    if leg is None:
        if not event.seat:
            return call, ()
        # A talk found in the switch whose offer this process never saw (reconciliation).
        kind = "third" if any(x.kind == "seat" and x.state is LegState.JOINED for x in call.legs) else "seat"
        leg = Leg(event.leg, kind, event.seat, LegState.UP, now)
        call = replace(call, legs=(*call.legs, leg))
    if leg.state is LegState.JOINED:
        return call, ()
    if leg.kind == "third":
        return third_joined(call, leg, now)
    offer = call.offer
    if offer is not None and offer.leg != leg.id:
        out += give_offer_up(call)
    call = with_leg(call, leg.id, state=LegState.JOINED, joined_at=now, ended_at=None, cause=None)
    call = replace(
        call, state=S.TALKING, seat=leg.who, offer=None, session=None, timers=(), called_back=None, tell_at=None,
        joined_at=call.joined_at if call.joined_at is not None else now,
        answered_at=call.answered_at if call.answered_at is not None else now,
    )  # fmt: skip
    assert leg.who is not None
    out += [c.Withdraw(call.id), c.SeatTalks(call.id, leg.who, leg.id)]
    return note(call, now, "joined", seat=leg.who), tuple(out)


def talk_leg_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A leg of the talk is gone."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    if leg.kind == "third":
        return third_left(call, leg, event, now)
    was_joined = leg.state is LegState.JOINED
    call = leg_gone(call, leg.id, now, str(event.cause))
    if leg.kind == "assistant":
        return note(call, now, "assistant_left", seat=leg.who), ()
    if not was_joined or leg.who is None:
        return call, ()
    ends = c.TalkEnds(call.id, leg.who)
    if event.cause == PARTNER_LEFT:
        # The caller's own end follows within milliseconds. Should it not (the caller was taken out of
        # the talk but lives), it is given back to the queue after a moment.
        return replace(call, timers=(("alone", now + ALONE_SECONDS),)), (ends,)
    call, company = end_company(call, now)
    if event.cause == NORMAL_CLEARING and not leg.cancelled:
        # The seat hung up. The caller is released by us; should we die before that, the caller is in
        # the waiting loop and reconciliation gives it a human again.
        call = note(call, now, "seat_hung_up", seat=leg.who)
        return call, (ends, *company, c.HangUp(call.id, call.channel))
    call = note(call, now, "seat_lost", seat=leg.who, cause=event.cause)
    demand = call.demand or rules.default_demand
    call, more = enqueue(call, now, replace(demand, priority=demand.priority + LOST_SEAT_PRIORITY), rules)
    # What it was to hear before the talk is not true any more.
    return call, (ends, *company, *more, c.Announce(call.id, call.channel, ()))


def waits_alone(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller is in the waiting loop although we thought it talked: found by reconciliation, or
    because its end did not follow the seat's. Also the deadline of a third party's offer."""
    if isinstance(event, e.TimerFired) and event.timer == "third":
        return third_deadline(call, now)
    if isinstance(event, e.TimerFired) and event.timer != "alone":
        return call, ()
    call = replace(call, timers=())
    if any(x.state is LegState.JOINED and x.kind == "seat" for x in call.legs):
        return call, ()
    call, company = end_company(call, now)
    call, more = enqueue(note(call, now, "waiting"), now, call.demand or rules.default_demand, rules)
    return call, (*company, *more)


def caller_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller's channel is gone, wherever it was."""
    assert isinstance(event, e.CallerLeft)
    out: list[c.Command] = [c.Withdraw(call.id), *give_offer_up(call)]
    if call.offer is not None:
        call = leg_gone(call, call.offer.leg, now, OfferOutcome.WITHDRAWN.value)
    call, company = end_company(call, now)
    out += company
    talked = call.joined_at is not None
    state = S.ENDED
    if talked and call.seat is not None:
        state = S.WRAP_UP
        out.append(c.TalkEnds(call.id, call.seat))
    usual = "served" if talked else "abandoned"
    special = {S.VOICEMAIL: "voicemail", S.NATIVE: "native", S.LEAVING: "callback"}
    outcome = special.get(call.state, usual)
    for leg in call.legs:
        if leg.kind == "seat" and leg.state is LegState.JOINED:
            call = leg_gone(call, leg.id, now, str(NORMAL_CLEARING))
    call = leg_gone(call, call.id, now, str(event.cause))
    call = note(call, now, "caller_left", state=call.state.value, cause=event.cause)
    call = replace(
        call, state=state, ended_at=now, outcome=outcome, offer=None, session=None, timers=(), playing=None,
        tell_at=None,
    )  # fmt: skip
    return call, tuple(out)


# ---------------------------------------------------------------------- afterwards
def wrapped_up(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has finished."""
    assert isinstance(event, e.WrapUpDone)
    if event.seat != call.seat:
        return call, ()  # a seat that was lost earlier in this call; another one has served it since
    return note(replace(call, state=S.ENDED), now, "wrapped_up", seat=event.seat), ()


def draft(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A draft ticket exists."""
    assert isinstance(event, e.DraftMade)
    return note(replace(call, ticket=event.ticket), now, "draft", ticket=event.ticket), ()
