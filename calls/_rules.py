"""What the machine may look up, and the small things its handlers share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import ivr
from routing import Demand, OfferOutcome, Step

from . import commands as c
from .model import Call, CallState, LegState, Moment

S = CallState
Result = tuple[Call, tuple[c.Command, ...]]

NORMAL_CLEARING = 16
PARTNER_LEFT = 31
"""The dialplan's cause for a seat's leg whose caller has left the talk (Asterisk ends that leg first)."""
LOST_SEAT_PRIORITY = 10
"""A caller whose seat was lost goes before everybody who has not talked yet."""
TIMELINE_LIMIT = 400
KEYS = 50
"""Idempotency keys kept of one call."""


class FlowSource(Protocol):
    """Where the machine finds the flow version a call began with."""

    def flow_of(self, reference: str) -> ivr.Flow | None:
        """The flow of "name@version", or None if it is not known any more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The same for every step of one configuration. Times in seconds."""

    flows: FlowSource
    default_demand: Demand = field(default_factory=Demand)
    ring: float = 15.0
    """How long a seat's phone rings before the offer goes on to the next seat."""
    ring_caller: float = 30.0
    """How long the phone of somebody who is called back rings."""
    tell_after: float = 20.0
    """From the beginning of the wait until it is considered to say something to the caller."""
    tell_every: float = 60.0


def note(call: Call, now: float, what: str, /, **detail: Any) -> Call:
    """The call with one more line in its timeline (bounded: a caller who hammers keys fills nothing)."""
    if len(call.timeline) >= TIMELINE_LIMIT:
        return call
    return replace(call, timeline=(*call.timeline, Moment(now, what, tuple(detail.items()))))


def with_leg(call: Call, leg_id: str, **changes: Any) -> Call:
    """The call with one leg changed."""
    return replace(call, legs=tuple(replace(x, **changes) if x.id == leg_id else x for x in call.legs))


def leg_gone(call: Call, leg_id: str, now: float, cause: str) -> Call:
    """The call with one leg over."""
    return with_leg(call, leg_id, state=LegState.GONE, ended_at=now, cause=cause)


def remember(call: Call, key: str, result: str) -> Call:
    """The call that knows an order by its idempotency key: the same one again does nothing, in any process."""
    return replace(call, keys=(*call.keys, (key, result))[-KEYS:]) if key else call


def enqueue(call: Call, now: float, demand: Demand, rules: Rules) -> Result:
    """Into the queue, or back into it at the old rank."""
    since = call.waiting_since if call.waiting_since is not None else now
    state = S.DUE if call.direction == "out" and call.answered_at is None else S.WAITING
    tell = max(now, since + rules.tell_after) if state is S.WAITING else None
    call = replace(
        call, state=state, demand=demand, waiting_since=since, session=None, timers=(), playing=None,
        offer=None, called_back=None, tell_at=tell if call.tell_at is None else call.tell_at,
    )  # fmt: skip
    return call, (c.Enqueue(call.id, demand, since),)


def planned(call: Call, now: float, data: Mapping[str, Any]) -> tuple[Call, Demand]:
    """What the planner made of the caller, as a demand and as a line of the timeline."""
    demand = Demand.from_json(data)
    steps = " → ".join(step_text(s) for s in demand.steps)
    return note(call, now, "planned", why=" ".join(demand.why), steps=steps, priority=demand.priority), demand


def step_text(step: Step) -> str:
    """ "wenzhou-wu 3 @330300 (10 s)"."""
    name = step.name or ", ".join(f"{n} {v}" for n, v in step.skills) or "any"
    return f"{name} ({step.seconds:g} s)" if step.seconds is not None else name


def give_offer_up(call: Call, *, ringing: bool = False) -> tuple[c.Command, ...]:
    """The commands that take the open offer back.

    Its caller is gone, or will talk with nobody: the phone is silent before it is rung for the next one. With `ringing`
    only if it has not been answered meanwhile (the caller may be with it): that takes a word from the switch first.
    """
    offer = call.offer
    if offer is None:
        return ()
    withdrawn = c.OfferEnds(call.id, offer.seat, offer.id, OfferOutcome.WITHDRAWN)
    return c.CancelLeg(call.id, offer.leg, ringing=ringing), withdrawn
