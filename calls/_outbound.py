"""Handlers of a call that we make: 回拨 to somebody who waited or was missed, 回访 to somebody served.

    due ─ offered ─▶ preview ─ the seat answers ─▶ dialling ─ the caller answers ─▶ talking ─▶ …

The seat comes first, so that nobody is called to hear music. Until the caller has answered nothing is
promised to it: whatever fails, the entry of the callback list is open again or counts one attempt.
"""

from __future__ import annotations

from dataclasses import replace

from routing import Demand

from . import commands as c
from . import events as e
from ._rules import Result, Rules, S, enqueue, give_offer_up, leg_gone, note, with_leg
from .model import Call, Leg, LegState, Moment

DIAL_MARGIN = 5.0
"""Seconds after the ring time when a channel of which nothing was heard is ended by us."""
NOT_REACHED = {17: "busy", 18: "no_answer", 19: "no_answer", 16: "no_answer", 21: "busy"}
"""Q.850 cause of the caller's channel → how the attempt ended; others: unreachable."""


def begin_outbound(event: e.CallbackDue, now: float) -> Result:
    """A call without a caller yet, in the queue."""
    demand = Demand.from_json(event.demand)
    detail = (("reason", event.reason), *((("origin", event.origin),) if event.origin else ()))
    call = Call(
        id=event.call, state=S.DUE, channel="", dialled=event.dialled, caller_number=event.number,
        caller_name=event.name, flow="", arrived_at=now, waiting_since=event.since, demand=demand,
        direction="out", callback=event.callback, timeline=(Moment(now, "callback_due", detail),),
    )  # fmt: skip
    return call, (c.Enqueue(call.id, demand, event.since),)


def seat_ready(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has answered and hears the ringing tone: the caller is rung."""
    assert isinstance(event, e.LegReady)
    offer = call.offer
    if offer is None or offer.leg != event.leg:
        return call, ()
    call = with_leg(call, offer.leg, state=LegState.UP)
    caller = Leg(call.id, "caller", None, LegState.DIALLING, now)
    call = replace(
        call, state=S.DIALLING, offer=None, seat=offer.seat, channel=call.id, legs=(*call.legs, caller),
        timers=(("dial", now + rules.ring_caller + DIAL_MARGIN),),
    )  # fmt: skip
    call = note(call, now, "dialling", seat=offer.seat)
    dial = c.DialCaller(call.id, call.caller_number, call.dialled, offer.leg, rules.ring_caller)
    return call, (c.Withdraw(call.id), c.SeatTalks(call.id, offer.seat, offer.leg), dial)


def caller_answered(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """From here on the caller is somebody who must never be left alone: the dialplan joins it with the seat, or
    keeps it in the queue."""
    assert isinstance(event, e.CallerAnswered)
    call = with_leg(call, call.id, state=LegState.UP)
    call = replace(call, answered_at=now, channel=event.channel or call.channel, timers=())
    return note(call, now, "caller_answered"), ()


def dial_deadline(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Neither answered nor failed: ended by us; its end is told by the switch, or asked for again."""
    assert isinstance(event, e.TimerFired)
    if event.timer != "dial" or not any(name == "dial" and at <= now for name, at in call.timers):
        return call, ()
    return replace(call, timers=(("dial", now + DIAL_MARGIN),)), (c.HangUp(call.id, call.channel),)


def seat_left_dialling(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has gone before the caller answered: the caller's phone stops ringing. Has it just answered, the
    dialplan keeps it in the queue and says so (Waits)."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    call = leg_gone(call, leg.id, now, str(event.cause))
    if leg.who != call.seat or leg.kind != "seat":
        return call, ()
    call = note(call, now, "seat_lost", seat=leg.who, cause=event.cause)
    ends = c.TalkEnds(call.id, leg.who or "", wrap_up=False)
    if call.answered_at is not None:
        return call, (ends,)
    return call, (ends, c.HangUp(call.id, call.channel))


def not_reached(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller's channel is gone before the talk: one attempt, or none if it was our fault."""
    assert isinstance(event, e.CallerLeft)
    seat_there = any(x.kind == "seat" and x.who == call.seat and x.state is LegState.UP for x in call.legs)
    outcome = NOT_REACHED.get(event.cause, "unreachable")
    if event.cause in (e.NEVER_RUNG, e.LOST) or not seat_there:
        outcome = "interrupted"
    out: list[c.Command] = [c.Withdraw(call.id)]
    for leg in call.legs:
        if leg.kind == "seat" and leg.state is not LegState.GONE:
            out += [c.CancelLeg(call.id, leg.id), c.TalkEnds(call.id, leg.who or "", wrap_up=False)]
            call = leg_gone(call, leg.id, now, outcome)
    call = leg_gone(call, call.id, now, str(event.cause))
    call = note(call, now, "not_reached", why=outcome)
    return replace(call, state=S.ENDED, ended_at=now, outcome=outcome, timers=()), tuple(out)


def dropped(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Taken off the list before anybody was rung, or put back onto it (the hours are over: NEVER_RUNG)."""
    assert isinstance(event, e.CallerLeft)
    out = (c.Withdraw(call.id), *give_offer_up(call))
    if call.offer is not None:
        call = leg_gone(call, call.offer.leg, now, "withdrawn")
    call = note(call, now, "callback_dropped")
    outcome = "interrupted" if event.cause in (e.NEVER_RUNG, e.LOST) else "cancelled"
    return replace(call, state=S.ENDED, ended_at=now, outcome=outcome, offer=None), out


def answered_without_seat(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller has answered, its seat was gone: it waits like anybody, before those who have not talked."""
    answered = call.answered_at if call.answered_at is not None else now
    call = replace(call, answered_at=answered)
    return enqueue(note(call, now, "waiting"), now, call.demand or rules.default_demand, rules)
