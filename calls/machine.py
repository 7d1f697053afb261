"""A call's life, as a pure function over a table.

    step(call, event, now, rules) -> (call', commands)

The table below is the whole truth about which event means something in which state; everything else
about a call is in the handlers it names. What is not in the table is not an error: events of a switch
overlap (a seat answers while its offer is being cancelled), so a pair that is absent leaves the call as
it is. No clock, no randomness, no I/O: the same events give the same call, in this process or the next.

Three rules keep a caller from being lost:
 - The switch's word wins. A seat's leg that has joined is a talk, even if we had given the offer up.
 - Only a seat that hangs up on purpose ends a call. A leg that we cancelled, or that the network lost,
   gives the caller back to the queue at its old rank.
 - `waiting_since` is set once. Whatever happens to offers, the rank stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import ivr
from routing import Demand, OfferOutcome

from . import commands as c
from . import events as e
from ._talk import demand_of, play_flow, speak
from .model import Call, CallState, Leg, LegState, Moment, Offer

S = CallState
Result = tuple[Call, tuple[c.Command, ...]]

NORMAL_CLEARING = 16
PARTNER_LEFT = 31
"""The dialplan's cause for a seat's leg whose caller has left the talk (Asterisk ends that leg first)."""
ALONE_SECONDS = 2.0
LOST_SEAT_PRIORITY = 10
"""A caller whose seat was lost goes before everybody who has not talked yet."""
TIMELINE_LIMIT = 400


class FlowSource(Protocol):
    """Where the machine finds the flow version a call began with."""

    def flow_of(self, reference: str) -> ivr.Flow | None:
        """The flow of "name@version", or None if it is not known any more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the machine may look up; the same for every step of one configuration."""

    flows: FlowSource
    default_demand: Demand = field(default_factory=Demand)
    ring: float = 15.0
    """Seconds a seat's phone rings before the offer goes on to the next seat."""


class CallError(ValueError):
    """An event that cannot begin a call was given for an unknown call."""


def step(call: Call | None, event: e.Event, now: float, rules: Rules) -> Result:
    """One event of a call. `now`: unix seconds.

    Raises:
        CallError: the call is unknown and the event is not `Arrived`.
    """
    if call is None:
        if isinstance(event, e.Arrived):
            return _begin(event, now)
        raise CallError(f"call {event.call} is not known: its first event must be Arrived")
    handler = TABLE[call.state].get(type(event))
    if handler is None:
        return call, ()
    return handler(call, event, now, rules)


# ---------------------------------------------------------------------- small things
def _note(call: Call, now: float, what: str, **detail: Any) -> Call:
    """The call with one more line in its timeline (bounded: a caller who hammers keys fills nothing)."""
    if len(call.timeline) >= TIMELINE_LIMIT:
        return call
    return replace(call, timeline=(*call.timeline, Moment(now, what, tuple(detail.items()))))


def _with_leg(call: Call, leg_id: str, **changes: Any) -> Call:
    return replace(call, legs=tuple(replace(x, **changes) if x.id == leg_id else x for x in call.legs))


def _begin(event: e.Arrived, now: float) -> Result:
    caller = Leg(event.call, "caller", None, LegState.UP, now)
    call = Call(
        id=event.call, state=S.ARRIVED, channel=event.channel, dialled=event.dialled,
        caller_number=event.number, caller_name=event.name, flow=event.flow, arrived_at=now,
        answered_at=now, legs=(caller,), timeline=(Moment(now, "arrived", (("dialled", event.dialled),)),),
    )  # fmt: skip
    return call, ()


def _enqueue(call: Call, now: float, demand: Demand) -> Result:
    since = call.waiting_since if call.waiting_since is not None else now
    call = replace(
        call, state=S.WAITING, demand=demand, waiting_since=since, session=None, timers=(), playing=None,
        offer=None,
    )  # fmt: skip
    return call, (c.Enqueue(call.id, demand, since),)


def _give_offer_up(call: Call) -> tuple[c.Command, ...]:
    offer = call.offer
    if offer is None:
        return ()
    withdrawn = c.OfferEnds(call.id, offer.seat, offer.id, OfferOutcome.WITHDRAWN)
    return c.CancelLeg(call.id, offer.leg), withdrawn


# ---------------------------------------------------------------------- greeting and flow
def _waits_after_greeting(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.Waits)
    if event.demand is not None:
        return _enqueue(_note(call, now, "waiting"), now, Demand.from_json(event.demand))
    flow = rules.flows.flow_of(call.flow)
    entry = flow.entry() if flow is not None else None
    demand = demand_of(entry.route, rules.default_demand) if entry is not None else rules.default_demand
    return _enqueue(_note(call, now, "waiting"), now, demand)


def _flow_started(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    flow = rules.flows.flow_of(call.flow)
    if flow is None:
        # The version is gone (another process's memory): a human is always right.
        return call, (c.ToWaiting(call.id, call.channel),)
    facts = {"dialled": call.dialled, "caller": call.caller_number}
    session, outputs = ivr.start(flow, facts, now)
    call = _note(replace(call, state=S.IN_FLOW, session=session), now, "flow", flow=call.flow)
    return play_flow(call, outputs, now, rules.default_demand)


def _flow_input(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    flow = rules.flows.flow_of(call.flow)
    if call.session is None:
        return call, ()
    if flow is None:
        return call, (c.ToWaiting(call.id, call.channel),)
    if isinstance(event, e.PromptsDone) and event.ticket != call.playing:
        return call, ()  # an older command's end: what plays now goes on
    session = call.session
    word, call = speak(call, event)
    if word is None:
        return call, ()
    session, outputs = ivr.step(flow, session, word, now)
    return play_flow(replace(call, session=session), outputs, now, rules.default_demand)


def _waits_after_flow(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    if isinstance(event, e.Waits) and event.demand is not None:
        return _enqueue(_note(call, now, "waiting"), now, Demand.from_json(event.demand))
    return _enqueue(_note(call, now, "waiting"), now, call.demand or rules.default_demand)


def _digit(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.DigitPressed)
    return _note(call, now, "key", digit=event.digit), ()


def _voicemail(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    given_up = _give_offer_up(call)
    call = replace(call, state=S.VOICEMAIL, session=None, timers=(), offer=None)
    return _note(call, now, "voicemail"), (c.Withdraw(call.id), *given_up)


def _native(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    given_up = _give_offer_up(call)
    call = replace(call, state=S.NATIVE, session=None, timers=(), offer=None)
    return _note(call, now, "native_queue"), (c.Withdraw(call.id), *given_up)


# ---------------------------------------------------------------------- offers
def _offered(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.Offered)
    leg = Leg(event.leg, "seat", event.seat, LegState.DIALLING, now)
    call = replace(
        call, state=S.OFFERED, offers=call.offers + 1, legs=(*call.legs, leg),
        offer=Offer(event.offer, event.seat, event.leg, event.deadline),
    )  # fmt: skip
    call = _note(call, now, "offered", seat=event.seat)
    # The switch's own limit lies beyond ours: it only matters when we are gone by then.
    seconds = max(1.0, event.deadline - now) + rules.ring
    ring = c.RingSeat(call.id, event.leg, event.seat, call.channel, call.caller_number, call.caller_name, seconds)
    return call, (ring,)


def _ringing(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.LegRinging)
    if call.offer is None or call.offer.leg != event.leg:
        return call, ()
    offer = replace(call.offer, deadline=now + rules.ring)
    call = _with_leg(replace(call, offer=offer), event.leg, state=LegState.RINGING)
    return _note(call, now, "ringing", seat=offer.seat), (c.SeatRings(call.id, offer.seat, offer.id),)


def _offer_deadline(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has not answered. The leg is ended first; its end (LegLeft) then gives the caller back,
    so that an answer crossing our cancellation is never a caller in two places."""
    assert isinstance(event, e.TimerFired)
    if event.timer != "offer" or call.offer is None or call.offer.deadline > now:
        return call, ()
    offer = replace(call.offer, deadline=now + 5.0)  # asked again if the switch does not answer
    call = _with_leg(replace(call, offer=offer), offer.leg, cancelled=True)
    return call, (c.CancelLeg(call.id, offer.leg),)


def _other_leg_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The end of a leg that was given up before: noted, so that nobody asks after it again."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    return _with_leg(call, leg.id, state=LegState.GONE, ended_at=now, cause=str(event.cause)), ()


def _offer_failed(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.LegLeft)
    offer = call.offer
    leg = call.leg(event.leg)
    if offer is None or leg is None or offer.leg != event.leg:
        return _other_leg_left(call, event, now, rules)
    outcome = e.OUTCOME_OF_CAUSE.get(event.cause, OfferOutcome.UNREACHABLE)
    if leg.cancelled:
        outcome = OfferOutcome.NO_ANSWER
    call = _with_leg(call, leg.id, state=LegState.GONE, ended_at=now, cause=outcome.value)
    call = _note(call, now, "not_taken", seat=offer.seat, why=outcome.value)
    ends = c.OfferEnds(call.id, offer.seat, offer.id, outcome)
    call, more = _enqueue(call, now, call.demand or rules.default_demand)
    return call, (ends, *more)


# ---------------------------------------------------------------------- talk
def _joined(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.LegJoined)
    if event.leg == call.id:
        return call, ()  # the caller's own channel: the seat's tells with whom
    leg = call.leg(event.leg)
    out: list[c.Command] = []
    if leg is None:
        if not event.seat:
            return call, ()
        # A talk found in the switch whose offer this process never saw (reconciliation).
        leg = Leg(event.leg, "seat", event.seat, LegState.UP, now)
        call = replace(call, legs=(*call.legs, leg))
    if leg.state is LegState.JOINED:
        return call, ()
    offer = call.offer
    if offer is not None and offer.leg != leg.id:
        out += _give_offer_up(call)
    call = _with_leg(call, leg.id, state=LegState.JOINED, joined_at=now, ended_at=None, cause=None)
    call = replace(
        call, state=S.TALKING, seat=leg.who, offer=None, session=None, timers=(),
        joined_at=call.joined_at if call.joined_at is not None else now,
    )  # fmt: skip
    assert leg.who is not None
    out += [c.Withdraw(call.id), c.SeatTalks(call.id, leg.who, leg.id)]
    return _note(call, now, "joined", seat=leg.who), tuple(out)


def _talk_leg_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    was_joined = leg.state is LegState.JOINED
    call = _with_leg(call, leg.id, state=LegState.GONE, ended_at=now, cause=str(event.cause))
    if not was_joined or leg.who is None:
        return call, ()
    ends = c.TalkEnds(call.id, leg.who)
    if event.cause == NORMAL_CLEARING and not leg.cancelled:
        # The seat hung up. The caller is released by us; should we die before that, the caller is in
        # the waiting loop and reconciliation gives it a human again.
        return _note(call, now, "seat_hung_up", seat=leg.who), (ends, c.HangUp(call.id, call.channel))
    if event.cause == PARTNER_LEFT:
        # The caller's own end follows within milliseconds. Should it not (the caller was taken out of
        # the talk but lives), it is given back to the queue after a moment.
        return replace(call, timers=(("alone", now + ALONE_SECONDS),)), (ends,)
    call = _note(call, now, "seat_lost", seat=leg.who, cause=event.cause)
    demand = call.demand or rules.default_demand
    call, more = _enqueue(call, now, replace(demand, priority=demand.priority + LOST_SEAT_PRIORITY))
    return call, (ends, *more)


def _waits_alone(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller is in the waiting loop although we thought it talked: found by reconciliation, or
    because its end did not follow the seat's."""
    call = replace(call, timers=())
    if any(x.state is LegState.JOINED for x in call.legs):
        return call, ()
    return _enqueue(_note(call, now, "waiting"), now, call.demand or rules.default_demand)


def _caller_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.CallerLeft)
    out: list[c.Command] = [c.Withdraw(call.id), *_give_offer_up(call)]
    if call.offer is not None:
        leg_id, why = call.offer.leg, OfferOutcome.WITHDRAWN.value
        call = _with_leg(call, leg_id, state=LegState.GONE, ended_at=now, cause=why)
    talked = call.joined_at is not None
    state = S.ENDED
    if talked and call.seat is not None:
        state = S.WRAP_UP
        out.append(c.TalkEnds(call.id, call.seat))
    outcome = {S.VOICEMAIL: "voicemail", S.NATIVE: "native"}.get(call.state, "served" if talked else "abandoned")
    for leg in call.legs:
        if leg.kind == "seat" and leg.state is LegState.JOINED:
            call = _with_leg(call, leg.id, state=LegState.GONE, ended_at=now, cause=str(NORMAL_CLEARING))
    call = _with_leg(call, call.id, state=LegState.GONE, ended_at=now, cause=str(event.cause))
    call = _note(call, now, "caller_left", state=call.state.value)
    call = replace(
        call, state=state, ended_at=now, outcome=outcome, offer=None, session=None, timers=(), playing=None
    )
    return call, tuple(out)


# ---------------------------------------------------------------------- afterwards
def _wrapped_up(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.WrapUpDone)
    if event.seat != call.seat:
        return call, ()  # a seat that was lost earlier in this call; another one has served it since
    return _note(replace(call, state=S.ENDED), now, "wrapped_up", seat=event.seat), ()


def _draft(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    assert isinstance(event, e.DraftMade)
    return _note(replace(call, ticket=event.ticket), now, "draft", ticket=event.ticket), ()


Handler = Callable[[Call, e.Event, float, Rules], Result]

TABLE: dict[CallState, dict[type[e.Event], Handler]] = {
    S.ARRIVED: {
        e.Waits: _waits_after_greeting,
        e.FlowStarted: _flow_started,
        e.DigitPressed: _digit,
        e.LegJoined: _joined,
        e.VoicemailBegan: _voicemail,
        e.WentNative: _native,
        e.CallerLeft: _caller_left,
    },
    S.IN_FLOW: {
        e.FlowStarted: _flow_started,
        e.LegLeft: _other_leg_left,
        e.PromptsDone: _flow_input,
        e.DigitPressed: _flow_input,
        e.TimerFired: _flow_input,
        e.Waits: _waits_after_flow,
        e.VoicemailBegan: _voicemail,
        e.WentNative: _native,
        e.CallerLeft: _caller_left,
    },
    S.WAITING: {
        e.Offered: _offered,
        e.LegJoined: _joined,
        e.LegLeft: _other_leg_left,
        e.DigitPressed: _digit,
        e.FlowStarted: _flow_started,
        e.VoicemailBegan: _voicemail,
        e.WentNative: _native,
        e.CallerLeft: _caller_left,
    },
    S.OFFERED: {
        e.LegRinging: _ringing,
        e.LegJoined: _joined,
        e.LegLeft: _offer_failed,
        e.TimerFired: _offer_deadline,
        e.DigitPressed: _digit,
        e.VoicemailBegan: _voicemail,
        e.WentNative: _native,
        e.CallerLeft: _caller_left,
    },
    S.TALKING: {
        e.LegJoined: _joined,
        e.LegLeft: _talk_leg_left,
        e.Waits: _waits_alone,
        e.TimerFired: _waits_alone,
        e.WentNative: _native,
        e.CallerLeft: _caller_left,
    },
    S.VOICEMAIL: {e.CallerLeft: _caller_left, e.Waits: _waits_after_flow, e.LegLeft: _other_leg_left},
    S.NATIVE: {e.Waits: _waits_after_flow, e.CallerLeft: _caller_left, e.LegLeft: _other_leg_left},
    S.WRAP_UP: {e.WrapUpDone: _wrapped_up, e.DraftMade: _draft},
    S.ENDED: {e.DraftMade: _draft},
}
"""State → event → handler. docs/architecture.md shows it as a diagram, generated by calls.diagram."""


def next_deadline(call: Call) -> tuple[float, str] | None:
    """When this call next needs a TimerFired, and for which timer."""
    times = [(at, name) for name, at in call.timers]
    if call.offer is not None:
        times.append((call.offer.deadline, "offer"))
    return min(times, default=None)
