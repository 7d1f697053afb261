"""Handlers of what is ordered in a running talk: hold, swap, join, complete; listen, barge in, take over. Pure."""

from __future__ import annotations

from dataclasses import replace

from routing import Demand, Line

from . import _words as words
from . import commands as c
from . import events as e
from ._parties import end_company, end_party, nobody_left, party_wanted, pending, seat_leaves, with_party
from ._rooms import anew, out_of_bridge, settle
from ._rules import LOST_SEAT_PRIORITY, Result, Rules, S, enqueue, leg_gone, note, remember, with_leg
from ._uui import clean_case
from .model import SIDE, TALK, Call, Leg, LegState, Offer, Party, PartyState

DONE = {
    "join": "all_joined", "swap": "swapped", "complete": "completed", "return": "returned", "hold": "held",
    "resume": "resumed", "mute": "muted", "unmute": "unmuted", "leave": "left",
}  # fmt: skip
"""Order → its line in the timeline."""


def arranged(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """One order of a seat (or for it). What cannot be done is refused by `_orders` before it becomes an event; one
    that has become senseless on the way changes nothing."""
    assert isinstance(event, e.Arranged)
    leg = call.leg(event.leg)
    if leg is None or leg.state is not LegState.JOINED or event.what not in DONE:
        return call, ()
    before = call
    out: list[c.Command] = []
    match event.what:
        case "mute" | "unmute":
            on = event.what == "mute"
            call = with_leg(call, leg.id, muted=on)
            out.append(c.Mute(call.id, leg.id, on))
        case "hold":
            call = with_leg(call, leg.id, room=SIDE)
        case "resume":
            call = with_leg(call, leg.id, room=TALK)
        case "swap":
            call = with_leg(call, leg.id, room=SIDE if leg.room == TALK else TALK)
        case "join":
            for x in call.talkers:
                call = with_leg(call, x.id, room=TALK)
            call = _now(call, "join")
        case "return":
            for party in call.parties:
                if party.private and party.asking == leg.id and party.state in (
                    PartyState.QUEUED, PartyState.RINGING, PartyState.JOINED
                ):  # fmt: skip
                    call, more = end_party(call, party, now, "withdrawn")
                    out += more
            call = with_leg(call, leg.id, room=TALK)
        case "complete":
            for x in call.talkers:
                if x.id != leg.id:
                    call = with_leg(call, x.id, room=TALK)
            call = _now(call, "transfer")
            if any(x.id != leg.id for x in call.talkers):
                call, more = seat_leaves(call, leg.id, now)
                out += more
        case "leave":
            call, more = seat_leaves(call, leg.id, now)
            out += more
    call = remember(note(call, now, DONE[event.what], seat=leg.who, by=event.by), event.key, "")
    call, more = settle(call, now)
    return (call, (*out, *more)) if call != before else (call, ())


def _now(call: Call, how: str) -> Call:
    """What was asked for in private is to come to the caller when it answers."""
    for party in call.parties:
        if party.how == "consult" and party.state in (PartyState.RINGING, PartyState.JOINED):
            call = with_party(call, party.id, how=how)
    return call


QUEUE = "queue"
"""What an order that gives the caller back to the queue returns, where others return the party's id."""


def requeued(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller goes back to the queue at its old rank for somebody else; the seat is free."""
    assert isinstance(event, e.Requeued)
    seat = call.leg(event.leg)
    if seat is None or seat.state is not LegState.JOINED or seat.who is None:
        return call, ()
    demand = Demand.from_json(event.demand)
    call = remember(note(call, now, "requeued", seat=seat.who, who=event.target, by=event.by), event.key, QUEUE)
    # The caller first to the music, then the seat's end: it never hears the gap.
    alone = [x.id for x in call.talkers] == [seat.id] and seat.room == TALK
    hold: tuple[c.Command, ...] = (c.Hold(call.id, call.channel, seat.id),) if alone else ()
    call = out_of_bridge(call, seat.id, now)
    call = leg_gone(call, seat.id, now, "transferred")
    call, company = end_company(call, now)
    call, more = enqueue(call, now, replace(demand, priority=demand.priority + LOST_SEAT_PRIORITY), rules)
    ends = (c.TalkEnds(call.id, seat.who), c.CancelLeg(call.id, seat.id))
    return call, (*hold, *ends, *company, *more, c.InQueue(call.id), c.Announce(call.id, call.channel, ()))


# ---------------------------------------------------------------------- phones that transfer by themselves
NAMED_SECONDS = 2.0
"""How long a caller waits for the seat its phone named to be free: it is in the music, with nobody."""


def referred(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """SIP REFER: the phone has let go of the caller, who hears music. A target that is none of ours, or that fails,
    brings it back to the same seat first, then to anybody."""
    assert isinstance(event, e.Referred)
    seat = call.leg(event.leg)
    call = replace(call, timers=())
    back = Demand.from_json(event.back) if event.back else (call.demand or rules.default_demand)
    if seat is not None and seat.state is LegState.JOINED:
        call = with_leg(out_of_bridge(call, seat.id, now), seat.id, cancelled=True)
    call = out_of_bridge(call, call.id, now)
    call = note(call, now, "referred", seat=seat.who if seat is not None else None)
    if event.demand is None and event.line is None:
        ends: tuple[c.Command, ...] = ()
        if seat is not None and seat.state is LegState.JOINED and seat.who is not None:
            ends = (c.TalkEnds(call.id, seat.who, wrap_up=False), c.CancelLeg(call.id, seat.id))
            call = leg_gone(call, seat.id, now, "transferred")
        call = note(call, now, "party_failed", who="", why="wrong_number")
        call, more = nobody_left(call, now, rules, demand=back, said=words.transfer_failed())
        return call, (*ends, *more)
    wanted = e.PartyWanted(
        call.id, event.part or "r", "transfer", event.demand, event.line, by="phone", target=_target(event),
        until=now + NAMED_SECONDS,
    )  # fmt: skip
    if call.state is not S.TALKING:
        return call, ()
    call, out = party_wanted(call, wanted, now, rules)
    return with_party(call, wanted.part, back=back), out


def _target(event: e.Referred) -> str:
    if event.line is not None:
        return f"entry:{Line.from_json(event.line).entry}"
    return f"seat:{event.to}"


# ---------------------------------------------------------------------- observers: supervisors, a leader's assistant
def observer_wanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """Somebody is to hear the talk, to whisper, to come in, to take it over, or to stop."""
    assert isinstance(event, e.ObserverWanted)
    call = remember(call, event.key, event.leg)
    there = next((x for x in call.legs if x.who == event.seat and x.state is not LegState.GONE
                  and (x.kind == "observer" or x.id == event.leg)), None)  # fmt: skip
    if event.mode == "stop":
        if there is None or there.kind != "observer":
            return call, ()
        call = with_leg(call, there.id, cancelled=True)
        call = note(call, now, "observer_stops", seat=event.seat, mode=there.mode, by=event.by)
        return call, (c.CancelLeg(call.id, there.id),)
    comes_in = event.mode in ("barge", "takeover")
    if there is not None:
        return _changes_mode(call, there, event, now, rules) if there.kind == "observer" else (call, ())
    beside = call.leg(event.beside)
    if beside is None or beside.state is not LegState.JOINED:
        return call, ()
    call = note(call, now, "observer_rung", seat=event.seat, mode=event.mode, by=event.by)
    if comes_in:
        call, _ = _party_of_observer(call, event, now, rules.ring)
        leg = Leg(event.leg, "third", event.seat, LegState.DIALLING, now, goal=TALK, anew=anew(call))
    else:
        leg = Leg(event.leg, "observer", event.seat, LegState.DIALLING, now, mode=event.mode)
    call = replace(call, legs=(*call.legs, leg), offers=call.offers + 1)
    ring = c.RingSeat(
        call.id, event.leg, event.seat, call.channel, call.caller_number, call.caller_name, rules.ring,
        phone=event.phone, role="join" if comes_in else event.mode, beside="" if comes_in else beside.id,
        anew=anew(call),
    )  # fmt: skip
    # Nobody else is to ring this phone meanwhile.
    return call, (c.SeatTalks(call.id, event.seat, event.leg, back=True), ring)


def _party_of_observer(call: Call, event: e.ObserverWanted, now: float, ring: float) -> tuple[Call, Party]:
    """Who comes in is a party like others; who takes over makes the seat leave when it has come."""
    how = "transfer" if event.mode == "takeover" else "join"
    party = Party(
        f"o{call.offers + 1}", how, now, by=event.by, asking=event.beside if how == "transfer" else "",
        state=PartyState.RINGING, seat=event.seat, target=f"seat:{event.seat}",
        offer=Offer(event.leg, event.seat, event.leg, now + ring),
    )  # fmt: skip
    return replace(call, parties=(*call.parties, party)), party


def _changes_mode(call: Call, leg: Leg, event: e.ObserverWanted, now: float, rules: Rules) -> Result:
    if leg.mode == event.mode or leg.state is not LegState.JOINED:
        return call, ()
    call = note(call, now, "observer_mode", seat=leg.who, mode=event.mode, by=event.by)
    if event.mode in ("listen", "whisper"):
        call = with_leg(call, leg.id, mode=event.mode)
        return call, (c.Move(call.id, leg.id, event.mode, event.beside, call.channel),)
    # As a phone that has been picked up: who takes over makes the seat leave when it has come, not before. It listens
    # at the seat's leg, with whose end the switch would end it too.
    event, begins = replace(event, leg=leg.id), anew(call)
    call, _ = _party_of_observer(call, event, now, rules.ring)
    call = with_leg(call, leg.id, kind="third", mode="", state=LegState.UP, room=TALK, goal=TALK, anew=begins)
    return call, (c.Move(call.id, leg.id, TALK, "", call.channel, begins),)


def observer_ready(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """It listens."""
    assert isinstance(event, e.LegReady)
    leg = call.leg(event.leg)
    if leg is None or leg.kind != "observer" or leg.state in (LegState.JOINED, LegState.GONE):
        return call, ()
    call = with_leg(call, leg.id, state=LegState.JOINED, joined_at=now)
    return note(call, now, "observer_listens", seat=leg.who, mode=leg.mode), ()


# ---------------------------------------------------------------------- small things
def spoke(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The switch's talk detector."""
    assert isinstance(event, e.Spoke)
    leg = call.leg(event.leg)
    if leg is None or not leg.heard or len(call.spoke) >= SPOKE_LIMIT:
        return call, ()
    return replace(call, spoke=(*call.spoke, (leg.id, round(now - event.seconds, 3), round(now, 3)))), ()


SPOKE_LIMIT = 2000
"""Marks kept of one call: an hour of three people talking in turn."""


def context_known(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """What the hotline it came from tells of the case."""
    assert isinstance(event, e.ContextKnown)
    case = call.case or clean_case(str(event.context.get("case", "")))
    return note(replace(call, context=event.context, case=case), now, "context"), ()


__all__ = ["arranged", "context_known", "observer_ready", "observer_wanted", "pending", "referred", "requeued", "spoke"]
