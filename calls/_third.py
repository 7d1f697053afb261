"""Handlers of who comes into a running talk: a third party (interpreter, expert), a leader's assistant.

The talk belongs to the caller and the seat: whatever becomes of the others, it goes on.
"""

from __future__ import annotations

from dataclasses import replace

from routing import Demand, OfferOutcome

from . import commands as c
from . import events as e
from ._rules import Result, Rules, leg_gone, note, with_leg
from .model import Call, Leg, LegState, Offer, Third


def third_wanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Into the queue for a third party; one at a time."""
    assert isinstance(event, e.ThirdWanted)
    if call.third is not None:
        return call, ()
    third = Third(event.part, Demand.from_json(event.demand), now)
    call = note(replace(call, third=third), now, "third_wanted", by=event.by, why=" ".join(third.demand.why))
    return call, (c.Enqueue(call.id, third.demand, now, event.part),)


def third_unwanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat does not want it any more (or it has served): its leg ends."""
    assert isinstance(event, e.ThirdUnwanted)
    if call.third is None or call.third.part != event.part:
        return call, ()
    return end_third(call, now)


def end_third(call: Call, now: float) -> Result:
    """Everybody beside caller and seat leaves: when the talk is over, or on demand."""
    out: list[c.Command] = []
    third = call.third
    if third is not None:
        out.append(c.Withdraw(call.id, third.part))
        if third.offer is not None:
            out.append(c.OfferEnds(call.id, third.offer.seat, third.offer.id, OfferOutcome.WITHDRAWN))
        call = note(replace(call, third=None), now, "third_left")
    for leg in call.legs:
        if leg.kind == "third" and leg.state is not LegState.GONE:
            out.append(c.CancelLeg(call.id, leg.id))
            if leg.state is LegState.JOINED and leg.who is not None:
                out.append(c.TalkEnds(call.id, leg.who, wrap_up=False))
            call = leg_gone(call, leg.id, now, "unwanted")
    return call, tuple(out)


def end_company(call: Call, now: float) -> Result:
    """The talk is over: third party and assistant leave with it."""
    call, commands = end_third(call, now)
    out = list(commands)
    for leg in call.legs:
        if leg.kind == "assistant" and leg.state is not LegState.GONE:
            out.append(c.CancelLeg(call.id, leg.id))
            call = leg_gone(call, leg.id, now, "talk over")
    return call, tuple(out)


def third_offered(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A seat is reserved for the third part: its phone is rung, and joins the talk when it answers."""
    assert isinstance(event, e.Offered)
    third = call.third
    if third is None or third.part != event.part or third.offer is not None or third.leg is not None:
        return call, (c.OfferEnds(call.id, event.seat, event.offer, OfferOutcome.WITHDRAWN),)
    leg = Leg(event.leg, "third", event.seat, LegState.DIALLING, now)
    third = replace(third, offer=Offer(event.offer, event.seat, event.leg, event.deadline))
    call = replace(call, third=third, offers=call.offers + 1, legs=(*call.legs, leg))
    call = note(call, now, "third_offered", seat=event.seat, **dict(event.why))
    seconds = max(1.0, event.deadline - now) + rules.ring
    ring = c.RingSeat(
        call.id, event.leg, event.seat, call.channel, call.caller_number, call.caller_name, seconds,
        phone=event.phone, role="third",
    )  # fmt: skip
    return call, (ring,)


def third_rings(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Its phone rings."""
    assert isinstance(event, e.LegRinging)
    third = call.third
    if third is None or third.offer is None or third.offer.leg != event.leg:
        return call, ()
    offer = replace(third.offer, deadline=now + rules.ring)
    call = with_leg(replace(call, third=replace(third, offer=offer)), event.leg, state=LegState.RINGING)
    return call, (c.SeatRings(call.id, offer.seat, offer.id),)


def third_deadline(call: Call, now: float) -> Result:
    """It has not answered: its leg is ended, whose end then asks for the next one."""
    third = call.third
    if third is None or third.offer is None or third.offer.deadline > now:
        return call, ()
    offer = replace(third.offer, deadline=now + 5.0)
    call = with_leg(replace(call, third=replace(third, offer=offer)), offer.leg, cancelled=True)
    return call, (c.CancelLeg(call.id, offer.leg),)


def third_joined(call: Call, leg: Leg, now: float) -> Result:
    """It talks with the others."""
    assert leg.who is not None
    third = call.third
    call = with_leg(call, leg.id, state=LegState.JOINED, joined_at=now)
    if third is not None:
        call = replace(call, third=replace(third, offer=None, leg=leg.id))
    call = note(call, now, "third_joined", seat=leg.who)
    part = (c.Withdraw(call.id, third.part),) if third is not None else ()
    return call, (*part, c.SeatTalks(call.id, leg.who, leg.id))


def third_left(call: Call, leg: Leg, event: e.LegLeft, now: float) -> Result:
    """Its end: after a talk the others talk on; before it, the next one is looked for."""
    assert leg.who is not None
    third = call.third
    call = leg_gone(call, leg.id, now, str(event.cause))
    if leg.state is LegState.JOINED:
        call = replace(call, third=None)
        return note(call, now, "third_left", seat=leg.who), (c.TalkEnds(call.id, leg.who, wrap_up=False),)
    if third is None or third.offer is None or third.offer.leg != leg.id:
        return call, ()
    outcome = e.OUTCOME_OF_CAUSE.get(event.cause, OfferOutcome.UNREACHABLE)
    if leg.cancelled:
        outcome = OfferOutcome.NO_ANSWER
    ends = c.OfferEnds(call.id, leg.who, third.offer.id, outcome)
    call = note(replace(call, third=replace(third, offer=None)), now, "not_taken", seat=leg.who, why=outcome.value)
    return call, (ends, c.Enqueue(call.id, third.demand, third.since, third.part))


# ---------------------------------------------------------------------- the leader's assistant (Art. 10)
def assistant_wanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Its phone is rung; it will hear the talk and be heard by the leader alone."""
    assert isinstance(event, e.AssistantWanted)
    leader = call.leg(event.beside)
    if leader is None or leader.state is not LegState.JOINED or call.leg(event.leg) is not None:
        return call, ()
    leg = Leg(event.leg, "assistant", event.seat, LegState.DIALLING, now)
    call = replace(call, legs=(*call.legs, leg), offers=call.offers + 1)
    call = note(call, now, "assistant_rung", seat=event.seat)
    ring = c.RingSeat(
        call.id, event.leg, event.seat, event.beside, call.caller_number, call.caller_name, rules.ring,
        phone=event.phone, role="assistant",
    )  # fmt: skip
    return call, (ring,)


def assistant_ready(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The assistant listens."""
    assert isinstance(event, e.LegReady)
    leg = call.leg(event.leg)
    if leg is None or leg.kind != "assistant" or leg.state in (LegState.JOINED, LegState.GONE):
        return call, ()
    call = with_leg(call, leg.id, state=LegState.JOINED, joined_at=now)
    return note(call, now, "assistant_listens", seat=leg.who), ()
