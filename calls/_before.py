"""Handlers from the caller's arrival until a seat has answered: greeting, flow, queue, offers."""

from __future__ import annotations

from dataclasses import replace

import ivr
from routing import OfferOutcome

from . import _words as words
from . import commands as c
from . import events as e
from ._parties import end_company, party_not_joined, party_offered, party_rings, party_timer
from ._rooms import anew
from ._rules import Result, Rules, S, enqueue, give_offer_up, leg_gone, note, planned, with_leg
from ._talk import demand_of, play_flow, speak
from .model import TALK, Call, Leg, LegState, Moment, Offer
from .reconcile import GREETED, split_leg

HELD = 60.0
"""Seconds for which events may be kept: by the link while the switch is looked at, here while Redis is away."""


def begin(event: e.Arrived, now: float) -> Result:
    """A new caller."""
    caller = Leg(event.call, "caller", None, LegState.UP, now)
    call = Call(
        id=event.call, state=S.ARRIVED, channel=event.channel, dialled=event.dialled,
        caller_number=event.number, caller_name=event.name, flow=event.flow, arrived_at=now,
        answered_at=now, legs=(caller,), history=event.history, origin=event.origin, case=event.case, uui=event.uui,
        timeline=(Moment(now, "arrived", (("dialled", event.dialled),)),),
    )  # fmt: skip
    if event.turned:
        # Not let in: a last word, in the switch alone. Its emergency keys work all the same.
        call = replace(call, state=S.LEAVING, turned=event.turned, turned_key=event.turned_key)
        call = note(call, now, "turned_away", why=event.turned)
        return call, (c.Farewell(call.id, call.channel, event.turned_words),)
    return call, ()


PARTY = "party:"
"""Begins the name of a further party's timer."""


# ---------------------------------------------------------------------- greeting and flow
def waits_after_greeting(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The greeting is over: into the queue."""
    assert isinstance(event, e.Waits)
    call = note(call, now, "waiting")
    if event.demand is not None:
        call, demand = planned(call, now, event.demand)
        return enqueue(call, now, demand, rules)
    flow = rules.flows.flow_of(call.flow)
    entry = flow.entry() if flow is not None else None
    demand = demand_of(entry.route, rules.default_demand) if entry is not None else rules.default_demand
    return enqueue(call, now, demand, rules)


def flow_started(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller is in our hands."""
    flow = rules.flows.flow_of(call.flow)
    if flow is None:
        # The version is gone (another process's memory): a human is always right.
        return call, (c.ToWaiting(call.id, call.channel),)
    facts = {"dialled": call.dialled, "caller": call.caller_number}
    session, outputs = ivr.start(flow, facts, now)
    call = note(replace(call, state=S.IN_FLOW, session=session), now, "flow", flow=call.flow)
    return play_flow(call, outputs, now, rules.default_demand)


def flow_input(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A key, the end of a prompt, a timer."""
    if isinstance(event, e.TimerFired) and event.timer.startswith(PARTY):
        return party_timer(call, event.timer.removeprefix(PARTY), now, rules)
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


def waits_after_flow(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Out of a flow, a voicemail, the native queue, a last word: into the queue."""
    call = note(call, now, "waiting")
    if isinstance(event, e.Waits) and event.demand is not None:
        call, demand = planned(call, now, event.demand)
        return enqueue(call, now, demand, rules)
    return enqueue(call, now, call.demand or rules.default_demand, rules)


def digit(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A key that only the timeline keeps; of a caller who was not let in, it may be the wish to be called back."""
    assert isinstance(event, e.DigitPressed)
    if call.state is S.LEAVING and call.turned_key and event.digit == call.turned_key:
        call = note(replace(call, called_back="key", turned_key=""), now, "callback_asked", by="key")
        flow = rules.flows.flow_of(call.flow)
        said = words.files(flow.language if flow is not None else "zh", "callback-confirmed")
        return note(call, now, "key", digit=event.digit), (c.Farewell(call.id, call.channel, said),)
    return note(call, now, "key", digit=event.digit), ()


def digit_while_held(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A caller who hears music may press an emergency line's key. What is pressed in a talk (a card's number) is
    nobody's business."""
    return digit(call, event, now, rules) if call.held else (call, ())


def voicemail(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller speaks to the machine."""
    given_up = give_offer_up(call)
    call = replace(call, state=S.VOICEMAIL, session=None, timers=(), offer=None, tell_at=None)
    return note(call, now, "voicemail"), (c.Withdraw(call.id), *given_up)


def _found_there(seat: Leg, now: float) -> bool:
    """Whether a look found the seat lately that the switch's own queue has rung: it exists since then."""
    return split_leg(seat.id) is None and seat.room == TALK and now - seat.placed_at < HELD


def native(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The switch took the caller into its own queue."""
    seat = call.main_seat
    if call.state is S.TALKING and seat is not None and _found_there(seat, now):
        return call, ()  # told before the look that found them together, and handed over after it
    from_flow = call.state is S.IN_FLOW
    given_up = give_offer_up(call, ringing=True)
    if call.state is S.TALKING:
        # Out of a talk it can only have come because everybody had gone: who is asked for is for nobody now.
        call, company = end_company(call, now)
        given_up = (*given_up, *company)
        if seat is not None and seat.who is not None:
            # It stood aside in private while no process was there; its caller has a human of the native queue now.
            given_up = (*given_up, c.TalkEnds(call.id, seat.who), c.CancelLeg(call.id, seat.id))
            call = leg_gone(call, seat.id, now, "native")
    # It waits there: the time counts, and its rank when it comes back. Whoever was not asked anything more would have
    # waited from its greeting's end: before those who came later, and not before those who came earlier.
    since = call.waiting_since if call.waiting_since is not None else min(now, call.arrived_at + GREETED)
    call = replace(
        call, state=S.NATIVE, session=None, timers=(), playing=None, offer=None, tell_at=None, waiting_since=since
    )
    limit = (c.NoLimit(call.id),) if from_flow else ()
    return note(call, now, "native_queue"), (c.Withdraw(call.id), *limit, *given_up)


# ---------------------------------------------------------------------- while waiting
def told(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The waiting caller is told something, and the next time is set. Nothing to say is right too."""
    assert isinstance(event, e.Told)
    if event.what != "incident":
        call = replace(call, tell_at=now + (event.again or rules.tell_every))
    if event.what == "voicemail":
        call = note(call, now, "told", what=event.what, **event.detail)
        seconds = float(event.detail.get("seconds", 120.0))
        language = call.demand.language if call.demand is not None else "zh"
        words = c.Announce(call.id, call.channel, event.prompts)
        return call, (words, c.ToVoicemail(call.id, call.channel, seconds, language))
    if not event.prompts:
        return call, ()
    call = replace(call, callback_offered=call.callback_offered or event.callback)
    call = note(call, now, "told", what=event.what, **event.detail)
    return call, (c.Announce(call.id, call.channel, event.prompts),)


def nothing_told(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The time to say something came and there was nobody to say it (no host): later again."""
    assert isinstance(event, e.TimerFired)
    if event.timer.startswith(PARTY):
        return party_timer(call, event.timer.removeprefix(PARTY), now, rules)
    if event.timer != "tell" or call.tell_at is None or call.tell_at > now:
        return call, ()
    return replace(call, tell_at=now + rules.tell_every), ()


def callback_asked(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller hangs up and keeps its rank. The entry of the callback list is made when it has left, in the
    same batch as its leaving; until then the journal has its wish."""
    assert isinstance(event, e.CallbackAsked)
    given_up = give_offer_up(call)
    call = replace(call, state=S.LEAVING, offer=None, called_back=event.by, tell_at=None)
    call = note(call, now, "callback_asked", by=event.by)
    return call, (c.Withdraw(call.id), *given_up, c.Farewell(call.id, call.channel, event.prompts))


# ---------------------------------------------------------------------- offers
def offered(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A seat is reserved: its phone is rung."""
    assert isinstance(event, e.Offered)
    if event.part:
        return party_offered(call, event, now, rules)
    leg = Leg(event.leg, "seat", event.seat, LegState.DIALLING, now, anew=anew(call))
    outbound = call.state is S.DUE
    call = replace(
        call, state=S.PREVIEW if outbound else S.OFFERED, offers=call.offers + 1, legs=(*call.legs, leg),
        offer=Offer(event.offer, event.seat, event.leg, event.deadline),
    )  # fmt: skip
    call = note(call, now, "offered", seat=event.seat, level=event.step, **dict(event.why))
    # The switch's own limit lies beyond ours: it only matters when we are gone by then.
    seconds = max(1.0, event.deadline - now) + rules.ring
    ring = c.RingSeat(
        call.id, event.leg, event.seat, call.channel, call.caller_number, call.caller_name, seconds,
        phone=event.phone, role="callback" if outbound else "seat", anew=anew(call),
    )  # fmt: skip
    return call, (ring,)


def ringing(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat's phone rings: from now on the ring time counts."""
    assert isinstance(event, e.LegRinging)
    if call.party_of(event.leg) is not None:
        return party_rings(call, event.leg, now, rules)
    if call.offer is None or call.offer.leg != event.leg:
        return call, ()
    offer = replace(call.offer, deadline=now + rules.ring)
    call = with_leg(replace(call, offer=offer), event.leg, state=LegState.RINGING, placed_at=now)
    return note(call, now, "ringing", seat=offer.seat), (c.SeatRings(call.id, offer.seat, offer.id),)


def offer_deadline(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has not answered. The leg is ended first; its end (LegLeft) then gives the caller back,
    so that an answer crossing our cancellation is never a caller in two places."""
    assert isinstance(event, e.TimerFired)
    if event.timer == "tell" or event.timer.startswith(PARTY):
        return nothing_told(call, event, now, rules)
    if event.timer != "offer" or call.offer is None or call.offer.deadline > now:
        return call, ()
    offer = replace(call.offer, deadline=now + 5.0)  # asked again if the switch does not answer
    call = with_leg(replace(call, offer=offer), offer.leg, cancelled=True)
    return call, (c.CancelLeg(call.id, offer.leg, ringing=True),)


def other_leg_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The end of a leg that was given up before: noted, so that nobody asks after it again."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    if call.party_of(leg.id) is not None:
        return party_not_joined(call, event, leg, now, rules)
    return leg_gone(call, leg.id, now, str(event.cause)), ()


def offer_failed(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Not taken: back into the queue at the old rank."""
    assert isinstance(event, e.LegLeft)
    offer = call.offer
    leg = call.leg(event.leg)
    if offer is None or leg is None or offer.leg != event.leg:
        return other_leg_left(call, event, now, rules)
    outcome = e.OUTCOME_OF_CAUSE.get(event.cause, OfferOutcome.UNREACHABLE)
    if leg.cancelled:
        outcome = OfferOutcome.NO_ANSWER
    call = leg_gone(call, leg.id, now, outcome.value)
    call = note(call, now, "not_taken", seat=offer.seat, why=outcome.value)
    ends = c.OfferEnds(call.id, offer.seat, offer.id, outcome)
    call, more = enqueue(call, now, call.demand or rules.default_demand, rules)
    return call, (ends, *more)
