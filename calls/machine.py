"""A call's life, as a pure function over a table.

    step(call, event, now, rules) -> (call', commands)

The table below is the whole truth about which event means something in which state; everything else
about a call is in the handlers it names (`_before`, `_talking`, `_parties`, `_arrange`, `_outbound`). What is not in
the table is not an error: events of a switch overlap (a seat answers while its offer is being
cancelled), so a pair that is absent leaves the call as it is. No clock, no randomness, no I/O: the same
events give the same call, in this process or the next.

Three rules keep a caller from being lost:
 - The switch's word wins. A seat's leg that has joined is a talk, even if we had given the offer up.
 - Only a seat that hangs up on purpose ends a call. A leg that we cancelled, or that the network lost,
   gives the caller back to the queue at its old rank.
 - `waiting_since` is set once. Whatever happens to offers, the rank stays.
"""

from __future__ import annotations

from collections.abc import Callable

from . import _arrange as a
from . import _before as b
from . import _outbound as o
from . import _parties as x
from . import _talking as t
from . import events as e
from ._rooms import next_look, settle
from ._rules import LOST_SEAT_PRIORITY, NORMAL_CLEARING, PARTNER_LEFT, TIMELINE_LIMIT, FlowSource, Result, Rules
from .model import Call, CallState, LegState, PartyState

S = CallState

__all__ = [
    "LOST_SEAT_PRIORITY", "NORMAL_CLEARING", "PARTNER_LEFT", "TABLE", "TIMELINE_LIMIT", "CallError", "FlowSource",
    "Rules", "next_deadline", "step",
]  # fmt: skip


class CallError(ValueError):
    """An event that cannot begin a call was given for an unknown call."""


BEGINS = (e.Arrived, e.CallbackDue)
"""Events that begin a call."""


def step(call: Call | None, event: e.Event, now: float, rules: Rules) -> Result:
    """One event of a call. `now`: unix seconds.

    Raises:
        CallError: the call is unknown and the event is none that begins one.
    """
    if call is None:
        if isinstance(event, e.Arrived):
            return b.begin(event, now)
        if isinstance(event, e.CallbackDue):
            return o.begin_outbound(event, now)
        raise CallError(f"call {event.call} is not known: its first event must be Arrived or CallbackDue")
    handler = TABLE[call.state].get(type(event))
    if handler is None:
        return call, ()
    after, commands = handler(call, event, now, rules)
    if after.legs is call.legs or after.joined_at is None:
        return after, commands
    # Whatever has become of legs: everybody is brought to where they are to be.
    after, moves = settle(after, now)
    return after, (*commands, *moves)


Handler = Callable[[Call, e.Event, float, Rules], Result]

LINES: dict[type[e.Event], Handler] = {
    e.PartyWanted: x.party_wanted,
    e.PartyUnwanted: x.party_unwanted,
    e.LegRinging: b.ringing,
    e.LegJoined: t.joined,
    e.LegLeft: b.other_leg_left,
    e.TimerFired: b.nothing_told,
    e.ContextKnown: a.context_known,
}
"""What may happen wherever a caller is: an emergency line can be wanted at any moment (Art. 11)."""

TABLE: dict[CallState, dict[type[e.Event], Handler]] = {
    S.ARRIVED: {
        **LINES,
        e.Waits: b.waits_after_greeting,
        e.FlowStarted: b.flow_started,
        e.DigitPressed: b.digit,
        e.VoicemailBegan: b.voicemail,
        e.WentNative: b.native,
        e.CallerLeft: t.caller_left,
    },
    S.IN_FLOW: {
        **LINES,
        e.FlowStarted: b.flow_started,
        e.PromptsDone: b.flow_input,
        e.DigitPressed: b.flow_input,
        e.TimerFired: b.flow_input,
        e.Waits: b.waits_after_flow,
        e.VoicemailBegan: b.voicemail,
        e.WentNative: b.native,
        e.CallerLeft: t.caller_left,
    },
    S.WAITING: {
        **LINES,
        e.Offered: b.offered,
        e.DigitPressed: b.digit,
        e.Told: b.told,
        e.TimerFired: b.nothing_told,
        e.CallbackAsked: b.callback_asked,
        e.FlowStarted: b.flow_started,
        e.VoicemailBegan: b.voicemail,
        e.WentNative: b.native,
        e.CallerLeft: t.caller_left,
    },
    S.OFFERED: {
        **LINES,
        e.LegLeft: b.offer_failed,
        e.TimerFired: b.offer_deadline,
        e.DigitPressed: b.digit,
        e.CallbackAsked: b.callback_asked,
        e.VoicemailBegan: b.voicemail,
        e.WentNative: b.native,
        e.CallerLeft: t.caller_left,
    },
    S.DUE: {e.Offered: b.offered, e.LegLeft: b.other_leg_left, e.CallerLeft: o.dropped},
    S.PREVIEW: {
        e.LegRinging: b.ringing,
        e.LegReady: o.seat_ready,
        e.LegLeft: b.offer_failed,
        e.TimerFired: b.offer_deadline,
        e.CallerLeft: o.dropped,
    },
    S.DIALLING: {
        e.CallerAnswered: o.caller_answered,
        e.LegJoined: t.joined,
        e.LegLeft: o.seat_left_dialling,
        e.TimerFired: o.dial_deadline,
        e.Waits: o.answered_without_seat,
        e.WentNative: b.native,
        e.CallerLeft: o.not_reached,
    },
    S.TALKING: {
        e.DigitPressed: b.digit_while_held,
        e.LegJoined: t.joined,
        e.LegLeft: t.talk_leg_left,
        e.Waits: t.waits_alone,
        e.TimerFired: t.waits_alone,
        e.PartyWanted: x.party_wanted,
        e.PartyUnwanted: x.party_unwanted,
        e.Offered: b.offered,
        e.LegRinging: b.ringing,
        e.Arranged: a.arranged,
        e.Requeued: a.requeued,
        e.Referred: a.referred,
        e.ObserverWanted: a.observer_wanted,
        e.LegReady: a.observer_ready,
        e.Spoke: a.spoke,
        e.ContextKnown: a.context_known,
        e.WentNative: b.native,
        e.CallerLeft: t.caller_left,
    },
    S.STAYING: {e.LegLeft: t.staying_left, e.WrapUpDone: t.wrapped_up, e.DraftMade: t.draft},
    S.VOICEMAIL: {**LINES, e.DigitPressed: b.digit, e.CallerLeft: t.caller_left, e.Waits: b.waits_after_flow},
    S.LEAVING: {
        **LINES,
        e.DigitPressed: b.digit,
        e.CallerLeft: t.caller_left,
        e.Waits: b.waits_after_flow,
        e.WentNative: b.native,
    },
    S.NATIVE: {**LINES, e.DigitPressed: b.digit, e.Waits: b.waits_after_flow, e.CallerLeft: t.caller_left},
    S.WRAP_UP: {e.WrapUpDone: t.wrapped_up, e.DraftMade: t.draft},
    S.ENDED: {e.DraftMade: t.draft},
}
"""State → event → handler. docs/architecture.md shows it as a diagram, generated by calls.diagram."""


def next_deadline(call: Call) -> tuple[float, str] | None:
    """When this call next needs a TimerFired (or, for "tell", something said to it), and for which timer."""
    times = [(at, name) for name, at in call.timers]
    if call.offer is not None:
        times.append((call.offer.deadline, "offer"))
    elif call.tell_at is not None and call.state is S.WAITING:
        times.append((call.tell_at, "tell"))
    for party in call.parties:
        if party.offer is not None:
            times.append((party.offer.deadline, f"party:{party.id}"))
        elif party.until is not None and party.state is PartyState.QUEUED:
            times.append((party.until, f"party:{party.id}"))
    look = next_look(call)
    if look is not None:
        times.append((look, "rooms"))
    return min(times, default=None)


def joined_seats(call: Call) -> frozenset[str]:
    """The seats that are in the call's talk now."""
    return frozenset(x.who for x in call.legs if x.state is LegState.JOINED and x.who is not None)
